"""The history: what was run, by job and verdict; one run in full, two side by side."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from typing import Any

from mcmirror.model.record import Outcome, Record
from mcmirror.tui.history import History
from mcmirror.tui.history_compare import CompareRoom, compared, unlike
from mcmirror.tui.history_run import MOST, RecordRoom
from mcmirror.tui.rows import Rows
from mcmirror.tui.source import Refusal, View
from tests.tui_samples import FAILED, NOTHING, STATE, Driver, Still, driven, record
from tests.ui_samples import PARTIAL, VERIFIED

RUNS = (
    replace(record("photos", VERIFIED, 600), id="r4"),
    replace(record("invoices", FAILED, 4000), id="r3"),
    replace(record("photos", PARTIAL, 90_000), id="r2"),
    replace(record("logs", NOTHING, 100_000), id="r1"),
)


class Past(Still):
    """A source that remembers runs."""

    found: tuple[tuple[Outcome, str], ...] = ()

    def runs(self, *, job: str = "", status: str = "", before: str = "", limit: int = 50) -> tuple[Record, ...]:
        self._ask("runs", job, status, before, limit)
        wanted = [one for one in self.records if job in {"", one.job} and status in {"", one.status}]
        return tuple(one for one in wanted if not before or one.id < before)[:limit]

    def fates(self, run: str) -> Iterator[tuple[Outcome, str]]:
        self._ask("fates", run)
        yield from self.found


def drive(
    test: Callable[[Driver, Past], Coroutine[Any, Any, None]],
    records: tuple[Record, ...] = RUNS,
    size: tuple[int, int] = (120, 40),
) -> Past:
    source = Past(View(STATE), records=records)

    async def run() -> None:
        async with driven(source, size) as driver:
            await driver.press("4")
            await driver.pause()
            await test(driver, source)

    asyncio.run(run())
    return source


def ids(driver: Driver) -> list[str]:
    rows = driver.app.screen.query_one(Rows)
    return [str(rows.get_option_at_index(at).id) for at in range(rows.option_count)]


def test_one_line_a_run_the_newest_first() -> None:
    async def test(driver: Driver, source: Past) -> None:
        assert ["r4", "r3", "r2", "r1"] == ids(driver)
        line = next(line for line in driver.text.splitlines() if " photos " in line)
        assert "2026-09-21 14:03" in line
        assert "✓ verified" in line
        assert "1,204 obj 3.0 GiB" in line
        assert "schedule" in line
        assert "✗ partial" in driver.text

    drive(test)


def test_the_verdicts_are_walked_through_and_escape_shows_all() -> None:
    async def test(driver: Driver, source: Past) -> None:
        await driver.press("f")
        assert ("runs", "", "failed", "", 100) in source.asked
        assert ["r3"] == ids(driver)
        assert "only failed" in driver.text
        await driver.press("f")
        assert ["r2"] == ids(driver)
        await driver.press("f")
        assert "There is no such run." in driver.text
        await driver.press("F")
        assert ["r2"] == ids(driver)
        await driver.press("escape")
        assert 4 == len(ids(driver))

    drive(test)


def test_runs_of_a_job_are_asked_for_once_there_is_no_doubt() -> None:
    async def test(driver: Driver, source: Past) -> None:
        await driver.press("slash")
        await driver.type("pho")
        await driver.until(lambda: ["r4", "r2"] == ids(driver))
        assert ("runs", "photos", "", "", 100) in source.asked
        await driver.press("enter", "escape")
        await driver.until(lambda: 4 == len(ids(driver)))

    drive(test)


def test_older_runs_come_when_they_are_asked_for() -> None:
    many = tuple(replace(record("photos", NOTHING, 60.0 * at), id=f"r{500 - at:03}") for at in range(130))

    async def test(driver: Driver, source: Past) -> None:
        assert "100+ runs" in driver.text
        await driver.press("end", "enter")
        await driver.until(lambda: "130 runs" in driver.text)
        assert ("runs", "", "", "r401", 100) in source.asked

    drive(test, many)


def test_a_run_that_ends_is_shown_without_being_asked_for() -> None:
    async def test(driver: Driver, source: Past) -> None:
        source.records = (replace(record("logs", NOTHING, 5), id="r5"), *RUNS)
        source.change(jobs=tuple(replace(job, run="") for job in STATE.jobs))
        await driver.until(lambda: "r5" in ids(driver))

    drive(test)


def test_a_run_is_shown_in_full_with_what_became_of_each_object() -> None:
    async def test(driver: Driver, source: Past) -> None:
        copied = tuple((Outcome.COPIED, f"a/{number}\x1b[2J") for number in range(MOST + 7))
        source.found = (*copied, (Outcome.REMAINING, "b/left"))
        driver.app.screen.query_one(Rows).choose("r2")
        await driver.press("enter")
        await driver.until(lambda: "objects  " in driver.text)
        room = driver.app.screen
        assert isinstance(room, RecordRoom)
        assert "photos partial" in driver.text
        assert "s3:PutObject" in driver.text
        assert f"{MOST + 7} copied   1 remaining" in driver.text
        assert "\x1b" not in driver.text
        await driver.press("o", "o")
        assert Outcome.REMAINING is room.fate
        assert "remaining b/left" in driver.text
        await driver.press("escape")
        assert isinstance(driver.app.screen, History)

    drive(test, size=(120, 50))


def test_what_cannot_be_read_is_said() -> None:
    async def test(driver: Driver, source: Past) -> None:
        source.refusal = Refusal("the runs could not be read", "nobody answers", "try again")
        await driver.press("l")
        assert "the runs could not be read" in driver.text
        assert 4 == len(ids(driver)), "what was read stays"

    drive(test)


def test_two_runs_stand_side_by_side_the_earlier_one_first() -> None:
    async def test(driver: Driver, source: Past) -> None:
        await driver.press("m")
        assert "Space marks a run" in driver.text
        await driver.press("space", "m")
        assert isinstance(driver.app.screen, History)
        assert "marked: photos 2026-09-21 14:03" in driver.text
        driver.app.screen.query_one(Rows).choose("r2")
        await driver.press("m")
        await driver.until(lambda: isinstance(driver.app.screen, CompareRoom))
        line = next(line for line in driver.text.splitlines() if line.startswith("  verdict") or " verdict " in line)
        assert line.index("✗ partial") < line.index("✓ verified")
        await driver.press("escape")
        assert isinstance(driver.app.screen, History)

    drive(test)


def test_runs_of_different_jobs_or_places_are_said_to_be_that() -> None:
    other = replace(RUNS[0], job="logs")
    moved = replace(RUNS[0], target="aws/elsewhere")
    assert ["! Two different jobs: photos and logs.", ""] == unlike(replace(RUNS[0], job="photos"), other)
    assert "of other places" in unlike(RUNS[0], moved)[0]
    assert [] == unlike(RUNS[0], RUNS[0])

    async def test(driver: Driver, source: Past) -> None:
        rows = driver.app.screen.query_one(Rows)
        jobs = {record.id: record.job for record in RUNS}
        first = next(key for key in jobs if jobs[key] == "photos")
        rows.choose(first)
        await driver.press("space")
        rows.choose(next(key for key in jobs if jobs[key] != "photos"))
        await driver.press("m")
        await driver.until(lambda: "Two different jobs" in driver.text)

    drive(test)


def test_the_numbers_of_two_runs_and_what_changed() -> None:
    lines = {label.strip(): rest for label, *rest in compared(RUNS[2], RUNS[0], None)}
    before, after = RUNS[2].report, RUNS[0].report
    assert before is not None
    assert after is not None
    change = after.tally.done.objects - before.tally.done.objects
    assert lines["copied"][2].startswith(f"{change:+,}")
    assert ["permission denied", "none"] != lines["problems"][:2]
    assert "none" == lines["problems"][1]
    running = replace(RUNS[0], report=None)
    assert "job" in {label for label, *_ in compared(RUNS[2], running, None)}, "one that runs has no numbers yet"


def test_it_is_read_on_a_small_screen_too() -> None:
    async def test(driver: Driver, source: Past) -> None:
        line = next(line for line in driver.text.splitlines() if " photos " in line)
        assert "✓ verified" in line
        assert "1,204 obj 3.0 GiB" in line

    drive(test, size=(80, 24))


def test_every_room_is_found_again_as_it_was_left() -> None:
    async def test(driver: Driver, source: Past) -> None:
        await driver.press("f")
        for key, name in (("1", "Overview"), ("2", "Connections"), ("3", "Jobs"), ("1", "Overview"), ("4", "History")):
            driver.app.open_run("photos")
            await driver.pause()
            await driver.press(key)
            assert name == driver.app.screen.NAME  # type: ignore[attr-defined]
            assert 2 == len(driver.app.screen_stack)
        assert "only failed" in driver.text

    drive(test)
