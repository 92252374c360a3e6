"""stdout is data: lines of bytes, whole ones only, without secrets, until nobody reads any more."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import BinaryIO


class Stdout:
    """Where data goes. ``aside`` keeps a live display out of the way meanwhile."""

    def __init__(
        self,
        stream: BinaryIO,
        *,
        redact: Callable[[str], str] = str,
        aside: Callable[[], AbstractContextManager[None]] = nullcontext,
        on_broken: Callable[[], None] = lambda: None,
    ) -> None:
        """``on_broken`` is called once when the reader has gone (``| head``)."""
        self._stream = stream
        self._redact = redact
        self._aside = aside
        self._on_broken = on_broken
        self._lock = threading.Lock()
        self.broken = False
        """Whether the reader has gone."""

    @contextmanager
    def lines(self, *, flush: bool = True) -> Iterator[Callable[[bytes], bool]]:
        """Hand out a function that writes one line and says whether anyone still reads; flushed at the end."""
        with self._lock, self._aside():
            yield self._write
            if flush:
                self._attempt(self._stream.flush)

    def _write(self, line: bytes) -> bool:
        text = self._redact(line.decode("utf-8", "surrogateescape"))
        data = text.encode("utf-8", "surrogateescape")
        return self._attempt(lambda: self._stream.write(data + b"\n"))

    def _attempt(self, action: Callable[[], object]) -> bool:
        if self.broken:
            return False
        try:
            action()
        except BrokenPipeError:
            self.broken = True
            self._forget()
            self._on_broken()
            return False
        return True

    def _forget(self) -> None:
        """Point the descriptor at nothing, or Python complains at exit of what it could not flush."""
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
