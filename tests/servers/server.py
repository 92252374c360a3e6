"""A real server of somebody else's: started on a free port, ended, started again on its old port and data."""

import itertools
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest

PATIENCE = 120
"""Seconds until a server must answer, on a machine that is busy with other tests."""


PORTS = range(12_000, 32_000)
"""Below those that Linux gives to whoever asks for any: between our look and the use nobody comes by one by chance."""
_turns = itertools.count(secrets.randbelow(len(PORTS)))


@dataclass(kw_only=True)
class Server(ABC):
    """``with`` starts it and removes it with its data."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @abstractmethod
    def launch(self) -> subprocess.Popen[bytes]:
        """Start the program, on ``port``, with its output in ``log``."""

    @abstractmethod
    def stop(self) -> None:
        """End it; what it holds on disk stays."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it is up."""

    def __enter__(self) -> Self:
        # A port that was free may be taken by the time it is used.
        for _ in range(5):
            try:
                return self.start()
            except OSError:
                self.port = free_port()
        pytest.fail(f"{type(self).__name__} does not start:\n{self.log}", pytrace=False)

    def __exit__(self, *error: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> Self:
        """Start it, and return once it answers."""
        self.process = self.launch()
        deadline = time.monotonic() + PATIENCE
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise OSError(self.log)
            time.sleep(0.03)
        return self

    @property
    def log(self) -> str:
        """What it printed."""
        file = self.folder / "log"
        return file.read_text(errors="replace") if file.exists() else ""


def new_folder(name: str) -> Path:
    """For its data, in memory where that can be had."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    return Path(tempfile.mkdtemp(prefix=f"mcmirror-test-{name}-", dir=memory))


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now, and that this process gives to nobody else."""
    while True:
        port = PORTS[next(_turns) % len(PORTS)]
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
