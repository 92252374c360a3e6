"""Compare two listings: pure functions over two streams of entries in key order."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from mcmirror.engine.sample import Sample
from mcmirror.engine.spool import Spool
from mcmirror.model.plan import Changed, Count, Entry, Extraneous, Impossible, Kept, Missing, Plan, Reason

NEVER_COMPARABLE: Callable[[str, str, str], bool] = lambda _key, _source, _target: False  # noqa: E731


@dataclass(frozen=True, slots=True)
class Rules:
    """What makes a difference in this run."""

    overwrite: bool = False
    excluded: Callable[[Entry], object] | None = None
    written_after: str = ""
    """Source objects not written after this are out of scope; ``Entry.modified``'s form."""
    written_before: str = ""
    impossible: Callable[[Entry], str] | None = None
    """Why mc cannot carry an object; empty when it can."""
    sceptical: bool = False
    """Something is known to have been written: equal is what ETags prove, and what is remembered as a verified copy."""
    wrong: frozenset[tuple[str, str, str]] = frozenset()
    """(key, mark at the source, mark at the target) of copies that were read and found to differ."""
    sample: Sample | None = None
    """Takes equal objects whose metadata is to be looked at."""
    incomparable: Callable[[str, str, str], bool] = NEVER_COMPARABLE
    """Whether (key, mark at the source, mark at the target) are known to be equal, whatever ETags and clocks say."""


DOUBTFUL = frozenset((Reason.NEWER, Reason.CONTENT))
"""Differences of which only the ETags or the clocks speak: the bytes may be the same."""

Pairs = Iterator[tuple[Entry | None, Entry | None]]
"""Source and target entry of one key, either of them None; both None is a tick of the clock."""

Seen = tuple[int, int]
"""Objects listed so far, at the source and at the target."""


def difference(source: Entry, target: Entry) -> Reason | None:
    """Say why two objects of one key are not equal; None when they are.

    Equal means: same size, and the same MD5 where both ETags can be one, whatever the clocks say; where they cannot,
    the source not newer.
    """
    if source.size != target.size:
        return Reason.SIZE
    if proven(source, target):
        return None
    if source.modified > target.modified:
        return Reason.NEWER
    if source.etag != target.etag and source.plain_md5 and target.plain_md5:
        return Reason.CONTENT
    return None


def proven(source: Entry, target: Entry) -> bool:
    """Whether size and ETags prove that the contents are the same; multipart ETags never do."""
    return source.size == target.size and source.etag == target.etag and source.plain_md5


def merge(source: Iterator[Entry | None], target: Iterator[Entry | None]) -> Pairs:
    """Pair two streams by key."""
    end = object()
    left: Entry | object | None = next(source, end)
    right: Entry | object | None = next(target, end)
    while left is not end or right is not end:
        if left is None:
            yield None, None
            left = next(source, end)
        elif right is None:
            yield None, None
            right = next(target, end)
        elif right is end or (left is not end and left[0] < right[0]):  # type: ignore[index]
            yield left, None  # type: ignore[misc]
            left = next(source, end)
        elif left is end or right[0] < left[0]:  # type: ignore[index]
            yield None, right  # type: ignore[misc]
            right = next(target, end)
        else:
            yield left, right  # type: ignore[misc]
            left, right = next(source, end), next(target, end)


def plan(pairs: Pairs, rules: Rules) -> Generator[Seen, None, Plan]:
    """Turn pairs into a plan; yields how far the listings are, now and then.

    Excluded keys count on neither side: mc neither copies nor removes them.
    """
    tally = _Tally()
    since = 0
    for source, target in pairs:
        since += 1
        if since >= 5000 or (source is None and target is None):
            since = 0
            yield tally.source.objects, tally.target.objects
        if source is not None:
            tally.at_source(source, target, rules)
        elif target is not None:
            tally.only_at_target(target, rules)
    return tally.plan()


class _Sum:
    __slots__ = ("bytes", "objects")

    def __init__(self) -> None:
        self.objects = self.bytes = 0

    def add(self, size: int) -> None:
        self.objects += 1
        self.bytes += size

    def count(self) -> Count:
        return Count(self.objects, self.bytes)


class _Tally:
    def __init__(self) -> None:
        self.differences = Spool()
        self.listed = 0
        self.source, self.target, self.equal, self.unproven = _Sum(), _Sum(), _Sum(), _Sum()
        self.outdated = _Sum()
        self.missing, self.changed, self.drifted, self.kept = _Sum(), _Sum(), _Sum(), _Sum()
        self.extraneous, self.excluded, self.impossible = _Sum(), _Sum(), _Sum()

    def at_source(self, source: Entry, target: Entry | None, rules: Rules) -> None:
        self.listed += 1
        if rules.excluded and rules.excluded(source):
            self.excluded.add(source.size)
            return
        self.source.add(source.size)
        if target is not None:
            self.target.add(target.size)
        if _out_of_age(source, rules):
            self.excluded.add(source.size)
        elif rules.impossible and (why := rules.impossible(source)):
            if target is not None and proven(source, target):  # somebody else brought it
                self.are_equal(source, proven=True)
            else:
                self.impossible.add(source.size)
                self.differences.append(Impossible(source, why))
        elif target is None:
            self.missing.add(source.size)
            self.differences.append(Missing(source))
        else:
            self.on_both(source, target, rules)

    def on_both(self, source: Entry, target: Entry, rules: Rules) -> None:
        reason = difference(source, target)
        same = proven(source, target)
        if reason in DOUBTFUL and rules.incomparable(source.key, source.mark, target.mark):
            reason = None
        elif rules.sceptical and not (reason or same or rules.incomparable(source.key, source.mark, target.mark)):
            reason = Reason.NEWER
        if rules.wrong and reason is None and (source.key, source.mark, target.mark) in rules.wrong:
            reason, same = Reason.CONTENT, False
        if reason is None:
            if source.modified > target.modified:
                self.outdated.add(source.size)
            self.are_equal(source, proven=same)
            if rules.sample is not None:
                rules.sample.offer(source, target)
        elif rules.overwrite:
            self.changed.add(source.size)
            if reason is Reason.CONTENT:
                self.drifted.add(source.size)
            self.differences.append(Changed(source, target, reason))
        else:
            self.kept.add(source.size)
            self.differences.append(Kept(source, target, reason))

    def are_equal(self, source: Entry, *, proven: bool) -> None:
        self.equal.add(source.size)
        if not proven:
            self.unproven.add(source.size)

    def only_at_target(self, target: Entry, rules: Rules) -> None:
        if rules.excluded and rules.excluded(target):
            return
        self.target.add(target.size)
        self.extraneous.add(target.size)
        self.differences.append(Extraneous(target))

    def plan(self) -> Plan:
        return Plan(
            source=self.source.count(),
            target=self.target.count(),
            missing=self.missing.count(),
            changed=self.changed.count(),
            drifted=self.drifted.count(),
            extraneous=self.extraneous.count(),
            kept=self.kept.count(),
            equal=self.equal.count(),
            unproven=self.unproven.count(),
            outdated=self.outdated.count(),
            excluded=self.excluded.count(),
            impossible=self.impossible.count(),
            differences=self.differences,
            at_source=self.listed,
        )


def _out_of_age(source: Entry, rules: Rules) -> bool:
    if rules.written_after and source.modified <= rules.written_after:
        return True
    return bool(rules.written_before) and source.modified >= rules.written_before
