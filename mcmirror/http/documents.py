"""What a server says of itself as JSON documents, and back: the dashboard reads the same values that the server has.

Times are RFC 3339 in UTC with milliseconds, null where there is none; durations are seconds.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

from mcmirror.model.document import record_document, record_of
from mcmirror.model.record import Record
from mcmirror.model.state import JobState, NotifierState, State, Totals, ailments

PROBLEMS = 10
"""Problems that a run shows where runs are listed; it names all where it is shown alone."""


def state_document(state: State) -> dict[str, Any]:
    """The whole of a state; of each last run what ``run_document`` shows in a list."""
    return {
        "time": rfc3339(state.now),
        "started": rfc3339(state.started),
        "heartbeat": rfc3339(state.heartbeat),
        "service": state.service,
        "paused": state.paused,
        "stopping": state.stopping,
        "ailments": list(ailments(state)),
        "warnings": list(state.warnings),
        "jobs": [job_document(job, state.now) for job in state.jobs],
        "notifiers": [notifier_document(notifier) for notifier in state.notifiers],
        "totals": {name: _totals_document(totals) for name, totals in state.totals.items()},
    }


def job_document(job: JobState, now: float) -> dict[str, Any]:
    """One job; ``stale`` is worked out for ``now``."""
    return {
        "name": job.name,
        "source": job.source,
        "target": job.target,
        "trigger": job.trigger,
        "paused": job.paused,
        "dry_run": job.dry_run,
        "run": job.run or None,
        "phase": job.phase,
        "next_run": rfc3339(job.next_run),
        "last_success": rfc3339(job.last_success),
        "max_age_seconds": job.max_age,
        "overdue_since": rfc3339(job.overdue_since),
        "stale": job.stale(now),
        "last": run_document(job.last, brief=True) if job.last else None,
    }


def notifier_document(notifier: NotifierState) -> dict[str, Any]:
    """One notifier and what it still owes."""
    return {
        "name": notifier.name,
        "waiting": notifier.waiting,
        "failures": notifier.failures,
        "given_up": notifier.given_up,
        "error": notifier.error,
    }


def run_document(record: Record, *, brief: bool = False) -> dict[str, Any]:
    """One run with its report; ``brief`` leaves out the keys that the report names, and most of many problems."""
    if brief and record.report is not None:
        shorter = replace(record.report, remaining=(), removed=(), problems=record.report.problems[:PROBLEMS])
        return record_document(replace(record, report=shorter))
    return record_document(record)


def state_of(document: Mapping[str, Any]) -> State:
    """The state that a document was made of, by this version or an older one; ValueError when it is none."""
    try:
        return State(
            now=epoch(document["time"]),
            started=epoch(document["started"]),
            heartbeat=epoch(document["heartbeat"]),
            service=document.get("service", ""),
            paused=bool(document.get("paused")),
            stopping=bool(document.get("stopping")),
            jobs=tuple(map(job_of, document["jobs"])),
            notifiers=tuple(map(_notifier_of, document.get("notifiers", ()))),
            warnings=tuple(document.get("warnings", ())),
            totals={name: _totals_of(totals) for name, totals in document.get("totals", {}).items()},
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no state: {error}") from None


def job_of(document: Mapping[str, Any]) -> JobState:
    """The job that a document was made of; KeyError, TypeError or ValueError when it is none."""
    return JobState(
        name=document["name"],
        source=document["source"],
        target=document["target"],
        trigger=document["trigger"],
        paused=bool(document.get("paused")),
        dry_run=bool(document.get("dry_run")),
        run=document.get("run") or "",
        phase=document.get("phase", ""),
        next_run=epoch(document.get("next_run")),
        last_success=epoch(document.get("last_success")),
        max_age=float(document.get("max_age_seconds", 0)),
        overdue_since=epoch(document.get("overdue_since")),
        last=record_of(document["last"]) if document.get("last") else None,
    )


def rfc3339(seconds: float) -> str | None:
    """A time since the epoch as text; None for 0."""
    if not seconds:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def epoch(text: str | None) -> float:
    """Such a text as seconds since the epoch; 0 for None."""
    return datetime.fromisoformat(text).timestamp() if text else 0.0


def _totals_document(totals: Totals) -> dict[str, Any]:
    found = {field.name: getattr(totals, field.name) for field in fields(totals)}
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in found.items()}


def _totals_of(document: Mapping[str, Any]) -> Totals:
    return Totals(**{field.name: document[field.name] for field in fields(Totals) if field.name in document})


def _notifier_of(document: Mapping[str, Any]) -> NotifierState:
    return NotifierState(**{field.name: document[field.name] for field in fields(NotifierState)})
