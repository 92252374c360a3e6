"""Sort the entries of a listing by key, on disk: an external merge sort in bounded memory."""

import heapq
import marshal
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import IO

from mcmirror.model.plan import Entry

RUN = 20_000
"""Entries that are sorted in memory at a time, some 10 MB."""
FRAME = 500
"""Entries that are read back at a time of each run."""
FAN = 16
"""Runs that become one longer run: so many files of each length at most."""


class EntrySort:
    """Takes entries in any order, hands them out in the order of their keys, once. Not thread-safe.

    Its files have no names and go with the process, however that ends. ``add`` raises OSError when there
    is no room for them.
    """

    def __init__(self) -> None:
        self._waiting: list[Entry] = []
        self._runs: list[list[_Run]] = []

    def add(self, entry: Entry) -> None:
        """Take one more."""
        self._waiting.append(entry)
        if len(self._waiting) >= RUN:
            self._keep(_Run(sorted(self._waiting)), 0)
            self._waiting = []

    def __iter__(self) -> Iterator[Entry]:
        runs = [run for level in self._runs for run in level]
        return heapq.merge(*runs, sorted(self._waiting))

    def close(self) -> None:
        """Give the disk's room back."""
        for run in (run for level in self._runs for run in level):
            run.close()

    def _keep(self, run: "_Run", level: int) -> None:
        if level == len(self._runs):
            self._runs.append([])
        self._runs[level].append(run)
        if len(self._runs[level]) >= FAN:
            merged = _Run(heapq.merge(*self._runs[level]))
            for shorter in self._runs[level]:
                shorter.close()
            self._runs[level] = []
            self._keep(merged, level + 1)


class _Run:
    """Entries in order, in a file."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the sort
        try:
            self._write(entries)
        except OSError:
            self.close()
            raise

    def _write(self, entries: Iterable[Entry]) -> None:
        frame = list[tuple[object, ...]]()
        for entry in entries:
            frame.append(tuple(entry))
            if len(frame) >= FRAME:
                marshal.dump(frame, self._file)
                frame = []
        marshal.dump(frame, self._file)
        self._file.flush()

    def __iter__(self) -> Iterator[Entry]:
        self._file.seek(0)
        while frame := marshal.load(self._file):  # noqa: S302  # our own bytes
            for row in frame:
                yield Entry._make(row)
            if len(frame) < FRAME:
                return

    def close(self) -> None:
        with suppress(OSError):  # what could not be written is flushed once more
            self._file.close()
