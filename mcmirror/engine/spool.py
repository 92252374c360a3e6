"""Keep differences in order, a few in memory and a million in an anonymous file."""

import marshal
import os
import tempfile
from collections.abc import Iterator
from typing import IO

from mcmirror.messages.exceptions import problem_of, temporary_folder
from mcmirror.model.plan import Changed, Difference, Entry, Extraneous, Impossible, Kept, Missing, Reason
from mcmirror.model.problem import Trouble

FRAME = 2000
"""Differences kept in memory before they are written out, and read back at a time."""


class Spool:
    """An append-only sequence of differences that can be walked many times, also while it grows.

    The file has no name and goes with the process, however that ends.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._frames: list[tuple[int, int]] = []
        self._tail: list[tuple[object, ...]] = []
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, difference: Difference) -> None:
        """Take one more."""
        self._tail.append(_flat(difference))
        self._length += 1
        if len(self._tail) >= FRAME:
            self._write()

    def __iter__(self) -> Iterator[Difference]:
        if self._file is not None:
            for offset, size in tuple(self._frames):
                for row in marshal.loads(os.pread(self._file.fileno(), size, offset)):  # noqa: S302  # our own bytes
                    yield _full(row)
        for row in tuple(self._tail):
            yield _full(row)

    def _write(self) -> None:
        """Write the tail out; raises Trouble when the disk does not take it."""
        try:
            self._write_out()
        except OSError as error:
            where = temporary_folder()
            raise Trouble(problem_of(error, f"the list of differences could not be kept in {where}")) from error

    def _write_out(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the spool
        frame = marshal.dumps(self._tail)
        offset = sum(self._frames[-1]) if self._frames else 0
        view = memoryview(frame)
        while view:
            view = view[os.pwrite(self._file.fileno(), view, offset + len(frame) - len(view)) :]
        self._frames.append((offset, len(frame)))
        self._tail = []


def _flat(difference: Difference) -> tuple[object, ...]:
    match difference:
        case Missing(source):
            return ("m", tuple(source))
        case Extraneous(target, why):
            return ("x", tuple(target), why)
        case Changed(source, target, reason):
            return ("c", tuple(source), tuple(target), str(reason))
        case Kept(source, target, reason):
            return ("k", tuple(source), tuple(target), str(reason))
        case Impossible(source, why):
            return ("i", tuple(source), why)


def _full(row: tuple[object, ...]) -> Difference:
    match row:
        case ("m", tuple(source)):
            return Missing(Entry._make(source))
        case ("x", tuple(target), str(why)):
            return Extraneous(Entry._make(target), why)
        case ("c", tuple(source), tuple(target), str(reason)):
            return Changed(Entry._make(source), Entry._make(target), Reason(reason))
        case ("k", tuple(source), tuple(target), str(reason)):
            return Kept(Entry._make(source), Entry._make(target), Reason(reason))
        case ("i", tuple(source), str(why)):
            return Impossible(Entry._make(source), why)
        case _:
            raise ValueError(row)
