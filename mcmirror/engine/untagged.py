"""Where the target refuses tags, ``mc -a`` brings no object that has some: those are copied without them."""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from mcmirror.engine.context import Context
from mcmirror.engine.copy import copy_exactly
from mcmirror.model.attributes import Attributes
from mcmirror.model.event import CopyStarted, Event, ProblemFound
from mcmirror.model.plan import Copy, Entry
from mcmirror.model.problem import Category, Problem

TRIAL = 3
"""Objects that are tried before all others."""
REFUSALS = frozenset({Category.PERMISSION, Category.CONFIGURATION, Category.UNKNOWN})
"""What servers say to tags that they do not take, or mc of tags that it cannot write."""


@dataclass(frozen=True, slots=True)
class Untagged:
    """Objects that were copied without their tags."""

    keys: frozenset[str]
    refusal: Problem
    """What was said to the first of them with its tags."""


def copy_untagged(
    context: Context, remaining: Iterable[Copy], heard: Sequence[Problem]
) -> Generator[Event, None, Untagged | None]:
    """Copy what has tags and did not arrive once more, without them, if that is what helps; None where it is not."""
    refusal = next((found for found in heard if found.category in REFUSALS), None)
    job = context.job
    if refusal is None or not job.carried.preserve or not job.between_stores or context.stop.requested:
        return None
    target, tried = context.mover.attributes(job.target), set[str]()
    for ones in _tagged(context, remaining):
        yield from _quietly(context, ones)
        if not tried:
            arrived = dict(target.heads([one.key for one in ones]))
            if not any(isinstance(head, Attributes) and head.entry.size == one.size
                       for one in ones if (head := arrived.get(one.key))):  # fmt: skip
                return None
        tried |= {one.key for one in ones}
    return Untagged(frozenset(tried), refusal) if tried else None


def _tagged(context: Context, remaining: Iterable[Copy]) -> Iterable[list[Entry]]:
    """Those that have tags: a few first, then many at a time."""
    job = context.job
    source, waiting, few = context.mover.attributes(job.source), iter(remaining), True
    while batch := list(islice(waiting, context.mover.most_named)):
        entries = {item.source.key: item.source for item in batch}
        heads = source.heads(list(entries))
        found = [entries[key] for key, head in heads if isinstance(head, Attributes) and head.tagged]
        if found and few:
            yield found[:TRIAL]
            found, few = found[TRIAL:], False
        if found:
            yield found


def _quietly(context: Context, ones: Sequence[Entry]) -> Generator[Event, None, None]:
    """Copy, and leave what it says to the first try, which said more."""
    for event in copy_exactly(context, ones, bare=True):
        if not isinstance(event, CopyStarted | ProblemFound):
            yield event
