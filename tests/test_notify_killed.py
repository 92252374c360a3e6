"""kill -9 at every step of deciding and delivering: everything arrives, and what arrives twice says so."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mcmirror.model.delivery import delivery_id
from mcmirror.store.database import Database, sql
from mcmirror.store.outbox import Outbox
from tests.machine import ROOT
from tests.servers.hook import FakeHook

pytestmark = pytest.mark.real


@pytest.fixture(params=["sqlite", "postgresql"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state.db"
    server = request.getfixturevalue("postgres")
    return str(server.url(server.database()))


@pytest.fixture
def hook() -> Iterator[FakeHook]:
    with FakeHook() as server:
        yield server


def said(folder: Path, state: str, hook: FakeHook, step: int, *runs: int) -> list[int]:
    """What a process says in the end; nothing when it was killed."""
    folder.mkdir(exist_ok=True)
    argv = [sys.executable, "-m", "tests.notify_child", str(folder), state, hook.url, str(step), *map(str, runs)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == (0 if done.stdout else -signal.SIGKILL), done.stdout + done.stderr
    return [int(word) for word in done.stdout.split()]


def expired(state: str) -> None:
    """As if the dead had been dead for a while."""
    database = Database(state)
    with database.begin() as connection:
        connection.execute(sql("UPDATE outbox SET lease = 0"))
    database.close()


def waiting(state: str) -> int:
    """How many messages are still to be delivered."""
    outbox = Outbox(Database(state))
    found = sum(one.waiting for one in outbox.states().values())
    outbox.close()
    return found


def test_whatever_is_killed_each_run_is_told_and_one_message_is_one_delivery(
    state: str, hook: FakeHook, tmp_path: Path
) -> None:
    folder = tmp_path / "child"
    calls, left = said(folder, state, hook, 0, 0, 1, 2)
    assert (0, 3) == (left, len(hook.taken))
    runs = {0, 1, 2}
    steps, killed = range(1, calls, max(1, calls // 12)), 0
    for number, step in enumerate(steps, start=1):
        more = [number * 10, number * 10 + 1]
        runs.update(more)
        killed += not said(folder, state, hook, step, *more)
        expired(state)
        if number % 6 == 0:
            # Records that were not told are told again, by whoever finds them.
            assert said(folder, state, hook, 0, *sorted(runs))
            assert 0 == waiting(state)
            told = {one.document["run"]["id"]: one.delivery for one in hook.taken}
            assert {f"run-{one}" for one in runs} == set(told)
    assert killed > len(steps) // 2
    # A run has one delivery, however often that was sent.
    assert {(f"run-{one}", delivery_id("ops", f"run-{one}", "failure", "")) for one in runs} == {
        (one.document["run"]["id"], one.delivery) for one in hook.taken
    }
    assert all(one.document["delivery"] == one.delivery for one in hook.taken)
    # Only what was under way when its process died may come twice.
    assert len(hook.taken) <= len(runs) + killed


def test_two_processes_deliver_one_outbox_and_nothing_twice(state: str, hook: FakeHook, tmp_path: Path) -> None:
    folder = tmp_path / "child"
    hook.always = "503"
    said(folder, state, hook, 0, *range(12))
    assert [] == hook.taken
    hook.always = ""
    database = Database(state)
    with database.begin() as connection:
        # As if it was time; jobs of their own, or they would wait for each other.
        connection.execute(sql("UPDATE outbox SET due = 0, job = id"))
    database.close()
    with ThreadPoolExecutor(3) as pool:
        for number in range(3):
            pool.submit(said, tmp_path / f"child{number}", state, hook, 0, *range(12))
    assert 12 == len(set(hook.deliveries)) == len(hook.deliveries)
    assert 0 == waiting(state)
