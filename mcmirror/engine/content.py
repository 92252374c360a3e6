"""Read objects on both sides and compare what they hold: the only proof where ETags prove nothing."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from mcmirror.engine.context import Context
from mcmirror.mc import argv
from mcmirror.model.location import Location
from mcmirror.model.plan import Entry

BATCH_OBJECTS = 100
BATCH_BYTES = 256 * 1024 * 1024
"""Objects read by one ``mc cat``: many small ones or one large."""


def same_content(context: Context, entries: Sequence[Entry]) -> bool:
    """Whether all of these are byte for byte the same on both sides."""
    return all(entry is None for entry in different_content(context, entries))


def different_content(context: Context, entries: Iterable[Entry]) -> Iterator[Entry | None]:
    """Yield those whose content differs, or could not be read on both sides; None after each batch that was read."""
    for batch in _batches(entries):
        yield from _compare(context, batch)
        yield None


def _compare(context: Context, batch: Sequence[Entry]) -> Iterator[Entry]:
    job = context.job
    source, target = (_digests(context, place, batch) for place in (job.source, job.target))
    if source is not None and source == target:
        return
    if len(batch) == 1:
        yield batch[0]
        return
    for entry in batch:  # one of them is different or could not be read: find it
        yield from _compare(context, [entry])


def _digests(context: Context, place: Location, batch: Sequence[Entry]) -> list[str] | None:
    """SHA-256 of each object; None when they could not all be read with the sizes that were listed."""
    command = argv.cat([place.child(entry.key) for entry in batch])
    process = context.session.process(command, stall_timeout=context.job.stall_timeout)
    digests = _digest_each(process.chunks(), [entry.size for entry in batch])
    return None if process.exit.code else digests


def _digest_each(chunks: Iterable[bytes], sizes: Sequence[int]) -> list[str] | None:
    """Cut the one stream that ``mc cat`` prints at the listed sizes; None when it is longer or shorter."""
    digests, waiting = list[str](), list(reversed(sizes))
    sums, left = hashlib.sha256(), waiting.pop()
    for chunk in chunks:
        rest = memoryview(chunk)
        while rest:
            while not left:
                digests.append(sums.hexdigest())
                if not waiting:
                    return None
                sums, left = hashlib.sha256(), waiting.pop()
            sums.update(rest[:left])
            left, rest = max(0, left - len(rest)), rest[left:]
    if left or any(waiting):
        return None
    return [*digests, sums.hexdigest(), *(hashlib.sha256().hexdigest() for _ in waiting)]


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
