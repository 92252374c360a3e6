"""Cut the planned copies into shards, one for each process: pure functions over (key, bytes) in key order.

Shards never overlap, and together they cover every planned copy. One pass over the keys builds their prefix tree, of
which only the path to the current key is held: memory does not grow with the number of keys.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from os.path import commonprefix

ENOUGH = 250
"""Objects that are worth a process of their own, however many there are in all."""
LARGE = 8 * 1024 * 1024
"""Mean bytes of an object from which one process, which uploads parts side by side, is as fast as several."""
MOST_PARTS = 5000
"""Children of one prefix that are told apart; a prefix with more stays whole."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one process copies: the planned keys that begin with ``prefix``."""

    prefix: str
    objects: int
    bytes: int
    flat: bool = False
    """Only keys without a further slash: those of its subfolders belong to other shards."""


def by_prefix(copies: Iterable[tuple[str, int]], size: int) -> tuple[Part, ...]:
    """Cut between any two characters into shards of about ``size`` objects, the largest first.

    For a source of which every object is to be copied: ``mc cp -r`` copies whatever begins with the prefix.
    """
    shards = _cut(copies, size, _shared_characters, _whole_key)
    # mc reads a prefix as a path, and would resolve such a last segment.
    if any(shard.prefix.rpartition("/")[2] in (".", "..") for shard in shards):
        return ()
    return shards


def by_folder(copies: Iterable[tuple[str, int]], size: int) -> tuple[Part, ...]:
    """Cut at slashes into shards of about ``size`` objects, the largest first."""
    return _cut(copies, size, _shared_folder, _folder_of)


@dataclass(slots=True)
class _Node:
    """A prefix of the current key, with the shards that were found below it."""

    length: int
    """Characters of the prefix."""
    objects: int = 0
    bytes: int = 0
    own: int = 0
    """Keys that lie in this folder itself."""
    own_bytes: int = 0
    parts: list[Part] = field(default_factory=list)
    whole: bool = False
    """It cannot be divided: a key equals the prefix, or its children are too many."""

    def add(self, objects: int, size: int, parts: list[Part]) -> None:
        self.objects += objects
        self.bytes += size
        self.parts += parts
        if len(self.parts) > MOST_PARTS:
            self.whole = True
        if self.whole:
            self.parts.clear()

    def shards(self, key: str, size: int) -> list[Part]:
        """One shard, or its parts when it is too large and they are not too small; ``key`` begins with the prefix."""
        prefix = key[: self.length]
        count = len(self.parts) + (self.own > 0)
        if count == 1 and self.parts:
            return self.parts
        if self.whole or count < 2 or self.objects <= size or self.objects < count * min(size / 2, ENOUGH):
            return [Part(prefix, self.objects, self.bytes)]
        return [*self.parts, *([Part(prefix, self.own, self.own_bytes, flat=True)] if self.own else ())]


def _cut(
    copies: Iterable[tuple[str, int]],
    size: int,
    shared: Callable[[str, str], int],
    own_prefix: Callable[[str], str],
) -> tuple[Part, ...]:
    """Walk the prefix tree of the keys; ``shared`` measures the deepest common node, ``own_prefix`` a key's own one."""
    path = [_Node(0)]
    previous: tuple[str, int] | None = None
    for key, length in copies:
        if previous is not None:
            common = shared(previous[0], key)
            if common > path[-1].length:
                path.append(_Node(common))
            _add_key(path[-1], *previous, own_prefix)
            while path[-1].length > common:
                _close(path, common, previous[0], size)
        previous = key, length
    if previous is None:
        return ()
    _add_key(path[-1], *previous, own_prefix)
    while len(path) > 1:
        _close(path, 0, previous[0], size)
    return tuple(sorted(path[0].shards("", size), key=lambda shard: (-shard.objects, shard.prefix, shard.flat)))


def _close(path: list[_Node], common: int, key: str, size: int) -> None:
    """Hand the deepest node's shards to the one above it, which is made when it is missing."""
    closed = path.pop()
    if path[-1].length < common:
        path.append(_Node(common))
    path[-1].add(closed.objects, closed.bytes, closed.shards(key, size))


def _add_key(node: _Node, key: str, length: int, own_prefix: Callable[[str], str]) -> None:
    prefix = own_prefix(key)
    if len(prefix) > node.length:
        node.add(1, length, [Part(prefix, 1, length)])
        return
    if prefix == key:
        node.whole = True  # other keys begin with it
    node.own += 1
    node.own_bytes += length
    node.add(1, length, [])


def _shared_characters(one: str, other: str) -> int:
    return len(commonprefix((one, other)))  # noqa: RUF071  # keys, not paths


def _shared_folder(one: str, other: str) -> int:
    return one.rfind("/", 0, _shared_characters(one, other)) + 1


def _whole_key(key: str) -> str:
    return key


def _folder_of(key: str) -> str:
    return key[: key.rfind("/") + 1]
