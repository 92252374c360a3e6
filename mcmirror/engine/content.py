"""Read objects on both sides and compare what they hold: the only proof where ETags prove nothing."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mcmirror.engine.context import Context
from mcmirror.messages.troubleshoot import classify, outgrown, problem
from mcmirror.model.location import Location
from mcmirror.model.plan import Entry
from mcmirror.model.problem import Category, Problem
from mcmirror.model.wording import printable
from mcmirror.movers.mc import argv

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
    source, target = (_digests(context, place, batch) for place in (job.source, job.target))
    if isinstance(source, list) and source == target:
        return
    if len(batch) > 1:
        for entry in batch:  # one of them is different or could not be read: find it
            yield from _compare(context, [entry])
        return
    key, (said, place) = batch[0].key, (source, job.source) if isinstance(source, str) else (target, job.target)
    if isinstance(said, str):
        said = said.replace(f"`{place.child(key)}`", "it")  # the table blanks all from the first quote to the last
        yield Unlike(batch[0], classify(f"{printable(key)} could not be read at {place}", said, object=key))
    else:
        what = f"{printable(key)} has other bytes on the target"
        cause = "both were read, and their SHA-256 sums differ"
        yield Unlike(batch[0], problem(Category.CONTENT_DIFFERS, what, cause, key))


def _digests(context: Context, place: Location, batch: Sequence[Entry]) -> list[str] | str:
    """SHA-256 of each object; mc's words when they could not all be read with the sizes that were listed."""
    command = argv.cat([place.child(entry.key) for entry in batch])
    process = context.session.process(command, stall_timeout=context.job.stall_timeout)
    digests = _digest_each(process.chunks(), [entry.size for entry in batch])
    if process.exit.code == 0 and digests is not None:
        return digests
    if process.exit.stalled:
        return f"timed out: no byte was read for {context.job.stall_timeout:g} s"
    if process.exit.outgrown:
        return outgrown("", process.exit.outgrown).cause
    return process.exit.stderr.strip() or "it has another size than was listed"


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
