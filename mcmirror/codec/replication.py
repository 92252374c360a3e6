"""Replications as JSON documents; their shapes are a published API."""

from collections.abc import Iterable
from typing import Any

from mcmirror.codec.documents import PROBLEM
from mcmirror.model.replication import Direction
from mcmirror.model.replication_status import Comparison, DirectionStatus, Found, ResyncOutcome, Tally
from mcmirror.model.replication_steps import Application, Change, Made, ReplicationPlan, Step, StepResult


def plan_document(plan: ReplicationPlan) -> dict[str, Any]:
    """The plan of a replication."""
    return {
        "replication": plan.name,
        "steps": [step_document(step) for step in plan.steps],
        "standing": [step_document(step) for step in plan.standing],
        "conflicts": [PROBLEM.to(one) for one in plan.conflicts],
        "notes": list(plan.notes),
        "unasked": [PROBLEM.to(one) for one in plan.unasked],
    }


def application_document(application: Application) -> dict[str, Any]:
    """What carrying out a plan came to."""
    return {**plan_document(application.plan), "results": [_result(one) for one in application.results]}


def adoption_document(name: str, made: Iterable[Made]) -> dict[str, Any]:
    """What was adopted."""
    adopted = [{"action": one.action.value, "place": one.place, "detail": one.detail} for one in made]
    return {"replication": name, "adopted": adopted}


def step_document(step: Step) -> dict[str, Any]:
    """One step; what has no meaning for its action is left out."""
    plain = {
        "remote": step.remote,
        "rule": step.rule,
        "changes": [_change(one) for one in step.changes],
        "arn": step.arn,
        "on": list(step.on),
        "prefix": step.prefix,
        "suffix": step.suffix,
        "locked": step.locked,
    }
    return {"action": step.action.value, "place": step.place, **{name: one for name, one in plain.items() if one}}


def _change(change: Change) -> dict[str, str]:
    return {"what": change.what, "have": change.have, "want": change.want}


def _result(result: StepResult) -> dict[str, Any]:
    found = PROBLEM.to(result.problem) if result.problem else None
    return {**step_document(result.step), "state": result.state.value, "problem": found}


def status_document(name: str, time: str, statuses: Iterable[DirectionStatus]) -> dict[str, Any]:
    """How a replication stands."""
    found = list(statuses)
    well = all(status.well for status in found)
    return {"replication": name, "time": time, "well": well, "directions": [_status(one) for one in found]}


def comparison_document(direction: Direction, found: Comparison) -> dict[str, Any]:
    """Two buckets compared by their versions."""
    return {
        **_places(direction),
        **{name: _tally(getattr(found, name)) for name in ("source", "target", "missing", "different", "extra")},
        "oldest_missing": f"{found.oldest}Z" if found.oldest else None,
        "whole": found.whole,
        "named": [_found(one) for one in found.named],
    }


def resync_document(outcome: ResyncOutcome) -> dict[str, Any]:
    """A resync and what the listings show afterwards."""
    return {
        **_places(outcome.direction),
        "resync": {"id": outcome.resync.id, "status": outcome.resync.status},
        "status": _status(outcome.status),
    }


def _status(status: DirectionStatus) -> dict[str, Any]:
    comparison = status.comparison
    return {
        **_places(status.direction),
        "well": status.well,
        "rule": status.rule or None,
        "enabled": status.enabled,
        "online": status.online,
        "last_online": status.last_online or None,
        "behind": status.behind,
        "lag_seconds": None if status.lag is None else round(status.lag, 3),
        "marks": {mark.value: number for mark, number in status.marks.items()},
        "versions": comparison_document(status.direction, comparison) if comparison else None,
        "problem": PROBLEM.to(status.problem) if status.problem else None,
    }


def _places(direction: Direction) -> dict[str, str]:
    return {"from": str(direction.source), "to": str(direction.target)}


def _tally(tally: Tally) -> dict[str, int]:
    return {"versions": tally.versions, "delete_markers": tally.markers, "bytes": tally.bytes}


def _found(found: Found) -> dict[str, Any]:
    version = found.version
    return {
        "gap": found.gap.value,
        "key": version.key,
        "version": version.id,
        "delete_marker": version.marker,
        "latest": found.latest,
        "size": version.size,
        "modified": f"{version.modified}Z",
    }
