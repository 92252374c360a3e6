"""Batches over places in memory: what fails is tried again and given up, and holds up nobody."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from mcmirror.backlog import processor as room
from mcmirror.backlog.processor import Processor
from mcmirror.engine.context import Context, Named
from mcmirror.engine.run import not_started, run
from mcmirror.messages.error_lookup import problem
from mcmirror.model.backlog import ItemState
from mcmirror.model.change import Change
from mcmirror.model.dirty import Dirty
from mcmirror.model.event import Event, Planned
from mcmirror.model.job import Job, MaxDelete, MirrorOptions
from mcmirror.model.location import Location
from mcmirror.model.problem import Category
from mcmirror.model.report import Status
from mcmirror.model.stop import Stop
from mcmirror.movers.memory import MemoryMover, Store
from mcmirror.store.backlog import MOST_ATTEMPTS, Backlog, Reservation
from mcmirror.store.database import Database
from tests.test_worlds import Journal, Memory
from tests.waiting import until

JOB = Job("old", Location("src", "a"), Location("dst", "b"), MirrorOptions(overwrite=True, remove=True), retries=0)


class Dying(Backlog):
    """Items of a process that may die with them."""

    ground: "Ground"

    def spend(self, reservation: Reservation, number: int) -> None:
        if self.ground.dies:
            raise SystemExit
        super().spend(reservation, number)

    def give_back(self, items: Iterable[Dirty], now: float, *, gone: bool = False) -> None:
        if not self.ground.dies:
            super().give_back(items, now, gone=gone)


class Ground:
    """Two stores, a backlog and a clock."""

    def __init__(self, state: str) -> None:
        self.database = Database(state)
        self.source, self.target, self.memory = Store(), Store(), Memory()
        self.now = 1000.0
        self.backlog = Backlog(self.database, "old")
        self.stop = Stop()
        self.after_plan: Callable[[], None] | None = None
        self.dies = False
        """The process ends when its run has ended, before anything of it is written down."""
        self.poison = ""
        """A batch with this key ends as if mc had died."""

    def processor(self, name: str = "one", limit: MaxDelete | None = None, since: float = 0.0) -> Processor:
        mine = Dying(self.database, "old", name)
        mine.ground = self
        return Processor(mine, self._run, limit or MaxDelete(), since=since, now=lambda: self.now)

    def _run(self, named: Named, limit: MaxDelete) -> Iterator[Event]:
        job = replace(JOB, max_delete=limit)
        if self.poison in named.keys:
            yield from not_started(job, Status.FAILED, problem(Category.MC_DIED, "mc was killed", "signal 9"))
            return
        mover = MemoryMover(job, self.source, self.target)
        context = Context(
            job=job, mover=mover, aliases={}, memory=self.memory, journal=Journal(), stop=self.stop, named=named
        )
        for event in run(context):
            if isinstance(event, Planned) and self.after_plan is not None:
                self.after_plan()
            yield event

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


@pytest.mark.parametrize("number", [1, 2, 30])
def test_a_server_that_is_down_costs_no_attempt(ground: Ground, number: int) -> None:
    ground.put(*(f"{place:02}" for place in range(number)))
    ground.source.down = True
    for _ in range(2 * MOST_ATTEMPTS):
        batch = ground.processor().batch(100)
        assert batch is not None
        assert batch.trouble is not None
    assert {ItemState.PENDING} == {*ground.states().values()}
    ground.source.down = False

    ground.processor().batch(100)

    assert {ItemState.DONE} == {*ground.states().values()}


def test_a_batch_that_is_denied_as_a_whole_lets_the_others_pass(ground: Ground) -> None:
    ground.put("a/1", "a/2", "a/3", "z")
    ground.source.silent_below = "a/"

    for _ in range(3):
        ground.processor().batch(3)

    assert ItemState.DONE == ground.states()["z"]
    assert {ItemState.FAILED} == {ground.states()[f"a/{number}"] for number in (1, 2, 3)}


def test_a_stop_is_no_failure(ground: Ground) -> None:
    ground.put("a", "b")
    ground.stop.request(15)

    batch = ground.processor().batch(100)

    assert batch is not None
    assert (0, 0, None) == (batch.failed, batch.done, batch.trouble)
    assert {"a": ItemState.PENDING, "b": ItemState.PENDING} == ground.states()
    assert [0, 0] == [one.attempts for one in ground.backlog.items(tuple(ItemState), ground.now)]


def test_what_can_never_arrive_is_given_up_with_its_reason(ground: Ground) -> None:
    ground.put("x/../y", "good")

    batch = ground.processor().batch(100)

    assert batch is not None
    assert (1, 1) == (batch.done, batch.dead)
    (item,) = ground.backlog.items([ItemState.DEAD], ground.now)
    assert ("x/../y", "the key would be written under another name") == (item.key, item.error)


def test_what_comes_back_before_it_is_removed_is_looked_at_again(ground: Ground) -> None:
    ground.target.put("k", b"old")
    ground.source.put("new", b"1")
    ground.backlog.add([Change("k", gone=True), Change("new")], ground.now)
    ground.backlog.prepared(ground.now, 40)

    def come_back() -> None:
        ground.source.clock = 1e9  # later than the run began
        ground.source.put("k", b"again")

    ground.after_plan = come_back

    ground.processor().batch(100)

    assert {"k": ItemState.PENDING, "new": ItemState.DONE} == ground.states()
    ground.after_plan = None
    ground.processor().batch(100)
    assert {"k": ItemState.DONE, "new": ItemState.DONE} == ground.states()
    assert b"again" == ground.target.objects["k"].content


def test_an_item_that_kills_its_batch_is_found_out(ground: Ground) -> None:
    ground.put("a", "b", "poison", "z")
    ground.poison = "poison"

    for _ in range(4 * MOST_ATTEMPTS):
        ground.processor().batch(100)
        ground.now += 600

    states = ground.states()
    assert ItemState.DONE == states.pop("a") == states.pop("b") == states.pop("z")
    assert {"poison": ItemState.DEAD} == states


@pytest.mark.parametrize("known", [True, False])
def test_removals_stay_within_max_delete_over_all_workers(ground: Ground, known: bool) -> None:
    """Whether or not it was known that they are removals; two workers with a batch each, some of which die."""
    for number in range(40):
        ground.target.put(f"{number:02}", b"1")
    ground.source.put("whole", b"1")
    ground.target.put("whole", b"1")
    ground.backlog.prepared(ground.now, 41)
    ground.backlog.add([Change(f"{number:02}", gone=known) for number in range(40)], ground.now)

    for number in range(40):
        if number in {3, 7}:
            ground.dies = True
        with suppress(SystemExit):
            ground.processor(f"w{number}").batch(5)
        ground.now += 61 if ground.dies else 1
        ground.dies = False

    assert len(ground.target.objects) >= 41 - 10, "a quarter of 41"
    state = ground.backlog.state(ground.now)
    assert (0, 40) == (state.to_do, state.held + state.done)
    ground.now += 3601
    ground.backlog.retry(ground.now)
    since = ground.now
    for number in range(40):
        ground.processor(f"x{number}", MaxDelete(None, 40), since).batch(100)
    assert {"whole"} == ground.target.objects.keys()


def test_what_changes_while_it_is_copied_is_looked_at_again(ground: Ground) -> None:
    ground.put("a")
    processor = ground.processor()
    run_ = processor._run

    def write_meanwhile(named: Named, limit: MaxDelete) -> Iterator[Event]:
        yield from run_(named, limit)
        ground.source.put("a", b"newer")
        ground.backlog.add([Change("a")], ground.now)

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
