"""Whether a server runs the jobs of a state on this machine: it holds a file while it lives."""

import fcntl
import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from mcmirror.store.paths import private


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs."""

    pid: int
    started: float
    """Seconds since the epoch."""
    address: str = ""
    """``host:port`` at which it answers; empty when it does not."""
    configuration: str = ""
    """Where it has its configuration from: the file's whole path, or ``environment``."""


class Presence:
    """``with`` holds the file, ``see`` looks who does. Nothing raises: where it cannot be written, nobody is seen."""

    def __init__(self, file: Path) -> None:
        """``file`` is ``paths.presence``'s."""
        self._file = file
        self._lock = -1
        self._server = Server(os.getpid(), time.time())

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def begin(self) -> None:
        """Be seen, from now until the process ends or ``end``; a second server of the state is not seen."""
        lock = -1
        try:
            private(self._file.parent)
            lock = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._server = Server(os.getpid(), time.time())
            _write(lock, self._server)
        except OSError:
            if lock >= 0:
                os.close(lock)
            return
        self._lock = lock

    def answers(self, address: str, configuration: str) -> None:
        """Let those who look know where to ask; a server that is not seen is not asked."""
        self._server = replace(self._server, address=address, configuration=configuration)
        if self._lock >= 0:
            with suppress(OSError):
                _write(self._lock, self._server)

    def end(self) -> None:
        """Be seen no more."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def see(self) -> Server | None:
        """The server that runs now."""
        try:
            descriptor = os.open(self._file, os.O_RDONLY)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            try:
                return Server(**json.loads(os.pread(descriptor, 4096, 0)))
            except (ValueError, TypeError):
                return Server(0, 0.0)
        except OSError:
            return None
        finally:
            os.close(descriptor)
        return None


def _write(file: int, server: Server) -> None:
    data = json.dumps(asdict(server)).encode()
    os.pwrite(file, data, 0)
    os.ftruncate(file, len(data))
