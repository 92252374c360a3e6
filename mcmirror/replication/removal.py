"""What is to be taken away: what ``apply`` made and ``import`` adopted, and nothing else. Pure."""

from collections.abc import Iterator

from mcmirror.model.bucket_events import EventFilter
from mcmirror.model.replication import ENABLED, BucketState, Replication
from mcmirror.model.replication_steps import Action, Made, ReplicationPlan, Step
from mcmirror.replication.difference import Observed, own_rules


def removal_of(desired: Replication, observed: Observed) -> ReplicationPlan:
    """The steps back: events, rules, versioning, buckets."""
    steps, notes = list[Step](), list[str]()
    there = {place: state for place, state in observed.buckets.items() if state.exists}
    for place, state in there.items():
        steps += _events(place, state, observed)
    for place in there:
        steps += [Step(Action.REMOVE_RULE, place, rule=rule.id) for rule in own_rules(desired, place, observed)]
    for place, state in there.items():
        if not observed.was_made(Action.ENABLE_VERSIONING, place) or state.versioning != ENABLED:
            continue
        others = [rule.id for rule in state.rules if rule not in own_rules(desired, place, observed)]
        if state.locked or others:
            why = "object lock needs it" if state.locked else f"rule {', '.join(others)} needs it"
            notes.append(f"versioning of {place} stays enabled: {why}.")
        else:
            steps.append(Step(Action.SUSPEND_VERSIONING, place))
    steps += [Step(Action.REMOVE_BUCKET, place) for place in there if observed.was_made(Action.CREATE_BUCKET, place)]
    return ReplicationPlan(desired.name, tuple(steps), notes=tuple(notes), unasked=tuple(observed.unasked.values()))


def unmade_by(step: Step, observed: Observed) -> list[Made]:
    """What a step takes away of what was made."""
    making = _MAKING.get(step.action)
    details = {Action.REMOVE_RULE: step.rule, Action.REMOVE_EVENT: event_detail(step)}
    return [
        made
        for made in (observed.was_made(making, step.place) if making else ())
        if made.detail == details.get(step.action, "")
    ]


def event_detail(step: Step) -> str:
    """How events are remembered."""
    return "\t".join((step.arn, ",".join(step.on), step.prefix, step.suffix))


_MAKING = {
    Action.REMOVE_EVENT: Action.ADD_EVENT,
    Action.REMOVE_RULE: Action.ADD_RULE,
    Action.SUSPEND_VERSIONING: Action.ENABLE_VERSIONING,
    Action.REMOVE_BUCKET: Action.CREATE_BUCKET,
}


def _events(place: str, state: BucketState, observed: Observed) -> Iterator[Step]:
    for made in observed.was_made(Action.ADD_EVENT, place):
        arn, words, prefix, suffix = made.detail.split("\t")
        step = Step(Action.REMOVE_EVENT, place, arn=arn, on=tuple(words.split(",")), prefix=prefix, suffix=suffix)
        if event_filter(step).concerned(state.events):
            yield step


def event_filter(step: Step) -> EventFilter:
    """The events of a step."""
    return EventFilter(step.arn, step.on, step.prefix, step.suffix)
