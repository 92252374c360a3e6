"""The difference between a desired replication and what the servers have, as steps in the order to take. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from mcmirror.messages import replication_conflicts as conflicts
from mcmirror.model.address import same_server
from mcmirror.model.problem import Problem
from mcmirror.model.replication import (
    ENABLED,
    BucketState,
    Carried,
    Direction,
    EventRule,
    Remote,
    Replication,
    Rule,
    Server,
)
from mcmirror.model.replication_steps import Action, Change, Made, ReplicationPlan, Step
from mcmirror.model.wording import shown_bytes


@dataclass(frozen=True, slots=True)
class Observed:
    """What the servers have, by ``alias/bucket`` and by alias."""

    buckets: Mapping[str, BucketState]
    servers: Mapping[str, Server]
    made: Collection[Made] = field(default=())
    """What earlier ones made or adopted."""


def plan_of(desired: Replication, observed: Observed) -> ReplicationPlan:
    """The steps that are left, and why they cannot be taken if they cannot."""
    difference = _Difference(desired, observed)
    for place in (desired.source, desired.target):
        difference.bucket(str(place))
    for direction in desired.directions():
        difference.rule(direction)
    for event in desired.events:
        difference.event(event)
    return ReplicationPlan(
        desired.name,
        tuple(difference.steps),
        tuple(difference.conflicts),
        tuple(_notes(desired, observed)),
        tuple(difference.standing),
    )


def own_rule(desired: Replication, direction: Direction, observed: Observed) -> Rule | None:
    """The rule of this direction that mcmirror made or adopted."""
    place = str(direction.source)
    server = observed.servers[direction.source.alias].url
    adopted = {
        made.detail
        for made in observed.made
        if made.action is Action.ADD_RULE and (made.place, made.server) == (place, server)
    }
    rules = observed.buckets[place].rules
    return next((rule for rule in rules if rule.id == desired.rule or rule.id in adopted), None)


def leads_to(remote: Remote | None, direction: Direction, observed: Observed) -> bool:
    """Whether a remote target is the target of this direction."""
    target = observed.servers[direction.target.alias].url
    return remote is not None and remote.bucket == direction.target.bucket and same_server(remote.url, target)


def foreign_rule(desired: Replication, direction: Direction, observed: Observed) -> Rule | None:
    """A rule to the same target that mcmirror has neither made nor adopted."""
    bucket, own = observed.buckets[str(direction.source)], own_rule(desired, direction, observed)
    return next(
        (rule for rule in bucket.rules if rule != own and leads_to(bucket.remote(rule.arn), direction, observed)), None
    )


class _Difference:
    """Collects steps. Not thread-safe."""

    def __init__(self, desired: Replication, observed: Observed) -> None:
        self.steps = list[Step]()
        self.standing = list[Step]()
        self.conflicts = list[Problem]()
        self._desired = desired
        self._observed = observed

    def bucket(self, place: str) -> None:
        """That it exists, with versioning and, where the other one has it, with object lock."""
        state, other = self._observed.buckets[place], self._other(place)
        create = Step(Action.CREATE_BUCKET, place, locked=other.locked)
        (self.standing if state.exists else self.steps).append(create)
        versioned = state.exists and state.versioning == ENABLED
        (self.standing if versioned else self.steps).append(Step(Action.ENABLE_VERSIONING, place))

    def _other(self, place: str) -> BucketState:
        desired = self._desired
        return self._observed.buckets[str(desired.target if place == str(desired.source) else desired.source)]

    def rule(self, direction: Direction) -> None:
        """The rule of one direction."""
        source, target = (self._observed.buckets[str(side)] for side in (direction.source, direction.target))
        if source.locked and target.exists and not target.locked:
            self.conflicts.append(conflicts.target_without_lock(direction))
        rule = own_rule(self._desired, direction, self._observed)
        if rule is None:
            self._new_rule(direction, source)
        else:
            self._known_rule(direction, source, rule)

    def _new_rule(self, direction: Direction, source: BucketState) -> None:
        foreign = foreign_rule(self._desired, direction, self._observed)
        url = self._observed.servers[direction.target.alias].url
        there = next((one for one in source.remotes if same_server(one.url, url)), None)
        if foreign is not None:
            self.conflicts.append(conflicts.foreign_rule(self._desired.name, direction, foreign.id))
        elif there is not None and there.bucket != direction.target.bucket:
            self.conflicts.append(conflicts.other_bucket(direction, there.bucket))
        elif there is not None and there.access_key != self._observed.servers[direction.target.alias].access_key:
            self.conflicts.append(conflicts.other_keys(direction))
        self._check_priority(direction, source, None)
        self.steps.append(self._step(Action.ADD_RULE, direction, self._desired.rule))

    def _known_rule(self, direction: Direction, source: BucketState, rule: Rule) -> None:
        remote = source.remote(rule.arn)
        if not leads_to(remote, direction, self._observed):
            leads = f"{remote.url}/{remote.bucket}" if remote else rule.arn
            self.conflicts.append(conflicts.leads_elsewhere(self._desired.name, direction, rule.id, leads))
            return
        self.standing.append(self._step(Action.ADD_RULE, direction, rule.id))
        changes = tuple(self._changes(direction, rule, remote))
        if any(change.what == "priority" for change in changes):
            self._check_priority(direction, source, rule)
        if rule.filtered:
            self.conflicts.append(conflicts.filtered_rule(direction, rule.id))
        if changes:
            self.steps.append(self._step(Action.UPDATE_RULE, direction, rule.id, changes))

    def _check_priority(self, direction: Direction, source: BucketState, own: Rule | None) -> None:
        taken = {rule.priority: rule.id for rule in source.rules if rule is not own}
        if self._desired.priority in taken:
            free = next(number for number in range(1, len(taken) + 2) if number not in taken)
            rule = taken[self._desired.priority]
            self.conflicts.append(conflicts.priority_taken(direction, self._desired.priority, rule, free))

    def _changes(self, direction: Direction, rule: Rule, remote: Remote | None) -> Iterator[Change]:
        desired, keys = self._desired, self._observed.servers[direction.target.alias]
        if not rule.enabled:
            yield Change("state", "disabled", "enabled")
        if rule.priority != desired.priority:
            yield Change("priority", str(rule.priority), str(desired.priority))
        if rule.replicate != desired.replicate:
            yield Change("replicate", _names(rule.replicate), _names(desired.replicate))
        if remote is None:
            return
        if remote.access_key != keys.access_key:
            yield Change("keys", "of another user", f"those of alias {direction.target.alias}")
        if remote.bandwidth != desired.bandwidth:
            yield Change("bandwidth", _rate(remote.bandwidth), _rate(desired.bandwidth))
        if remote.synchronous != desired.synchronous:
            yield Change("synchronous", _yes(remote.synchronous), _yes(desired.synchronous))
        if remote.health_check != desired.health_check:
            yield Change("health_check", f"{remote.health_check}s", f"{desired.health_check}s")

    def event(self, event: EventRule) -> None:
        """One event rule."""
        place = str(self._desired.place(event))
        step = Step(
            Action.ADD_EVENT, place, arn=event.arn, on=tuple(sorted(event.on)), prefix=event.prefix, suffix=event.suffix
        )
        known = {_same_event(one): one for one in self._observed.buckets[place].events}
        there = known.get(_same_event(event))
        if there is None:
            self.steps.append(step)
        elif set(there.on) != set(event.on):
            self.conflicts.append(conflicts.other_events(place, event.arn, there.on))
        else:
            self.standing.append(step)

    def _step(self, action: Action, direction: Direction, rule: str, changes: tuple[Change, ...] = ()) -> Step:
        return Step(action, str(direction.source), str(direction.target), rule, changes)


def _same_event(event: EventRule) -> tuple[str, str, str]:
    return event.arn, event.prefix, event.suffix


def _notes(desired: Replication, observed: Observed) -> Iterator[str]:
    for direction in desired.directions():
        quota = observed.buckets[str(direction.target)].quota
        if quota:
            yield (
                f"{direction.target} has a quota of {shown_bytes(quota)}: what comes beyond it is not replicated, and "
                f"its versions count too."
            )


def _names(carried: Collection[Carried]) -> str:
    return ", ".join(sorted(carried)) or "new objects only"


def _rate(bandwidth: int) -> str:
    return f"{shown_bytes(bandwidth)}/s" if bandwidth else "no limit"


def _yes(on: bool) -> str:
    return "yes" if on else "no"
