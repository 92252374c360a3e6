"""The overview: one line a job, a problem anywhere is seen, each key does what it says."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcmirror.model import redact
from mcmirror.model.redact import redactor
from mcmirror.model.state import NotifierState
from mcmirror.tui.formatting import age, fitted, pair, shares
from mcmirror.tui.overview_text import Columns
from mcmirror.tui.rows import Rows
from mcmirror.tui.source import Refusal, View
from tests.tui_samples import FAILED, NOW, PAST, PASTS, STATE, Driver, Still, driven, job, still
from tests.ui_samples import PARTIAL


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


def order(driver: Driver) -> list[str]:
    """The jobs as they stand on the screen."""
    rows = driver.app.screen.query_one(Rows)
    return [str(rows.get_option_at_index(at).id) for at in range(rows.option_count)]


def test_one_line_a_job_with_all_that_counts() -> None:
    async def test() -> None:
        async with driven(still(), (160, 40)) as driver:
            line = next(line for line in driver.text.splitlines() if line.startswith("│ photos "))
            assert "onprem/photos → aws/photos-dr" in line
            assert "✓ verified" in line
            assert "10m/26h" in line
            assert "in 3h" in line
            assert "1,204 obj 3.0 GiB" in line
            assert "cron 0 2 * * * (Asia/Seoul)" in line
            assert line.rstrip(" │").endswith("▃▅▄▇▆▂█▇")

    run(test())


def test_what_needs_somebody_comes_first_and_is_counted() -> None:
    async def test() -> None:
        async with driven(still()) as driver:
            assert ["invoices", "archive", "logs"] == order(driver)[:3]
            assert "✗ 2 need you" in driver.text
            assert "✓ 1 good" in driver.text
            assert "○ 1 never ran" in driver.text
            assert "▶ 1 running" in driver.text
            assert "‖ 1 paused" in driver.text
            assert "! 30h/26h" in driver.text

    run(test())


def test_the_selected_job_is_told_with_its_problem_and_the_remedy() -> None:
    async def test() -> None:
        async with driven(still()) as driver:
            assert "failed: The target refuses to store objects" in driver.text
            # Said once: the next line has mc's own words.
            assert "why      Access Denied." in driver.text
            assert "do       Give the key s3:PutObject." in driver.text
            await driver.press("down", "down", "down", "down")
            assert "It has not run yet: r runs it now" in driver.text

    run(test())


@pytest.mark.parametrize(
    ("keys", "asked"),
    [
        (("r",), ("trigger", "invoices")),
        (("p",), ("pause", "invoices")),
        (("end", "p"), ("resume", "wiki")),
        (("v",), ("verify", "invoices")),
        (("P",), ("plan", "invoices")),
        (("ctrl+a",), ("pause",)),
    ],
)
def test_a_key_asks_the_source(keys: tuple[str, ...], asked: tuple[str, ...]) -> None:
    async def test() -> None:
        source = still()
        async with driven(source) as driver:
            await driver.press(*keys)
            expected = asked if len(asked) > 1 else (asked[0], "")
            assert expected in source.asked

    run(test())


def test_all_that_is_paused_goes_on_with_the_same_key() -> None:
    async def test() -> None:
        source = still(paused=True)
        async with driven(source) as driver:
            assert "‖ all paused" in driver.text
            await driver.press("ctrl+a")
            assert ("resume", "") in source.asked

    run(test())


def test_what_is_refused_is_said_in_three_parts_and_changes_nothing() -> None:
    async def test() -> None:
        source = still()
        source.refusal = Refusal("the job is at it already", "run 7 is under way", "cancel it first")
        async with driven(source) as driver:
            await driver.press("r")
            assert "the job is at it already" in driver.text
            assert "why: run 7 is under way" in driver.text
            assert "do:  cancel it first" in driver.text
            assert "Overview" == driver.app.screen.NAME  # type: ignore[attr-defined]

    run(test())


def test_a_mistake_of_ours_is_said_and_the_dashboard_goes_on() -> None:
    async def test() -> None:
        source = still()
        source.refusal = ZeroDivisionError("x")  # type: ignore[assignment]
        async with driven(source) as driver:
            await driver.press("r")
            assert "ZeroDivisionError: x" in driver.text
            source.refusal = None
            await driver.press("r")
            assert 2 == source.asked.count(("trigger", "invoices"))

    run(test())


def test_the_filter_takes_names_places_and_states() -> None:
    async def test() -> None:
        async with driven(still()) as driver:
            await driver.press("slash")
            await driver.type("stale")
            assert ["invoices", "archive"] == order(driver)
            assert "filter “stale”: 2 of 6 jobs" in driver.text
            await driver.press("enter", "down")
            assert "archive" == driver.app.screen.query_one(Rows).current
            await driver.press("escape")
            assert 6 == len(order(driver))
            await driver.press("slash")
            await driver.type("aws/ph")
            assert ["photos"] == order(driver)
            await driver.type("nowhere")
            assert [] == [name for name in order(driver) if name != "None"]
            assert "No job is shown." in driver.text

    run(test())


def test_the_order_is_changed_and_the_cursor_stays_on_its_job() -> None:
    async def test() -> None:
        async with driven(still()) as driver:
            await driver.press("down")
            await driver.press("s")
            assert ["archive", "invoices", "logs", "photos", "scratch", "wiki"] == order(driver)
            assert "archive" == driver.app.screen.query_one(Rows).current
            await driver.press("s", "s", "s")
            assert "photos" == order(driver)[0]
            assert "largest last run first" in driver.text
            assert "archive" == driver.app.screen.query_one(Rows).current

    run(test())


def test_a_change_shows_and_the_cursor_stays_on_its_job() -> None:
    async def test() -> None:
        source = still()
        async with driven(source) as driver:
            await driver.press("end")
            assert "wiki" == driver.app.screen.query_one(Rows).current
            source.change(jobs=(job("new"), *STATE.jobs))
            await driver.pause()
            assert "7 jobs" in driver.text
            assert "wiki" == driver.app.screen.query_one(Rows).current

    run(test())


def test_whatever_else_is_wrong_is_said_on_top_but_leaves_room_for_the_jobs() -> None:
    async def test() -> None:
        source = still(
            heartbeat=NOW - 100,
            warnings=("the new configuration is refused: x", "the state cannot be written: y"),
            notifiers=(NotifierState("ops", waiting=3, failures=2, error="HTTP 500"),),
        )
        async with driven(source) as driver:
            assert "! the scheduler has not looked at the clock for 100 s" in driver.text
            assert "! the new configuration is refused: x" in driver.text
            assert "and 2 more" in driver.text
            assert "invoices" in order(driver)
            source.change(heartbeat=NOW, warnings=())
            await driver.pause()
            assert "! ops: 3 messages wait to be delivered: HTTP 500" in driver.text

    run(test())


def test_stale_is_said_on_every_screen() -> None:
    async def test() -> None:
        source = still()
        async with driven(source) as driver:
            source.current = replace(source.current, stale_since=NOW - 42, trouble="nobody listens there")
            source.number += 1
            await driver.pause()
            assert "! STALE since 14:12:38: nobody listens there; trying again by itself" in driver.text
            await driver.press("enter")
            assert "! STALE since 14:12:38" in driver.text

    run(test())


def test_before_anything_is_known_and_when_nothing_can_be() -> None:
    async def test() -> None:
        source = Still(View(note="Reading the configuration ..."))
        async with driven(source) as driver:
            assert "Reading the configuration ..." in driver.text
            await driver.press("r", "p", "P", "v", "enter", "ctrl+a", "s")
            assert [("start",)] == source.asked
            source.current = View(trouble="mcmirror.toml: [job.x] source: is missing")
            source.number += 1
            await driver.pause()
            assert "! mcmirror.toml: [job.x] source: is missing" in driver.text

    run(test())


def test_quitting_asks_only_when_something_would_be_lost() -> None:
    async def test() -> None:
        source = still()
        async with driven(source) as driver:
            source.mine = ("logs", "photos")
            await driver.press("q")
            assert "2 runs go on. Stop and quit?" in driver.text
            assert "logs, photos" in driver.text
            await driver.press("enter")
            assert not source.closed
            assert "Stop and quit?" not in driver.text
            await driver.press("q", "n")
            assert not source.closed
            await driver.press("q", "y")
            await driver.until(lambda: source.closed)
        assert 0 == driver.app.return_value

    run(test())


def test_quitting_with_nothing_under_way() -> None:
    async def test() -> None:
        source = still()
        async with driven(source) as driver:
            await driver.press("q")
            await driver.until(lambda: source.closed)
        assert 0 == driver.app.return_value
        assert ("close", 0) in source.asked

    run(test())


def test_help_names_every_key_of_the_screen_and_every_mark() -> None:
    async def test() -> None:
        async with driven(still(), (100, 50)) as driver:
            await driver.press("question_mark")
            for words in (
                "r       run the selected job now",
                "/       show only jobs",
                "Ctrl+P",
                "✗       partial, failed",
            ):
                assert words in driver.text
            await driver.press("escape")
            assert "Help:" not in driver.text

    run(test())


def test_the_palette_runs_a_job_by_its_name() -> None:
    async def test() -> None:
        source = still()
        async with driven(source) as driver:
            await driver.press("ctrl+p")
            await driver.type("run photos")
            await driver.until(lambda: "Run photos" in driver.text)
            await driver.press("enter")
            await driver.until(lambda: ("trigger", "photos") in source.asked)

    run(test())


def test_the_mouse_selects_and_opens() -> None:
    async def test() -> None:
        async with driven(still(), (120, 40)) as driver:
            await driver.pilot.click(Rows, offset=(3, 1))
            await driver.pause()
            assert "archive  onprem/archive → aws/archive-dr  ✓ verified" in driver.text

    run(test())


def test_light_and_dark() -> None:
    async def test() -> None:
        async with driven(still()) as driver:
            assert driver.app.current_theme.dark
            text = driver.text
            await driver.press("d")
            assert not driver.app.current_theme.dark
            assert text == driver.text

    run(test())


def test_names_that_would_move_the_cursor_are_shown_harmlessly() -> None:
    async def test() -> None:
        evil = "a\x1b[2J\u202eb[red]c[/red]"
        async with driven(still(jobs=(job(evil, source=f"x/{evil}"),)), (120, 40)) as driver:
            assert "\x1b" not in driver.text
            assert "a\\x1b[2J\\u202eb[red]c" in driver.text
            await driver.press("enter", "escape", "question_mark", "escape", "ctrl+p")

    run(test())


def test_thousands_of_jobs_are_scrolled_and_found() -> None:
    async def test() -> None:
        jobs = tuple(job(f"job-{number:04}") for number in range(2000))
        async with driven(still(jobs=jobs)) as driver:
            assert "2000 jobs" in driver.text
            await driver.press("end")
            assert "job-1999" in driver.text
            await driver.press("slash")
            await driver.type("0777")
            assert ["job-0777"] == order(driver)

    run(test())


def test_the_selected_one_stays_in_sight_wherever_another_order_puts_it() -> None:
    async def test() -> None:
        jobs = (*(job(f"job-{number:03}") for number in range(300)), job("the-last", FAILED))
        async with driven(still(jobs=jobs)) as driver:
            assert "the-last" == order(driver)[0]
            await driver.press("home", "s")
            await driver.until(lambda: "the-last" == order(driver)[-1])
            await driver.until(lambda: "\n│ the-last " in driver.text)
            await driver.press("s", "s", "s", "s")
            await driver.until(lambda: "the-last" == order(driver)[0])
            await driver.until(lambda: "\n│ the-last " in driver.text)

    run(test())


def test_what_does_not_fit_below_is_reached_by_key_and_another_job_is_read_from_its_beginning() -> None:
    async def test() -> None:
        problem = replace(PARTIAL.problems[0], remedy="Do this. " * 60 + "And that.")
        jobs = (job("one", replace(FAILED, problems=(problem,))), job("two", FAILED))
        async with driven(still(jobs=jobs)) as driver:
            assert "And that." not in driver.text
            await driver.press("tab", "end")
            await driver.until(lambda: "And that." in driver.text)
            await driver.press("shift+tab", "down")
            await driver.until(lambda: "onprem/two → aws/two-dr" in driver.text)

    run(test())


@pytest.mark.parametrize("width", range(60, 240, 7))
def test_the_columns_fit_the_terminal(width: int) -> None:
    jobs = (*STATE.jobs, job("customer-05-documents-archive", trigger="cron 15 3 * * 1-5 (Europe/Berlin)"))
    for shown in (jobs, jobs[:1], ()):
        columns = Columns.of(width, View(replace(STATE, jobs=shown), pasts=PASTS))
        widths = [getattr(columns, name) for name in columns.__dataclass_fields__]
        assert sum(widths) + sum(1 for one in widths if one) - 1 <= width
        assert min(columns.job, columns.mirror) >= min(8, len("JOB"))
        named = max((len(one.name) for one in shown), default=0)
        assert columns.job >= min(8, named)


def test_what_is_empty_takes_no_column_from_what_is_long() -> None:
    long = job("customer-05-documents-archive", None, trigger="by hand")
    bare, full = View(replace(STATE, jobs=(long,))), View(replace(STATE, jobs=(*STATE.jobs, long)), pasts=PASTS)
    assert (0, 0) == (Columns.of(115, bare).runs, Columns.of(115, bare).last), "it never ran"
    assert (9, 17) == (Columns.of(115, full).runs, Columns.of(115, full).last)
    assert 8 == Columns.of(85, View(STATE, pasts={"photos": PAST})).runs, "names and places have room enough"
    assert 0 == Columns.of(75, full).runs, "they have not: names come before pictures"


@pytest.mark.parametrize("width", range(1, 12))
def test_room_is_shared_so_that_nobody_is_short_of_what_another_has_too_much_of(width: int) -> None:
    for wanted in ((3, 9), (9, 3), (5, 5, 5), (0, 20), ()):
        given = shares(wanted, width)
        assert sum(given) == min(width, sum(wanted)) or not wanted
        for mine, want in zip(given, wanted, strict=True):
            assert mine <= want
            assert mine == want or mine >= max(given) - 1


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (119, "119s"), (120, "2m"), (7199, "119m"), (7200, "2h"), (172800, "2d"), (-5, "0s")],
)
def test_ages_are_short(seconds: float, text: str) -> None:
    assert text == age(seconds)


@pytest.mark.parametrize("width", range(4, 40))
def test_a_pair_is_cut_on_both_sides(width: int) -> None:
    text = pair("onprem/a-long-bucket", "aws/another-long-one", width)
    assert width == len(text)
    if width > 12:
        assert text.startswith("on")
        assert "→ a" in text
    assert fitted("日本語", 4) == "日… "


def test_a_newcomer_is_told_what_to_do(tmp_path: Path) -> None:
    async def test() -> None:
        source = still(jobs=())
        source.edits = tmp_path / "mcmirror.toml"
        async with driven(source) as driver:
            lines = driver.text.splitlines()
            top = next(at for at, line in enumerate(lines) if "Three steps to the first mirror" in line)
            bottom = next(at for at, line in enumerate(lines) if "╰" in line)
            assert 3 >= abs((top - 3) - (len(lines) - 2 - bottom)), "it stands in the middle"
            assert 1 >= abs((80 - len(lines[top].rstrip())) - (len(lines[top]) - len(lines[top].lstrip())))
            steps = [line for line in lines[top:bottom] if "then" in line]
            assert [("1", "2", "a"), ("2", "3", "a"), ("3", "1", "r")] == [
                (words[1], words[-4], words[-2]) for words in map(str.split, steps)
            ]
            # Keys that want a job are not offered.
            await driver.until(lambda: "q Quit ? Help" == driver.text.splitlines()[-1].strip())
            await driver.press("2")
            await driver.until(lambda: "Connections" == driver.app.screen.NAME)  # type: ignore[attr-defined]
            await driver.press("1")
            source.change(jobs=STATE.jobs)
            await driver.until(lambda: "photos" in driver.text and "Three steps" not in driver.text)
            await driver.press("down", "r")
            await driver.until(lambda: any(one[0] == "trigger" for one in source.asked))
            source.edits = None
            source.change(jobs=())
            await driver.pause()
            assert "There are no jobs." in driver.text

    run(test())


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_the_time_has_its_place_on_top_of_every_screen(width: int) -> None:
    async def test() -> None:
        async with driven(still(), (width, 24)) as driver:
            assert driver.text.splitlines()[0].endswith("14:13:20")
            driver.app.open_run("photos")
            await driver.pause()
            first = driver.text.splitlines()[0]
            assert "Run photos" in first
            assert first.endswith("14:13:20")
            driver.app.open_run("a-name-that-is-longer-than-the-line-" * 5)
            await driver.pause()
            first, second = driver.text.splitlines()[:2]
            assert "Run a-name" in first
            assert first.endswith(" 14:13:20")
            assert "…" in first
            assert "a-name" in second

    run(test())


def test_a_secret_is_never_painted_wherever_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "S3CRET-of-the-alias"
    monkeypatch.setattr(redact, "redactors", [redactor([secret])])

    async def test() -> None:
        source = still(warnings=(f"http://user:{secret}@host cannot be reached",))
        async with driven(source, (120, 40)) as driver:
            assert "cannot be reached" in driver.text
            assert secret not in driver.app.export_screenshot()
            assert "***" in driver.text
            source.refusal = Refusal(f"what of {secret}", secret, secret)
            await driver.press("r")
            assert secret not in driver.app.export_screenshot()

    run(test())
