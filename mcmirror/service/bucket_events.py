"""Adds, removes and lists the event rules of a bucket. Each change is read back."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcmirror.config import nearest
from mcmirror.messages.error_lookup import problem, words
from mcmirror.model.bucket_events import EventFilter, EventRule, shown
from mcmirror.model.location import Location
from mcmirror.model.problem import Category, Trouble
from mcmirror.movers.mc.answers import Refusal
from mcmirror.movers.mc.bucket_events import NO_DESTINATION, BucketEvents

if TYPE_CHECKING:
    from mcmirror.service.root import Service


@dataclass(frozen=True, slots=True)
class EventsChange:
    """What a change came to."""

    changed: tuple[str, ...]
    """Words that were added or removed."""
    unchanged: tuple[str, ...]
    """Words that were there already, or were not there."""
    rules: tuple[EventRule, ...]
    """All rules of the bucket afterwards."""


@contextmanager
def bucket_events(service: "Service", place: Location) -> Iterator[BucketEvents]:
    """Open a session to the bucket's server; raises Trouble."""
    with service.session(list(service.aliases([place.alias]).values())) as session:
        yield BucketEvents(session, f"{place.alias}/{place.bucket}")


def add_events(events: BucketEvents, bucket: str, wanted: EventFilter) -> EventsChange:
    """Have these events sent; those that are sent already stay as they are. Raises Trouble."""
    there = wanted.present(events.rules())
    lacking = tuple(word for word in wanted.words if word not in there)
    if lacking:
        try:
            events.add(wanted, lacking)
        except Refusal as refused:
            raise _explained(refused, events, bucket, wanted) from None
    rules = events.rules()
    if not set(lacking) <= set(wanted.present(rules)):
        what = f"{bucket}: {shown(lacking)} did not stay"
        raise Trouble(problem(Category.SERVER_ERROR, what, "the server took the rule and does not show it", bucket))
    return EventsChange(lacking, there, rules)


def remove_events(events: BucketEvents, bucket: str, unwanted: EventFilter) -> EventsChange:
    """Have these events sent no more. Raises Trouble.

    mc removes whole rules: what a rule holds besides is added again, and not sent for that moment.
    """
    before = events.rules()
    concerned = unwanted.concerned(before)
    for rule in concerned:
        if not rule.removable:
            what = f"{bucket}: the rule of {rule.arn} for {shown(rule.words)} cannot be removed by mc"
            remedy = "Remove all rules of this destination: leave --on out. Then add what you want to keep."
            why = "mc has no words for all of its events"
            raise Trouble(problem(Category.CONFIGURATION, what, why, bucket, remedy=remedy))
    for rule in concerned:
        events.remove(rule)
        if left := unwanted.left(rule):
            _put_back(events, bucket, EventFilter(rule.arn, left, rule.prefix, rule.suffix))
    after = events.rules()
    gone = tuple(word for word in unwanted.words if any(word in rule.words for rule in concerned))
    _check_gone(unwanted.concerned(after), bucket)
    return EventsChange(gone, tuple(word for word in unwanted.words if word not in gone), after)


def remove_destination(events: BucketEvents, bucket: str, arn: str) -> EventsChange:
    """Have nothing sent to this destination any more. Raises Trouble."""
    rules = [rule for rule in events.rules() if rule.arn == arn]
    if rules:
        events.remove(EventRule(arn, ()))
    after = events.rules()
    _check_gone(tuple(rule for rule in after if rule.arn == arn), bucket)
    return EventsChange(tuple(dict.fromkeys(word for rule in rules for word in rule.words)), (), after)


def _put_back(events: BucketEvents, bucket: str, kept: EventFilter) -> None:
    try:
        events.add(kept, kept.words)
    except Trouble as trouble:
        what = f"{bucket}: the rule is removed, and {shown(kept.words)} of it could not be added again"
        remedy = f"Run mcmirror events add {bucket} {kept.arn} --on {','.join(kept.words)}. {trouble.problem.remedy}"
        found = trouble.problem
        raise Trouble(problem(found.category, what, found.cause, bucket, remedy=remedy)) from None


def _check_gone(still: tuple[EventRule, ...], bucket: str) -> None:
    if still:
        what = f"{bucket}: {shown(still[0].words)} of {still[0].arn} is still there"
        raise Trouble(problem(Category.SERVER_ERROR, what, "the server said that the rule is removed", bucket))


def _explained(refused: Refusal, events: BucketEvents, bucket: str, wanted: EventFilter) -> Trouble:
    """The same trouble, with what is missing where a server does not know the destination."""
    if NO_DESTINATION in refused.said:
        known = events.destinations()
        guess = nearest(wanted.arn, known)
        why = f"{words(refused.said)} The server has: {', '.join(known)}." if known else refused.said
        remedy = f"Did you mean {guess}? Else: {_setting(wanted.arn)}" if guess else _setting(wanted.arn)
        what = f"{bucket}: the server has no destination {wanted.arn}"
        return Trouble(problem(Category.CONFIGURATION, what, why, bucket, remedy=remedy))
    return refused


def _setting(arn: str) -> str:
    """How a destination is made; ``arn`` ends with its name and its kind."""
    name, kind = arn.split(":")[-2:]
    variable = f"MINIO_NOTIFY_{kind.upper()}"
    target = f"notify_{kind}:{name}"
    url = "endpoint=URL auth_token=TOKEN queue_dir=FOLDER" if kind == "webhook" else "with the settings of its kind"
    variables = f"{variable}_ENABLE_{name}=on"
    variables += f", {variable}_ENDPOINT_{name}=URL" if kind == "webhook" else f" and the other {variable}_..._{name}"
    return (
        f"On the server set {variables}, or run mc admin config set ALIAS {target} {url}. "
        "Then restart the server: it knows a destination only after a restart."
    )
