"""A report as a JSON document: the same shape in ``--json``, in ``--report-json`` and wherever a machine reads it."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from mcmirror.model.plan import Count
from mcmirror.model.problem import Problem
from mcmirror.model.report import RunReport, Tally


def report_document(report: RunReport) -> dict[str, Any]:
    """Every number of the report under its published name; sizes in bytes, durations in seconds."""
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
        "duration_seconds": round(report.seconds, 3),
        "phases": {str(phase): round(seconds, 3) for phase, seconds in report.phases.items()},
        "attempts": report.attempts,
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
        "problems": [problem_document(problem) for problem in report.problems],
        "remaining_keys": [{"key": item.key, "reason": item.reason} for item in report.remaining],
        "removed_keys": list(report.removed),
        "requests": asdict(report.requests),
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


def json_report(reports: Iterable[RunReport]) -> str:
    """Return one document, ``{"reports": [...]}``, one report a job."""
    document = {"reports": [report_document(report) for report in reports]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
