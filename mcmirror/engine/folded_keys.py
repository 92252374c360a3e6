"""Keys that a server may take for others, of which SeaweedFS takes a backslash for a slash.

What is written under such a key lands on its twin, whose bytes are gone then, and mc says nothing. So they are copied
by name and after all others, and only those that the target, asked for the very key, does not have: a server that
answers for a key which it does not list has taken it for the twin. Such a copy is impossible, whatever is tried again,
and keeps no removal back; its twin is no extraneous object.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Generic, TypeVar

from mcmirror.engine.batches import batches
from mcmirror.engine.context import Context
from mcmirror.engine.copy import copy_exactly
from mcmirror.engine.scope import Only
from mcmirror.engine.spool import Spool
from mcmirror.messages.error_lookup import classify
from mcmirror.model.event import Event, ProblemFound
from mcmirror.model.key import twin as twin_of
from mcmirror.model.plan import Changed, Copy, Count, Difference, Entry, Extraneous, Impossible, Missing, Plan
from mcmirror.model.wording import printable
from mcmirror.movers.protocol import Answer, Presence

D = TypeVar("D", bound=Difference)


class Plain:
    """Copies without those that the target may take for others; can be walked again and again."""

    def __init__(self, context: Context, copies: Iterable[Copy]) -> None:
        self._context = context
        self._copies = copies

    def __iter__(self) -> Iterator[Copy]:
        return (item for item in self._copies if not _odd(self._context, item))


def set_folded_apart(context: Context, plan: Plan) -> Plan:
    """Return the plan in which what the target is seen to take for its twin is impossible."""
    found, asked = dict[str, str](), 0
    odd = (item for item in Only(plan.differences, Missing) if _odd(context, item))
    for entry, answer in _answers(context, (item.source for item in odd)):
        asked += 1
        if _is_twin(answer):
            found[entry.key] = twin_of(entry.key)
    if not found:
        return replace(plan, asked=asked)
    twins, differences = set(found.values()), Spool()
    missing, extraneous = Count(), Count()
    for item in plan.differences:
        if isinstance(item, Missing) and item.source.key in found:
            missing += Count(1, item.source.size)
            differences.append(Impossible(item.source, why(found[item.source.key])))
        elif isinstance(item, Extraneous) and item.target.key in twins:
            extraneous += Count(1, item.target.size)
        else:
            differences.append(item)
    return replace(
        plan,
        missing=plan.missing - missing,
        impossible=plan.impossible + missing,
        extraneous=plan.extraneous - extraneous,
        differences=differences,
        asked=asked,
    )


def copy_folded(context: Context, copies: Iterable[Copy], folded: dict[str, str]) -> Generator[Event, None, int]:
    """Copy those that the target may take for others, but none that it does: these are added to ``folded``.

    Returns how many keys the target was asked for.
    """
    odd, asked = [item for item in copies if _odd(context, item)], 0
    # One that is listed under its own name is no other's.
    yield from copy_exactly(context, (item.source for item in odd if isinstance(item, Changed)))
    for batch in batches((item.source for item in odd if isinstance(item, Missing)), _key, context.mover.most_named):
        absent = list[Entry]()
        for entry, answer in _answers(context, batch):
            asked += 1
            if _is_twin(answer):
                folded[entry.key] = twin_of(entry.key)
            elif answer.presence is Presence.ABSENT:
                absent.append(entry)
            elif answer.presence is Presence.UNKNOWN:
                what = f"the target does not say whether it has {printable(entry.key)}, so it is not written"
                found = classify(what, answer.said, answer.code, object=entry.key)
                yield ProblemFound(context.job.name, replace(found, message=what))
        yield from copy_exactly(context, absent)
    return asked


def folded(context: Context, plan: Plan, remaining: Iterable[Difference]) -> dict[str, str]:
    """Return the key of each remaining copy that the target stored as its twin, with the twin's key."""
    missing = [item.source for item in Only(remaining, Missing) if _odd(context, item)]
    if not missing:
        return {}
    twins = {twin_of(entry.key) for entry in missing}
    before = {item.target.key: item.target for item in Only(plan.differences, Extraneous) if item.target.key in twins}
    answers = dict[str, Answer]()
    for batch in batches(sorted(twins), str, context.mover.most_named):
        answers |= context.stat(context.job.target, batch)
    found = dict[str, str]()
    for entry in missing:
        twin = twin_of(entry.key)
        there = answers[twin].entry if twin in answers else None
        if there is not None and there != before.get(twin) and _is_copy(entry, there):
            found[entry.key] = twin
    return found


class Without(Generic[D]):
    """The differences but those of these keys and the extraneous ones of their twins; can be walked again and again."""

    def __init__(self, differences: Iterable[D], folded: Mapping[str, str]) -> None:
        self._differences = differences
        self._folded = folded
        self._twins = frozenset(folded.values())

    def __iter__(self) -> Iterator[D]:
        return (item for item in self._differences if not self._is_out(item))

    def _is_out(self, item: Difference) -> bool:
        return item.target.key in self._twins if isinstance(item, Extraneous) else item.source.key in self._folded


def why(twin: str) -> str:
    """What is said of such a key."""
    return f"this target stores it as {printable(twin)}"


def _key(entry: Entry) -> str:
    return entry.key


def _odd(context: Context, item: Copy) -> bool:
    """Whether the target may take the key for another; a folder's names are what they are."""
    return not context.job.target.is_local and twin_of(item.source.key) != ""


def _answers(context: Context, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Answer]]:
    """What the target says of each of these; after a stop some are left out."""
    for batch in batches(entries, _key, context.mover.most_named):
        answers = context.stat(context.job.target, [entry.key for entry in batch])
        yield from ((entry, answers[entry.key]) for entry in batch if entry.key in answers)


def _is_twin(answer: Answer) -> bool:
    """Whether it is there for a request of the key, and not in a listing by its name."""
    return answer.presence is Presence.THERE and answer.entry is None


def _is_copy(source: Entry, twin: Entry) -> bool:
    comparable = source.plain_md5 and twin.plain_md5
    return source.size == twin.size and (source.etag == twin.etag or not comparable)
