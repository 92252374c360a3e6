"""Whether events arrive: a key that is written at the source must be heard."""

from collections.abc import Callable
from enum import Enum

from mcmirror.model.problem import Category, Problem

EVERY = 180.0
"""Seconds between two canaries while they are heard."""
PATIENCE = 20.0
"""Seconds in which one must be heard."""
SOON = 5.0
"""Seconds until the next one after one that was not."""
KNOCK = 1.0
"""Seconds between two canaries while the channel opens: some servers answer a listener with the first event only."""
MOST_KNOCKS = 30
"""After so many it is done as seldom as while the channel is deaf."""
AGAIN = 60.0
"""Seconds between two canaries while the channel is deaf, or the source does not take them."""
OFF = frozenset((Category.PERMISSION, Category.CREDENTIALS))
"""Refusals that another attempt does not change."""
MISSES = 2
"""Canaries in a row that were not heard: then the channel is deaf, and the first of them was no accident."""


class Verdict(Enum):
    """What the canary says of the channel."""

    UNKNOWN = "unknown"
    HEARS = "hears"
    MISSED = "missed"
    """One was not heard: the channel is to be opened again."""
    DEAF = "deaf"


class Canary:
    """Writes a key, and expects to hear of it. Not thread-safe but for ``heard``."""

    def __init__(self, write: Callable[[], Problem | None], remove: Callable[[], object]) -> None:
        self._write = write
        self._remove = remove
        self._due = 0.0
        self._deadline = 0.0
        self._misses = 0
        self._sound = 0
        self._knocks = 0
        self._written = 0
        self.verdict = Verdict.UNKNOWN
        self.last = 0.0
        """When it was heard last, in seconds since the epoch."""
        self.refused: Problem | None = None
        """Why it cannot be written."""

    @property
    def next(self) -> float:
        """When ``look`` has something to do."""
        return self._deadline or self._due

    def heard(self) -> None:
        """It was heard; from any thread."""
        self._sound += 1

    def connected(self) -> None:
        """The channel is open anew: it is tried at once."""
        self._due = self._deadline = 0.0
        self._knocks = 0

    def put_right(self) -> None:
        """The clock was set back: it is tried at once."""
        self._due = self._deadline = 0.0

    def knock(self, now: float) -> None:
        """Write one while the channel opens; that it is not heard says nothing."""
        if now >= self._due:
            self.refused = self._write()
            self._knocks += 1
            soon = self.refused is None and self._knocks < MOST_KNOCKS
            self._due = now + (KNOCK if soon else AGAIN)

    def look(self, now: float) -> Verdict:
        """Write one when it is due, and judge the last one; returns what is new, ``UNKNOWN`` for nothing."""
        if self._deadline:
            return self._judge(now)
        if now < self._due:
            return Verdict.UNKNOWN
        self._written = self._sound
        self.refused = self._write()
        if self.refused is None:
            self._deadline = now + PATIENCE
        else:
            self.verdict = Verdict.UNKNOWN
            self._due = now + (EVERY * 10 if self.refused.category in OFF else AGAIN)
        return Verdict.UNKNOWN

    def _judge(self, now: float) -> Verdict:
        if self._sound > self._written:
            self._deadline, self._misses = 0.0, 0
            self._due = now + EVERY
            self.last = now
            self._remove()
            self.verdict = Verdict.HEARS
            return self.verdict
        if now < self._deadline:
            return Verdict.UNKNOWN
        self._deadline, self._misses = 0.0, self._misses + 1
        deaf = self._misses >= MISSES
        self._due = now + (AGAIN if deaf else SOON)
        if deaf:
            self._remove()
        self.verdict = Verdict.DEAF if deaf else Verdict.MISSED
        return self.verdict
