"""Replications as JSON documents; their shapes are a published API."""

from collections.abc import Iterable
from typing import Any

from mcmirror.codec.documents import PROBLEM
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
