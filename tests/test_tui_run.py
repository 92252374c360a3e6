"""The run's screen: steps, progress, problems and their remedies, the end; cancelling asks once."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any

from mcmirror.model.event import (
    CopyStarted,
    Event,
    Listed,
    Moved,
    Phase,
    PhaseStarted,
    Planned,
    ProblemFound,
    Removed,
    Retrying,
    RunFinished,
    RunStarted,
    StillMissing,
    Waiting,
)
from mcmirror.model.plan import Count
from mcmirror.model.progress import PROBLEMS
from mcmirror.model.report import Status
from mcmirror.tui.fold import VERIFY, Fold
from tests.tui_samples import NOW, Still, driven, still
from tests.ui_samples import DENIED, EVIL, EVIL_SHOWN, PARTIAL, PLAN, VERIFIED

BIG = replace(PLAN, missing=Count(99, 2**30), changed=Count(1, 0), extraneous=Count(4, 40))


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def copying(job: str = "logs") -> list[Event]:
    """A run up to the middle of its copying."""
    return [
        RunStarted(job, f"onprem/{job}", f"aws/{job}-dr", dry_run=False),
        PhaseStarted(job, Phase.PREFLIGHT),
        PhaseStarted(job, Phase.PLAN),
        Planned(job, BIG),
        PhaseStarted(job, Phase.GUARD),
        PhaseStarted(job, Phase.MIRROR),
    ]


def heard(source: Still, events: Sequence[Event], key: str = "run-logs") -> None:
    for event in events:
        source.fold.hear(key, event)


def moving() -> tuple[Still, Clock]:
    """A source with a run that copies at 32 MiB a second."""
    source, clock = still(), Clock()
    source.fold = Fold(clock, lambda: NOW)
    heard(source, copying())
    for number in range(40):
        heard(source, [CopyStarted("logs", f"2026/11/part-{number:02}.gz", 2**24), Moved("logs", number * 2**24)])
        clock.now += 0.5
    return source, clock


def test_how_far_it_is_and_how_fast() -> None:
    async def test() -> None:
        source, _ = moving()
        async with driven(source, (120, 40)) as driver:
            assert "▶ copying 61%" in driver.text
            driver.app.open_run("logs")
            await driver.pause()
            assert "logs  onprem/logs → aws/logs-dr  ▶ under way" in driver.text
            assert "✓ checking" in driver.text
            assert "▶ copying 20 s" in driver.text
            assert (
                "40 of 100 objects begun  ·  624 MiB of 1.0 GiB  ·  30.5 MiB/s  ·  13 s left  ·  highest 32.0 MiB/s"
                in driver.text
            )
            assert "> 2026/11/part-39.gz" in driver.text
            assert "14:13:20 copying" in driver.text

    run(test())


def test_listing_removing_waiting_and_trying_again() -> None:
    async def test() -> None:
        source = still()
        heard(source, [Waiting("logs", "aws/logs-dr")])
        async with driven(source, (120, 40)) as driver:
            driver.app.open_run("logs")
            await driver.pause()
            assert "▶ waiting, another run writes to aws/logs-dr" in driver.text
            heard(source, copying()[:3])
            heard(source, [Listed("logs", 1200, 1000)])
            await driver.pause()
            assert "1,200 objects at the source, 1,000 on the target listed" in driver.text
            heard(source, copying()[3:])
            heard(source, [Retrying("logs", 2, 10.0, 17)])
            await driver.pause()
            assert "trying 17 objects again in 10 s (attempt 2)" in driver.text
            assert "0 of 17 objects" in driver.text
            heard(source, [PhaseStarted("logs", Phase.REMOVE), Removed("logs", "old/a")])
            await driver.pause()
            assert "1 of 4 objects removed" in driver.text
            assert "> old/a" in driver.text

    run(test())


def test_a_problem_shows_with_its_remedy_and_is_explained() -> None:
    async def test() -> None:
        source, _ = moving()
        heard(source, [ProblemFound("logs", DENIED)] * 3)
        async with driven(source) as driver:
            driver.app.open_run("logs")
            await driver.pause()
            assert "1 problem, Enter explains  do: Give the key s3:PutObject." in driver.text
            assert "✗ The target refuses to store objects  (3 times)" in driver.text
            await driver.press("tab") if driver.app.focused is None else None
            driver.app.screen.query_one("#problems").focus()
            await driver.press("enter")
            for words in (
                "Problem: permission",
                "Access Denied.",
                "Give the key s3:PutObject.",
                "tried again",
                "in general",
            ):
                assert words in driver.text
            await driver.press("escape")
            assert "Problem: permission" not in driver.text

    run(test())


def test_the_end_is_the_whole_report() -> None:
    async def test() -> None:
        source, _ = moving()
        async with driven(source, (120, 40)) as driver:
            driver.app.open_run("logs")
            await driver.pause()
            heard(source, [RunFinished("logs", replace(PARTIAL, job="logs"))])
            await driver.pause()
            assert "✗ logs partial: 25 objects not as planned on the target" in driver.text
            assert "copied      5 of 30 objects, 50 B of 300 B" in driver.text
            assert f"- {EVIL_SHOWN}: not on the target" in driver.text
            assert "▶" not in driver.text.splitlines()[1]
            assert "mcmirror run logs, once that is mended" in driver.text

    run(test())


def test_a_job_that_does_not_run_shows_its_last_run_or_what_to_do() -> None:
    async def test() -> None:
        async with driven(still(), (120, 40)) as driver:
            driver.app.open_run("photos")
            await driver.pause()
            assert "✓ photos verified: 1,204 objects, 3.0 GiB copied" in driver.text
            assert "✓ verified  10m ago" in driver.text
            await driver.press("escape")
            driver.app.open_run("scratch")
            await driver.pause()
            assert "It has not run yet: r runs it now, P shows what a run would do." in driver.text
            await driver.press("escape")
            driver.app.open_run("gone")
            await driver.pause()
            assert "There is no job of this name any more." in driver.text

    run(test())


def test_a_run_of_another_process() -> None:
    async def test() -> None:
        async with driven(still(), (120, 40)) as driver:
            driver.app.open_run("logs")
            await driver.pause()
            assert "▶ under way, in another process: its end will be seen here" in driver.text

    run(test())


def test_cancelling_asks_once() -> None:
    async def test() -> None:
        source, _ = moving()
        async with driven(source) as driver:
            driver.app.open_run("logs")
            await driver.until(lambda: "c Cancel" in driver.text)
            await driver.press("c")
            assert "Cancel this run of logs?" in driver.text
            await driver.press("escape")
            assert ("cancel", "run-logs") not in source.asked
            await driver.press("c", "y")
            assert 1 == source.asked.count(("cancel", "run-logs"))
            assert "▶ stopping, mc is asked to end" in driver.text
            heard(source, [RunFinished("logs", replace(VERIFIED, job="logs", status=Status.CANCELLED, signal=2))])
            await driver.pause()
            assert "cancelled: stopped by Ctrl-C" in driver.text
            # What has ended is not offered to be cancelled.
            await driver.until(lambda: "c Cancel" not in driver.text)
            await driver.press("c")
            assert "Cancel this run" not in driver.text

    run(test())


def test_keys_run_it_again_plan_it_and_verify_it() -> None:
    async def test() -> None:
        source = still()
        async with driven(source) as driver:
            driver.app.open_run("photos")
            await driver.press("r")
            assert ("trigger", "photos") in source.asked
            await driver.press("v")
            assert ("verify", "photos") in source.asked
            assert "Verify photos" in driver.text
            heard(source, [RunFinished("photos", replace(VERIFIED, job="photos"))], f"{VERIFY}-photos")
            await driver.pause()
            assert "✓ photos verified: the target holds every object of the source" in driver.text
            await driver.press("P")
            assert ("plan", "photos") in source.asked
            assert "Plan photos" in driver.text

    run(test())


def test_joined_in_the_middle_nothing_is_made_up() -> None:
    async def test() -> None:
        source = still()
        heard(source, [PhaseStarted("logs", Phase.MIRROR), CopyStarted("logs", EVIL, 5), Moved("logs", 5)])
        async with driven(source, (120, 40)) as driver:
            driver.app.open_run("logs")
            await driver.pause()
            assert "totals are not known: this run had begun before" in driver.text
            assert f"> {EVIL_SHOWN}" in driver.text

    run(test())


def test_a_flood_of_different_problems_is_kept_small() -> None:
    fold = Fold()
    for number in range(PROBLEMS * 3):
        fold.hear("k", ProblemFound("j", replace(DENIED, object=str(number))))
        fold.hear("k", StillMissing("j", f"key-{number}", "x"))
    seen = fold.look("k")
    assert seen is not None
    assert PROBLEMS == len(seen.problems)
    assert len(seen.log) <= 300
