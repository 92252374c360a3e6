"""The step that decides: list again what was touched; what is still different is what did not happen."""

import random
from collections.abc import Collection, Generator, Iterable
from dataclasses import dataclass, field

from mcmirror.engine.absence import Absence, look_again
from mcmirror.engine.batches import batches
from mcmirror.engine.compare import Pairs, difference, proven
from mcmirror.engine.content import compare_content
from mcmirror.engine.context import Context
from mcmirror.engine.listing import with_pairs
from mcmirror.engine.lookup import Lookup
from mcmirror.engine.named import is_copied_unseen, pairs_after
from mcmirror.engine.scope import Only, common_folder
from mcmirror.engine.spool import Spool
from mcmirror.model.cost import Requests
from mcmirror.model.event import Event, ProblemFound, Vanished
from mcmirror.model.plan import Changed, Copy, Count, Entry, Missing, Reason

SAMPLE = 3
"""Objects that are read on both sides to learn whether a target's ETags are MD5s at all."""


@dataclass(slots=True)
class Verification:
    """What became of the planned copies."""

    done: Count = Count()
    unproven: Count = Count()
    """Of ``done``: those whose ETags prove nothing."""
    vanished: Count = Count()
    """Gone from the source meanwhile: nothing is missing."""
    remaining: Spool = field(default_factory=Spool)
    bytes_remaining: int = 0
    changed_meanwhile: int = 0
    """Of ``remaining``: those whose source was written during the run."""
    listed: tuple[int, int] = (0, 0)
    """Objects seen by the listing, at the source and at the target."""
    unlisted: Spool = field(default_factory=Spool)
    """Copies that the source's listing lacks now."""
    requests: Requests = field(default_factory=Requests)
    """Beside those of the listing."""
    doubtful: Spool = field(default_factory=Spool)
    """Copied just now, unchanged at the source, and yet with another ETag."""
    late: list[tuple[str, str, str]] = field(default_factory=list)
    """Copied just now, and not to be known as such by ETags and clocks: for the next run to know."""
    read: Count = Count()
    """Objects that were read on both sides to resolve doubts."""

    def vanish(self, job: str, gone: Copy) -> Vanished:
        """Count one as gone from the source."""
        self.vanished += Count(1, gone.source.size)
        return Vanished(job, gone.source.key)

    def settle(self, entry: Entry, *, by_etag: bool) -> None:
        """Count one as done."""
        one = Count(1, entry.size)
        self.done += one
        if not by_etag:
            self.unproven += one

    def take_over(self, before: "Verification") -> None:
        """Add what an earlier look settled; what remained then has been looked at again."""
        self.done += before.done
        self.unproven += before.unproven
        self.vanished += before.vanished
        self.read += before.read
        self.requests += before.requests

    def miss(self, difference: Copy) -> None:
        """Count one as not done."""
        self.remaining.append(difference)
        self.bytes_remaining += difference.source.size


def verify(context: Context, copies: Iterable[Copy], before: int) -> Generator[Event, None, Verification]:
    """List both sides below the planned copies, or ask for single keys, and see which of them are there.

    ``before`` is how many objects the source listed in the plan. Raises ListingBroken when that cannot be seen, or when
    the source lists far fewer now: then nothing is known.
    """
    folder = common_folder(copies)
    if context.named is not None:
        unseen = {copy.source.key for copy in copies if is_copied_unseen(context, copy.source)}
        verification = yield from _check(pairs_after(context, copies), copies, "", remember=True, unseen=unseen)
    else:
        verification = yield from with_pairs(context, folder, lambda pairs: _check(pairs, copies, folder))
    if len(verification.unlisted):
        yield from _confirm_vanished(context, verification, before)
    yield from _resolve_doubts(context, verification)
    if verification.late:
        context.memory.remember_incomparable(verification.late, assumed=True)
    return verification


def _check(
    pairs: Pairs,
    copies: Iterable[Copy],
    folder: str,
    *,
    remember: bool = False,
    unseen: Collection[str] = (),
) -> Generator[Event, None, Verification]:
    """``remember``: copies that no ETag proves are known again by their marks.

    ``unseen``: keys of which nobody knows what the target had before.
    """
    result, lookup = Verification(), Lookup(pairs, copies, folder)
    for planned, source, target in lookup:
        if source is None:
            result.unlisted.append(planned)
        elif planned.source.key in unseen and target is not None and not proven(source, target):
            _doubt(result, planned, source, target)
        else:
            _judge(result, planned, source, target, remember=remember)
    result.listed = (lookup.at_source, lookup.at_target)
    return result
    yield


