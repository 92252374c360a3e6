"""Where the real mc, minio and versitygw of the tests are. A missing one fails the tests; nothing is skipped for it."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

TOOLS = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mcmirror" / "tools"


def mc() -> Path:
    """MinIO's client."""
    return _binary("mc", "MCMIRROR_TEST_MC")


def minio() -> Path:
    """MinIO's server."""
    return _binary("minio", "MCMIRROR_TEST_MINIO")


def versitygw() -> Path:
    """Versity's S3 gateway."""
    return _binary("versitygw", "MCMIRROR_TEST_VERSITYGW")


def _binary(name: str, variable: str) -> Path:
    path = Path(os.environ.get(variable) or TOOLS / name)
    if not os.access(path, os.X_OK):
        pytest.fail(f"{path} is missing: run bin/tools, or set {variable}", pytrace=False)
    return path


# Linux ends a process whose parent dies when the *thread* that made it ends; this one lives as long as the tests do.
_SPAWNER = ThreadPoolExecutor(1, "spawner")


def start(
    argv: list[str], environment: dict[str, str], log: Path, before: str = "", outer: Sequence[str] = ()
) -> subprocess.Popen[bytes]:
    """Start a server that dies with us.

    ``before`` is a shell command for its own mount namespace, run first; ``outer`` is what the whole runs in.
    """
    leash = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
    command = [*outer, *leash, *argv]
    if before:
        # Not root: a user namespace, where a file system may be mounted all the same.
        unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
        command = [*unshare, "sh", "-c", f'{before} && exec "$@"', "sh", *command]
    started: Future[subprocess.Popen[bytes]] = _SPAWNER.submit(_popen, command, environment, log)
    return started.result()


def _popen(command: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            env={"PATH": os.environ.get("PATH", os.defpath), **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
