"""How a job in real time is doing, in every place that shows it."""

import asyncio
from dataclasses import replace

import pytest

from mcmirror.codec.documents import decode, encode
from mcmirror.messages.job_state import Group, group
from mcmirror.model.realtime import Channel, RealtimeState, ailment, summary
from mcmirror.model.state import State, ailments
from mcmirror.notify.metrics import scraped
from tests.tui_samples import NOW, STATE, driven, still

LISTENING = RealtimeState(
    Channel.LISTENING, NOW - 60, heard=NOW - 5, proven=True, dirty=3, lag=2.5, longest_lag=4.0, max_lag=300.0,
    events=40, batches=12, copied=35, removed=2, gaps=1, reconnects=1,
)  # fmt: skip
WHY = ".mcmirror/ was written at onprem/photos and no event of it came"
DEAF = replace(LISTENING, channel=Channel.DEAF, why=WHY, polls_every=60.0, proven=False)
HELD = replace(LISTENING, held=12)
LATE = replace(LISTENING, lag=400.0, failing=1, error="403 Forbidden")
LOST = replace(DEAF, channel=Channel.LOST, why="connection refused")


def following(found: RealtimeState) -> State:
    """The sample, whose first job is in real time."""
    first, *others = STATE.jobs
    return replace(STATE, jobs=(replace(first, realtime=found), *others))


@pytest.mark.parametrize("found", [LISTENING, DEAF, HELD, LATE, LOST])
def test_it_is_the_same_behind_http(found: RealtimeState) -> None:
    state = following(found)

    again = decode(State, encode(state))

    assert found == again.jobs[0].realtime
    assert None is again.jobs[1].realtime


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (DEAF, f"photos: events are not heard: {WHY}; a full run every 1m 00s takes their place"),
        (HELD, "photos: 12 objects wait to be removed: more than max_delete allows within an hour"),
        (LATE, "photos: the oldest change is 6m 40s old, max_lag is 5m 00s: 403 Forbidden"),
        (
            LOST,
            (
                "photos: the channel of events cannot be opened: connection refused; a full run every 1m 00s"
                " takes their place"
            ),
        ),
    ],
)
def test_whatever_is_wrong_is_red_and_says_why(found: RealtimeState, words: str) -> None:
    state = following(found)
    name = state.jobs[0].name

    assert ailment(name, found) in ailments(state)
    assert words == ailment(name, found)
    assert Group.NEEDS_YOU is group(replace(state.jobs[0], run="", paused=False), NOW)


def test_what_is_well_is_no_ailment() -> None:
    assert "" == ailment("photos", LISTENING)
    assert ailments(STATE) == ailments(following(LISTENING))
    assert "real time, listening, lag 2.5 s, 3 objects dirty" == summary(LISTENING)
    assert "lag unknown" in summary(replace(LISTENING, proven=False, dirty=0))


def test_metrics_have_the_lag_and_the_channel() -> None:
    text = b"".join(scraped(following(DEAF))[0]).decode()
    name = STATE.jobs[0].name

    assert f'mcmirror_job_realtime_lag_seconds{{job_name="{name}"}} 2.5' in text
    assert f'mcmirror_job_realtime_events_total{{job_name="{name}"}} 40' in text
    assert f'mcmirror_job_realtime_channel{{job_name="{name}",channel="deaf"}} 1' in text
    assert f'mcmirror_job_realtime_red{{job_name="{name}"}} 1' in text
    assert "realtime" not in b"".join(scraped(STATE)[0]).decode()


def test_the_dashboard_shows_it() -> None:
    async def test() -> None:
        async with driven(still(jobs=following(DEAF).jobs[:1]), (160, 40)) as driver:
            assert "real time, deaf, lag 2.5 s, 3 objects dirty" in driver.text
            assert "40 events, 12 batches, 1 gaps, longest lag 4.0 s" in driver.text
            assert "events are not heard" in driver.text
            assert "✗ 1 needs you" in driver.text

    asyncio.run(test())
