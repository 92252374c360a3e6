"""A job in real time on a clock of its own: batches, gaps, deafness, waves of removals, and quiet hours."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mcmirror.model.change import Change, Connected, Heard
from mcmirror.model.dirty import Dirty
from mcmirror.model.job import Job, MaxDelete
from mcmirror.model.location import Location
from mcmirror.model.plan import Count
from mcmirror.model.problem import Category, Problem
from mcmirror.model.realtime import Channel, Realtime, ailment
from mcmirror.model.record import Cause, Record
from mcmirror.model.report import RunReport, Status, Tally
from mcmirror.model.stop import Stop
from mcmirror.realtime.batch import Outcome
from mcmirror.realtime.canary import AGAIN, EVERY, MISSES, PATIENCE, Canary
from mcmirror.realtime.follower import FIRST_RETRY, Follower
from mcmirror.realtime.listener import Listener
from mcmirror.store.database import Database
from mcmirror.store.dirty_keys import DirtyKeys
from tests.waiting import until

JOB = Job("live", Location("src", "a"), Location("dst", "b"), max_delete=MaxDelete(None, 5))
REALTIME = Realtime(catch_up_every=3600.0, max_lag=300.0)


@dataclass
class Ears:
    """In place of a listener: opened and closed by the test."""

    open: bool = False
    problem: Problem | None = None
    connections: int = 0
    reconnects: int = 0
    follower: Any = None

    def connect(self) -> None:
        self.open, self.problem = True, None
        self.connections += 1
        self.follower.connected()

    def reconnect(self) -> None:
        self.reconnects += 1

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def join(self, seconds: float) -> None: ...


@dataclass
class World:
    """A clock, a source that hears its own canary or not, and what the follower wanted of it."""

    folder: Path
    realtime: Realtime = REALTIME
    now: float = 1_800_000_000.0
    ears: Ears = field(default_factory=Ears)
    deaf: bool = False
    refused: Problem | None = None
    runs: list[float] = field(default_factory=list)
    run_fails: bool = False
    batches: list[tuple[str, ...]] = field(default_factory=list)
    limits: list[MaxDelete] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    """What the next batches come to; all is settled when there is none."""
    notices: list[tuple[str, bool]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    paused: bool = False
    canaries: int = 0
    equal: int = 100

    def __post_init__(self) -> None:
        self.database = Database(f"sqlite:///{self.folder / 'state.db'}")
        dirty = DirtyKeys(self.database, "live")
        canary = Canary(self._write, lambda: None) if self.realtime.canary else None

        def made(follower: Follower) -> Listener:
            self.ears.follower = follower
            return self.ears  # type: ignore[return-value]

        listener = None if self.realtime.events in {"poll", "webhook"} else made
        self.follower = Follower(
            JOB, self.realtime, dirty, self, listener=listener, canary=canary, now=lambda: self.now
        )
        self.dirty = dirty

    def _write(self) -> Problem | None:
        self.canaries += 1
        if self.refused is None and not self.deaf:
            self.follower.hear([Change(f"{self.realtime.canary}canary")])
        return self.refused

    # What the follower asks for.

    def catch_up(self) -> bool:
        self.runs.append(self.now)
        record = Record(
            "r", "live", "src/a", "dst/b", Cause.CATCH_UP, datetime.fromtimestamp(self.now, UTC).isoformat()
        )
        self.follower.began(record)
        status = Status.FAILED if self.run_fails else Status.SUCCEEDED
        report = RunReport("live", "src/a", "dst/b", status, verified=True, tally=Tally(equal=Count(self.equal)))
        self.now += 1
        self.follower.ended(Record(**{**_fields(record), "report": report}))
        return True

    def sync(self, keys: Sequence[Dirty], limit: MaxDelete) -> Outcome:
        self.batches.append(tuple(one.key for one in keys))
        self.limits.append(limit)
        return self.outcomes.pop(0) if self.outcomes else Outcome(settled=list(keys), copied=Count(len(keys)))

    def heard(self, changes: Sequence[Change]) -> None: ...

    def say(self, level: str, event: str, text: str, /, **fields: object) -> None:
        del level, text, fields
        self.lines.append(event)

    def notice(self, what: str, why: str, remedy: str, *, good: bool) -> None:
        del why, remedy
        self.notices.append((what, good))

    def live(self, seconds: float, step: float = 0.5) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self.now < end:
            self.now += step
            self.follower.step()

    def begin(self) -> None:
        """Connect, hear the canary, and make the first full run."""
        self.ears.connect()
        self.live(5)
        self.batches.clear()


def _fields(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in Record.__slots__}


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[Realtime], World]]:
    made = list[World]()

    def one(realtime: Realtime) -> World:
        made.append(World(tmp_path, realtime))
        return made[-1]

    yield one
    for world in made:
        world.database.close()


@pytest.fixture
def world(make: Callable[[Realtime], World]) -> World:
    return make(REALTIME)


def test_first_the_channel_then_a_full_run_then_what_was_heard_meanwhile(world: World) -> None:
    world.live(5)
    assert [] == world.runs, "nobody listens yet"
    assert Channel.CONNECTING is world.follower.state().channel

    world.ears.connect()
    world.follower.hear([Change("a")])
    world.live(5)

    assert 1 == len(world.runs)
    assert [("a",)] == world.batches
    state = world.follower.state()
    assert (Channel.LISTENING, True, 0) == (state.channel, state.proven, state.dirty)


def test_a_batch_waits_for_others_but_not_for_long(world: World) -> None:
    world.begin()
    world.follower.hear([Change("a")])
    world.live(1)
    world.follower.hear([Change("b"), Change("a")])
    assert [] == world.batches
    world.live(1.5)

    assert [("a", "b")] == world.batches


def test_a_hundred_keys_wait_for_nobody(world: World) -> None:
    world.begin()
    world.follower.hear([Change(f"k{number:03}") for number in range(150)])
    world.live(0.5)

    assert 150 == sum(map(len, world.batches))


def test_a_canary_that_is_not_heard_makes_it_connect_again_and_then_poll_until_it_is(world: World) -> None:
    world.begin()
    world.deaf = True
    world.live(EVERY + PATIENCE + 2)
    assert 1 == world.ears.reconnects
    assert [] == world.notices
    world.live(MISSES * (PATIENCE + AGAIN))

    state = world.follower.state()
    assert Channel.DEAF is state.channel
    assert "no event of it came" in ailment("live", state)
    assert [False] == [good for _, good in world.notices], "an outage is told once"
    before = len(world.runs)
    world.live(10 * REALTIME.poll_every)
    assert 9 <= len(world.runs) - before <= 11, "full runs take the place of events"

    world.deaf = False
    world.live(2 * AGAIN)
    assert Channel.LISTENING is world.follower.state().channel
    assert [False, True] == [good for _, good in world.notices]
    before = len(world.runs)
    world.live(10 * REALTIME.poll_every)
    assert before == len(world.runs)


def test_after_a_gap_there_is_a_full_run_that_began_after_it(world: World) -> None:
    world.begin()
    before = len(world.runs)

    world.ears.connect()
    world.live(3)

    assert before + 1 == len(world.runs)
    assert (1, 1) == (world.follower.state().reconnects, world.follower.state().gaps)
    assert not world.follower.state().catching_up


def test_a_full_run_that_failed_is_made_again_later_and_not_at_once(world: World) -> None:
    world.run_fails = True
    world.begin()
    world.live(120)
    assert 3 <= len(world.runs) <= 8
    assert world.follower.state().catching_up
    world.run_fails = False
    world.live(200)

    assert not world.follower.state().catching_up


def test_a_channel_that_cannot_be_opened_is_red_and_polled(world: World) -> None:
    world.ears.problem = Problem(Category.CONNECTION_REFUSED, "refused", "connection refused", "", retryable=True)
    world.live(200)

    assert Channel.LOST is world.follower.state().channel
    assert "connection refused" in ailment("live", world.follower.state())
    assert 3 <= len(world.runs) <= 5
    assert 0 == world.canaries, "nobody is asked whether it hears while it is known that it does not"


def test_a_source_that_tells_nothing_is_polled_and_that_is_no_outage(world: World) -> None:
    world.ears.problem = Problem(Category.EVENTS_UNSUPPORTED, "no events", "NotImplemented", "")
    world.live(200)

    state = world.follower.state()
    assert Channel.POLLING is state.channel
    assert "NotImplemented" in state.why
    assert "" == ailment("live", state)
    assert [] == world.notices
    assert 3 <= len(world.runs) <= 5


def test_a_source_that_takes_no_canary_leaves_the_lag_unknown(world: World) -> None:
    world.refused = Problem(Category.PERMISSION, "no", "Access Denied", "")
    world.begin()
    world.live(EVERY)

    state = world.follower.state()
    assert (Channel.LISTENING, False) == (state.channel, state.proven)
    assert 1 == world.lines.count("canary_refused")
    assert 1 == len(world.runs)


def test_a_key_that_fails_is_tried_ever_later_and_holds_up_nobody(world: World) -> None:
    world.begin()
    world.follower.hear([Change("bad")])

    def bad(keys: Sequence[Dirty], limit: MaxDelete) -> Outcome:
        del limit
        world.batches.append(tuple(one.key for one in keys))
        return Outcome(
            settled=[one for one in keys if one.key != "bad"], failed={one: "403" for one in keys if one.key == "bad"}
        )

    world.sync = bad  # type: ignore[method-assign]
    world.live(3)
    assert [("bad",)] == world.batches
    world.follower.hear([Change("good")])
    world.live(3)
    assert ("good",) in world.batches
    world.live(REALTIME.max_lag)

    tries = sum("bad" in batch for batch in world.batches)
    assert 4 <= tries <= 8, world.batches
    state = world.follower.state()
    assert (1, 1, "403") == (state.dirty, state.failing, state.error)
    assert state.late
    assert "max_lag" in ailment("live", state)


def test_a_batch_that_decides_nothing_is_made_again_whole(world: World) -> None:
    world.begin()
    down = Outcome(trouble=Problem(Category.CONNECTION_REFUSED, "refused", "connection refused", "", retryable=True))
    world.outcomes = [down, down, down]
    world.follower.hear([Change("a"), Change("b")])
    world.live(60)

    assert [("a", "b")] * 4 == world.batches
    assert 0 == world.follower.state().failing
    assert "" == world.follower.state().error


def test_a_wave_of_removals_stops_at_the_limit_of_an_hour_and_asks(world: World) -> None:
    world.begin()
    for number in range(3):
        world.outcomes = [Outcome(settled=list[Dirty](), removed=2)]
        world.follower.hear([Change(f"gone{number}", gone=True)])
        world.live(3)
        world.dirty.settle(world.dirty.take(world.now, 10))
    assert [5, 3, 1] == [limit.number for limit in world.limits]

    (held,) = _dirty(world, "held")
    world.outcomes = [Outcome(held=[held])]
    world.live(3)
    state = world.follower.state()
    assert (1, 0, 0) == (state.held, state.dirty, state.lag)
    assert "wait to be removed" in ailment("live", state)
    assert [False] == [good for _, good in world.notices]
    world.catch_up()
    world.live(3)

    assert ("held",) == world.batches[-1], "a full run that ended well lets it be looked at again"
    assert 0 == world.follower.state().held


def _dirty(world: World, key: str) -> tuple[Dirty, ...]:
    world.follower.hear([Change(key, gone=True)])
    return world.dirty.take(world.now, 10)


def test_an_hour_in_which_nothing_happens_costs_nothing(world: World) -> None:
    world.begin()
    runs, canaries = len(world.runs), world.canaries
    world.live(3600, step=5.0)

    assert runs == len(world.runs), "the timetable makes the hourly run"
    assert 18 <= world.canaries - canaries <= 22
    assert [] == world.batches
    assert [] == world.notices


def test_a_pause_holds_everything_and_loses_nothing(world: World) -> None:
    world.begin()
    world.paused = True
    world.follower.hear([Change("a")])
    world.live(60)
    assert [] == world.batches
    world.paused = False
    world.live(FIRST_RETRY)

    assert [("a",)] == world.batches


def test_a_webhook_has_no_channel_to_open_and_a_canary_all_the_same(make: Callable[[Realtime], World]) -> None:
    world = make(Realtime(events="webhook"))
    world.live(5)
    assert Channel.LISTENING is world.follower.state().channel
    world.deaf = True
    world.live(EVERY + MISSES * (PATIENCE + 10))

    assert Channel.DEAF is world.follower.state().channel


def test_polling_by_choice_runs_in_full_and_no_canary(make: Callable[[Realtime], World]) -> None:
    world = make(Realtime(events="poll", poll_every=30.0, canary=""))
    world.live(120)

    assert 3 <= len(world.runs) <= 6
    assert Channel.POLLING is world.follower.state().channel


def test_a_mistake_of_ours_ends_neither_the_worker_nor_the_listener(world: World) -> None:
    failures = list[str]()

    def broken(keys: Sequence[Dirty], limit: MaxDelete) -> Outcome:
        del limit
        failures.append("batch")
        if len(failures) < 2:
            raise KeyError("nobody foresaw it")
        return Outcome(settled=list(keys))

    world.sync = broken  # type: ignore[method-assign]
    follower = Follower(
        JOB,
        replace(REALTIME, batch_interval=0.01, canary=""),
        world.dirty,
        world,
        listener=lambda _: world.ears,  # type: ignore[arg-type, return-value]
    )
    world.follower, world.ears.follower = follower, follower
    world.ears.connect()
    follower.hear([Change("a")])
    follower.start()
    until(lambda: len(failures) >= 2)
    follower.stop()
    assert follower.join(60)

    opened = list[int]()

    def channel(stop: Stop) -> Iterator[Sequence[Heard]]:
        opened.append(1)
        if len(opened) == 1:
            raise KeyError("nobody foresaw it")
        yield [Connected()]
        while not stop.wait(0.01):
            yield []

    listener = Listener(channel, lambda _: None, lambda: None)
    listener.start()
    until(lambda: listener.open)
    listener.stop()
    listener.join(60)
    assert 2 == len(opened)


def test_nothing_is_made_before_the_first_full_run_and_nothing_removed_before_one_that_was_whole(world: World) -> None:
    world.follower.hear([Change("a", gone=True)])
    world.live(10)
    assert [] == world.batches

    world.run_fails = True
    world.ears.connect()
    world.live(5)
    assert [0] == [limit.number for limit in world.limits]
    world.run_fails = False
    world.live(60)
    world.follower.hear([Change("b", gone=True)])
    world.live(5)
    assert 5 == world.limits[-1].number


def test_what_came_before_the_first_connection_is_healed_by_a_run_after_it(world: World) -> None:
    world.ears.problem = Problem(Category.CONNECTION_REFUSED, "refused", "connection refused", "", retryable=True)
    world.live(30)
    before = len(world.runs)
    assert before
    world.ears.connect()
    world.live(5)

    assert before + 1 == len(world.runs)


def test_a_webhook_that_missed_one_canary_and_hears_the_next_is_healed_by_a_run(
    make: Callable[[Realtime], World],
) -> None:
    world = make(Realtime(events="webhook"))
    world.live(5)
    world.deaf = True
    world.live(EVERY + PATIENCE - 5)
    before = len(world.runs)
    world.live(3)
    world.deaf = False
    world.live(AGAIN)

    assert before + 2 == len(world.runs), "one when it was missed, one when it was heard again"
    assert [] == world.notices


def test_a_clock_that_is_set_back_stops_nothing(world: World) -> None:
    world.begin()
    runs = len(world.runs)
    world.now -= 7200
    world.live(5)
    world.follower.hear([Change("a")])
    world.live(5)

    assert [("a",)] == world.batches
    assert runs <= len(world.runs) <= runs + 1
    world.ears.connect()
    world.live(10)
    assert runs + 1 <= len(world.runs) <= runs + 2


def test_a_full_run_that_was_refused_or_cancelled_is_left_to_the_timetable(world: World) -> None:
    world.begin()
    for status in (Status.REFUSED, Status.CANCELLED):
        record = Record("r", "live", "src/a", "dst/b", Cause.HAND, datetime.fromtimestamp(world.now, UTC).isoformat())
        report = RunReport("live", "src/a", "dst/b", status, verified=False)
        runs = len(world.runs)
        world.follower.began(record)
        world.follower.ended(Record(**{**_fields(record), "report": report}))
        world.live(600)
        assert runs == len(world.runs), status


def test_a_mark_during_a_step_is_not_forgotten(world: World) -> None:
    world.begin()
    write = world._write

    def slow() -> Problem | None:
        world.now += 3
        world.follower.hear([Change("meanwhile")])
        return write()

    world.follower._canary._write = slow  # type: ignore[union-attr]
    world.follower.hear([Change("a")])
    world.now += EVERY
    world.live(10)

    assert {"a", "meanwhile"} == {key for batch in world.batches for key in batch}
