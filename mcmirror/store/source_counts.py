"""How many objects a pair's source held when it was last mirrored well: an empty one is then no news to be proud of.

A file of one number, read at each start: a database would cost every run a quarter of a second.
"""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from mcmirror.store.paths import private


class SourceCount:
    """The number of one pair of places. A folder that cannot be written means that nothing is known."""

    def __init__(self, folder: Path, pair: str) -> None:
        self._file = folder / "counts" / hashlib.sha256(pair.encode()).hexdigest()[:24]

    def read(self) -> int:
        """Objects, or 0 when none are known."""
        try:
            return int(self._file.read_text())
        except (OSError, ValueError):
            return 0

    def write(self, objects: int) -> None:
        """Keep it for the next run."""
        if objects == self.read():
            return
        new = self._file.with_suffix(f".{os.getpid()}")
        try:
            private(self._file.parent)
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:  # noqa: PTH123
                file.write(str(objects))
            new.replace(self._file)
        except OSError:
            with suppress(OSError):
                new.unlink()
