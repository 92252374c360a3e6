"""How many objects batches may still remove: ``max_delete`` holds for a window of time."""

from collections import deque

from mcmirror.model.job import MaxDelete

WINDOW = 3600.0
"""Seconds."""


class Removals:
    """Counts what batches have removed lately. Not thread-safe."""

    def __init__(self, limit: MaxDelete) -> None:
        self._limit = limit
        self._made = deque[tuple[float, int]]()

    def add(self, now: float, number: int) -> None:
        """So many were removed."""
        if number:
            self._made.append((now, number))

    def left(self, now: float, target_objects: int) -> MaxDelete:
        """How many more may go; ``target_objects`` is how many the target held when it was last listed."""
        if self._limit.unlimited:
            return self._limit
        while self._made and self._made[0][0] <= now - WINDOW:
            self._made.popleft()
        made = sum(number for _, number in self._made)
        low, high = 0, max(target_objects, self._limit.number or 0, 10)
        while low < high:  # the largest number that is allowed
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self._limit.allows(middle, target_objects) else (low, middle - 1)
        return MaxDelete(None, max(0, low - made))
