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
    Remote,
    Replication,
    Rule,
    Server,
    WantedEvents,
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
    unasked: Mapping[str, Problem] = field(default_factory=dict)
    """Why a bucket could not be looked at; it is not among the buckets then."""

    def server_of(self, place: str) -> Server:
        """The server of ``alias/bucket``."""
        return self.servers[place.partition("/")[0]]

    def was_made(self, action: Action, place: str) -> list[Made]:
        """What was made at a place of today's server."""
        url = self.server_of(place).url
        return [made for made in self.made if (made.action, made.place, made.server) == (action, place, url)]


def plan_of(desired: Replication, observed: Observed) -> ReplicationPlan:
    """The steps that are left, and why they cannot be taken if they cannot."""
    difference = _Difference(desired, observed)
    for place in (desired.source, desired.target):
        difference.bucket(str(place))
    for direction in desired.directions():
        difference.rule(direction)
    difference.way_back()
    for events in desired.events:
        difference.events(events)
    return ReplicationPlan(
        desired.name,
        tuple(difference.steps),
        tuple(difference.conflicts),
        tuple(_notes(desired, observed)),
        tuple(difference.standing),
    )


def own_rule(desired: Replication, direction: Direction, observed: Observed) -> Rule | None:
    """The rule of this direction that mcmirror made or adopted."""
    return next(iter(own_rules(desired, str(direction.source), observed)), None)


def own_rules(desired: Replication, place: str, observed: Observed) -> list[Rule]:
    """The rules of a bucket that mcmirror made or adopted for this replication."""
    ours = {desired.rule, *(made.detail for made in observed.was_made(Action.ADD_RULE, place))}
    return [rule for rule in observed.buckets[place].rules if rule.id in ours]


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

    def events(self, wanted: WantedEvents) -> None:
        """That a bucket sends events to one destination."""
        place, asked = self._desired.place(wanted), wanted.filter
        there = asked.present(self._observed.buckets[place].events)
        lacking = tuple(word for word in asked.words if word not in there)
        for words, steps in ((there, self.standing), (lacking, self.steps)):
            if words:
                steps.append(
                    Step(Action.ADD_EVENT, place, arn=asked.arn, on=words, prefix=asked.prefix, suffix=asked.suffix)
                )

    def way_back(self) -> None:
        """Our rule from the target to the source, where only one way is desired any more."""
        back = Direction(self._desired.target, self._desired.source)
        rule = None if self._desired.both_ways else own_rule(self._desired, back, self._observed)
        if rule is not None:
            self.steps.append(Step(Action.REMOVE_RULE, str(back.source), rule=rule.id))

    def _step(self, action: Action, direction: Direction, rule: str, changes: tuple[Change, ...] = ()) -> Step:
        return Step(action, str(direction.source), str(direction.target), rule, changes)


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
