"""What became of each object of a run, in a compressed file that can be read while it grows and after its end was lost.

Gzip around lines: a fate, a space, the key as JSON.
"""

import json
import os
import time
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from mcmirror.model.record import Outcome

MOST = 1_000_000
"""Keys that are named; of those beyond, only the report's numbers tell."""
BATCH = 500
"""Lines that are compressed at once."""
EVERY = 2.0
"""Seconds after which fewer are: what a killed run forgets."""
CHUNK = 1 << 16
GZIP = 31
"""The window bits that mean gzip to zlib."""


class OutcomeFile:
    """Written line by line; the file is made with the first batch. A disk that is full ends the naming, no run."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lines = list[str]()
        self._named = 0
        self._written = 0.0
        self._file: IO[bytes] | None = None
        self._packer = zlib.compressobj(3, zlib.DEFLATED, GZIP)
        self.error: OSError | None = None
        """Why nothing more is named."""

    def add(self, fate: Outcome, key: str) -> None:
        """Name one object."""
        if self._path is None or self._named >= MOST:
            return
        self._named += 1
        self._lines.append(f"{fate.value} {json.dumps(key)}\n")
        if len(self._lines) >= BATCH or time.monotonic() - self._written >= EVERY:
            self._write(zlib.Z_SYNC_FLUSH)

    def close(self) -> None:
        """Write the rest."""
        if self._lines or self._file is not None:
            self._write(zlib.Z_FINISH)
        if self._file is not None:
            self._file.close()

    def discard(self) -> None:
        """Make room: remove the file."""
        self._stop()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _write(self, flush: int) -> None:
        if self._path is None or self.error is not None:
            self._lines.clear()
            return
        self._written = time.monotonic()
        try:
            if self._file is None:
                self._file = os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", 0)
            data = self._packer.compress("".join(self._lines).encode()) + self._packer.flush(flush)
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            self.error = error
            self._stop()
        self._lines.clear()

    def _stop(self) -> None:
        self._named = MOST
        if self._file is not None:
            self._file.close()
            self._file = None


def read(chunks: Iterable[bytes]) -> Iterator[tuple[Outcome, str]]:
    """Outcome and key of each object, from the pieces of a file; of one that breaks off, what it still says."""
    unpacker, rest = zlib.decompressobj(GZIP), b""
    for chunk in chunks:
        try:
            rest += unpacker.decompress(chunk)
        except zlib.error:
            return
        *lines, rest = rest.split(b"\n")
        for line in lines:
            word, _, key = line.partition(b" ")
            try:
                yield Outcome(word.decode()), str(json.loads(key))
            except ValueError:
                # Of a later version.
                continue


def chunks(path: Path) -> Iterator[bytes]:
    """The pieces of a file; none when it is not there."""
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except OSError:
        return
