"""How far a run is, folded from its events: what whoever comes late is told."""

from dataclasses import replace

from mcmirror.codec.documents import decode, encode
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
    RunStarted,
    Waiting,
)
from mcmirror.model.plan import Count
from mcmirror.model.progress import SHOWN, Progress, ProgressTracker
from tests.ui_samples import DENIED, PLAN

JOB = "photos"
STARTED = RunStarted(JOB, "onprem/photos", "aws/photos-dr", dry_run=False)
COPYING: tuple[Event, ...] = (
    STARTED,
    PhaseStarted(JOB, Phase.PLAN),
    Listed(JOB, 1205, 1203),
    Planned(JOB, PLAN),
    PhaseStarted(JOB, Phase.MIRROR),
    CopyStarted(JOB, "a", 1000),
    CopyStarted(JOB, "b", 500),
    Moved(JOB, 1200),
)


def told(*events: Event) -> Progress:
    """What is known after these, which come a second apart."""
    now = 100.0
    tracker = ProgressTracker(JOB)
    for event in events:
        tracker.see(event, now)
        now += 1
    return tracker.progress(now)


def test_in_the_middle_of_copying() -> None:
    assert told(*COPYING) == Progress(
        JOB, "onprem/photos", "aws/photos-dr",
        phase=Phase.MIRROR, phases=((Phase.PLAN, 3.0), (Phase.MIRROR, 4.0)), plan=PLAN, total=PLAN.copies,
        announced=Count(2, 1500), moved=1200,
    )  # fmt: skip


def test_the_file_of_a_plan_is_not_held_open() -> None:
    plan = told(*COPYING).plan
    assert plan is not None
    assert () == plan.differences


def test_before_another_attempt_only_what_is_left_counts() -> None:
    found = told(*COPYING, Retrying(JOB, 2, 5.0, 3), PhaseStarted(JOB, Phase.MIRROR), CopyStarted(JOB, "c", 7))
    assert (2, Count(3, 0), Count(1, 7), 0) == (found.attempt, found.total, found.announced, found.moved)
    assert Phase.MIRROR is found.phase


def test_while_both_sides_are_listed_or_another_run_is_waited_for() -> None:
    assert (1205, 1203) == told(*COPYING[:3]).listed
    assert "aws/photos-dr" == told(Waiting(JOB, "aws/photos-dr")).waiting
    assert "" == told(Waiting(JOB, "aws/photos-dr"), STARTED).waiting


def test_removals_and_the_first_problems() -> None:
    problems = [replace(DENIED, object=str(number)) for number in range(SHOWN * 2)]
    found = told(
        *COPYING,
        *(ProblemFound(JOB, problem) for problem in (*problems, *problems)),
        PhaseStarted(JOB, Phase.REMOVE),
        Removed(JOB, "x"),
        Removed(JOB, "y"),
    )
    assert (2, tuple(problems[:SHOWN])) == (found.removed, found.problems)


def test_whoever_takes_it_up_is_where_one_is_who_heard_it_all() -> None:
    events = (*COPYING, Retrying(JOB, 2, 5.0, 3), PhaseStarted(JOB, Phase.MIRROR), CopyStarted(JOB, "c", 7))
    for number in range(1, len(events) + 1):
        heard, joined = ProgressTracker(JOB), ProgressTracker(JOB)
        for event in events[:number]:
            heard.see(event, 0.0)
        joined.resume(told(*events[:number]), 0.0)
        fields = ("source", "target", "phase", "listed", "plan", "total", "announced", "moved", "removed")
        assert [getattr(heard, name) for name in fields] == [getattr(joined, name) for name in fields]


def test_a_document_and_back() -> None:
    for number in range(len(COPYING) + 1):
        progress = told(*COPYING[:number], ProblemFound(JOB, DENIED))
        assert progress == decode(Progress, encode(progress), job=JOB)
