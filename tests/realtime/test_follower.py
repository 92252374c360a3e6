"""A job in real time on a clock of its own: the full run, batches, waves of removals, and quiet hours."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from mcmirror.engine.key_batch import Outcome
from mcmirror.model.change import Change, Connected, Heard
from mcmirror.model.dirty import Dirty
from mcmirror.model.job import MaxDelete
from mcmirror.model.problem import Category, Problem
from mcmirror.model.realtime import Channel, Realtime, ailment
from mcmirror.model.stop import Stop
from mcmirror.realtime.canary import EVERY
from mcmirror.realtime.follower import FIRST_RETRY, Follower
from mcmirror.realtime.listener import Listener
from tests.realtime.world import JOB, REALTIME, World
from tests.waiting import until


def _dirty(world: World, key: str) -> tuple[Dirty, ...]:
    world.follower.hear([Change(key, gone=True)])
    return world.dirty.take(world.now, 10)


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
