"""Holds a channel of events open, and hands on what it says."""

import logging
import random
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing

from mcmirror.messages.exceptions import problem_of
from mcmirror.model.change import Change, Connected, Heard
from mcmirror.model.problem import Category, Problem
from mcmirror.model.stop import Stop

Open = Callable[[Stop], Iterator[Sequence[Heard]]]
"""Opens the channel; it ends, or raises Trouble, when the stop is requested or nothing more comes."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds before it is opened again, doubling."""
STEADY = 30.0
"""Seconds of a connection after which the next failure counts as the first."""


class Listener:
    """One channel in a thread of its own."""

    def __init__(self, open_: Open, hear: Callable[[Sequence[Change]], None], connected: Callable[[], None]) -> None:
        """``hear`` and ``connected`` are called in the listener's thread; ``hear`` may raise nothing."""
        self._open = open_
        self._hear = hear
        self._connected = connected
        self._stop, self._cut = Stop(), Stop()
        self._thread = threading.Thread(target=self._work, name="events", daemon=True)
        self.open = False
        """Whether it is connected now."""
        self.problem: Problem | None = None
        """Why it is not."""
        self.connections = 0

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def reconnect(self) -> None:
        """Close the channel and open it again at once."""
        self._cut.request()

    def stop(self) -> None:
        """Listen no more."""
        self._stop.request()
        self._cut.request()

    def join(self, seconds: float) -> None:
        """Wait for the thread's end."""
        self._thread.join(seconds)

    def _work(self) -> None:
        pause = FIRST_PAUSE
        while not self._stop.requested:
            self._cut, begun = Stop(), time.monotonic()
            if self._stop.requested:
                return
            try:
                with closing(self._opened()) as batches:
                    for batch in batches:
                        self._take(batch)
                        if self._cut.requested:
                            break
            except Exception as error:
                self.problem = problem_of(error)
                if self.problem.category is Category.INTERNAL:
                    logging.getLogger(__name__).exception("a mistake of ours closed a channel of events")
            finally:
                self.open = False
            pause = FIRST_PAUSE if time.monotonic() - begun > STEADY or self._cut.requested else pause
            if not self._cut.requested:
                self._cut.wait(pause * random.uniform(0.75, 1.25))  # noqa: S311  jitter
                pause = min(pause * 2, LONGEST_PAUSE)

    def _opened(self) -> Generator[Sequence[Heard], None, None]:
        yield from self._open(self._cut)

    def _take(self, batch: Sequence[Heard]) -> None:
        changes = [one for one in batch if isinstance(one, Change)]
        for _ in range(sum(isinstance(one, Connected) for one in batch)):
            self.open, self.problem = True, None
            self.connections += 1
            self._connected()
        if changes:
            self._hear(changes)
