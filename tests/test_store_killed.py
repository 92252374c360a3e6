"""kill -9 of a process at every step of writing a run down and of taking it in: each run has exactly one record."""

import os
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mcmirror.model.record import Outcome
from mcmirror.store.database import Database
from mcmirror.store.inbox import Inbox
from mcmirror.store.runs import Runs
from tests.store_child import KEYS
from tests.store_samples import ran

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[1]


def _start(verb: str, state: str, inbox: Path, step: int = 0) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "tests.store_child", verb, state, str(inbox), str(step)]
    return subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _said(verb: str, state: str, inbox: Path, step: int) -> list[list[str]]:
    process = _start(verb, state, inbox, step)
    said, _ = process.communicate(timeout=120)
    words = [line.split() for line in said.splitlines()]
    assert process.returncode == (0 if words[-1:] and words[-1][0] == "end" else -signal.SIGKILL), said
    return words


def test_a_run_that_is_killed_anywhere_has_one_record(tmp_path: Path) -> None:
    state, folder = f"sqlite:///{tmp_path}/state.db", tmp_path / "inbox"
    calls = int(_said("run", state, folder, 0)[-1][1])
    # Most of the calls name objects; how a run begins and ends is at the edges.
    steps = [*range(1, 60, 4), calls // 2, *range(calls - 110, calls, 5)]

    with ThreadPoolExecutor(2) as pool:
        said = [words for words in pool.map(lambda step: _said("run", state, folder, step), steps) if words]

    said.append(_said("run", state, folder, 0)[:-1])
    database = Database(state)
    runs = Runs(database, Inbox(folder))
    taken = Counter(record.id for record in runs.take_in())
    begun, opened, closed = (
        {words[0][1] for words in said if [verb, words[0][1]] in words} for verb in ("begin", "opened", "closed")
    )
    assert opened - closed
    assert len(opened) < len(begun)
    assert opened <= set(taken)
    assert {1} == set(taken.values())
    verdicts = {record.id: record.status for record in runs.runs(limit=1000)}
    assert set(taken) == set(verdicts)
    assert {"succeeded"} == {verdicts[run] for run in closed}
    assert {"succeeded", "interrupted"} == {verdicts[run] for run in opened}
    for run in closed:
        assert [(Outcome.COPIED, f"key {number}") for number in range(KEYS)] == list(runs.fates(run))
    # A process that is killed before its run has a name leaves a file, for an hour.
    assert {path.suffix for path in folder.iterdir()} <= {".hidden"}
    database.close()


@pytest.mark.parametrize("server", ["sqlite", "postgresql"])
def test_whoever_takes_in_is_killed_anywhere(server: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    state, folder = f"sqlite:///{tmp_path}/state.db", tmp_path / "inbox"
    if server == "postgresql":
        postgres = request.getfixturevalue("postgres")
        state = postgres.url(postgres.database())
    inbox, database = Inbox(folder), Database(state)
    runs = Runs(database, inbox)

    def some() -> list[tuple[str, str]]:
        return [(record.id, record.status) for record in (ran(inbox, ago=60 + number) for number in range(2))]

    expected = some()
    calls = int(_said("take", state, folder, 0)[-1][1])
    for step in range(1, calls, calls // 24):
        expected += some()
        _said("take", state, folder, step)
        # Whoever comes next finds all of it, whatever was done already.
        assert sorted(expected) == sorted((record.id, record.status) for record in runs.runs(limit=10_000))
        runs.absorb()
        assert sorted(expected) == sorted((record.id, record.status) for record in runs.runs(limit=10_000))

    assert [] == list(folder.iterdir())
    assert "" == runs.warning
    database.close()


def test_a_run_is_interrupted_only_when_its_process_is_gone(tmp_path: Path) -> None:
    state, folder = f"sqlite:///{tmp_path}/state.db", tmp_path / "inbox"
    process = _start("hold", state, folder)
    assert process.stdout
    assert "held\n" == process.stdout.readline()
    database = Database(state)
    runs = Runs(database, Inbox(folder))
    assert () == runs.take_in()
    assert ("running",) == tuple(record.status for record in runs.runs())
    # Stopped is not dead.
    os.kill(process.pid, signal.SIGSTOP)
    assert () == runs.take_in()

    process.kill()
    process.wait()

    assert ("interrupted",) == tuple(record.status for record in runs.take_in())
    assert () == runs.take_in()
    process.stdout.close()
    database.close()
