"""One run per target at a time, across processes; the lock dies with its holder and says what that left behind."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mcmirror.store.paths import private


class Held(Exception):
    """Another run holds the lock."""


class TargetLock:
    """The lock of one target and, in a file beside it, what is under way (engine's ``Journal``)."""

    def __init__(self, folders: Iterable[Path], target: str) -> None:
        """``target`` is the address of the place, the same under whatever alias; all of ``folders`` have to be free.

        Everybody names them in the same order, and of those that cannot be written one suffices.
        """
        self._name = hashlib.sha256(target.encode()).hexdigest()[:24]
        self._folders = tuple(folder / "locks" for folder in folders)
        self._locks: dict[Path, Any] = {}
        self.warning = ""
        """Whom the lock does not keep away, and why; empty when it keeps away all that it should."""

    def __enter__(self) -> Self:
        """Take it; raises Held when another run has it, OSError when no folder can be written."""
        from filelock import FileLock, Timeout

        errors = list[OSError]()
        for folder in self._folders:
            try:
                private(folder)
                # Two names of one folder, of a volume that is mounted twice perhaps: it would wait for itself.
                if any(folder.samefile(other) for other in self._locks):
                    continue
                lock = FileLock(folder / f"{self._name}.lock", mode=0o600)
                lock.acquire(blocking=False)
            except Timeout:
                self._release()
                raise Held from None
            except OSError as error:
                errors.append(error)
                if folder == self._folders[0]:
                    self.warning = (
                        f"{folder}: no lock can be kept there: {error.strerror or error}. A run with another state is "
                        "not kept from this target; make the folder writable, or set HOME to one that is."
                    )
            else:
                self._locks[folder] = lock
        if not self._locks:
            raise errors[0]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()

    def _release(self) -> None:
        while self._locks:
            folder, lock = self._locks.popitem()
            # While it is held: filelock takes no lock on a file that has no name.
            _remove(folder / f"{self._name}.lock")
            lock.release()

    @property
    def _journals(self) -> tuple[Path, ...]:
        return tuple(folder / f"{self._name}.uploads" for folder in self._locks)

    @property
    def left_behind(self) -> tuple[str, ...]:
        """Keys that a killed run was uploading in parts."""
        return tuple(sorted({key for keys, _ in self._read() for key in keys}))

    @property
    def since(self) -> float:
        """When the first of the killed runs began, in seconds since the epoch; 0 when none was."""
        return min((since for _, since in self._read() if since), default=0.0)

    def _read(self) -> Iterator[tuple[list[str], float]]:
        for journal in self._journals:
            with suppress(OSError, ValueError, TypeError, KeyError):
                found = json.loads(journal.read_text())
                # Before times were written it was the keys alone.
                keys, since = (found, 0.0) if isinstance(found, list) else (found["keys"], found["since"])
                yield [str(key) for key in keys], float(since)

    def record(self, keys: Iterable[str], since: float) -> None:
        """Write it down before the first byte moves; a full disk costs the clean-up, not the mirror."""
        for journal in self._journals:
            try:
                journal.write_text(json.dumps({"since": since, "keys": sorted(keys)}))
            except OSError:
                _remove(journal)

    def clear(self) -> None:
        """Nothing is under way."""
        for journal in self._journals:
            _remove(journal)


def _remove(file: Path) -> None:
    with suppress(OSError):
        file.unlink()


class NoLock:
    """Where nothing is locked, or nothing can be written: nothing is noted."""

    since = 0.0

    def __init__(self, left_behind: tuple[str, ...] = ()) -> None:
        """``left_behind`` are keys that a killed run may have been uploading in parts."""
        self.left_behind = left_behind

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def record(self, keys: Iterable[str], since: float) -> None:
        """Forget it."""

    def clear(self) -> None:
        """Have nothing to forget."""
