"""The installed command, run as a person runs it."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COMMAND = Path(sys.executable).with_name("mcmirror")


@dataclass(frozen=True, slots=True)
class Result:
    """What a command came to."""

    code: int
    stdout: str
    stderr: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """The lines of ``--json``."""
        return [json.loads(line) for line in self.stdout.splitlines() if line.startswith("{")]

    @property
    def reports(self) -> dict[str, dict[str, Any]]:
        """The report of each job, by its name, from the ``run_finished`` lines of ``--json``."""
        return {event["job"]: event["report"] for event in self.events if event.get("event") == "run_finished"}

    @property
    def report(self) -> dict[str, Any]:
        """The report of the only job."""
        (report,) = self.reports.values()
        return report


def children(process: subprocess.Popen[bytes], program: str = "mc") -> list[int]:
    """The process ids of a command's children that run this program."""
    import psutil

    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if Path(child.exe()).name == program:
                found.append(child.pid)
    return found


@dataclass
class Cli:
    """Runs ``mcmirror`` with an environment of its own and an empty home, in an empty folder."""

    folder: Path
    """The working directory; the home is ``home`` in it, temporary files go to ``tmp``."""
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str, timeout: float = 120, **variables: str) -> Result:
        """Run it to its end; upper-case keywords are further environment variables."""
        done = subprocess.run(
            [str(COMMAND), *arguments],
            cwd=self.folder,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        return Result(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
        """Start it, to be killed or signalled; its output is piped."""
        return subprocess.Popen(
            [str(COMMAND), *arguments],
            cwd=self.folder,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    @property
    def leftovers(self) -> list[str]:
        """Temporary files and folders that a command left behind."""
        return sorted(path.name for path in (self.folder / "tmp").iterdir())

    def write(self, text: str, name: str = "mcmirror.toml") -> Path:
        """Put a file into the working directory."""
        path = self.folder / name
        path.write_text(text)
        return path


def clean_environment(home: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """Nothing of ours but PATH, and what is given."""
    home.mkdir(exist_ok=True)
    temporary = home.with_name("tmp")
    temporary.mkdir(exist_ok=True)
    return {
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        **variables,
    }
