"""Runs as files, from their beginning until they are in the database: cheap to write, and true after kill -9.

``<id>.open`` is a run that goes on: whoever carries it out holds a lock on the file, which dies with the process.
``<id>.done`` is one that has ended, ``<id>.fates`` beside either says what became of each object. ``<id>.new`` keeps
room, so that the end can be written on a disk that has become full.
"""

import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from mcmirror.codec.documents import decode, encode
from mcmirror.model.record import Outcome, Record, interrupted
from mcmirror.model.report import SIGN_OF_LIFE
from mcmirror.store.outcomes import OutcomeFile, chunks
from mcmirror.store.paths import private

OPEN, DONE, FATES, NEW, HIDDEN, BROKEN = ".open", ".done", ".fates", ".new", ".hidden", ".broken"
MOST_DONE = 1000
"""Runs kept in an inbox that nobody empties; the oldest go."""
CROWD = 100
"""Runs that may lie in an inbox before a single run takes the time to empty it."""
MOST_WAITING = 1000
"""Ends that are kept in memory while they cannot be written."""
MOST_BYTES = 256 << 20
"""Of fates in an inbox that nobody empties."""
ROOM = 16 << 10
"""Bytes kept free for the end of a run."""
ORPHANED = 3600.0
"""Seconds after which a file that belongs to no run is removed."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that has ended, or was killed, and is not in the database yet."""

    record: Record
    fates: Path | None
    """What became of its objects."""


class Opened:
    """A run that goes on; for one thread at a time."""

    def __init__(self, inbox: "Inbox", record: Record, lock: int) -> None:
        """``lock`` is the descriptor of its file, -1 when that could not be written."""
        self._inbox = inbox
        self._lock = lock
        self._beaten = time.monotonic()
        self._fates = OutcomeFile(inbox.file(record.id, FATES) if lock >= 0 else None)

    def fate(self, fate: Outcome, key: str) -> None:
        """Name an object and what became of it."""
        self._fates.add(fate, key)

    def beat(self) -> None:
        """Say that it lives; may be said as often as one likes."""
        now = time.monotonic()
        if now - self._beaten >= SIGN_OF_LIFE and self._lock >= 0:
            self._beaten = now
            with suppress(OSError):
                os.utime(self._lock)

    def close(self, record: Record) -> None:
        """Write down how it ended; what cannot be written now is kept and written by ``Inbox.retry``."""
        self._fates.close()
        if self._fates.error is not None:
            self._inbox.warn(self._fates.error)
        self._inbox.end(record, self._lock, self._fates)


