"""When jobs begin: intervals, and cron through both nights on which the clock is set."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from mcmirror.engine.trigger import NEVER, Cron, Interval, Manual, trigger_of

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 21, 2, 0, 0, tzinfo=UTC).timestamp()


def _starts(trigger: Cron, first: datetime, last: datetime) -> list[str]:
    """Each start between two moments, by the clock on the wall."""
    found, moment = [], first.timestamp()
    while (moment := trigger.next_after(moment, 0)) < last.timestamp():
        found.append(datetime.fromtimestamp(moment, BERLIN).strftime("%d %H:%M%z"))
    return found


@pytest.mark.parametrize(
    ("expression", "starts"),
    [
        ("30 2 * * *", ["27 02:30+0100", "28 03:00+0200", "29 02:30+0200"]),
        ("0 */2 * * *", [f"{day} {hour:02}:00{zone}" for day, hour, zone in [
            *((27, hour, "+0100") for hour in range(2, 24, 2)), (28, 0, "+0100"),
            *((28, hour, "+0200") for hour in range(4, 24, 2)), *((29, hour, "+0200") for hour in range(0, 24, 2))]]),
    ],
)  # fmt: skip
def test_the_night_on_which_an_hour_is_missing(expression: str, starts: list[str]) -> None:
    first, last = datetime(2027, 3, 27, 0, 30, tzinfo=BERLIN), datetime(2027, 3, 30, tzinfo=BERLIN)
    assert starts == _starts(Cron(expression, "Europe/Berlin"), first, last)


def test_a_fixed_time_begins_once_on_the_night_that_has_an_hour_twice() -> None:
    first, last = datetime(2027, 10, 30, 0, 0, tzinfo=BERLIN), datetime(2027, 11, 2, tzinfo=BERLIN)
    starts = _starts(Cron("30 2 * * *", "Europe/Berlin"), first, last)
    assert ["30 02:30+0200", "31 02:30+0200", "01 02:30+0100"] == starts


def test_every_half_hour_goes_on_through_the_hour_that_comes_twice() -> None:
    first, last = datetime(2027, 10, 31, 1, 45, tzinfo=BERLIN), datetime(2027, 10, 31, 3, 15, tzinfo=BERLIN)
    starts = _starts(Cron("*/30 * * * *", "Europe/Berlin"), first, last)
    assert ["31 02:00+0200", "31 02:30+0200", "31 02:00+0100", "31 02:30+0100", "31 03:00+0100"] == starts


@pytest.mark.parametrize(
    ("name", "expression"),
    [("@hourly", "0 * * * *"), ("@daily", "0 0 * * *"), ("@midnight", "0 0 * * *"), ("@weekly", "0 0 * * 0"),
     ("@monthly", "0 0 1 * *"), ("@yearly", "0 0 1 1 *"), ("@annually", "0 0 1 1 *")],
)  # fmt: skip
def test_names_stand_for_expressions(name: str, expression: str) -> None:
    assert Cron(expression, "Asia/Seoul").next_after(NOW, 0) == Cron(name, "Asia/Seoul").next_after(NOW, 0)


def test_two_at_night_in_seoul() -> None:
    start = Cron("0 2 * * *", "Asia/Seoul").next_after(NOW, 0)
    assert datetime(2026, 11, 21, 17, 0, tzinfo=UTC) == datetime.fromtimestamp(start, UTC)


def test_what_can_never_be_is_never() -> None:
    assert NEVER == Cron("0 0 31 2 *").next_after(NOW, 0)


@pytest.mark.parametrize(
    ("last", "start"),
    [
        (0.0, NOW),  # never ran: at once
        (NOW - 10, NOW + 50),
        (NOW - 60, NOW + 60),  # due right now was taken: the next one
        (NOW - 610, NOW + 50),  # ten were missed: one comes, on the grid
        (NOW + 5000, NOW + 60),  # the clock was put back
    ],
)
def test_an_interval_counts_from_start_to_start(last: float, start: float) -> None:
    assert start == Interval(60).next_after(NOW, last)


@pytest.mark.parametrize(
    ("last", "start"), [(0.0, NOW), (NOW, NOW + 60), (NOW - 10, NOW + 50), (NOW - 610, NOW), (NOW + 5000, NOW + 60)]
)
def test_a_gap_counts_from_the_end(last: float, start: float) -> None:
    assert start == Interval(60, gap=True).next_after(NOW, last)


def test_by_hand_is_never() -> None:
    assert NEVER == Manual().next_after(NOW, 0)


@pytest.mark.parametrize(
    ("trigger", "text"),
    [
        (trigger_of("0 2 * * *", 0, timezone="Asia/Seoul"), "cron 0 2 * * * (Asia/Seoul)"),
        (trigger_of("", 1800), "every 30m"),
        (trigger_of("", 90), "every 1m30s"),
        (trigger_of("", 129600), "every 1d12h"),
        (trigger_of("", 0.5), "every 0.5s"),
        (trigger_of("", 1800, gap=True), "30m after each run"),
        (trigger_of("", 0), "by hand"),
    ],
)
def test_a_trigger_is_named_for_people(trigger: object, text: str) -> None:
    assert text == str(trigger)
