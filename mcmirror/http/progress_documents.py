"""How far a run is, as a JSON document and back; sizes in bytes, durations in seconds."""

from collections.abc import Mapping
from typing import Any

from mcmirror.cli.jsonl import plan_document
from mcmirror.model.document import count_document, problem_document, problem_of
from mcmirror.model.event import Phase
from mcmirror.model.plan import Count, Plan
from mcmirror.model.progress import Progress


def progress_document(progress: Progress) -> dict[str, Any]:
    """All of it but the job, which stands beside it."""
    source, target = progress.listed
    return {
        "source": progress.source,
        "target": progress.target,
        "dry_run": progress.dry_run,
        "waiting": progress.waiting or None,
        "phase": progress.phase.value if progress.phase else None,
        "phases": {phase.value: round(seconds, 3) for phase, seconds in progress.phases},
        "listed": {"source_objects": source, "target_objects": target},
        "plan": plan_document(progress.plan) if progress.plan else None,
        "total": count_document(progress.total),
        "announced": count_document(progress.announced),
        "bytes": progress.moved,
        "removed": progress.removed,
        "attempt": progress.attempt,
        "problems": [problem_document(problem) for problem in progress.problems],
    }


def progress_of(job: str, document: Mapping[str, Any]) -> Progress:
    """The progress that a document was made of; ValueError when it is none."""
    try:
        listed = document["listed"]
        return Progress(
            job=job,
            source=document["source"],
            target=document["target"],
            dry_run=bool(document["dry_run"]),
            waiting=document["waiting"] or "",
            phase=Phase(document["phase"]) if document["phase"] else None,
            phases=tuple((Phase(phase), float(seconds)) for phase, seconds in document["phases"].items()),
            listed=(listed["source_objects"], listed["target_objects"]),
            plan=plan_of(document["plan"]) if document["plan"] else None,
            total=Count(**document["total"]),
            announced=Count(**document["announced"]),
            moved=document["bytes"],
            removed=document["removed"],
            attempt=document["attempt"],
            problems=tuple(map(problem_of, document["problems"])),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no progress: {error}") from None


def plan_of(document: Mapping[str, Any]) -> Plan:
    """The plan that ``plan_document`` has shown, without its differences; KeyError or TypeError when it is none."""
    counts: dict[str, Any] = {name: Count(**count) for name, count in document.items()}
    return Plan(**counts)
