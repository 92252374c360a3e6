"""The plan's screen: what would happen by prefix, approve or leave; a refusal, and its release by a typed number."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from mcmirror.messages.error_lookup import problem
from mcmirror.model.event import Event, Phase, PhaseStarted, Planned, ProblemFound, RunFinished, RunStarted
from mcmirror.model.groups import MOST, NAMED, REST, grouped
from mcmirror.model.plan import Changed, Count, Entry, Extraneous, Impossible, Kept, Missing, Plan, Reason
from mcmirror.model.problem import Category
from mcmirror.model.report import RunReport, Status, Tally
from mcmirror.tui.source import Refusal
from tests.tui_samples import Still, driven, still
from tests.ui_samples import EVIL, EVIL_SHOWN, VERIFIED, entry

DIFFERENCES = (
    Missing(entry("2026/10/a.jpg", 1000)),
    Missing(entry("2026/10/b.jpg", 1000)),
    Changed(entry("2026/11/c.jpg", 500), entry("2026/11/c.jpg", 400), Reason.SIZE),
    Extraneous(entry("old/x.jpg", 20)),
    Extraneous(entry("old/" + EVIL, 20)),
    Kept(entry("kept"), entry("kept"), Reason.CONTENT),
    Impossible(entry("what//ever"), "an empty segment"),
)
PLAN = Plan(
    source=Count(105, 10_000), target=Count(100, 9000), missing=Count(2, 2000), changed=Count(1, 500),
    extraneous=Count(2, 40), kept=Count(1, 5), equal=Count(100, 6000), impossible=Count(1, 5),
    differences=DIFFERENCES,
)  # fmt: skip
REPORT = replace(
    VERIFIED,
    verified=False,
    dry_run=True,
    tally=Tally(planned=Count(3, 2500), to_remove=Count(2, 40), equal=Count(100, 6000)),
)
TOO_MANY = problem(
    Category.TOO_MANY_DELETES, "2 of 3 objects would be removed from aws/photos-dr", "max_delete is 0", "aws/photos-dr",
    remedy="See what would go with `mcmirror plan`.",
)  # fmt: skip
REFUSED = replace(REPORT, status=Status.REFUSED, problems=(TOO_MANY,))


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


def events(job: str, plan: Plan = PLAN, report: RunReport = REPORT) -> list[Event]:
    found: list[Event] = [
        RunStarted(job, f"onprem/{job}", f"aws/{job}-dr", dry_run=True),
        PhaseStarted(job, Phase.PREFLIGHT),
        PhaseStarted(job, Phase.PLAN),
        Planned(job, plan),
        PhaseStarted(job, Phase.GUARD),
    ]
    found += [ProblemFound(job, one) for one in report.problems]
    return [*found, RunFinished(job, replace(report, job=job, source=f"onprem/{job}", target=f"aws/{job}-dr"))]


def planning(plan: Plan = PLAN, report: RunReport = REPORT) -> Still:
    """A source whose plans are ready at once."""
    source = still()
    source.grouped = grouped(plan.differences, removing=bool(report.tally.to_remove.objects))

    def begun(key: str, job: str) -> None:
        if key.startswith("plan"):
            for event in events(job, plan, report):
                source.fold.hear(key, event)

    source.begun = begun
    return source


def test_what_a_run_would_do_is_shown_by_prefix_with_cost_and_removals() -> None:
    async def test() -> None:
        source = planning()
        async with driven(source, (120, 40)) as driver:
            driver.app.open_plan("photos")
            await driver.pause()
            await driver.until(lambda: "old/" in driver.text)
            assert ("plan", "photos") in source.asked
            text = driver.text
            assert "copy   3 objects, 2.4 KiB (2 missing, 1 different)" in text
            assert "remove 2 objects, 40 B" in text
            assert "100 equal, 1 different (overwrite is off), 1 that mc cannot carry" in text
            assert "cost   " in text
            assert "$" not in driver.words
            assert "WOULD REMOVE 2 objects" in text
            assert "- old/x.jpg  20 B" in text
            assert f"- old/{EVIL_SHOWN}" in text
            line = next(line for line in text.splitlines() if line.lstrip(" │").startswith("2026/"))
            assert line.strip("│ ").split()[:4] == ["2026/", "3", "2.4", "KiB"]

    run(test())


def test_approving_runs_it_after_the_removals_were_asked_about() -> None:
    async def test() -> None:
        source = planning()
        async with driven(source) as driver:
            driver.app.open_plan("photos")
            await driver.pause()
            await driver.press("r")
            assert "Run photos and remove 2 objects?" in driver.text
            await driver.press("n")
            assert ("trigger", "photos") not in source.asked
            await driver.press("r", "y")
            assert ("trigger", "photos") in source.asked
            assert "Run photos" in driver.text.splitlines()[0]

    run(test())


def test_a_plan_without_removals_is_approved_with_one_key() -> None:
    async def test() -> None:
        report = replace(REPORT, tally=replace(REPORT.tally, to_remove=Count()))
        source = planning(replace(PLAN, extraneous=Count(2, 40)), report)
        async with driven(source) as driver:
            driver.app.open_plan("photos")
            await driver.pause()
            assert "2 on the target only (remove is off)" in driver.words
            assert "WOULD REMOVE" not in driver.text
            await driver.press("r")
            assert ("trigger", "photos") in source.asked

    run(test())


def test_leaving_changes_nothing_and_stops_a_plan_that_is_being_made() -> None:
    async def test() -> None:
        source = still()
        async with driven(source) as driver:
            driver.app.open_plan("photos")
            await driver.pause()
            assert "▶ looking at both sides" in driver.text
            await driver.press("r")
            assert "No plan to approve: it is not there yet." in driver.told
            await driver.press("escape")
            await driver.until(lambda: ("cancel", "plan-photos") in source.asked)
            assert ("trigger", "photos") not in source.asked

    run(test())


def test_a_refusal_says_why_and_what_would_have_gone_and_is_released_by_the_number() -> None:
    async def test() -> None:
        source = planning(report=REFUSED)
        async with driven(source, (120, 40)) as driver:
            driver.app.open_plan("photos")
            await driver.pause()
            await driver.until(lambda: "WOULD HAVE REMOVED 2 objects" in driver.text)
            assert "✗ a run would be refused" in driver.text
            assert "✗ 2 of 3 objects would be removed from aws/photos-dr" in driver.text
            assert "why: max_delete is 0" in driver.text
            assert "- old/x.jpg" in driver.text
            await driver.press("r")
            assert "No plan to approve: there is none that can be carried out." in driver.told
            await driver.press("R")
            assert "type the number 2" in driver.asked
            await driver.type("3")
            await driver.press("enter")
            assert "That is not 2. Nothing was started." in driver.text
            assert not [one for one in source.asked if one[0] == "trigger"]
            await driver.press("backspace")
            await driver.type("2")
            await driver.press("enter")
            assert ("trigger", "photos", 2) in source.asked

    run(test())


def test_leaving_the_question_of_the_number_starts_nothing() -> None:
    async def test() -> None:
        source = planning(report=REFUSED)
        async with driven(source) as driver:
            driver.app.open_plan("photos")
            await driver.press("R", "2", "escape")
            assert "a run would be refused" in driver.text
            assert not [one for one in source.asked if one[0] == "trigger"]

    run(test())


def test_an_emptied_source_is_released_by_nobody_here() -> None:
    async def test() -> None:
        empty = problem(Category.SOURCE_EMPTY, "the source onprem/photos is empty", "", "onprem/photos")
        source = planning(report=replace(REFUSED, problems=(empty,)))
        async with driven(source) as driver:
            driver.app.open_plan("photos")
            await driver.press("R")
            assert "There is nothing here that could be released." in driver.told
            assert "R      lets one run" not in driver.text

    run(test())


def test_a_source_that_cannot_plan_says_so_on_the_screen() -> None:
    async def test() -> None:
        source = still()
        source.refusal = Refusal(
            "a plan cannot be made from here", "this dashboard is attached", "mcmirror plan photos"
        )
        async with driven(source) as driver:
            driver.app.open_plan("photos")
            await driver.pause()
            assert "✗ no plan" in driver.text
            assert "✗ a plan cannot be made from here" in driver.text
            assert "do:  mcmirror plan photos" in driver.text

    run(test())


def test_looking_again_and_nothing_to_do() -> None:
    async def test() -> None:
        nothing = replace(REPORT, tally=Tally(equal=Count(100, 6000)))
        source = planning(Plan(source=Count(100, 6000), target=Count(100, 6000), equal=Count(100, 6000)), nothing)
        async with driven(source) as driver:
            driver.app.open_plan("photos")
            await driver.pause()
            assert "✓ up to date" in driver.text
            await driver.press("l")
            assert 2 == source.asked.count(("plan", "photos"))

    run(test())


def test_groups_are_bounded_and_removals_are_named_up_to_a_thousand() -> None:
    many = [Missing(Entry(f"{number:06}/a", 1, "", "")) for number in range(MOST * 2)]
    gone = [Extraneous(Entry(f"z/{number:06}", 1, "", "")) for number in range(NAMED * 2)]
    found = grouped([*many, *gone], removing=True)
    assert MOST + 1 == len(found.groups)
    assert REST == found.groups[-1].name
    assert MOST * 2 == sum(group.copy.objects for group in found.groups)
    assert NAMED == len(found.removals)
    assert Count(NAMED * 2, NAMED * 2) == found.removed


def test_all_in_one_folder_is_shown_from_where_it_parts() -> None:
    found = grouped([Missing(entry("a/b/c/1")), Missing(entry("a/b/d/2"))], removing=False)
    assert "a/b/" == found.prefix
    assert ["c/", "d/"] == [group.name for group in found.groups]


def test_removals_that_are_off_are_not_listed() -> None:
    found = grouped([Extraneous(entry("a"))], removing=False)
    assert () == found.groups
    assert () == found.removals
