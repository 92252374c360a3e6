"""Plans and verifications of a server as JSON documents and back; times as in ``documents``."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mcmirror.cli.jsonl import plan_document
from mcmirror.http.documents import PROBLEMS, epoch, rfc3339
from mcmirror.http.progress_documents import plan_of, progress_document, progress_of
from mcmirror.model.document import count_document, report_document, report_of
from mcmirror.model.groups import Group, Groups
from mcmirror.model.inspection import Inspection
from mcmirror.model.plan import Count

_COUNTS = ("copy", "replace", "remove", "kept", "impossible")


def inspection_document(inspection: Inspection, *, brief: bool = False) -> dict[str, Any]:
    """One of them; ``brief`` leaves out prefixes, removals, the keys that the report names, and most problems."""
    report = inspection.report
    if brief and report is not None:
        report = replace(report, remaining=(), removed=(), problems=report.problems[:PROBLEMS])
    document = {
        "id": inspection.id,
        "job": inspection.job,
        "verb": inspection.verb,
        "source": inspection.source,
        "target": inspection.target,
        "stage": inspection.stage,
        "stopping": inspection.stopping,
        "asked": rfc3339(inspection.asked),
        "begun": rfc3339(inspection.begun),
        "ended": rfc3339(inspection.ended),
        "kept_until": rfc3339(inspection.kept_until),
        "progress": progress_document(inspection.progress) if inspection.progress else None,
        "plan": plan_document(inspection.plan) if inspection.plan else None,
        "report": report_document(report) if report else None,
    }
    if not brief:
        document["by_prefix"] = groups_document(inspection.groups) if inspection.groups else None
    return document


def inspection_of(document: Mapping[str, Any]) -> Inspection:
    """The inspection that a whole document was made of; ValueError when it is none."""
    try:
        return Inspection(
            id=document["id"],
            job=document["job"],
            verb=document["verb"],
            source=document["source"],
            target=document["target"],
            asked=epoch(document["asked"]),
            begun=epoch(document["begun"]),
            ended=epoch(document["ended"]),
            kept_until=epoch(document["kept_until"]),
            stopping=bool(document["stopping"]),
            progress=progress_of(document["job"], document["progress"]) if document["progress"] else None,
            plan=plan_of(document["plan"]) if document["plan"] else None,
            groups=groups_of(document["by_prefix"]) if document["by_prefix"] else None,
            report=report_of(document["report"]) if document["report"] else None,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no plan and no verification: {error}") from None


def groups_document(groups: Groups) -> dict[str, Any]:
    """A plan by prefix, and the first removals."""
    return {
        "prefix": groups.prefix,
        "groups": [
            {"name": group.name, **{name: count_document(getattr(group, name)) for name in _COUNTS}}
            for group in groups.groups
        ],
        "removed": count_document(groups.removed),
        "removals": [{"key": key, "size": size} for key, size in groups.removals],
    }


def groups_of(document: Mapping[str, Any]) -> Groups:
    """The groups that a document was made of; KeyError or TypeError when it is none."""
    return Groups(
        prefix=document["prefix"],
        groups=tuple(Group(one["name"], *(Count(**one[name]) for name in _COUNTS)) for one in document["groups"]),
        removals=tuple((one["key"], one["size"]) for one in document["removals"]),
        removed=Count(**document["removed"]),
    )