class Inbox:
    """The runs of this machine, for any number of threads and processes. Trouble is a warning; nothing is raised."""

    def __init__(self, folder: Path) -> None:
        """``folder`` holds nothing else: see ``paths.inbox``."""
        self._folder = folder
        self._guard = threading.Lock()
        self._waiting: dict[str, tuple[Record, int]] = {}
        self.warning = ""
        """Why runs cannot be written down; empty while they can."""
        self.why = ""
        """The same in the system's words."""
        self.unread = ""
        """Why what lies there cannot be seen; empty when it can, or nothing was ever written."""

    def file(self, run: str, suffix: str) -> Path:
        """Where a file of that run lies."""
        return self._folder / f"{run}{suffix}"

    def open(self, record: Record) -> Opened:
        """Write down that a run begins."""
        hidden, lock = self.file(record.id, HIDDEN), -1
        try:
            private(self._folder)
            lock = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            # Locked before it has its name: nobody may take it for a dead one.
            fcntl.flock(lock, fcntl.LOCK_EX)
            _write(lock, record)
            hidden.rename(self.file(record.id, OPEN))
        except OSError as error:
            self.warn(error)
            _release(lock)
            with suppress(OSError):
                hidden.unlink(missing_ok=True)
            return Opened(self, record, -1)
        _keep_room(self.file(record.id, NEW))
        return Opened(self, record, lock)

    def end(self, record: Record, lock: int, fates: OutcomeFile) -> None:
        """Write down how a run ended; ``lock`` is let go once that stands."""
        for attempt in (record, record, _short(record)):
            try:
                self._finish(attempt)
            except OSError as error:
                self.warn(error)
                # What became of each object takes the most room, and the report is worth more.
                fates.discard()
            else:
                _release(lock)
                if not self._waiting:
                    self.warning = ""
                self._bound()
                return
        with self._guard:
            self._waiting[record.id] = (record, lock)
            for run in list(self._waiting)[:-MOST_WAITING]:
                _release(self._waiting.pop(run)[1])

    def retry(self) -> None:
        """Write what could not be written before."""
        written = False
        with self._guard:
            for run, (record, lock) in list(self._waiting.items()):
                try:
                    self._finish(record)
                except OSError as error:
                    self.warn(error)
                    return
                del self._waiting[run]
                _release(lock)
                written = True
        if written:
            self.warning = ""
            self._bound()

    @property
    def unwritten(self) -> int:
        """Runs whose end is in memory alone."""
        with self._guard:
            return len(self._waiting)

    def pending(self) -> Iterator[Ended]:
        """Runs that have ended or were killed, the oldest first."""
        names = self._names()
        self._sweep(names)
        runs = sorted({Path(name).stem for name in names if name.endswith((OPEN, DONE))})
        for run in runs:
            found = self._done(run) if f"{run}{DONE}" in names else self._killed(run)
            if found is not None:
                yield found
        with self._guard:
            waiting = [record for record, _ in self._waiting.values()]
        for record in waiting:
            yield Ended(record, None)

    def live(self) -> tuple[Record, ...]:
        """Runs that go on in some process of this machine, the oldest first."""
        found = []
        for name in sorted(self._names()):
            run = Path(name).stem
            if name.endswith(OPEN) and run not in self._waiting and self._held(self.file(run, OPEN)):
                record = self._read(self.file(run, OPEN))
                if record is not None and not self.file(run, DONE).exists():
                    found.append(record)
        return tuple(found)

    def get(self, run: str) -> Record | None:
        """A run that goes on, or is not in the database yet."""
        with self._guard:
            waiting = self._waiting.get(run)
        if waiting:
            return waiting[0]
        ended = self._done(run) or self._killed(run)
        found = ended.record if ended else self._read(self.file(run, OPEN))
        if found is None and (ended := self._done(run)):
            return ended.record  # it ended between the two looks
        return found

    def fates(self, run: str) -> Iterator[bytes]:
        """The pieces of what ``outcomes.read`` reads; of a run that goes on, as far as it is written."""
        return chunks(self.file(run, FATES))

    @property
    def crowded(self) -> bool:
        """Whether so many runs lie here that they are better taken in by whoever comes by."""
        return sum(name.endswith(DONE) for name in self._names()) > CROWD

    def taken(self, run: str) -> None:
        """Forget a run that is in the database. Killed meanwhile, its end goes last: it says what the rest was."""
        for suffix in (OPEN, FATES, NEW, DONE):
            with suppress(OSError):
                self.file(run, suffix).unlink(missing_ok=True)
        with self._guard:
            _release(self._waiting.pop(run, (None, -1))[1])

    def warn(self, error: OSError) -> None:
        """Remember why something could not be written."""
        self.why = error.strerror or str(error)
        self.warning = (
            f"{self._folder}: a run cannot be written down: {self.why}. "
            "It is kept in memory; make room there and see that the folder can be written."
        )

    def _finish(self, record: Record) -> None:
        private(self._folder)
        new = self.file(record.id, NEW)
        descriptor = os.open(new, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _write(descriptor, record)
            os.fsync(descriptor)
        except OSError:
            # What keeps room goes with its run; without one, half a file is nobody's.
            if not self.file(record.id, OPEN).exists():
                new.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
        new.rename(self.file(record.id, DONE))
        self.file(record.id, OPEN).unlink(missing_ok=True)

    def _done(self, run: str) -> Ended | None:
        record = self._read(self.file(run, DONE))
        return None if record is None else Ended(record, self._fates(run))

    def _killed(self, run: str) -> Ended | None:
        """The record of a run whose process died; None while it lives, or once it is gone."""
        file = self.file(run, OPEN)
        if run in self._waiting or self._held(file):
            return None
        record = self._read(file)
        if record is None or self.file(run, DONE).exists():
            return None
        times = [path.stat().st_mtime for path in (file, self.file(run, FATES)) if path.exists()]
        seen = max([datetime.fromisoformat(record.started).timestamp(), *times])
        ended = interrupted(record, datetime.fromtimestamp(seen, UTC).isoformat(timespec="milliseconds"))
        return Ended(ended, self._fates(run))

    def _fates(self, run: str) -> Path | None:
        path = self.file(run, FATES)
        return path if path.exists() else None

    def _read(self, file: Path) -> Record | None:
        try:
            return decode(Record, json.loads(file.read_bytes()))
        except OSError:
            return None
        except (ValueError, TypeError):
            # Nothing of ours leaves half a file under that name; a disk may.
            with suppress(OSError):
                file.rename(file.with_suffix(BROKEN))
            return None

    def _held(self, file: Path) -> bool:
        """Whether the run's process lives. A shared lock asks: those who ask do not disturb each other."""
        try:
            descriptor = os.open(file, os.O_RDONLY)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            # A file system without locks: nobody is called dead there.
            return True
        finally:
            os.close(descriptor)
        return False

    def _names(self) -> set[str]:
        try:
            names = {path.name for path in self._folder.iterdir()}
        except (FileNotFoundError, NotADirectoryError):
            names = set()
        except OSError as error:
            why = error.strerror or str(error)
            self.unread = (
                f"{self._folder}: the runs that lie there cannot be read: {why}. Give the folder to this user."
            )
            return set()
        self.unread = ""
        return names

    def _bound(self) -> None:
        """Let the oldest go when nobody empties the inbox."""
        done = sorted(name for name in self._names() if name.endswith(DONE))
        for name in done[:-MOST_DONE]:
            self.taken(Path(name).stem)
        room = MOST_BYTES
        for name in reversed(done[-MOST_DONE:]):
            fates = self.file(Path(name).stem, FATES)
            with suppress(OSError):
                room -= fates.stat().st_size
                if room < 0:
                    fates.unlink()

    def _sweep(self, names: set[str]) -> None:
        """Remove what a killed process left beside its run."""
        for name in names:
            path = self._folder / name
            if not name.endswith((FATES, NEW, HIDDEN, BROKEN)):
                continue
            if {f"{path.stem}{OPEN}", f"{path.stem}{DONE}"} & names:
                continue
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > ORPHANED:
                    path.unlink()


def _keep_room(file: Path) -> None:
    # A precaution: not every file system can.
    with suppress(OSError):
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, ROOM)
        finally:
            os.close(descriptor)


def _write(descriptor: int, record: Record) -> None:
    """In place of what is there, in the room that is kept for it."""
    data = json.dumps(encode(record)).encode()
    os.lseek(descriptor, 0, os.SEEK_SET)
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
    os.ftruncate(descriptor, len(data))


def _short(record: Record) -> Record:
    """The record in a few kilobytes: its verdict and numbers, the first names and problems."""
    if record.report is None:
        return record
    report = record.report
    short = replace(report, remaining=report.remaining[:10], removed=report.removed[:10], problems=report.problems[:5])
    return replace(record, report=short)


def _release(lock: int) -> None:
    if lock >= 0:
        os.close(lock)
