"""mcmirror run with nothing but variables, to the end."""

from typing import Any

import pytest

from tests.conftest import Pair
from tests.servers.command import Cli


@pytest.fixture
def pairs(cli: Cli, bucket_pair: Pair) -> dict[str, Any]:
    """The variables for one pair of real buckets."""
    source, target = bucket_pair.source, bucket_pair.target
    return {
        "MINIO_URL": source.server.url,
        "MINIO_ACCESS_KEY": source.server.root.access_key,
        "MINIO_SECRET_KEY": source.server.root.secret_key,
        "AWS_URL": target.server.url,
        "AWS_ACCESS_KEY": target.server.root.access_key,
        "AWS_SECRET_KEY": target.server.root.secret_key,
        "BUCKET_PAIR": f"minio/{source.bucket}:aws/{target.bucket}",
    }


def test_a_pair_is_mirrored_and_nothing_is_overwritten_or_removed(
    cli: Cli, bucket_pair: Pair, pairs: dict[str, Any]
) -> None:
    bucket_pair.target.put({"there/changed": b"older", "there/extra": b"extra"})
    bucket_pair.source.put({"new": b"new", "there/changed": b"newer and longer", "x.tmp": b"left out"})
    done = cli("run", "--json", MIRROR_EXCLUDE="*.tmp,*.log", **pairs)
    assert 0 == done.code, done.stderr
    assert {"new": 3, "there/changed": 5, "there/extra": 5} == bucket_pair.target.sizes()


def test_a_dry_run_writes_nothing(cli: Cli, bucket_pair: Pair, pairs: dict[str, Any]) -> None:
    bucket_pair.source.put({"new": b"new"})
    assert 0 == cli("run", MIRROR_DRY_RUN="true", **pairs).code
    assert {} == bucket_pair.target.sizes()


def test_only_what_is_below_the_prefix_is_mirrored(cli: Cli, bucket_pair: Pair, pairs: dict[str, Any]) -> None:
    bucket_pair.source.put({"2025/01/22/a": b"a", "2025/01/23/b": b"bb"})
    assert 0 == cli("run", MIRROR_PREFIX="2025/01/22", **pairs).code
    assert {"2025/01/22/a": 1} == bucket_pair.target.sizes()


def test_the_sidecar_makes_the_bucket_and_mirrors_deletions(cli: Cli, bucket_pair: Pair) -> None:
    source, target = bucket_pair.source, bucket_pair.target
    target.client.delete_bucket(Bucket=target.bucket)
    variables: dict[str, Any] = {
        "S3_SYNC_ENABLED": "true",
        "S3_SYNC_ENDPOINT": target.server.url,
        "S3_SYNC_ACCESS_KEY": target.server.root.access_key,
        "S3_SYNC_SECRET_KEY": target.server.root.secret_key,
        "S3_SYNC_BUCKET": target.bucket,
        "MINIO_ENDPOINT": source.server.url,
        "MINIO_ACCESS_KEY": source.server.root.access_key,
        "MINIO_SECRET_KEY": source.server.root.secret_key,
        "MINIO_BUCKET": source.bucket,
    }
    source.put({"a": b"a", "b": b"bb"})
    first = cli("run", **variables)
    assert 0 == first.code, first.stderr
    assert {"a": 1, "b": 2} == target.sizes()
    source.delete("a")
    kept = cli("run", S3_SYNC_REMOVE="false", **variables)
    assert 0 == kept.code, kept.stderr
    assert {"a": 1, "b": 2} == target.sizes()
    assert 0 == cli("run", **variables).code
    assert {"b": 2} == target.sizes()
    assert 2 == cli("run", **variables | {"S3_SYNC_ENABLED": "false"}).code
