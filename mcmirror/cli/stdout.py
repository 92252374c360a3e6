"""stdout is data: lines of bytes, whole ones only, without secrets, until nobody reads any more."""

import errno
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from io import TextIOWrapper
from typing import BinaryIO

from mcmirror.notify.log_stream import forget

_OF_WRITING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})


def complete() -> None:
    """Put /dev/null where a standard stream was closed (``>&-``), or the next file opened would take its place.

    What is printed is shown escaped where the stream cannot carry it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is this one.
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(nowhere, True)  # noqa: FBT003
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A name that the stream cannot show is shown escaped; it must not end what shows it.
            stream.reconfigure(errors="backslashreplace")


def unwritable(error: Exception) -> OSError | None:
    """Why stdout cannot be written, after ``error``; None when it can. What is lost is forgotten."""
    try:
        sys.stdout.flush()
        if isinstance(error, OSError) and error.filename is None and error.errno in _OF_WRITING:
            # A long text that failed leaves nothing behind to flush: only one byte more tells.
            sys.stdout.write("\n")
            sys.stdout.flush()
    except OSError as lost:
        forget(sys.stdout)
        return lost
    return None


class Stdout:
    """Where data goes. ``aside`` keeps a live display out of the way meanwhile."""

    def __init__(
        self,
        stream: BinaryIO,
        *,
        redact: Callable[[str], str] = str,
        aside: Callable[[], AbstractContextManager[None]] = nullcontext,
        on_broken: Callable[[], None] = lambda: None,
        on_failed: Callable[[OSError], None] = lambda _: None,
    ) -> None:
        """``on_broken`` is called once when the reader has gone (``| head``), ``on_failed`` when writing fails."""
        self._stream = stream
        self._redact = redact
        self._aside = aside
        self._on_broken = on_broken
        self._on_failed = on_failed
        self._lock = threading.Lock()
        self.broken = False
        """Whether the reader has gone."""
        self.failed = False
        """Whether data was lost for another reason (a full disk)."""

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
        if self.broken or self.failed:
            return False
        try:
            action()
        except BrokenPipeError:
            self.broken = True
            forget(self._stream)
            self._on_broken()
            return False
        except OSError as error:
            self.failed = True
            forget(self._stream)
            self._on_failed(error)
            return False
        return True
