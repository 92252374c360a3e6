"""Plans and verifications of a server: shared, begun in turn, cancelled, kept for a while and no longer."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from mcmirror.config import Configuration
from mcmirror.model.control import Sent, Stopping, UnknownInspection, UnknownJob
from mcmirror.model.event import Planned, RunFinished
from mcmirror.model.inspection import Inspection
from mcmirror.model.job import Verb
from mcmirror.model.plan import Count, Plan
from mcmirror.model.report import Status
from mcmirror.service.inspections import DIFFERENCES, KEPT, MOST, Inspections
from tests.inspected import Looker, Room, jobs
from tests.ui_samples import PLAN
from tests.waiting import LONG, until


@pytest.fixture
def looker() -> Looker:
    made = Configuration(jobs=jobs("a", "b", "c"))
    return Looker(replace(made, settings=replace(made.settings, parallel=2)))


@pytest.fixture
def room(looker: Looker) -> Room:
    return Room(looker)


@pytest.fixture
def inspections(room: Room) -> Iterator[Inspections]:
    found = room.inspections()
    yield found
    found.stop()
    assert found.wait(LONG), "they do not end"


def ended(inspections: Inspections, key: str) -> Inspection:
    """How it is, once it has ended."""
    until(lambda: inspections.get(key).report)
    return inspections.get(key)


def test_a_plan_from_its_beginning_to_its_prefixes(inspections: Inspections, looker: Looker, room: Room) -> None:
    feed = room.hub.subscribe()
    key = inspections.begin("a", Verb.PLAN)
    until(lambda: (going := inspections.get(key).progress) and going.listed == (1000, 900))
    going = inspections.get(key)
    assert ("running", None, None) == (going.stage, going.plan, going.report)
    looker.let.set()
    over = ended(inspections, key)
    assert over.report is not None
    assert over.groups is not None
    assert ("ended", PLAN, Status.SUCCEEDED) == (over.stage, over.plan, over.report.status)
    assert list(PLAN.differences) == list(over.plan.differences if over.plan else ())
    assert "a/" == over.groups.groups[0].name
    assert (("gone", 20),) == over.groups.removals
    assert over.asked <= over.begun <= over.ended
    assert over.ended + KEPT == over.kept_until
    heard = list[Sent]()
    while not heard or not isinstance(heard[-1].event, RunFinished):
        sent = feed.next(LONG)
        assert isinstance(sent, Sent)
        heard.append(sent)
    assert {(key, Verb.PLAN)} == {(one.run, one.verb) for one in heard}
    (planned,) = [one.event for one in heard if isinstance(one.event, Planned)]
    assert () == planned.plan.differences, "a slow reader would keep their file open"
    until(lambda: room.said)
    assert re.fullmatch(r"info inspected Plan of a, on request: succeeded, .*", room.said[0])


def test_its_end_can_be_asked_for_before_anybody_hears_of_it(
    inspections: Inspections, looker: Looker, room: Room
) -> None:
    looker.let.set()
    feed = room.hub.subscribe()
    key = inspections.begin("a", Verb.PLAN)
    while not (isinstance(sent := feed.next(LONG), Sent) and isinstance(sent.event, RunFinished)):
        pass
    found = inspections.get(key)
    assert ("ended", True) == (found.stage, found.groups is not None)


def test_who_asks_for_what_is_under_way_shares_it(inspections: Inspections, looker: Looker) -> None:
    first = inspections.begin("a", Verb.PLAN)
    assert first == inspections.begin("a", Verb.PLAN)
    assert first != inspections.begin("a", Verb.VERIFY)
    assert not inspections.cancel(first), "somebody else still wants it"
    looker.let.set()
    report = ended(inspections, first).report
    assert report is not None
    assert Status.SUCCEEDED == report.status
    assert first != inspections.begin("a", Verb.PLAN), "one that has ended is not asked for again"


def test_one_that_nobody_wants_any_more_is_stopped_and_not_shared(inspections: Inspections) -> None:
    key = inspections.begin("a", Verb.PLAN)
    until(lambda: inspections.get(key).progress)
    assert inspections.cancel(key)
    assert key != inspections.begin("a", Verb.PLAN)
    report = ended(inspections, key).report
    assert report is not None
    assert Status.CANCELLED == report.status
    with pytest.raises(UnknownInspection):
        inspections.cancel(key)


def test_a_job_that_was_configured_otherwise_meanwhile_is_another_one(inspections: Inspections, looker: Looker) -> None:
    key = inspections.begin("a", Verb.PLAN)
    job = replace(looker.configuration.jobs["a"], strict=True)
    looker.configuration = replace(looker.configuration, jobs={"a": job})
    assert key != inspections.begin("a", Verb.PLAN)
    with pytest.raises(UnknownJob):
        inspections.begin("b", Verb.PLAN)


def test_so_many_at_once_as_runs_and_the_others_wait_for_their_turn(inspections: Inspections, looker: Looker) -> None:
    keys = [inspections.begin(name, Verb.PLAN) for name in "abc"]
    until(lambda: len(looker.begun) == 2)
    assert ["queued", "running", "running"] == [one.stage for one in inspections.all()]
    assert inspections.cancel(keys[1])
    until(lambda: "plan c" in looker.begun)
    looker.let.set()
    for key in (keys[0], keys[2]):
        ended(inspections, key)
    assert ["plan a", "plan b", "plan c"] == looker.begun


def test_one_that_waits_is_taken_back(inspections: Inspections, looker: Looker) -> None:
    for name in "ab":
        inspections.begin(name, Verb.PLAN)
    waiting = inspections.begin("c", Verb.VERIFY)
    assert inspections.cancel(waiting)
    report = inspections.get(waiting).report
    assert report is not None
    assert Status.CANCELLED == report.status
    looker.let.set()
    until(lambda: all(one.stage == "ended" for one in inspections.all()))
    assert "verify c" not in looker.begun


def test_it_is_kept_for_a_while(inspections: Inspections, looker: Looker, room: Room) -> None:
    looker.let.set()
    key = inspections.begin("a", Verb.PLAN)
    ended(inspections, key)
    room.later = KEPT - 60
    assert key == inspections.get(key).id
    room.later = KEPT + 1
    with pytest.raises(UnknownInspection):
        inspections.get(key)
    assert () == inspections.all()


def test_only_the_newest_are_kept(inspections: Inspections, looker: Looker) -> None:
    looker.let.set()
    keys = []
    for _ in range(MOST + 3):
        keys.append(inspections.begin("a", Verb.PLAN))
        ended(inspections, keys[-1])
    assert keys[: -MOST - 1 : -1] == [one.id for one in inspections.all()]


def test_differences_without_end_are_not_kept_but_for_the_newest(inspections: Inspections, looker: Looker) -> None:
    looker.let.set()
    looker.plan = Plan(missing=Count(DIFFERENCES // 2 + 1, 1))
    keys = []
    for name in "abc":
        keys.append(inspections.begin(name, Verb.PLAN))
        ended(inspections, keys[-1])
    assert [keys[-1]] == [one.id for one in inspections.all()]


def test_stopping_ends_them_all_and_takes_no_more(inspections: Inspections, looker: Looker) -> None:
    keys = [inspections.begin(name, Verb.PLAN) for name in "abc"]
    until(lambda: len(looker.begun) == 2)
    assert not inspections.wait(0)
    inspections.stop(15)
    assert inspections.wait(LONG)
    reports = [inspections.get(key).report for key in keys]
    assert [(Status.CANCELLED, 15)] * 3 == [(one.status, one.signal) for one in reports if one]
    with pytest.raises(Stopping):
        inspections.begin("a", Verb.PLAN)


def test_a_mistake_of_ours_ends_one_and_no_other(inspections: Inspections, looker: Looker) -> None:
    looker.broken = RuntimeError("a mistake")
    report = ended(inspections, inspections.begin("a", Verb.PLAN)).report
    assert report is not None
    assert Status.FAILED == report.status
    looker.broken = None
    looker.let.set()
    report = ended(inspections, inspections.begin("a", Verb.PLAN)).report
    assert report is not None
    assert Status.SUCCEEDED == report.status
