"""What `mcmirror status`, `history` and `health` say when the state or the configuration cannot be used."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcmirror.model.report import Status
from mcmirror.store import paths
from mcmirror.store.inbox import Inbox
from tests.servers.command import COMMAND, Cli, Result
from tests.servers.server import free_port
from tests.serving import Serving
from tests.store_samples import begun, ended, ran

JOBS = """
[job.photos]
source = "./photos"
target = "./copy"
every = "1h"
max_age = "1h"
"""
NO_TOML = '[settings]\nstate = "sqlite:///STATE"\nlisten = 127.0.0.1:8080\n[job.photos]\nsource = "./photos\n'
UNKNOWN_KEY = '[settings]\nstate = "sqlite:///STATE"\nparallell = 3\n[job.photos]\nsource = "a/b"\ntarget = "c/d"\n'
SIDECAR = {"S3_SYNC_ENABLED": "true", "S3_SYNC_BUCKET": "relics-backup", "MCMIRROR_STATE": "sqlite:///STATE"}


@pytest.fixture
def state(cli: Cli) -> Path:
    return Path(cli.environment["HOME"]) / "memory" / "state.db"


@pytest.fixture
def remembered(state: Path) -> Inbox:
    """Two jobs have run, and somebody has mirrored a pair."""
    inbox = Inbox(paths.inbox(f"sqlite:///{state}"))
    ran(inbox, "photos", 9000)
    ran(inbox, "docs", 500, Status.FAILED)
    pair = replace(begun(ago=50), job="src/a → dst/b", source="src/a", target="dst/b")
    inbox.open(pair).close(ended(pair))
    return inbox


@pytest.fixture(params=["no toml", "unknown key", "environment"])
def broken(request: pytest.FixtureRequest, cli: Cli, state: Path) -> Callable[..., Result]:
    """Ask with a configuration that is wrong."""
    variables = dict[str, Any]()
    if request.param == "environment":
        variables = {name: value.replace("STATE", str(state)) for name, value in SIDECAR.items()}
    else:
        text = NO_TOML if request.param == "no toml" else UNKNOWN_KEY
        cli.write(text.replace("STATE", str(state)))
    return lambda *words: cli(*words, **variables)


def test_a_file_in_place_of_the_states_folder_is_said(cli: Cli) -> None:
    cli.write(JOBS)
    folder = Path(cli.environment["HOME"]) / ".local" / "state" / "mcmirror"
    folder.parent.mkdir(parents=True)
    folder.write_text("not ours")

    said, document, history = cli("status"), cli("status", "--json"), cli("history")

    why = f"warning: {folder}/state.db: the state cannot be used: "
    do = f"A file lies where the folder of {folder}/state.db belongs: move it away, "
    for result in (said, document, history):
        assert (1, why, 1) == (result.code, result.stderr[: len(why)], result.stderr.count(do)), result.stderr
        assert "never" not in result.stdout
        assert "no run" not in result.stderr
    assert ["photos", "unknown", "unknown"] == said.stdout.splitlines()[1].split()[:3]
    seen = json.loads(document.stdout)
    assert 1 == len(seen["warnings"])
    assert ("unknown", None) == (seen["jobs"][0]["status"], seen["jobs"][0]["stale"])


def test_a_broken_configuration_is_said_and_the_records_are_shown(
    cli: Cli, broken: Callable[..., Result], remembered: Inbox
) -> None:
    assert 3 == len(list(remembered.pending()))

    text, document, history = broken("status"), broken("status", "--json"), broken("history")

    if not list(cli.folder.glob("*.toml")):
        # The past needs no jobs: what is wrong with those of the environment does not matter.
        assert (0, "") == (history.code, history.stderr)
        history = text
    for result in (text, document, history):
        assert 2 == result.code
        assert result.stderr.startswith("Error: "), result.stderr
        assert "\n  do:  " in result.stderr
    rows = [line.split()[:2] for line in text.stdout.splitlines()[1:3]]
    assert [["docs", "failed"], ["photos", "succeeded"]] == rows
    assert "by hand" not in text.stdout
    seen = json.loads(document.stdout)
    assert [("docs", "failed", None), ("photos", "succeeded", None)] == [
        (job["name"], job["status"], job["stale"]) for job in seen["jobs"]
    ]
    assert seen["mistakes"]
    assert {"file", "line", "key", "message", "remedy"} == set(seen["mistakes"][0])
    assert ["src/a", "docs", "photos"] == [line.split()[1] for line in broken("history").stdout.splitlines()[1:]]


def test_a_broken_configuration_without_any_record_prints_no_table(cli: Cli) -> None:
    cli.write(JOBS.replace("every =", "evry ="))

    said = cli("status")

    assert (2, "") == (said.code, said.stdout)
    assert "evry" in said.stderr


@pytest.mark.parametrize(
    "now",
    [
        "this is no TOML",
        '[settings]\nlisten = "nonsense"\n',
        '[settings]\nlisten = "127.0.0.1:1"\nparallell = 3\n',
        '[settings]\nlisten = "off"\nparallell = 3\n',
        None,
    ],
)
def test_a_broken_configuration_makes_no_healthy_server_red(cli: Cli, now: str | None) -> None:
    port = free_port()
    file = cli.write(f'[settings]\nlisten = "127.0.0.1:{port}"\n{JOBS.replace("max_age", "lock_timeout")}')
    (cli.folder / "photos").mkdir()
    with Serving([COMMAND, "serve", "--config", str(file)], cli.environment, cli.folder, port) as serving:
        serving.until(lambda: serving.status("/readyz") == 200)
        # It answers before it says where.
        serving.until(lambda: cli("status", "--json").stdout.count(f'"pid": {serving.process.pid}') == 1)
        if now is None:
            file.unlink()
        else:
            file.write_text(now)

        health = cli("health", "--config", str(file), "--timeout", "60")
        said = cli("status", "--config", str(file))

        assert Result(0, "ready\n", "") == Result(health.code, health.stdout.splitlines()[0] + "\n", health.stderr)
        assert 2 == said.code
        assert f"process {serving.process.pid}" in said.stdout or "JOB" not in said.stdout
    gone = cli("health", "--config", str(file))
    assert gone.code != 0
