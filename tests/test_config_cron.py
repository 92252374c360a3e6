"""Schedules: what is taken, cronsim takes too; what cannot come is refused before anybody waits for it."""

from datetime import UTC, datetime

import pytest
from cronsim import CronSim, CronSimError
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mcmirror.config import Wrong
from mcmirror.config.cron import NAMES, check
from mcmirror.engine.trigger import NEVER, Cron

FROM = datetime(2026, 1, 1, tzinfo=UTC)
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]


def fields(low: int, high: int, names: list[str]) -> st.SearchStrategy[str]:
    # Mostly right, sometimes wrong: what nobody takes proves nothing.
    odd = st.sampled_from([low - 1, high + 1, "00", "", "x", "L"]).map(str)
    right = st.integers(low, high).map(str) | st.sampled_from([str(low), str(high), *names])
    number = st.integers(0, 60).flatmap(lambda dice: odd if not dice else right)
    span = number | st.just("*") | st.builds("{}-{}".format, number, number)
    part = span | st.builds("{}/{}".format, span, st.integers(1, 40).map(str))
    return st.lists(part, min_size=1, max_size=3).map(",".join)


EXPRESSIONS = st.tuples(
    fields(0, 59, []),
    fields(0, 23, []),
    fields(1, 31, []),
    fields(1, 12, MONTHS),
    fields(0, 7, [*DAYS, "SUN"]),
).map(" ".join)


def taken(expression: str) -> bool:
    try:
        check(expression)
    except Wrong:
        return False
    return True


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(EXPRESSIONS)
def test_what_is_taken_has_a_next_time(expression: str) -> None:
    assume(taken(expression))
    assert next(CronSim(expression, FROM)) > FROM


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.tuples(
        st.sampled_from(["0", "*/7", "5-9"]),
        st.just("0"),
        fields(27, 31, []),
        fields(1, 12, MONTHS),
        st.sampled_from(["*", "*/2", "1", "mon-fri"]),
    ).map(" ".join)
)
def test_what_never_comes_is_told_as_cronsim_tells_it(expression: str) -> None:
    # The last day of a month is cronsim's own; a crontab has none.
    assume("L" not in expression)
    try:
        CronSim(expression, FROM)
        comes = True
    except CronSimError:
        comes = False
    assert comes == taken(expression)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_has_a_next_time(name: str) -> None:
    assert FROM.timestamp() < Cron(check(name.upper())).next_after(FROM.timestamp(), 0.0) < NEVER


@pytest.mark.parametrize("expression", ["0 0 31 2 *", "0 0 30 feb *", "0 0 31 4,6,sep,11 *", "0 0 31 2 */2"])
def test_a_day_that_no_such_month_has(expression: str) -> None:
    with pytest.raises(Wrong, match="never comes") as caught:
        check(expression)
    assert "Choose a day that the month has" in caught.value.remedy


@pytest.mark.parametrize("expression", ["0 0 29 2 *", "0 0 31 2 mon", "0 0 31 2,3 *", "5/10 0 * * *", "0 0 * * 5-7"])
def test_a_day_that_comes_now_and_then(expression: str) -> None:
    assert expression == check(expression)
