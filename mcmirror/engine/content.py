"""Read objects on both sides and compare what they hold: the only proof where ETags prove nothing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mcmirror.engine.context import Context
from mcmirror.messages.error_lookup import classify, problem
from mcmirror.model.plan import Entry
from mcmirror.model.problem import Category, Problem
from mcmirror.model.wording import printable

BATCH_OBJECTS = 100
BATCH_BYTES = 256 * 1024 * 1024
"""Objects read by one ``mc cat``: many small ones or one large."""


@dataclass(frozen=True, slots=True)
class Unlike:
    """An object that is not the same on both sides, or could not be read."""

    entry: Entry
    problem: Problem


def compare_content(context: Context, entries: Iterable[Entry]) -> Iterator[tuple[Sequence[Entry], Sequence[Unlike]]]:
    """Read the objects on both sides, batch by batch; yield each batch with those of it that are unlike."""
    for batch in _batches(entries):
        if context.stop.requested:
            return
        unlike = list(_compare(context, batch))
        if not context.stop.requested:
            yield batch, unlike


def _compare(context: Context, batch: Sequence[Entry]) -> Iterator[Unlike]:
    job = context.job
    source, target = (context.mover.read(place, batch) for place in (job.source, job.target))
    if isinstance(source, tuple) and source == target:
        return
    if len(batch) > 1:
        for entry in batch:  # one of them is different or could not be read: find it
            yield from _compare(context, [entry])
        return
    key, (said, place) = batch[0].key, (source, job.source) if isinstance(source, str) else (target, job.target)
    if isinstance(said, str):
        yield Unlike(batch[0], classify(f"{printable(key)} could not be read at {place}", said, object=key))
    else:
        what = f"{printable(key)} has other bytes on the target"
        cause = "both were read, and their SHA-256 sums differ"
        yield Unlike(batch[0], problem(Category.CONTENT_DIFFERS, what, cause, key))


def _batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    batch, size = list[Entry](), 0
    for entry in entries:
        if batch and (len(batch) >= BATCH_OBJECTS or size + entry.size > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += entry.size
    if batch:
        yield batch
