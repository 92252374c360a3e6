"""The timetable: what is due, what was missed, what was never to pile up."""

import random
from dataclasses import replace

from mcmirror.engine.schedule import Line, Timetable
from mcmirror.engine.trigger import NEVER, Cron, Interval, Manual
from mcmirror.model.record import Cause

NOW = 1_800_000_000.0  # a full minute
EVERY = Line("often", Interval(60))
MINUTELY = Line("minutely", Cron("* * * * *"))


def test_an_interval_keeps_its_grid_however_late_the_looks_are() -> None:
    table = Timetable([EVERY], NOW, {"often": NOW - 30})
    starts = []
    for moment in (NOW + 29, NOW + 31, NOW + 95, NOW + 500, NOW + 515):
        starts += [(moment - NOW, job) for job, _ in table.due(moment)]
    assert [(31, "often"), (95, "often"), (500, "often"), (515, "often")] == starts
    assert NOW + 570 == table.next


def test_a_day_of_looks_every_seven_seconds_shows_no_drift() -> None:
    table = Timetable([EVERY, MINUTELY], NOW, {"often": NOW, "minutely": NOW})
    counts = {"often": 0, "minutely": 0}
    for tick in range(1, 86400 // 7):
        for job, _ in table.due(NOW + tick * 7):
            counts[job] += 1
    assert {"often": 1439, "minutely": 1439} == counts
    assert 0 == (table.next_run("often") - NOW) % 60


def test_what_never_ran_begins_at_once() -> None:
    assert [("often", Cause.SCHEDULE)] == Timetable([EVERY], NOW, {}).due(NOW)


def test_at_start() -> None:
    table = Timetable([replace(MINUTELY, at_start=True), Line("hand", Manual(), at_start=True)], NOW, {})
    assert [("hand", Cause.START), ("minutely", Cause.START)] == sorted(table.due(NOW))
    assert (NOW + 60, NEVER) == (table.next_run("minutely"), table.next_run("hand"))


def test_what_was_missed_is_made_up_for_once_and_only_when_asked() -> None:
    nightly = Line("nightly", Cron("0 2 * * *"), catch_up=True)
    lasts = {"nightly": NOW - 5 * 86400, "lazy": NOW - 5 * 86400, "fresh": NOW - 5}
    lines = [nightly, replace(nightly, job="lazy", catch_up=False), replace(nightly, job="fresh")]
    table = Timetable([*lines, replace(nightly, job="new")], NOW, lasts)
    assert [("nightly", Cause.CATCH_UP)] == table.due(NOW)
    assert table.next_run("lazy") == table.next_run("nightly") == table.next_run("fresh") == table.next_run("new")


def test_a_gap_begins_when_the_run_ends() -> None:
    table = Timetable([Line("gap", Interval(60, gap=True), at_start=True)], NOW, {})
    assert [("gap", Cause.START)] == table.due(NOW)
    assert NEVER == table.next_run("gap")
    table.ended("gap", NOW + 100)
    assert [] == table.due(NOW + 159)
    assert [("gap", Cause.SCHEDULE)] == table.due(NOW + 160)


def test_jitter_spreads_and_does_not_shift() -> None:
    lines = [Line(f"j{number}", Interval(60), jitter=20) for number in range(100)]
    table = Timetable(lines, NOW, dict.fromkeys((line.job for line in lines), NOW), dice=random.Random(1))
    first = [table.next_run(line.job) for line in lines]
    assert NOW + 60 <= min(first) < NOW + 62
    assert NOW + 78 < max(first) <= NOW + 80
    assert 100 == len(table.due(NOW + 81))
    assert NOW + 120 <= table.next < NOW + 122


def test_a_clock_that_is_put_back_silences_nobody() -> None:
    table = Timetable([EVERY, MINUTELY, Line("nightly", Cron("0 2 * * *"))], NOW, {"often": NOW})
    back = NOW - 30 * 86400
    table.put_right(back)
    assert back + 60 == table.next_run("often") == table.next_run("minutely")
    assert table.next_run("nightly") - back <= 86400


def test_a_clock_that_is_put_forward_starts_each_job_once() -> None:
    table = Timetable([EVERY, MINUTELY], NOW, {"often": NOW})
    ahead = NOW + 30 * 86400
    table.put_right(ahead)
    assert ["minutely", "often"] == sorted(job for job, _ in table.due(ahead))
    assert [] == table.due(ahead + 1)


def test_another_configuration_keeps_the_times_of_what_is_the_same() -> None:
    table = Timetable([EVERY, MINUTELY], NOW, {"often": NOW - 10})
    table.replace([EVERY, Line("new", Interval(3600))], NOW + 20)
    assert (NOW + 50, NOW + 20, NEVER) == tuple(map(table.next_run, ("often", "new", "minutely")))
    table.replace([replace(EVERY, trigger=Interval(7200))], NOW + 20)
    assert NOW - 10 + 7200 == table.next_run("often")
    assert NOW - 10 + 7200 == table.next


def test_a_job_that_comes_back_is_not_new() -> None:
    table = Timetable([EVERY], NOW, {"often": NOW - 10})
    table.replace([], NOW + 1)
    assert NEVER == table.next
    table.replace([EVERY], NOW + 2)
    assert NOW + 50 == table.next
