"""A real PostgreSQL server: started, stopped, frozen, started again on its old port and data."""

import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest

from tests.servers import binaries
from tests.servers.minio import PATIENCE, free_port

OLDEST = 13
_DEBIAN = Path("/usr/lib/postgresql")


def program(name: str) -> Path:
    """``initdb``, ``postgres`` and the like, of version 13 or newer; Debian keeps them off PATH."""
    given = os.environ.get("MCMIRROR_TEST_POSTGRES")
    if given:
        return Path(given) / name
    versions = sorted((path for path in _DEBIAN.glob("*") if path.name.isdigit()), key=lambda path: int(path.name))
    folders = [version / "bin" for version in reversed(versions)]
    on_path = shutil.which("initdb")
    folders += [Path(on_path).parent] if on_path else []
    for folder in folders:
        if os.access(folder / name, os.X_OK) and _version(folder / "postgres") >= OLDEST:
            return folder / name
    pytest.fail(
        f"PostgreSQL {OLDEST} or newer is missing: run bin/tools, or name the folder of its initdb:"
        " MCMIRROR_TEST_POSTGRES",
        pytrace=False,
    )


def _version(postgres: Path) -> int:
    said = subprocess.run([str(postgres), "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\d+", said)
    return int(found.group()) if found else 0


def _somebody() -> list[str]:
    """How to become a user as whom it starts: it refuses to be root's."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam(next(name for name in ("postgres", "nobody") if _known(name)))
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]


def _known(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


@dataclass
class Postgres:
    """One server, trusting whoever comes from this machine; ``with`` starts it and removes all."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @classmethod
    def make(cls) -> Self:
        """Its data is there, and it is not started yet."""
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        folder = Path(tempfile.mkdtemp(prefix="mcmirror-test-postgres-", dir=memory))
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres" if _known("postgres") else "nobody")
            os.chown(folder, user.pw_uid, user.pw_gid)
        done = subprocess.run(
            [*_somebody(), str(program("initdb")), "--no-sync", "--auth=trust", "--username=tester",
             "--encoding=UTF8", "--locale=C.UTF-8", "-D", str(folder / "data")],
            cwd=folder, env={"PATH": os.defpath, "LANG": "C.UTF-8"}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"initdb\n{done.stdout}{done.stderr}"
        return cls(folder, free_port())

    def __enter__(self) -> Self:
        for _ in range(5):
            try:
                return self.start()
            except OSError:
                # A port that was free may be taken by the time it is used.
                self.port = free_port()
        pytest.fail(f"PostgreSQL does not start:\n{self.log}", pytrace=False)

    def __exit__(self, *error: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str = "postgres", scheme: str = "postgresql") -> str:
        """The address of one of its databases, as ``state`` has it."""
        return f"{scheme}://tester@127.0.0.1:{self.port}/{database}"

    def start(self) -> Self:
        """Start it, and return once it answers."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "off",
            "full_page_writes": "off",
            "shared_buffers": "16MB",
            "max_connections": "60",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        # The user is changed before the leash is put on: that would be taken off again.
        self.process = binaries.start(
            [str(program("postgres")), "-D", str(self.folder / "data"), *options],
            {"LANG": "C.UTF-8"},
            self.folder / "log",
            outer=_somebody(),
        )
        deadline = time.monotonic() + PATIENCE
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise OSError(self.log)
            time.sleep(0.03)
        return self

    def stop(self) -> None:
        """Stop it at once; what was committed stays."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Nobody answers, and no connection ends: a machine that hangs."""
        import psutil

        assert self.process is not None
        whole = [psutil.Process(self.process.pid)]
        whole += whole[0].children(recursive=True)
        for one in whole:
            one.suspend()
        try:
            yield
        finally:
            for one in whole:
                if one.is_running():
                    one.resume()

    def answers(self) -> bool:
        """Whether it is up."""
        import psycopg

        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    @property
    def log(self) -> str:
        """What it printed."""
        file = self.folder / "log"
        return file.read_text(errors="replace") if file.exists() else ""

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Run a statement."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True, connect_timeout=10) as connection:
            connection.execute(statement.encode())

    def database(self) -> str:
        """A new, empty database."""
        name = f"t{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name}")
        return name
