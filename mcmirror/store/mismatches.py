"""Pairs of objects that were read and found to differ although no listing shows it: for the next run to copy again.

A small JSON file, read at each start: a database would cost every run a quarter of a second for a list that is empty.
"""

import hashlib
import json
import os
from collections.abc import Collection, Iterable
from pathlib import Path

from mcmirror.store.paths import private

Row = tuple[str, str, str]
"""The key, and by which mark each side's version is known."""


class Mismatches:
    """The list of one pair of places. A folder that cannot be written is a warning and an empty list."""

    def __init__(self, folder: Path, pair: str) -> None:
        self._file = folder / "wrong" / f"{hashlib.sha256(pair.encode()).hexdigest()[:24]}.json"
        self._rows: frozenset[Row] | None = None
        self.warning = ""
        """Why nothing can be remembered, once that is known."""

    def rows(self) -> frozenset[Row]:
        """Read the list, once."""
        if self._rows is None:
            try:
                self._rows = frozenset((key, one, other) for key, one, other in json.loads(self._file.read_text()))
            except (OSError, ValueError):
                self._rows = frozenset()
        return self._rows

    def update(self, found: Iterable[Row], cleared: Collection[str]) -> None:
        """Add what was found; forget the keys that were read and are the same."""
        rows = {row for row in self.rows() if row[0] not in cleared} | set(found)
        if rows == self.rows():
            return
        self._rows = frozenset(rows)
        try:
            private(self._file.parent)
            new = self._file.with_suffix(".new")
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123
                json.dump(sorted(rows), file)
            new.replace(self._file)
        except OSError as error:
            self.warning = f"what was found to differ cannot be remembered: {error}"
