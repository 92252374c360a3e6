"""When to try again: transport trouble only, after a pause that doubles, with jitter."""

import random
from collections.abc import Generator

from mcmirror.engine.context import Context
from mcmirror.model.event import Event, Retrying

LONGEST_PAUSE = 900.0
"""Seconds."""


class Attempts:
    """The budget of one run; used up by whichever step needs it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.made = 1

    def again(self, remaining: int) -> Generator[Event, None, bool]:
        """Pause and return True when another attempt is to be made; False when the budget or the patience is gone."""
        job, stop = self._context.job, self._context.stop
        if stop.requested or self.made > job.retries:
            return False
        delay = pause(job.retry_delay, self.made, random.random())  # noqa: S311  # jitter, not cryptography
        self.made += 1
        yield Retrying(job.name, self.made, delay, remaining)
        return not stop.wait(delay)


def pause(first: float, attempt: int, dice: float) -> float:
    """Seconds after attempt ``attempt``: doubling from ``first``, give or take a quarter by ``dice`` (0 to 1)."""
    return float(min(first * 2 ** (attempt - 1), LONGEST_PAUSE) * (0.75 + dice / 2))
