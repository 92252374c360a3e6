"""Words and variables of the tools that people come from lead somewhere."""

import re
from pathlib import Path

import pytest

from mcmirror.cli.glossary import GLOSSARY, alike, meaning
from tests.machine import ROOT
from tests.servers.command import Cli

MOVING = ROOT / "docs" / "moving.md"
WORDS = [
    "agent", "broker", "executor", "realtime", "Real-time", "Master", "source_config", "Mode", "Schedule",
    "Delete Propagation", "Bandwidth Control", "Differential Sync", "Recursive Mirror", "Consistency Check",
    "mc replicate add", "mc admin bucket remote add", "mc version enable", "mc event add", "X-Amz-Replication-Status",
    "existing-objects", "delete-marker",
    "BUCKET_PAIRS", "MIRROR_SKIP_ERRORS", "MINIO_URL", "AWS_SECRET_KEY", "SLACK_BOT_TOKEN", "S3 Inventory",
    "AWS_S3_MIRRORING_ENDPOINT_URL", "AWS_S3_MIRRORING_REGION_NAME=eu-west-1", "STORAGES_DEFAULT_BACKEND",
    "S3MirroringStorage", "prepare_mirroring_items_history", "process_pending_mirror_tasks", "celery",
    "S3_SYNC_INTERVAL", "S3_SYNC_ENABLED=false", "MINIO_BUCKET", "sync/sync.sh", "Relic-s3-sync",
]  # fmt: skip


@pytest.mark.parametrize("word", WORDS)
def test_a_word_leads_somewhere(word: str) -> None:
    found = meaning(word)
    assert found, word
    assert found.here.endswith(".")


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([A-Z][A-Z0-9_]*_[A-Z0-9_]+)", MOVING.read_text()))))
def test_every_variable_of_the_document_is_explained(name: str) -> None:
    assert meaning(name) or name.startswith("AWS_S3_"), name


def test_no_word_is_explained_twice() -> None:
    words = [word for one in GLOSSARY for word in one.words]
    assert len(words) == len(set(words))
    assert [word for word in words if word != word.lower()] == []


@pytest.mark.parametrize("word", ["Access Denied", "too-many-deletes", "connection refused", "NoSuchBucket", ""])
def test_an_error_is_no_word_of_another_tool(word: str) -> None:
    assert meaning(word) is None


def test_on_the_command_line(cli: Cli, tmp_path: Path) -> None:
    assert "runs where `mcmirror agent NAME` runs" in cli("explain", "agent").stdout
    assert '"here": "' in cli("explain", "--json", "BUCKET_PAIR").stdout
    assert "did you mean" in cli("explain", "prepare_mirroring_item_history").stderr
    assert "prepare_mirroring_items_history" == alike("prepare_mirroring_item_history")
    alone = cli("run", AWS_S3_MIRRORING_STORAGE_BUCKET_NAME="b")
    assert "mcmirror explain AWS_S3_MIRRORING_STORAGE_BUCKET_NAME" in alone.stderr
