"""Where log lines go: a stream that may be closed, full, or read by nobody, and must never hold a run up."""

import os
import select
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any, TextIO

PATIENCE = 1.0
"""Seconds that a reader who is slow is waited for, once."""
_PIECE = 4096
"""A pipe that can take anything takes so many bytes without blocking."""


class Stream:
    """Writes whole lines past the buffers of ``stream``; what cannot be written is counted and said later."""

    def __init__(self, stream: TextIO, lost: Callable[[int], str]) -> None:
        """``lost`` words the line that says how many lines are missing."""
        self._stream = stream
        self._lost_text = lost
        self._encoding = getattr(stream, "encoding", None) or "utf-8"
        self.symbols = "utf" in self._encoding.lower()
        """Whether marks outside ASCII can be written."""
        self._lost = 0
        self._torn = False
        """Whether the last line was cut off in its midst."""
        try:
            self._number = stream.fileno()
        except (OSError, ValueError, AttributeError):
            self._number = -1

    def write(self, lines: str) -> None:
        """Write lines that end in a line feed."""
        if self._number < 0:
            with suppress(OSError, ValueError):
                self._stream.write(lines)
                self._stream.flush()
            return
        start = "\n" if self._torn else ""
        if self._lost:
            start += f"{self._lost_text(self._lost)}\n"
        data = (start + lines).encode(self._encoding, "backslashreplace")
        written = self._put(data)
        if written == len(data):
            self._lost, self._torn = 0, False
            return
        self._lost += lines.count("\n")
        if written:
            self._torn = data[written - 1 : written] != b"\n"

    def _put(self, data: bytes) -> int:
        """Write as much as goes; how much that was."""
        written = 0
        try:
            while written < len(data):
                # Whoever did not read in time is not waited for again until there is room.
                if not _room(self._number, 0.0 if self._lost else PATIENCE):
                    break
                written += os.write(self._number, data[written : written + _PIECE])
        except OSError:
            pass
        return written


def _room(number: int, seconds: float) -> bool:
    """Whether something can be written without waiting."""
    poll = select.poll()
    poll.register(number, select.POLLOUT)
    found = poll.poll(seconds * 1000)
    return bool(found)


def forget(stream: IO[Any]) -> None:
    """Point the descriptor at nothing, or Python complains at exit of what it could not flush."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
