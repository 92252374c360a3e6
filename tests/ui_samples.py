"""Events and reports of runs that tests show on screens."""

from mcmirror.model.cost import Requests
from mcmirror.model.event import (
    CopyStarted,
    Event,
    Moved,
    Phase,
    PhaseStarted,
    Planned,
    ProblemFound,
    Removed,
    RunFinished,
    RunStarted,
    Verified,
)
from mcmirror.model.plan import Changed, Count, Entry, Extraneous, Kept, Missing, Plan, Reason
from mcmirror.model.problem import Category, Problem
from mcmirror.model.report import Remaining, RunReport, Status, Tally

EVIL = "a\n::error::x\x1b[2J\u202eb\\c\ttail"
EVIL_SHOWN = "a\\n::error::x\\x1b[2J\\u202eb\\\\c\\ttail"


def entry(key: str, size: int = 5) -> Entry:
    return Entry(key, size, "0" * 32, "2026-01-01T00:00:00")


DENIED = Problem(
    Category.PERMISSION,
    "The target refuses to store objects",
    "Access Denied.",
    "Give the key s3:PutObject.",
    object="a",
)

PLAN = Plan(
    source=Count(1205, 10_000),
    target=Count(1203, 9_000),
    missing=Count(3, 3_000),
    changed=Count(1, 500),
    extraneous=Count(2, 20),
    equal=Count(1200, 6_000),
    unproven=Count(7, 700),
    kept=Count(1, 10),
    differences=(
        Missing(entry("a/new.txt", 1000)),
        Changed(entry("b", 500), entry("b", 400), Reason.SIZE),
        Extraneous(entry("gone", 20)),
        Kept(entry("kept"), entry("kept"), Reason.CONTENT),
        Missing(entry(EVIL, 7)),
    ),
)

VERIFIED = RunReport(
    job="photos",
    source="onprem/photos",
    target="aws/photos-dr",
    status=Status.SUCCEEDED,
    verified=True,
    started="2026-01-01T00:00:00+00:00",
    seconds=72.3,
    phases={"plan": 4.1, "guard": 0.0, "mirror": 62.0, "verify": 5.9},
    tally=Tally(
        planned=Count(1204, 3 * 2**30),
        done=Count(1204, 3 * 2**30),
        equal=Count(98020, 2**40),
        unproven=Count(4, 2**26),
    ),
    requests=Requests(source_list=200, source_get=1204, target_list=200, target_put=1300),
)

PARTIAL = RunReport(
    job="photos",
    source="onprem/photos",
    target="aws/photos-dr",
    status=Status.PARTIAL,
    verified=True,
    started="2026-01-01T00:00:00+00:00",
    seconds=9.0,
    phases={"mirror": 2.0},
    tally=Tally(planned=Count(30, 300), done=Count(5, 50), remaining=Count(25, 250), equal=Count(1, 1)),
    problems=(DENIED,) * 18,
    remaining=(
        Remaining(EVIL, "not on the target"),
        *(Remaining(f"key{number}", "not on the target") for number in range(24)),
    ),
)


def run_events(job: str = "photos", report: RunReport = VERIFIED) -> tuple[Event, ...]:
    return (
        RunStarted(job, "onprem/photos", "aws/photos-dr", dry_run=False),
        PhaseStarted(job, Phase.PREFLIGHT),
        PhaseStarted(job, Phase.PLAN),
        Planned(job, PLAN),
        PhaseStarted(job, Phase.GUARD),
        PhaseStarted(job, Phase.MIRROR),
        CopyStarted(job, EVIL, 1000),
        Moved(job, 600),
        ProblemFound(job, DENIED),
        ProblemFound(job, DENIED),
        PhaseStarted(job, Phase.VERIFY),
        Verified(job, Count(4, 3500), Count()),
        PhaseStarted(job, Phase.REMOVE),
        Removed(job, "gone"),
        RunFinished(job, report),
    )
