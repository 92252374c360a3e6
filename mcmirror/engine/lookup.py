"""Find planned differences again in a new listing."""

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from mcmirror.engine.compare import Pairs
from mcmirror.engine.scope import key_of
from mcmirror.model.plan import Difference, Entry

D = TypeVar("D", bound=Difference)


class Lookup(Generic[D]):
    """Each planned difference with what is at the source and at the target now, in key order.

    Walk it to its end: a listing counts only when it came to its own.
    """

    def __init__(self, pairs: Pairs, planned: Iterable[D], folder: str) -> None:
        """``folder``: what the keys of ``pairs`` are relative to."""
        self._pairs = pairs
        self._planned = planned
        self._folder = folder
        self.at_source = 0
        """Objects listed so far."""
        self.at_target = 0

    def __iter__(self) -> Iterator[tuple[D, Entry | None, Entry | None]]:
        waiting = iter(self._planned)
        wanted = next(waiting, None)
        for source, target in self._pairs:
            entry = source or target
            if entry is None:
                continue
            self.at_source += source is not None
            self.at_target += target is not None
            key = self._folder + entry.key
            while wanted is not None and key_of(wanted) < key:
                yield wanted, None, None
                wanted = next(waiting, None)
            if wanted is not None and key_of(wanted) == key:
                yield wanted, _named(source, key), _named(target, key)
                wanted = next(waiting, None)
        while wanted is not None:
            yield wanted, None, None
            wanted = next(waiting, None)


def _named(entry: Entry | None, key: str) -> Entry | None:
    return entry and entry._replace(key=key)
