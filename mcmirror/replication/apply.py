"""Carrying out a plan: each step is written down before it begins and read back from the server afterwards."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from mcmirror.messages import replication_conflicts as conflicts
from mcmirror.messages.error_lookup import problem
from mcmirror.model.location import Location
from mcmirror.model.problem import Category, Problem, Trouble
from mcmirror.model.replication import Direction, Replication
from mcmirror.model.replication_steps import (
    Action,
    Application,
    Made,
    Step,
    StepResult,
    StepState,
)
from mcmirror.replication.difference import Observed, plan_of
from mcmirror.replication.servers import BucketServers

Tell = Callable[[StepResult], None]
UNREACHED = frozenset({Category.STALLED, Category.REPLICATION_UNREACHABLE})


class Ledger(Protocol):
    """Remembers what was made. Raises Trouble when it cannot."""

    def add(self, name: str, made: Made) -> None:
        """Remember it, before it is made."""

    def drop(self, name: str, made: Made) -> None:
        """Forget it: it was not made, or it is gone."""


def apply(desired: Replication, observed: Observed, servers: BucketServers, ledger: Ledger, tell: Tell) -> Application:
    """Take the steps that are left, until one fails; nothing is changed where the plan has conflicts."""
    plan = plan_of(desired, observed)
    if plan.conflicts:
        return Application(plan)
    appliance, results = _Appliance(desired, servers, ledger), list[StepResult]()
    for number, step in enumerate(plan.steps):
        failure, observed = appliance.take(step, observed)
        results.append(StepResult(step, StepState.FAILED if failure else StepState.DONE, failure))
        tell(results[-1])
        if failure:
            results += [StepResult(rest, StepState.OPEN) for rest in plan.steps[number + 1 :]]
            break
    return Application(plan, tuple(results))


class _Appliance:
    """Takes single steps."""

    def __init__(self, desired: Replication, servers: BucketServers, ledger: Ledger) -> None:
        self._desired = desired
        self._servers = servers
        self._ledger = ledger

    def take(self, step: Step, before: Observed) -> tuple[Problem | None, Observed]:
        """Take one step; why it is not taken, and what the servers have then."""
        made = made_by(step, before)
        if made is not None:
            self._ledger.add(self._desired.name, made)
        failure: Problem | None = None
        try:
            self._change(step, before)
        except Trouble as trouble:
            failure = self._in_context(step, trouble.problem, before)
        try:
            state = self._servers.bucket(step.place)
        except Trouble as trouble:
            return failure or trouble.problem, before
        after = replace(before, buckets={**before.buckets, step.place: state})
        left = plan_of(self._desired, after)
        if not any(step.same(one) for one in left.steps):
            return None, after
        if made is not None:
            self._ledger.drop(self._desired.name, made)
        return failure or _not_there(step), after

    def _change(self, step: Step, observed: Observed) -> None:
        server = observed.servers[(step.remote or step.place).partition("/")[0]]
        match step.action:
            case Action.CREATE_BUCKET:
                self._servers.create_bucket(step.place, server.region, locked=step.locked)
            case Action.ENABLE_VERSIONING:
                self._servers.enable_versioning(step.place)
            case Action.ADD_RULE:
                self._servers.add_rule(step.place, step.remote, self._desired, server)
            case Action.UPDATE_RULE:
                self._servers.update_rule(step.place, step.remote, step.rule, self._desired)
            case _:
                raise AssertionError(step.action)

    @staticmethod
    def _in_context(step: Step, found: Problem, observed: Observed) -> Problem:
        """The problem of a rule whose server did not reach the other one, though this machine does."""
        if step.remote and found.category in UNREACHED:
            direction = Direction(Location.parse(step.place), Location.parse(step.remote))
            url = observed.servers[direction.target.alias].url
            return conflicts.source_cannot_reach(direction, url, found.cause)
        return found


def made_by(step: Step, observed: Observed) -> Made | None:
    """What a step makes that was not there before."""
    server = observed.servers[step.place.partition("/")[0]].url
    match step.action:
        case Action.CREATE_BUCKET | Action.ENABLE_VERSIONING:
            return Made(step.action, step.place, server)
        case Action.ADD_RULE:
            return Made(step.action, step.place, server, step.rule)
        case Action.ADD_EVENT:
            return Made(step.action, step.place, server, f"{step.arn} {step.prefix} {step.suffix}")
        case _:
            return None


def _not_there(step: Step) -> Problem:
    return problem(
        Category.SERVER_ERROR,
        f"{step.place} is not as it was to become",
        "its server reported success, and shows something else when it is asked",
        step.place,
        remedy="Apply again; if it stays so, look at the server's log.",
    )
