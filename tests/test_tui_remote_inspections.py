"""Plans, verifications and a released guard on a dashboard that is attached to a server."""

from mcmirror.model.event import RunStarted
from mcmirror.model.job import Verb
from mcmirror.model.plan import Count
from mcmirror.model.report import Status
from mcmirror.tui.fold import Seen
from mcmirror.tui.remote import RemoteSource
from tests.inspected import Room
from tests.test_tui_plan import TOO_MANY
from tests.test_tui_remote import JOB, RUN, attached, run
from tests.tui_samples import driven
from tests.ui_samples import PLAN
from tests.waiting import until


def ended(source: RemoteSource, key: str) -> Seen:
    """What is shown of it, once its end is known."""
    until(lambda: (seen := source.fold.look(key)) is not None and seen.over)
    seen = source.fold.look(key)
    assert seen is not None
    return seen


def test_a_plan_is_approved_on_an_attached_dashboard() -> None:
    async def test() -> None:
        with attached() as (source, control, _, _):
            async with driven(source, (120, 40)) as driver:
                await driver.until(lambda: "photos" in driver.text)
                driver.app.open_plan("photos")
                await driver.until(lambda: "WOULD REMOVE 1 object" in driver.text)
                assert "copy   4 objects, 3.4 KiB (3 missing, 1 different)" in driver.text
                assert "- gone  20 B" in driver.text
                await driver.press("r")
                assert "Run photos and remove 2 objects?" in driver.text
                await driver.press("y")
                await driver.until(lambda: ("trigger", "photos") in control.asked)
                ((agreed, job, plan), *asked) = control.asked
                assert ("agreed", "photos", [("trigger", "photos")]) == (agreed, job, asked)
                assert plan.startswith("plan-")

    run(test())


def test_the_guard_is_released_from_an_attached_dashboard_by_the_number() -> None:
    async def test() -> None:
        with attached() as (source, control, _, _):
            control.looker.status, control.looker.problems = Status.REFUSED, (TOO_MANY,)
            async with driven(source, (120, 40)) as driver:
                await driver.until(lambda: "photos" in driver.text)
                driver.app.open_plan("photos")
                await driver.until(lambda: "WOULD HAVE REMOVED 1 object" in driver.text)
                await driver.press("R")
                await driver.type("2")
                await driver.press("enter")
                await driver.until(lambda: ("trigger", "photos", "2") in control.asked)
                ((agreed, job, plan), *asked) = control.asked
                assert ("agreed", "photos", [("trigger", "photos", "2")]) == (agreed, job, asked)
                assert plan.startswith("plan-")

    run(test())


def test_a_verification_on_an_attached_dashboard() -> None:
    async def test() -> None:
        with attached() as (source, control, _, _):
            async with driven(source, (120, 40)) as driver:
                await driver.until(lambda: "photos" in driver.text)
                await driver.press("v")
                # The cursor is on the job that goes on.
                await driver.until(lambda: "x verified: the target holds every object of the source" in driver.text)
                assert ["verify docs/2026 → x"] == control.looker.begun

    run(test())


def test_leaving_a_plan_stops_it_unless_somebody_else_wants_it() -> None:
    async def test() -> None:
        with attached() as (source, control, _, _):
            control.looker.let.clear()
            async with driven(source, (120, 40)) as driver:
                await driver.until(lambda: "photos" in driver.text)
                driver.app.open_plan("photos")
                await driver.until(lambda: "1,000 objects at the source, 900 on the target listed" in driver.text)
                key = control.inspections.begin("photos", Verb.PLAN)
                await driver.press("c")
                await driver.until(lambda: "the plan goes on" in " ".join(driver.told))
                control.inspections.begin("photos", Verb.PLAN)
                await driver.press("escape")
                await driver.until(lambda: not control.inspections.get(key).stopping)
                driver.app.open_plan("photos")
                await driver.until(lambda: "▶ looking at both sides" in driver.text)
                assert control.inspections.cancel(key) is False
                await driver.press("escape")
                await driver.until(lambda: control.inspections.get(key).stage == "ended")

    run(test())


def test_the_end_of_a_plan_is_seen_whatever_became_of_the_line() -> None:
    with attached() as (source, control, relay, _):
        control.looker.let.clear()
        source.start()
        until(lambda: source.view().state is not None and control.hub._subscriptions)
        key = source.plan("photos")
        until(lambda: (seen := source.fold.look(key)) and seen.track.listed == (1000, 900))
        relay.closed = True
        relay.cut()
        until(lambda: source.view().stale_since)
        control.looker.let.set()
        until(lambda: control.inspections.get(key).report)
        relay.closed = False
        seen = ended(source, key)
        assert (PLAN, "succeeded") == (seen.track.plan, seen.report and seen.report.status)
        assert Count(1, 20) == source.groups(key).removed


def test_a_plan_that_the_server_has_forgotten_has_ended() -> None:
    with attached() as (source, control, _, _):
        control.looker.let.clear()
        source.start()
        until(lambda: source.view().state is not None)
        key = source.plan("photos")
        control.inspections.stop()
        control.inspections = Room(control.looker, control.hub).inspections()
        report = ended(source, key).report
        assert report is not None
        assert "interrupted" == report.status
        assert "Ask for it again." == report.problems[0].remedy


def test_what_others_ask_of_the_server_replaces_nothing_here() -> None:
    with attached() as (source, control, _, _):
        source.start()
        until(lambda: source.view().state is not None and control.hub._subscriptions)
        key = source.plan("photos")
        ended(source, key)
        other = control.inspections.begin("photos", Verb.PLAN)
        until(lambda: control.inspections.get(other).report)
        control.hub.send(RUN, RunStarted(JOB, "a", "b", dry_run=False))
        until(lambda: source.fold.look(RUN))
        assert source.fold.look(other) is None
        assert key == source.fold.last("photos", "plan")
