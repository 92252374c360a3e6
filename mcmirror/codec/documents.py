"""The published documents: reports, runs, plans, progress, inspections, the state of a server. A table for each.

Times are RFC 3339 in UTC with milliseconds, null where there is none; durations are seconds, sizes bytes.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from mcmirror.codec.shape import (
    AS_IS,
    OR_NULL,
    Field,
    Pair,
    Shape,
    by_name,
    field,
    many,
    optional,
    plain,
    same,
    spread,
    word,
)
from mcmirror.model.agent import AgentProcess, AgentState
from mcmirror.model.backlog import Action, BacklogState, Item, ItemState
from mcmirror.model.cost import Requests
from mcmirror.model.event import Phase
from mcmirror.model.groups import Group, Groups
from mcmirror.model.inspection import Inspection
from mcmirror.model.plan import Count, Plan
from mcmirror.model.problem import Problem
from mcmirror.model.progress import Progress
from mcmirror.model.realtime import Channel, RealtimeState
from mcmirror.model.record import Cause, Record
from mcmirror.model.relay import RelayState
from mcmirror.model.replication_state import DirectionState, ReplicationState
from mcmirror.model.report import Remaining, RunReport, Status, Tally
from mcmirror.model.state import JobState, NotifierState, State, Totals, ailments

VERSION = 1
"""Of the shapes. Names are added to a version and never change their meaning; a document without a ``version`` is 1."""
PROBLEMS = 10
"""Problems that a run shows where runs are listed; it names all where it is shown alone."""

T = TypeVar("T")


def rfc3339(seconds: float) -> str | None:
    """A time since the epoch as text; None for 0."""
    if not seconds:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def epoch(text: str | None) -> float:
    """Such a text as seconds since the epoch; 0 for None."""
    return datetime.fromisoformat(text).timestamp() if text else 0.0


TIME = Pair(rfc3339, epoch)
SECONDS = Pair(lambda seconds: round(seconds, 3), float)
COUNT = plain(Count, {})
PROBLEM = plain(Problem, {})
PLAN = plain(Plan, {Count: COUNT}, only=Count)
"""Its counts by name; what it lists is not in it."""
_TALLY = plain(Tally, {Count: COUNT})

REPORT = Shape(
    RunReport,
    *same("job source target"),
    field("status", word(Status)),
    Field("exit_code", lambda report: int(report.exit_code)),
    *same("verified dry_run signal started"),
    Field(
        "duration_seconds",
        lambda report: None if report.lasted is None else round(report.lasted, 3),
        "seconds",
        lambda found: float(found["duration_seconds"] or 0),
    ),
    field("phases", Pair(lambda phases: {str(phase): round(lasted, 3) for phase, lasted in phases.items()}, dict)),
    *same("attempts"),
    field("created", OR_NULL),
    *spread("tally", _TALLY),
    field("notes", many(AS_IS)),
    field("problems", many(PROBLEM)),
    field("remaining_keys", many(plain(Remaining, {})), "remaining"),
    field("removed_keys", many(AS_IS), "removed"),
    field("requests", plain(Requests, {})),
    inside={"tally": _TALLY},
)
RECORD = Shape(
    Record,
    *same("id job source target"),
    field("cause", word(Cause)),
    Field("status", lambda record: record.status),
    *same("started finished host pid max_delete"),
    field("report", optional(REPORT)),
)
PROGRESS = Shape(
    Progress,  # all of it but the job, which stands beside it
    *same("source target dry_run"),
    field("waiting", OR_NULL),
    field("phase", optional(word(Phase))),
    Field(
        "phases",
        lambda progress: {phase.value: round(seconds, 3) for phase, seconds in progress.phases},
        "phases",
        lambda found: tuple((Phase(phase), float(seconds)) for phase, seconds in found["phases"].items()),
    ),
    Field(
        "listed",
        lambda progress: dict(zip(("source_objects", "target_objects"), progress.listed, strict=True)),
        "listed",
        lambda found: (found["listed"]["source_objects"], found["listed"]["target_objects"]),
    ),
    field("plan", optional(PLAN)),
    field("total", COUNT),
    field("announced", COUNT),
    field("bytes", attribute="moved"),
    *same("removed attempt"),
    field("problems", many(PROBLEM)),
)
GROUPS = Shape(
    Groups,
    *same("prefix"),
    field("groups", many(plain(Group, {Count: COUNT}))),
    field("removed", COUNT),
    field(
        "removals",
        many(Pair(lambda one: {"key": one[0], "size": one[1]}, lambda one: (one["key"], one["size"]))),
    ),
)
INSPECTION = Shape(
    Inspection,
    *same("id job verb source target"),
    Field("stage", lambda inspection: inspection.stage),
    *same("stopping"),
    *(field(name, TIME) for name in ("asked", "begun", "ended", "kept_until")),
    Field(
        "progress",
        lambda inspection: optional(PROGRESS).to(inspection.progress),
        "progress",
        lambda found: PROGRESS.of(found["progress"], job=found["job"]) if found["progress"] else None,
    ),
    field("plan", optional(PLAN)),
    field("report", optional(REPORT)),
    field("by_prefix", optional(GROUPS), "groups"),
)
REALTIME = Shape(
    RealtimeState,
    field("channel", word(Channel)),
    field("since", TIME),
    *same("why"),
    field("polls_every_seconds", attribute="polls_every"),
    field("heard", TIME),
    *same("proven dirty"),
    field("lag_seconds", SECONDS, "lag"),
    field("longest_lag_seconds", SECONDS, "longest_lag"),
    field("max_lag_seconds", attribute="max_lag"),
    *same("failing error held events batches copied removed gaps reconnects catching_up"),
)
BACKLOG = Shape(
    BacklogState,
    *same("pending leased failed held dead done"),
    field("oldest", TIME),
    field("next", TIME, "due"),
    *same("error rate"),
    Field("remaining_seconds", lambda state: round(state.remaining_seconds, 1)),
    field("prepared", TIME),
    *same("paused troubled"),
)
ITEM = Shape(
    Item,
    *same("key"),
    field("action", word(Action)),
    field("state", word(ItemState)),
    *same("attempts"),
    field("since", TIME),
    field("next", TIME, "due"),
    field("lease", TIME),
    *same("owner error"),
    field("finished", TIME),
)
JOB = Shape(
    JobState,
    *same("name source target trigger paused dry_run"),
    field("run", OR_NULL),
    *same("phase"),
    field("next_run", TIME),
    field("last_success", TIME),
    field("max_age_seconds", attribute="max_age"),
    field("overdue_since", TIME),
    field("realtime", optional(REALTIME)),
    field("backlog", optional(BACKLOG)),
    Field("stale", lambda _: False),  # depends on the time: see ``job_document``
    field("last", optional(Pair(lambda record: RECORD.to(brief(record)), RECORD.of))),
)
RELAY = Shape(
    RelayState,
    *same("name waiting"),
    field("oldest", TIME),
    *same("dead delivered pending repeated failures error"),
)
_DIRECTION = Shape(
    DirectionState,
    field("from", attribute="source"),
    field("to", attribute="target"),
    *same("state well working online"),
    field("last_online", OR_NULL),
    *same("behind"),
    field("lag_seconds", attribute="lag"),
    *same("error"),
)
REPLICATION = Shape(
    ReplicationState,
    *same("name"),
    field("looked", TIME),
    field("max_lag_seconds", attribute="max_lag"),
    field("directions", many(_DIRECTION)),
    *same("error"),
)
_PROCESS = Shape(
    AgentProcess,
    *same("instance host pid version capacity running"),
    field("started", TIME),
    field("seen", TIME),
)
AGENT = Shape(
    AgentState,
    *same("name"),
    field("max_age_seconds", attribute="max_age"),
    Field("seen", lambda agent: TIME.to(agent.seen)),
    *same("running waiting"),
    field("jobs", many(AS_IS)),
    field("processes", many(_PROCESS)),
    field("watched_since", TIME, "since"),
)
STATE = Shape(
    State,
    field("time", TIME, "now"),
    field("started", TIME),
    field("heartbeat", TIME),
    *same("service paused stopping"),
    Field("ailments", lambda state: list(ailments(state))),
    field("warnings", many(AS_IS)),
    Field(
        "jobs",
        lambda state: [job_document(job, state.now) for job in state.jobs],
        "jobs",
        lambda found: many(JOB).of(found["jobs"]),
    ),
    field("notifiers", many(plain(NotifierState, {}))),
    field("relays", many(RELAY)),
    field("replications", many(REPLICATION)),
    Field(
        "agents",
        lambda state: [agent_document(agent, state.now) for agent in state.agents],
        "agents",
        lambda found: many(AGENT).of(found["agents"]),
    ),
    field("totals", by_name(plain(Totals, {}))),
)
_SHAPES: dict[type[Any], Shape] = {
    shape.made: shape for shape in (COUNT, PROBLEM, PLAN, REPORT, RECORD, PROGRESS, GROUPS, INSPECTION, STATE)
}


def encode(value: Any) -> dict[str, Any]:
    """The document of a value of any of these classes."""
    return _SHAPES[type(value)].to(value)


def decode(kind: type[T], document: Mapping[str, Any], **more: Any) -> T:
    """The value that a document was made of, by this version or an older one. Raises ValueError when it is none."""
    return read(_SHAPES[kind], kind.__name__, document, **more)  # type: ignore[no-any-return]


def read(shape: Shape, noun: str, document: Mapping[str, Any], **more: Any) -> Any:
    """The value of a document. Raises ValueError."""
    try:
        if document.get("version", VERSION) > VERSION:
            raise ValueError(f"this {noun} is of a newer mcmirror")
        return shape.of(document, **more)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no {noun}: {error}") from None


def job_document(job: JobState, now: float) -> dict[str, Any]:
    """One job at that time."""
    return {**JOB.to(job), "stale": job.stale(now)}


def agent_document(agent: AgentState, now: float) -> dict[str, Any]:
    """One agent at that time."""
    return {**AGENT.to(agent), "gone": agent.gone(now)}


def brief(record: Record) -> Record:
    """A run as it is listed: without the keys that its report names, and most of many problems."""
    return replace(record, report=shortened(record.report)) if record.report else record


def shortened(report: RunReport) -> RunReport:
    """A report as it is listed."""
    return replace(report, remaining=(), removed=(), problems=report.problems[:PROBLEMS])


def inspection_document(inspection: Inspection) -> dict[str, Any]:
    """A plan or verification as it is listed: without its prefixes, too."""
    report = shortened(inspection.report) if inspection.report else None
    found = INSPECTION.to(replace(inspection, report=report, groups=None))
    del found["by_prefix"]
    return found


def json_report(reports: Iterable[RunReport]) -> str:
    """The file of ``--report-json``: ``{"reports": [...]}``, one report a job."""
    return json.dumps({"reports": [encode(report) for report in reports]}, indent=2, ensure_ascii=False) + "\n"
