"""Find out in constant memory that a sequence goes round in a circle (Brent's algorithm)."""

from typing import Generic, TypeVar

T = TypeVar("T")


class CycleDetector(Generic[T]):
    """Remembers one item, a later one each time that the way has doubled; that one comes again in any circle."""

    __slots__ = ("_left", "_length", "_mark", "times")

    def __init__(self) -> None:
        self.times = 0
        """How often the remembered item has come again."""
        self._mark: T | None = None
        self._length = self._left = 1

    def met(self, item: T) -> bool:
        """Take the next item; return whether it is the remembered one."""
        if item == self._mark:
            self.times += 1
            return True
        self._left -= 1
        if not self._left:
            self._mark, self.times = item, 0
            self._length *= 2
            self._left = self._length
        return False
