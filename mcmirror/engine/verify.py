"""The step that decides: list again what was touched; what is still different is what did not happen."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field

from mcmirror.engine.compare import Pairs, difference, proven
from mcmirror.engine.content import same_content
from mcmirror.engine.context import Context
from mcmirror.engine.listing import with_pairs
from mcmirror.engine.lookup import Lookup
from mcmirror.engine.scope import common_folder
from mcmirror.engine.spool import Spool
from mcmirror.mc.troubleshoot import problem
from mcmirror.model.event import Event, ProblemFound, Vanished
from mcmirror.model.plan import Changed, Copy, Count, Entry, Missing, Reason
from mcmirror.model.problem import Category

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
    doubtful: Spool = field(default_factory=Spool)
    """Copied just now, unchanged at the source, and yet with another ETag."""

    def settle(self, entry: Entry, *, by_etag: bool) -> None:
        """Count one as done."""
        one = Count(1, entry.size)
        self.done += one
        if not by_etag:
            self.unproven += one

    def miss(self, difference: Copy) -> None:
        """Count one as not done."""
        self.remaining.append(difference)
        self.bytes_remaining += difference.source.size


def verify(context: Context, copies: Iterable[Copy]) -> Generator[Event, None, Verification]:
    """List both sides below the planned copies and see which of them are there.

    Raises ListingBroken when that cannot be seen: then nothing is known.
    """
    folder = common_folder(copies)
    verification = yield from with_pairs(context, folder, lambda pairs: _check(context, pairs, copies, folder))
    yield from _resolve_doubts(context, verification)
    return verification


def _check(context: Context, pairs: Pairs, copies: Iterable[Copy], folder: str) -> Generator[Event, None, Verification]:
    result, lookup = Verification(), Lookup(pairs, copies, folder)
    for planned, source, target in lookup:
        if source is None:
            result.vanished += Count(1, planned.source.size)
            yield Vanished(context.job.name, planned.source.key)
        else:
            _judge(result, planned, source, target)
    result.listed = (lookup.at_source, lookup.at_target)
    return result


def _judge(result: Verification, planned: Copy, source: Entry, target: Entry | None) -> None:
    written = target is not None and (isinstance(planned, Missing) or target != planned.target)
    unchanged = source == planned.source
    if target is None:
        result.miss(Missing(source))
    elif proven(source, target) or difference(source, target) is None:
        result.settle(source, by_etag=proven(source, target))
    elif source.size != target.size or not written or not unchanged:
        result.changed_meanwhile += not unchanged
        result.miss(Changed(source, target, difference(source, target) or Reason.CONTENT))
    elif source.plain_md5 and target.plain_md5:
        result.doubtful.append(Changed(source, target, Reason.CONTENT))
    else:
        result.settle(source, by_etag=False)  # rewritten just now; only the target's clock is behind


def _resolve_doubts(context: Context, result: Verification) -> Generator[Event, None, None]:
    """A fresh copy with another ETag: the target's ETags are no MD5s (SSE-KMS), or the content is wrong. Read it."""
    accepted = list[tuple[str, str, str]]()
    for number, doubt in enumerate(result.doubtful):
        if not isinstance(doubt, Changed):
            continue
        if number < SAMPLE and not same_content(context, [doubt.source]):
            what = f"{doubt.source.key} was copied, and its content differs on the target"
            cause = f"ETag {doubt.source.etag} at the source, {doubt.target.etag} at the target"
            yield ProblemFound(context.job.name, problem(Category.CONTENT_DIFFERS, what, cause, doubt.source.key))
            result.miss(doubt)
            continue
        accepted.append((doubt.source.key, doubt.source.etag, doubt.target.etag))
        result.settle(doubt.source, by_etag=False)
    if accepted:
        context.memory.remember_incomparable(accepted)
