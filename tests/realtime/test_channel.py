"""A job in real time on a clock of its own: gaps, deafness, channels that are lost or tell nothing, a set clock."""

from collections.abc import Callable
from datetime import UTC, datetime

from mcmirror.model.change import Change
from mcmirror.model.problem import Category, Problem
from mcmirror.model.realtime import Channel, Realtime, ailment
from mcmirror.model.record import Cause, Record
from mcmirror.model.report import RunReport, Status
from mcmirror.realtime.canary import AGAIN, EVERY, MISSES, PATIENCE
from tests.realtime.world import REALTIME, World, record_fields


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


def test_a_webhook_has_no_channel_to_open_and_a_canary_all_the_same(make: Callable[[Realtime], World]) -> None:
    world = make(Realtime(events="webhook"))
    world.live(5)
    assert Channel.LISTENING is world.follower.state().channel
    world.deaf = True
    world.live(EVERY + MISSES * (PATIENCE + 10))

    assert Channel.DEAF is world.follower.state().channel


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
        world.follower.ended(Record(**{**record_fields(record), "report": report}))
        world.live(600)
        assert runs == len(world.runs), status
