"""A flood of events ends in a few values: whatever comes, what is kept is bounded."""

import gc
import sys
from collections import deque
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from mcmirror.codec.events import event_document, event_of
from mcmirror.model.event import (
    CopyStarted,
    Event,
    Moved,
    Phase,
    PhaseStarted,
    Planned,
    Removed,
    RunFinished,
    RunStarted,
)
from mcmirror.model.plan import Count
from mcmirror.tui.fold import KEYS, LINES, PACES, PLAN, RUN, Fold
from tests.ui_samples import PLAN as THE_PLAN
from tests.ui_samples import VERIFIED, run_events


def held(value: Any, seen: set[int] | None = None) -> int:
    """How many objects hang on this one, of the kinds that grow."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return 0
    seen.add(id(value))
    if isinstance(value, dict):
        return len(value) + sum(held(one, seen) for one in value.values())
    if isinstance(value, list | tuple | deque | set):
        return len(value) + sum(held(one, seen) for one in value)
    if is_dataclass(value):
        return sum(held(getattr(value, field.name), seen) for field in fields(value))
    return (
        held(vars(value), seen) if hasattr(value, "__dict__") and type(value).__module__.startswith("mcmirror") else 0
    )


def test_a_million_events_are_held_in_a_few_hundred_values() -> None:
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 0.00001
        return now

    fold = Fold(clock)
    fold.hear("k", RunStarted("j", "a", "b", dry_run=False))
    fold.hear("k", PhaseStarted("j", Phase.MIRROR))
    sizes = []
    for part in range(10):
        for number in range(25_000):
            key = f"{part}-{number}"
            fold.hear("k", CopyStarted("j", key, 10))
            fold.hear("k", Moved("j", number))
            fold.hear("k", Removed("j", key))
            fold.hear("k", PhaseStarted("j", Phase.MIRROR)) if not number % 100 else None
        gc.collect()
        sizes.append(held(fold))
    assert max(sizes) <= 3 * (KEYS + LINES + PACES) + 5000
    assert sizes[-1] <= sizes[4] * 1.2
    assert sys.getsizeof(fold.look("k")) < 1000


def test_of_many_runs_of_a_job_only_the_last_is_held() -> None:
    fold = Fold()
    for number in range(1000):
        for event in run_events("photos"):
            fold.hear(f"run-{number}", event)
    assert fold.look("run-998") is None
    assert fold.look("run-999") is not None
    assert "run-999" == fold.last("photos")


def test_a_plan_and_a_run_of_one_job_are_apart() -> None:
    fold = Fold()
    fold.begin("p", "photos", PLAN)
    fold.begin("r", "photos", RUN)
    fold.hear("p", Planned("photos", THE_PLAN))
    assert [("p", "photos", PLAN), ("r", "photos", RUN)] == fold.unfinished()
    fold.hear("r", RunFinished("photos", VERIFIED))
    assert [("p", "photos", PLAN)] == fold.unfinished()
    plan = fold.look("p")
    assert plan is not None
    assert not plan.over
    assert THE_PLAN == plan.track.plan


def test_what_a_look_returned_does_not_change() -> None:
    fold = Fold()
    for event in run_events()[:7]:
        fold.hear("k", event)
    before = fold.look("k")
    assert before is not None
    assert 1 == before.track.announced.objects
    for event in run_events()[6:]:
        fold.hear("k", event)
    assert 1 == before.track.announced.objects
    assert not before.over


def test_copies_that_were_left_out_count() -> None:
    fold = Fold()
    for event in run_events()[:6]:
        fold.hear("k", event)
    fold.hear("k", CopyStarted("photos", "a", 10))
    fold.copies("k", 2)
    fold.hear("k", Moved("photos", 3000))
    seen = fold.look("k")
    assert seen is not None
    assert Count(3, 3500) == seen.track.announced
    assert 3000 == seen.track.bytes


@pytest.mark.parametrize("event", run_events(), ids=lambda event: type(event).__name__)
def test_each_event_comes_back_from_its_document(event: Event) -> None:
    assert event == event_of(event_document(event, "2026-11-21T00:00:00Z"))


@pytest.mark.parametrize(
    "document", [{"event": "planned", "job": "x"}, {"event": "moved"}, {}, {"event": "phase_started", "phase": "x"}]
)
def test_a_broken_document_is_no_event(document: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"event|Phase"):
        event_of(document)


def test_an_event_of_a_later_version_is_left_out() -> None:
    assert event_of({"event": "comet", "job": "x"}) is None