def _confirm_vanished(context: Context, result: Verification, before: int) -> Generator[Event, None, None]:
    """A copy has vanished when the source is whole and says so of its very key; else it is missing."""
    unlisted: Only[Copy] = Only(result.unlisted, Missing, Changed)
    _, asked = yield from look_again(context, unlisted, before)
    result.requests += asked
    absence = Absence(context)
    for batch in batches(unlisted, lambda copy: copy.source.key, context.mover.most_named):
        idle = context.stop.requested or absence.in_trouble
        said = {} if idle else absence.ask([copy.source.key for copy in batch])
        for copy in batch:
            if said.get(copy.source.key) == "":
                yield result.vanish(context.job.name, copy)
            else:
                result.miss(copy)
    result.requests += absence.requests
    yield from absence.problems()


def _doubt(result: Verification, planned: Copy, source: Entry, target: Entry) -> None:
    """What the target has may be older than the copy: only its bytes can tell."""
    if source.size == target.size and source == planned.source:
        result.doubtful.append(Changed(source, target, Reason.CONTENT))
    else:
        result.changed_meanwhile += source != planned.source
        result.miss(Changed(source, target, difference(source, target) or Reason.CONTENT))


def _judge(result: Verification, planned: Copy, source: Entry, target: Entry | None, *, remember: bool) -> None:
    written = target is not None and (isinstance(planned, Missing) or target != planned.target)
    unchanged = source == planned.source
    if target is None:
        result.miss(Missing(source))
    elif proven(source, target) or (difference(source, target) is None and (written or not remember)):
        result.settle(source, by_etag=proven(source, target))
        if remember and not proven(source, target):
            result.late.append((source.key, source.mark, target.mark))
    elif source.size != target.size or not written or not unchanged:
        result.changed_meanwhile += not unchanged
        result.miss(Changed(source, target, difference(source, target) or Reason.CONTENT))
    elif source.plain_md5 and target.plain_md5:
        result.doubtful.append(Changed(source, target, Reason.CONTENT))
    else:
        result.settle(source, by_etag=False)  # rewritten just now; only the target's clock is behind
        result.late.append((source.key, source.mark, target.mark))


def _resolve_doubts(context: Context, result: Verification) -> Generator[Event, None, None]:
    """A fresh copy with another ETag: the target's ETags are no MD5s (SSE-KMS), or the content is wrong.

    A sample is read; of single keys all are, for nobody knows what the target had before. Only if all of it is the
    same, the rest is taken for the same; otherwise all are read.
    """
    doubts: Only[Changed] = Only(result.doubtful, Changed)
    number = len(result.doubtful)
    if not number:
        return
    chosen = frozenset(random.sample(range(number), number if context.named is not None else min(SAMPLE, number)))
    unlike = yield from _read(context, result, (doubt.source for at, doubt in enumerate(doubts) if at in chosen))
    trusted = not unlike and not context.stop.requested
    if not trusted:
        context.memory.forget_assumed()
        unlike |= yield from _read(
            context, result, (doubt.source for at, doubt in enumerate(doubts) if at not in chosen)
        )
    read, assumed = list[tuple[str, str, str]](), list[tuple[str, str, str]]()
    for at, doubt in enumerate(doubts):
        if context.stop.requested or doubt.source.key in unlike:
            result.miss(doubt)
            continue
        result.settle(doubt.source, by_etag=False)
        known = assumed if trusted and at not in chosen else read
        known.append((doubt.source.key, doubt.source.mark, doubt.target.mark))
    if read:
        context.memory.remember_incomparable(read, assumed=False)
    if assumed:
        context.memory.remember_incomparable(assumed, assumed=True)


def _read(context: Context, result: Verification, entries: Iterable[Entry]) -> Generator[Event, None, set[str]]:
    """Read these on both sides; return the keys that are not the same, or could not be read."""
    unlike = set[str]()
    for batch, found in compare_content(context, entries):
        result.read += Count(len(batch), sum(entry.size for entry in batch))
        for one in found:
            unlike.add(one.entry.key)
            yield ProblemFound(context.job.name, one.problem)
    return unlike
