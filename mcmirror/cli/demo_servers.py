"""Throw-away S3 servers on the loopback interface: MinIO where there is one, else moto."""

import http.client
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mcmirror.model.location import Alias, Secret
from mcmirror.model.problem import Category, Problem, Trouble
from mcmirror.model.stop import Stop
from mcmirror.movers.mc.programs import which

VARIABLE = "MCMIRROR_MINIO"
PATIENCE = 90.0
"""Seconds until a server must answer."""
TRIES = 3
"""A port that was free may be taken by the time it is used."""
_KEPT = 2000
"""Characters of a server's last words."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A program that serves S3."""

    name: str
    program: str
    """Its path; our own Python for moto."""


def find_kind(environ: Mapping[str, str]) -> Kind:
    """Choose the server: ``MCMIRROR_MINIO``, minio on PATH, minio in our cache of tools, moto; Trouble without any."""
    named = environ.get(VARIABLE, "")
    if named:
        if path := which(named, environ):
            return Kind("MinIO", path)
        raise Trouble(
            Problem(
                Category.CONFIGURATION,
                f"{VARIABLE} names no program",
                f"{named} does not exist or cannot be run",
                f"Correct {VARIABLE}, or unset it: the demonstration then finds a server by itself.",
            )
        )
    for candidate in ("minio", str(tools(environ) / "minio")):
        if path := which(candidate, environ):
            return Kind("MinIO", path)
    from importlib.util import find_spec

    if find_spec("moto") and find_spec("flask") and find_spec("flask_cors"):
        return Kind("moto", sys.executable)
    raise Trouble(
        Problem(
            Category.CONFIGURATION,
            "There is no S3 server for the demonstration",
            "neither MinIO's minio nor the Python package moto is on this machine",
            f"Install it: {sys.executable} -m pip install 'moto[s3]' flask flask-cors; "
            f"or name a MinIO server: {VARIABLE}=/path/to/minio.",
        )
    )


def tools(environ: Mapping[str, str]) -> Path:
    """Where ``bin/tools`` puts what it builds."""
    cache = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME") or Path.home()) / ".cache"
    return Path(cache) / "mcmirror" / "tools"


@contextmanager
def servers(kind: Kind, names: Sequence[str], folder: Path, stop: Stop) -> Iterator[tuple[Alias, ...]]:
    """Run one server a name, and hand out their aliases once all answer; they end with the block, or when we die.

    Trouble when one does not start; when ``stop`` is asked for meanwhile the aliases come at once.
    """
    running: list[_Server] = []
    try:
        for name in names:
            server = _Server(kind, name, folder / name)
            server.start()
            running.append(server)
        for server in running:
            server.wait_until_it_answers(stop)
        yield tuple(server.alias for server in running)
    finally:
        for server in running:
            server.end()
        for server in running:
            server.join()


@dataclass
class _Server:
    kind: Kind
    name: str
    folder: Path
    access_key: str = field(default_factory=lambda: f"demo-{secrets.token_hex(4)}")
    secret_key: str = field(default_factory=lambda: secrets.token_hex(16))
    said: str = ""

    @property
    def alias(self) -> Alias:
        """How mc reaches it."""
        return Alias(
            self.name,
            f"http://127.0.0.1:{self.port}",
            Secret(self.access_key),
            Secret(self.secret_key),
            region="us-east-1",
            origin="demo",
        )

    def start(self) -> None:
        """Start it on a free port; it dies with the thread that waits for it."""
        self.port = _free_port()
        self._stop = Stop()
        self._thread = threading.Thread(target=self._run, args=(self._stop,), name=f"demo-{self.name}")
        self._thread.start()

    def end(self) -> None:
        """Ask it to end."""
        self._stop.request()

    def join(self) -> None:
        """Wait for its end."""
        self._thread.join()

    def wait_until_it_answers(self, stop: Stop) -> None:
        """Return when it serves, or when a stop is asked for."""
        deadline = time.monotonic() + PATIENCE
        tries = 1
        while not _answers(self.port) and not stop.wait(0.05):
            if not self._thread.is_alive() and tries < TRIES:
                tries += 1
                self.start()
            elif not self._thread.is_alive() or time.monotonic() > deadline:
                raise Trouble(
                    Problem(
                        Category.SERVER_ERROR,
                        f"The {self.kind.name} server for the demonstration does not start",
                        " ".join(self.said[-_KEPT:].split()) or f"it did not answer within {PATIENCE:g} s",
                        f"Try {self.kind.program} by hand, or name another server: {VARIABLE}=/path/to/minio.",
                    )
                )

    def _run(self, stop: Stop) -> None:
        from mcmirror.movers.mc.process import Process

        self.folder.mkdir(parents=True, exist_ok=True)
        arguments, environment = self._command()
        environment |= {"HOME": str(self.folder), "PATH": os.environ.get("PATH", os.defpath)}
        process = Process(self.kind.program, arguments, env=environment, folder=str(self.folder), stop=stop, grace=2.0)
        try:
            for chunk in process.chunks():
                self.said = (self.said + chunk.decode(errors="replace"))[-_KEPT:]
            self.said += process.exit.stderr
        except OSError as failure:
            self.said = str(failure)

    def _command(self) -> tuple[list[str], dict[str, str]]:
        if self.kind.name == "moto":
            return ["-I", "-m", "moto.server", "--host", "127.0.0.1", "--port", str(self.port)], {}
        return (
            ["server", "--quiet", "--address", f"127.0.0.1:{self.port}", str(self.folder / "data")],
            {
                "MINIO_ROOT_USER": self.access_key,
                "MINIO_ROOT_PASSWORD": self.secret_key,
                "MINIO_BROWSER": "off",
                "MINIO_UPDATE": "off",
            },
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    """Whether an HTTP server answers and is ready; any answer but "not yet" will do."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/minio/health/ready")
        return connection.getresponse().status != http.client.SERVICE_UNAVAILABLE
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
