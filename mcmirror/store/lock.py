"""One run per target at a time, across processes; the lock dies with its holder and says what that left behind."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mcmirror.store.place import private


class Held(Exception):
    """Another run holds the lock."""


class TargetLock:
    """The lock of one target and, in a file beside it, the uploads that are under way (engine's ``Journal``)."""

    def __init__(self, folder: Path, target: str) -> None:
        """``target`` is the address of the place, the same under whatever alias."""
        name = hashlib.sha256(target.encode()).hexdigest()[:24]
        self._folder = folder / "locks"
        self._file = self._folder / f"{name}.lock"
        self._journal = self._folder / f"{name}.uploads"
        self._lock: Any = None

    def __enter__(self) -> Self:
        """Take it; raises Held when another run has it, OSError when the folder cannot be written."""
        from filelock import FileLock, Timeout

        private(self._folder)
        self._lock = FileLock(self._file, mode=0o600)
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            raise Held from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.unlink(missing_ok=True)  # while it is held: filelock takes no lock on a file that has no name
        self._lock.release()

    @property
    def left_behind(self) -> tuple[str, ...]:
        """Keys that a killed run was uploading in parts."""
        try:
            return tuple(str(key) for key in json.loads(self._journal.read_text()))
        except (OSError, ValueError):
            return ()

    def record(self, keys: Iterable[str]) -> None:
        """Write them down before the first byte moves; a full disk costs the clean-up, not the mirror."""
        wanted = sorted(keys)
        if not wanted:
            return
        try:
            self._journal.write_text(json.dumps(wanted))
        except OSError:
            self._journal.unlink(missing_ok=True)

    def clear(self) -> None:
        """Nothing is under way."""
        self._journal.unlink(missing_ok=True)


class NoLock:
    """For a state folder that cannot be written: nothing is locked and nothing is noted."""

    left_behind: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def record(self, keys: Iterable[str]) -> None:
        """Forget them."""

    def clear(self) -> None:
        """Have nothing to forget."""
