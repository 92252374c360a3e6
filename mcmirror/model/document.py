"""A report as a JSON document and back: the same shape on stdout, in files, in the state and over HTTP."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from mcmirror.model.cost import Requests
from mcmirror.model.plan import Count
from mcmirror.model.problem import Category, Problem
from mcmirror.model.record import Cause, Record
from mcmirror.model.report import Remaining, RunReport, Status, Tally


def report_document(report: RunReport) -> dict[str, Any]:
    """Every number of the report under its published name; sizes in bytes, durations in seconds, null when unknown."""
    tally: Tally = report.tally
    return {
        "job": report.job,
        "source": report.source,
        "target": report.target,
        "status": report.status.value,
        "exit_code": int(report.exit_code),
        "verified": report.verified,
        "dry_run": report.dry_run,
        "signal": report.signal,
        "started": report.started,
        "duration_seconds": None if report.lasted is None else round(report.lasted, 3),
        "phases": {str(phase): round(seconds, 3) for phase, seconds in report.phases.items()},
        "attempts": report.attempts,
        "created": report.created or None,
        "planned": count_document(tally.planned),
        "done": count_document(tally.done),
        "to_remove": count_document(tally.to_remove),
        "removed": count_document(tally.removed),
        "kept": count_document(tally.kept),
        "extraneous": count_document(tally.extraneous),
        "equal": count_document(tally.equal),
        "remaining": count_document(tally.remaining),
        "unproven": count_document(tally.unproven),
        "read": count_document(tally.read),
        "excluded": count_document(tally.excluded),
        "vanished": count_document(tally.vanished),
        "notes": list(report.notes),
        "problems": [problem_document(problem) for problem in report.problems],
        "remaining_keys": [{"key": item.key, "reason": item.reason} for item in report.remaining],
        "removed_keys": list(report.removed),
        "requests": {item.name: getattr(report.requests, item.name) for item in fields(Requests)},
    }


def count_document(count: Count) -> dict[str, int]:
    """Objects and bytes."""
    return {"objects": count.objects, "bytes": count.bytes}


def problem_document(problem: Problem) -> dict[str, Any]:
    """Return the three parts with category, object and whether trying again can help."""
    return {
        "category": problem.category.value,
        "message": problem.message,
        "cause": problem.cause,
        "remedy": problem.remedy,
        "retryable": problem.retryable,
        "object": problem.object,
    }


def report_of(document: Mapping[str, Any]) -> RunReport:
    """The report that a document was made of, by this version or an older one; ValueError when it is none."""
    try:
        return RunReport(
            job=document["job"],
            source=document["source"],
            target=document["target"],
            status=Status(document["status"]),
            verified=bool(document["verified"]),
            dry_run=bool(document.get("dry_run")),
            signal=int(document.get("signal", 0)),
            started=document.get("started", ""),
            seconds=float(document.get("duration_seconds") or 0),
            phases=dict(document.get("phases", {})),
            tally=Tally(**{item.name: _count(document.get(item.name)) for item in fields(Tally)}),
            problems=tuple(map(problem_of, document.get("problems", ()))),
            remaining=tuple(Remaining(one["key"], one["reason"]) for one in document.get("remaining_keys", ())),
            removed=tuple(document.get("removed_keys", ())),
            requests=Requests(**document.get("requests", {})),
            attempts=int(document.get("attempts", 1)),
            notes=tuple(document.get("notes", ())),
            created=document.get("created") or "",
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no report: {error}") from None


def record_document(record: Record) -> dict[str, Any]:
    """A run under its published names; ``report`` is null while it runs."""
    return {
        "id": record.id,
        "job": record.job,
        "source": record.source,
        "target": record.target,
        "cause": record.cause.value,
        "status": record.status,
        "started": record.started,
        "finished": record.finished,
        "host": record.host,
        "pid": record.pid,
        "max_delete": record.max_delete,
        "report": report_document(record.report) if record.report else None,
    }


def record_of(document: Mapping[str, Any]) -> Record:
    """The run that a document was made of, by this version or an older one; ValueError when it is none."""
    try:
        report = document.get("report")
        return Record(
            id=document["id"],
            job=document["job"],
            source=document["source"],
            target=document["target"],
            cause=Cause(document["cause"]),
            started=document["started"],
            host=document.get("host", ""),
            pid=int(document.get("pid", 0)),
            finished=document.get("finished", ""),
            report=report_of(report) if report else None,
            max_delete=document.get("max_delete"),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no run: {error}") from None


def _count(document: Mapping[str, int] | None) -> Count:
    return Count(**document) if document else Count()


def problem_of(document: Mapping[str, Any]) -> Problem:
    """The problem that a document was made of; KeyError, TypeError or ValueError when it is none."""
    return Problem(
        category=Category(document["category"]),
        message=document["message"],
        cause=document["cause"],
        remedy=document["remedy"],
        retryable=bool(document["retryable"]),
        object=document["object"],
    )
