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
    ReplicationPlan,
    Step,
    StepResult,
    StepState,
)
from mcmirror.replication.difference import Observed, foreign_rule, plan_of
from mcmirror.replication.removal import event_detail, event_filter, removal_of, unmade_by
from mcmirror.replication.servers import BucketServers, look

Planner = Callable[[Replication, Observed], ReplicationPlan]
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
    return _carry_out(plan_of, desired, observed, _Appliance(desired, servers, ledger), tell)


def remove(desired: Replication, observed: Observed, servers: BucketServers, ledger: Ledger, tell: Tell) -> Application:
    """Take away what was made, until a step fails; forget what somebody else has taken away."""
    there = {made.key for step in removal_of(desired, observed).steps for made in unmade_by(step, observed)}
    for made in observed.made:
        state = observed.buckets.get(made.place)
        passing = made.action in {Action.ADD_RULE, Action.ADD_EVENT} and made.key not in there
        if state is not None and (passing or not state.exists):
            ledger.drop(desired.name, made)
    return _carry_out(removal_of, desired, observed, _Appliance(desired, servers, ledger), tell)


def adopt(desired: Replication, observed: Observed, ledger: Ledger) -> list[Made]:
    """Take rules to the same targets, and events that are sent as desired, for made by us."""
    found = list[Made]()
    for direction in desired.directions():
        rule = foreign_rule(desired, direction, observed)
        if rule is not None:
            place = str(direction.source)
            found.append(Made(Action.ADD_RULE, place, observed.server_of(place).url, rule.id))
    events = (step for step in plan_of(desired, observed).standing if step.action is Action.ADD_EVENT)
    known = {made.key for made in observed.made}
    found += [made for step in events if (made := made_by(step, observed)) and made.key not in known]
    for made in found:
        ledger.add(desired.name, made)
    return found


def _carry_out(
    planner: Planner, desired: Replication, observed: Observed, appliance: "_Appliance", tell: Tell
) -> Application:
    plan = planner(desired, observed)
    if plan.conflicts:
        return Application(plan)
    results = list[StepResult]()
    for number, step in enumerate(plan.steps):
        result, observed = appliance.take(planner, step, observed)
        results.append(result)
        tell(result)
        if result.state is StepState.FAILED:
            results += [StepResult(rest, StepState.OPEN) for rest in plan.steps[number + 1 :]]
            break
    return Application(plan, tuple(results))


class _Appliance:
    """Takes single steps."""

    def __init__(self, desired: Replication, servers: BucketServers, ledger: Ledger) -> None:
        self._desired = desired
        self._servers = servers
        self._ledger = ledger

    def take(self, planner: Planner, step: Step, before: Observed) -> tuple[StepResult, Observed]:
        """Take one step; what became of it, and what the servers have then."""
        made = made_by(step, before)
        if made is not None:
            self._ledger.add(self._desired.name, made)
        failure: Problem | None = None
        try:
            kept = not self._change(step, before)
            after = self._look(step, before)
        except Trouble as trouble:
            failure, kept = self._in_context(step, trouble.problem, before), False
            try:
                after = self._look(step, before)
            except Trouble:
                return StepResult(step, StepState.FAILED, failure), before
        if kept:
            return StepResult(step, StepState.KEPT), after
        if any(step.same(one) for one in planner(self._desired, after).steps):
            if made is not None:
                self._ledger.drop(self._desired.name, made)
            return StepResult(step, StepState.FAILED, failure or _not_there(step)), after
        for gone in unmade_by(step, before):
            self._ledger.drop(self._desired.name, gone)
        return StepResult(step, StepState.DONE), after

    def _look(self, step: Step, before: Observed) -> Observed:
        state = look(self._desired, self._servers, step.place)
        return replace(before, buckets={**before.buckets, step.place: state})

    def _change(self, step: Step, observed: Observed) -> bool:
        """Change it; False when it stays because something is in it."""
        server, servers, place = observed.server_of(step.remote or step.place), self._servers, step.place
        match step.action:
            case Action.CREATE_BUCKET:
                servers.create_bucket(place, server.region, locked=step.locked)
            case Action.ENABLE_VERSIONING:
                servers.enable_versioning(place)
            case Action.ADD_RULE:
                servers.add_rule(place, step.remote, self._desired, server)
            case Action.UPDATE_RULE:
                servers.update_rule(place, step.remote, step.rule, self._desired)
            case Action.ADD_EVENT:
                servers.add_events(place, event_filter(step))
            case Action.REMOVE_EVENT:
                servers.remove_events(place, event_filter(step))
            case Action.REMOVE_RULE:
                servers.remove_rule(place, step.rule)
            case Action.SUSPEND_VERSIONING:
                servers.suspend_versioning(place)
            case Action.REMOVE_BUCKET:
                return servers.remove_bucket(place)
        return True

    @staticmethod
    def _in_context(step: Step, found: Problem, observed: Observed) -> Problem:
        """The problem of a rule whose server did not reach the other one, though this machine does."""
        if step.remote and found.category in UNREACHED:
            direction = Direction(Location.parse(step.place), Location.parse(step.remote))
            return conflicts.source_cannot_reach(direction, observed.server_of(step.remote).url, found.cause)
        return found


def made_by(step: Step, observed: Observed) -> Made | None:
    """What a step makes that was not there before."""
    server = observed.server_of(step.place).url
    match step.action:
        case Action.CREATE_BUCKET | Action.ENABLE_VERSIONING:
            return Made(step.action, step.place, server)
        case Action.ADD_RULE:
            return Made(step.action, step.place, server, step.rule)
        case Action.ADD_EVENT:
            return Made(step.action, step.place, server, event_detail(step))
        case _:
            return None


def _not_there(step: Step) -> Problem:
    return problem(
        Category.SERVER_ERROR,
        f"{step.place} is not as it was to become",
        "its server reported success, and shows something else when it is asked",
        step.place,
        remedy="Run it again; if it stays so, look at the server's log.",
    )
