"""Ends the dashboard after a signal or the loss of its terminal, even if a screen is busy."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGHUP)
LAST = 5.0
"""Seconds that the screen has to go once all is stopped: one that is stuck is not waited for."""


class Shutdown:
    """Closes a source once, whoever asks first, and sees to it that the process ends."""

    def __init__(self, close: Callable[[int], None]) -> None:
        """``close`` stops what runs, told a signal or 0, and returns within the grace time."""
        self._close = close
        self._lock = threading.Lock()
        self._closed = False
        self.code = 0
        """The exit code that was demanded."""
        self._over = threading.Event()
        self._before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}

    def close(self, number: int = 0) -> None:
        """Stop what runs, and wait for it; also for another's asking."""
        with self._lock:
            if not self._closed:
                self._close(number)
                self._closed = True

    def obey(self, told: Callable[[int], object]) -> None:
        """Take the signals; the main thread's business. ``told`` is called once by another thread, with an exit code.

        Handlers of our own and not the event loop's: that may wait for a terminal which takes nothing any more.
        """

        def handle(number: int, _: FrameType | None) -> None:
            # A thread: what is interrupted may hold any lock.
            threading.Thread(target=self.demand, args=(number, told), name="ending", daemon=True).start()

        self._before = {number: signal.signal(number, handle) for number in SIGNALS}

    def demand(self, number: int, told: Callable[[int], object]) -> None:
        """Tell the screen, stop what runs, and end the process if the screen has not by then."""
        if self.code or self._over.is_set():
            return
        self.code = 128 + number
        told(self.code)
        self.close(number)
        if not self._over.wait(LAST):
            os._exit(self.code)

    def over(self) -> None:
        """The screen has gone; what follows is the command's, and so are the signals."""
        self._over.set()
        for number, handler in self._before.items():
            signal.signal(number, handler)
