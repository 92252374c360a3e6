"""Nothing that people run warns, whatever the Python: what is a warning today is an error in a later version."""

import subprocess
import sys

import pytest

from tests.conftest import Pair
from tests.servers.command import COMMAND, Cli

pytestmark = pytest.mark.real

COMMANDS = (
    "run --textfile-dir . --junit mirror.xml",
    "plan",
    "verify --content",
    "status",
    "history",
    "doctor",
    "job list",
    "schema",
    "explain denied",
)


@pytest.mark.parametrize("how", ["always", "error"])
def test_commands_run_without_a_warning(how: str, cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"a": b"a", "b/c": b"bc"})
    jobs = (
        f'[job.{name}]\nsource = "{bucket_pair.source.location}"\ntarget = "{bucket_pair.target.location}/{name}"\n'
        for name in ("one", "two")
    )
    cli.write("".join(jobs))

    for command in COMMANDS:
        done = subprocess.run(
            [sys.executable, "-W", how, COMMAND, *command.split()],
            cwd=cli.folder,
            env=cli.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert 0 == done.returncode, f"{command}\n{done.stderr}"
        assert "Warning:" not in done.stderr, command
