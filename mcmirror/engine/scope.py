"""The smallest folder that holds a set of keys: what has to be listed, and mirrored, again."""

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from mcmirror.model.plan import Difference, Extraneous

D = TypeVar("D", bound=Difference)


class Only(Generic[D]):
    """The differences of some kinds, in order; can be walked again and again, and holds none of them."""

    def __init__(self, differences: Iterable[Difference], *kinds: type[D]) -> None:
        self._differences = differences
        self._kinds = kinds

    def __iter__(self) -> Iterator[D]:
        return (item for item in self._differences if isinstance(item, self._kinds))


def key_of(difference: Difference) -> str:
    """The key, whichever side has it."""
    return difference.target.key if isinstance(difference, Extraneous) else difference.source.key


def common_folder(differences: Iterable[Difference]) -> str:
    """The deepest folder above all of them, with its slash; empty for the whole. They come in key order."""
    first = last = ""
    for difference in differences:
        last = key_of(difference)
        first = first or last
    shared = 0
    for one, other in zip(first, last, strict=False):
        if one != other:
            break
        shared += 1
    return first[: first.rfind("/", 0, shared) + 1]
