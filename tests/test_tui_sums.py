"""The counts on the overview add up, and a job that runs shows in full how far it is."""

import asyncio
import random
import re
from dataclasses import replace

import pytest

from mcmirror.model.event import (
    CopyStarted,
    Event,
    Listed,
    Moved,
    Phase,
    PhaseStarted,
    Planned,
    RunStarted,
    Waiting,
)
from mcmirror.model.report import Status
from mcmirror.model.state import JobState
from mcmirror.tui.overview_text import totals
from mcmirror.tui.rows import Rows
from mcmirror.tui.source import View
from tests.tui_samples import FAILED, NOTHING, NOW, STATE, Still, driven, job, still
from tests.ui_samples import PLAN, VERIFIED

REPORTS = (VERIFIED, NOTHING, FAILED, None, *(replace(VERIFIED, status=status, verified=False) for status in Status))


def some(dice: random.Random, number: int) -> JobState:
    return job(
        f"job-{number}", dice.choice(REPORTS), dice.choice((60.0, 40 * 3600.0)), paused=dice.random() < 0.3,
        run="run" if dice.random() < 0.2 else "", max_age=dice.choice((0.0, 26 * 3600.0)),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(60))
def test_each_job_is_counted_once(seed: int) -> None:
    dice = random.Random(seed)
    jobs = tuple(some(dice, number) for number in range(dice.randrange(1, 50)))
    view = View(replace(STATE, jobs=jobs, paused=dice.random() < 0.3))
    total, *parts = (int(number) for number in re.findall(r"\d+", totals(view, NOW, "", 400).plain.splitlines()[0]))
    assert len(jobs) == total == sum(parts)


def running(*events: Event, phase: str = "mirror") -> Still:
    source = still(jobs=(job("logs", NOTHING, 100, run="run-logs", phase=phase),))
    if events:
        source.fold.begin("run-logs", "logs")
    for event in (RunStarted("logs", "onprem/logs", "aws/logs-dr", dry_run=False), *events) if events else ():
        source.fold.hear("run-logs", event)
    return source


COPYING = (
    PhaseStarted("logs", Phase.PLAN), Planned("logs", PLAN), PhaseStarted("logs", Phase.MIRROR),
    CopyStarted("logs", "one", 100), Moved("logs", 1740),
)  # fmt: skip


@pytest.mark.parametrize(
    ("events", "phase", "expected"),
    [
        (COPYING, "mirror", ("━━━━━", "25%", "1 of 4 objects", "100 B of 3.4 KiB")),
        (
            (*COPYING[:1], Listed("logs", 700, 20)),
            "plan",
            ("700 objects at the source, 20 on the target",),
        ),
        ((Waiting("logs", "aws/logs-dr"),), "waiting", ("waits: another run writes to aws/logs-dr",)),
        ((), "queued", ("▶ waits for its turn",)),
        ((), "elsewhere", ("▶ under way in another process",)),
    ],
    ids=["copying", "listing", "waiting", "queued", "elsewhere"],
)
@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
def test_a_job_that_runs_says_in_full_how_far_it_is(
    events: tuple[Event, ...], phase: str, expected: tuple[str, ...], size: tuple[int, int]
) -> None:
    async def test() -> None:
        async with driven(running(*events, phase=phase), size) as driver:
            detail = driver.text.partition("╭─ logs")[2]
            for text in expected:
                assert text in detail
            assert "last run ✓ verified" in detail

    asyncio.run(test())


@pytest.mark.parametrize("size", [(40, 10), (60, 15), (80, 24), (200, 60)], ids=str)
@pytest.mark.parametrize("number", [0, 1, 3, 40])
def test_nothing_is_wider_than_the_screen_and_the_cursor_stays_in_sight(number: int, size: tuple[int, int]) -> None:
    odd = ("顧客-写真-" * 12, "n" * 200, "a\x1b[31mred\r\n\tb", "e\u0301" * 30, "[bold]x[/bold]")
    jobs = tuple(job(f"{name}{at}") for at, name in enumerate((odd * 8)[:number]))

    async def test() -> None:
        source = still(jobs=jobs)
        async with driven(source, (120, 40)) as driver:
            await driver.pilot.resize_terminal(*size)
            await driver.until(lambda: driver.app.size == size)
            for room in ("1", "3", "4", "2", "1"):
                await driver.press(room)
                lines = driver.app.screen._compositor.render_strips()
                assert {size[0]} == {line.cell_length for line in lines}
                assert "\x1b" not in driver.text
            if number:
                await driver.press("end")
                rows = driver.app.screen.query_one(Rows)
                assert number - 1 == rows.highlighted
                assert rows.region.height >= 2
                assert rows.scroll_offset.y + rows.size.height >= number, "the last line is shown"

    asyncio.run(test())
