"""How many objects batches may still remove: ``max_delete`` holds for a window of time."""

from collections import deque

from mcmirror.engine.key_batch import WINDOW
from mcmirror.model.job import MaxDelete


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
        while self._made and self._made[0][0] <= now - WINDOW:
            self._made.popleft()
        return self._limit.left(sum(number for _, number in self._made), target_objects)
