"""Batches over places in memory: what fails is tried again and given up, and holds up nobody."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mcmirror.backlog import processor as room
from mcmirror.backlog.processor import MOST_ATTEMPTS, Processor
from mcmirror.engine.context import Context, Named
from mcmirror.engine.run import not_started, run
from mcmirror.messages.error_lookup import problem
from mcmirror.model.backlog import ItemState
from mcmirror.model.change import Change
from mcmirror.model.event import Event
from mcmirror.model.job import Job, MaxDelete, MirrorOptions
from mcmirror.model.location import Location
from mcmirror.model.problem import Category
from mcmirror.model.report import Status
from mcmirror.model.stop import Stop
from mcmirror.movers.memory import MemoryMover, Store
from mcmirror.store.backlog import Backlog
from mcmirror.store.database import Database
from tests.test_worlds import Journal, Memory
from tests.waiting import until

JOB = Job("old", Location("src", "a"), Location("dst", "b"), MirrorOptions(overwrite=True, remove=True), retries=0)


class Ground:
    """Two stores, a backlog and a clock."""

    def __init__(self, state: str) -> None:
        self.database = Database(state)
        self.source, self.target, self.memory = Store(), Store(), Memory()
        self.now = 1000.0
        self.backlog = Backlog(self.database, "old")
        self.poison = ""
        """A batch with this key ends as if mc had died."""

    def processor(self, name: str = "one", limit: MaxDelete | None = None) -> Processor:
        return Processor(Backlog(self.database, "old", name), self._run, limit or MaxDelete(), now=lambda: self.now)

    def _run(self, named: Named, limit: MaxDelete) -> Iterator[Event]:
        job = replace(JOB, max_delete=limit)
        if self.poison in named.keys:
            yield from not_started(job, Status.FAILED, problem(Category.MC_DIED, "mc was killed", "signal 9"))
            return
        mover = MemoryMover(job, self.source, self.target)
        yield from run(
            Context(job=job, mover=mover, aliases={}, memory=self.memory, journal=Journal(), stop=Stop(), named=named)
        )

    def put(self, *keys: str) -> None:
        for key in keys:
            self.source.put(key, key.encode())
        self.backlog.add([Change(key) for key in keys], self.now)

    def states(self) -> dict[str, ItemState]:
        return {one.key: one.state for one in self.backlog.items(tuple(ItemState), self.now)}


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    made = Ground(f"sqlite:///{tmp_path / 'state.db'}")
    yield made
    made.database.close()


def test_a_batch_makes_its_keys_equal(ground: Ground) -> None:
    ground.put("a", "b", "c")
    ground.target.put("gone", b"1")
    ground.backlog.add([Change("gone", gone=True)], ground.now)

    first = ground.processor().batch(2)
    rest = ground.processor().batch(100)

    assert first is not None
    assert rest is not None
    assert (2, 2, 0) == (first.done, first.copied, first.removed)
    assert (2, 1, 1) == (rest.done, rest.copied, rest.removed)
    assert {"a", "b", "c"} == ground.target.objects.keys()
    assert ground.processor().batch(100) is None


def test_a_bad_item_fails_alone_and_is_given_up_at_last(ground: Ground) -> None:
    ground.source.unreadable.add("bad")
    ground.put("bad", "good")

    for attempt in range(MOST_ATTEMPTS):
        batch = ground.processor().batch(100)
        assert batch is not None
        assert "Access Denied" in batch.error
        expected = ItemState.DEAD if attempt == MOST_ATTEMPTS - 1 else ItemState.FAILED
        assert {"bad": expected, "good": ItemState.DONE} == ground.states()
        ground.now += 7200

    assert ground.processor().batch(100) is None
    ground.source.unreadable.clear()
    ground.backlog.retry(ground.now)
    ground.processor().batch(100)
    assert {"bad": ItemState.DONE, "good": ItemState.DONE} == ground.states()


def test_a_server_that_is_down_costs_no_attempt(ground: Ground) -> None:
    ground.put("a", "b")
    ground.source.silent = True
    batch = ground.processor().batch(100)

    assert batch is not None
    assert batch.trouble is not None
    assert {"a": ItemState.PENDING, "b": ItemState.PENDING} == ground.states()
    ground.source.silent = False
    ground.processor().batch(100)
    assert {"a": ItemState.DONE, "b": ItemState.DONE} == ground.states()


def test_an_item_that_kills_its_batch_is_found_out(ground: Ground) -> None:
    ground.put("a", "b", "poison", "z")
    ground.poison = "poison"

    for _ in range(4 * MOST_ATTEMPTS):
        ground.processor().batch(100)
        ground.now += 600

    states = ground.states()
    assert ItemState.DONE == states.pop("a") == states.pop("b") == states.pop("z")
    assert {"poison": ItemState.DEAD} == states


def test_removals_stay_within_max_delete_over_all_workers(ground: Ground) -> None:
    for number in range(40):
        ground.target.put(f"{number:02}", b"1")
    ground.source.put("whole", b"1")
    ground.target.put("whole", b"1")
    ground.backlog.prepared(ground.now, 41)
    ground.backlog.add([Change(f"{number:02}", gone=True) for number in range(40)], ground.now)

    for name in ("one", "two", "one", "two"):
        ground.processor(name).batch(10)

    assert 10 == 41 - len(ground.target.objects), "a quarter of 41"
    state = ground.backlog.state(ground.now)
    assert (30, 10) == (state.held, state.done)
    ground.now += 3601
    ground.backlog.retry(ground.now)
    ground.processor(limit=MaxDelete(None, 30)).batch(100)
    assert {"whole"} == ground.target.objects.keys()


def test_what_changes_while_it_is_copied_is_looked_at_again(ground: Ground) -> None:
    ground.put("a")
    processor = ground.processor()
    run_ = processor._run

    def write_meanwhile(named: Named, limit: MaxDelete) -> Iterator[Event]:
        yield from run_(named, limit)
        ground.source.put("a", b"newer")
        ground.backlog.add([Change("a")], ground.now)
        with ground.database.begin() as connection:  # as an event does
            connection.exec_driver_sql("UPDATE backlog SET number = number + 1")

    processor._run = write_meanwhile
    batch = processor.batch(100)

    assert batch is not None
    assert (1, 0) == (batch.copied, batch.done)
    processor._run = run_
    processor.batch(100)
    assert b"newer" == ground.target.objects["a"].content


def test_a_lease_is_renewed_while_its_owner_works(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "RENEW", 0.01)
    ground.put("a")
    processor = ground.processor()
    run_ = processor._run

    def slowly(named: Named, limit: MaxDelete) -> Iterator[Event]:
        ground.now += 59
        until(lambda: ground.backlog.items([ItemState.LEASED], 1000.0 + 61) != (), 10)
        assert ground.processor("two").batch(100) is None
        yield from run_(named, limit)

    processor._run = slowly
    batch = processor.batch(100)
    assert batch is not None
    assert 1 == batch.done


def test_what_an_exception_ends_is_given_back(ground: Ground) -> None:
    ground.put("a")
    processor = ground.processor()

    def ends(_: Named, __: MaxDelete) -> Iterator[Event]:
        raise KeyboardInterrupt
        yield

    processor._run = ends
    with pytest.raises(KeyboardInterrupt):
        processor.batch(100)
    assert {"a": ItemState.PENDING} == ground.states()
