"""A real PostgreSQL server: started, stopped, frozen, started again on its old port and data."""

import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from tests.servers import binaries
from tests.servers.server import PATIENCE, Server, free_port, new_folder

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


@dataclass(kw_only=True)
class Postgres(Server):
    """One server, trusting whoever comes from this machine; ``with`` starts it and removes all."""

    @classmethod
    def make(cls) -> Self:
        """Its data is there, and it is not started yet."""
        folder = new_folder("postgres")
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres" if _known("postgres") else "nobody")
            os.chown(folder, user.pw_uid, user.pw_gid)
        done = subprocess.run(
            [*_somebody(), str(program("initdb")), "--no-sync", "--auth=trust", "--username=tester",
             "--encoding=UTF8", "--locale=C.UTF-8", "-D", str(folder / "data")],
            cwd=folder, env={"PATH": os.defpath, "LANG": "C.UTF-8"}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"initdb\n{done.stdout}{done.stderr}"
        return cls(folder=folder, port=free_port())

    def url(self, database: str = "postgres", scheme: str = "postgresql") -> str:
        """The address of one of its databases, as ``state`` has it."""
        return f"{scheme}://tester@127.0.0.1:{self.port}/{database}"

    def launch(self) -> subprocess.Popen[bytes]:
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
        return binaries.start(
            [str(program("postgres")), "-D", str(self.folder / "data"), *options],
            {"LANG": "C.UTF-8"},
            self.folder / "log",
            outer=_somebody(),
        )

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
