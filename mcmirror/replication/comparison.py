"""Compares two listings of versions by key and version ID, in one pass and bounded memory. Pure."""

import re
from collections.abc import Collection, Iterable, Iterator
from itertools import groupby
from operator import attrgetter

from mcmirror.messages.error_lookup import problem
from mcmirror.model.problem import Category, ListingBroken
from mcmirror.model.replication import Carried
from mcmirror.model.replication_status import NAMED, Comparison, Found, Gap, Tally, Version
from mcmirror.model.wording import printable

Group = tuple[str, dict[str, Version]]
_MD5 = re.compile(r"[0-9a-f]{32}")


def compare(source: Iterable[Version], target: Iterable[Version], replicate: Collection[Carried]) -> Comparison:
    """What one bucket has that the other lacks; delete markers count where they are to be replicated.

    Raises ListingBroken when a listing is not in the order of its keys.
    """
    sums, named = {name: _Sum() for name in ("source", "target", *Gap)}, dict[Gap, list[Found]]()
    oldest, markers = "", Carried.DELETE_MARKER in replicate
    for ours, theirs in _side_by_side(source, target):
        latest = next(iter({**ours, **theirs}), "")
        for version in ours.values():
            sums["source"].add(version)
        for version in theirs.values():
            sums["target"].add(version)
        for found in _gaps(ours, theirs, latest):
            if found.version.marker and not markers:
                continue
            sums[found.gap].add(found.version)
            if found.gap is Gap.MISSING:
                oldest = min(oldest or found.version.modified, found.version.modified)
            if len(named.setdefault(found.gap, [])) < NAMED:
                named[found.gap].append(found)
    return Comparison(
        sums["source"].tally,
        sums["target"].tally,
        sums[Gap.MISSING].tally,
        sums[Gap.DIFFERENT].tally,
        sums[Gap.EXTRA].tally,
        oldest,
        tuple(found for gap in Gap for found in named.get(gap, ())),
    )


def written_since(source: Iterable[Version], moment: str, replicate: Collection[Carried]) -> Comparison:
    """What cannot have arrived at a target that is away since ``moment``: a part of what is missing."""
    every, late, named = _Sum(), _Sum(), list[Found]()
    oldest, markers = "", Carried.DELETE_MARKER in replicate
    for _, group in _groups(source):
        latest = next(iter(group))
        for version in group.values():
            every.add(version)
            if version.modified <= moment or (version.marker and not markers):
                continue
            late.add(version)
            oldest = min(oldest or version.modified, version.modified)
            if len(named) < NAMED:
                named.append(Found(version, Gap.MISSING, version.id == latest))
    nothing = Tally()
    return Comparison(every.tally, nothing, late.tally, nothing, nothing, oldest, tuple(named), whole=False)


class _Sum:
    """Adds up versions."""

    def __init__(self) -> None:
        self._versions = self._markers = self._bytes = 0

    def add(self, version: Version) -> None:
        if version.marker:
            self._markers += 1
        else:
            self._versions += 1
            self._bytes += version.size

    @property
    def tally(self) -> Tally:
        return Tally(self._versions, self._markers, self._bytes)


def _gaps(ours: dict[str, Version], theirs: dict[str, Version], latest: str) -> Iterator[Found]:
    for id_, version in ours.items():
        there = theirs.get(id_)
        if there is None:
            yield Found(version, Gap.MISSING, id_ == latest)
        elif not _equal(version, there):
            yield Found(version, Gap.DIFFERENT, id_ == latest)
    for id_, version in theirs.items():
        if id_ not in ours:
            yield Found(version, Gap.EXTRA, id_ == latest)


def _equal(one: Version, other: Version) -> bool:
    """By size and, where both ETags are MD5s, by them: others prove nothing."""
    if (one.size, one.marker) != (other.size, other.marker):
        return False
    both = _MD5.fullmatch(one.etag) and _MD5.fullmatch(other.etag)
    return not both or one.etag == other.etag


def _side_by_side(
    source: Iterable[Version], target: Iterable[Version]
) -> Iterator[tuple[dict[str, Version], dict[str, Version]]]:
    """The versions of each key on both sides."""
    left, right = _groups(source), _groups(target)
    ours, theirs = next(left, None), next(right, None)
    while ours is not None or theirs is not None:
        if theirs is None or (ours is not None and ours[0] < theirs[0]):
            assert ours is not None  # noqa: S101  for mypy
            yield ours[1], {}
            ours = next(left, None)
        elif ours is None or theirs[0] < ours[0]:
            yield {}, theirs[1]
            theirs = next(right, None)
        else:
            yield ours[1], theirs[1]
            ours, theirs = next(left, None), next(right, None)


def _groups(versions: Iterable[Version]) -> Iterator[Group]:
    last = ""
    for key, group in groupby(versions, attrgetter("key")):
        if key <= last:
            cause = f"the key {printable(key)} comes after {printable(last)}"
            raise ListingBroken(problem(Category.LISTING_BROKEN, "the versions are not listed in order", cause))
        last = key
        yield key, {version.id: version for version in group}
