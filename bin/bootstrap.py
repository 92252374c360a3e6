"""Make or refresh the virtual environment of this checkout: ``bootstrap.py STAMP FEATURE...``.

A feature is ``base`` (the package), one of EXTRAS (its extras of these names) or ``dev`` (what the tests and checks
need). Each one that is complete has a file with the STAMP of its making in ``.venv/.ready``; no file at all
means that the making was cut short, and it starts afresh. Standard library only: it runs before anything is there.
"""

import fcntl
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
READY = VENV / ".ready"
CONSTRAINTS = "constraints.txt"
"""Relative to ROOT, where pip runs: pip splits these settings at spaces, and ROOT may have some."""
EXTRAS = ("demo", "web", "agents", "celery", "django")
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
TAIL = 15
"""Lines of pip's output that are shown when it fails."""
UNSUITABLE = 3
"""The exit code that says: not with this Python, perhaps with another."""
_BUILD_FAILED = re.compile(r"Failed to build|Failed building|subprocess-exited-with-error|different python version")
_WITHOUT_BUILD = re.compile(r"No matching distribution found for ([^\s;=<>]+)")


def main(stamp: str, wanted: Sequence[str]) -> int:
    """Install what is not up to date; 0 when all of ``wanted`` is there afterwards."""
    with locked():
        ready = {name for name in ("base", *EXTRAS, "dev") if stamp_of(name) == stamp}
        if set(wanted) <= ready and (VENV / "bin" / "python").exists():
            return 0
        once = f"installing into .venv with Python {VERSION}, once; this takes about a minute"
        say("updating .venv" if stamp_of("base") else once)
        try:
            make(stamp, sorted({*wanted, *ready, "base"}))
        except subprocess.CalledProcessError as error:
            if name := without_build(error, wanted):
                say(f"{name} has no build for Python {VERSION} on this machine, so {sys.executable} cannot be used")
                return UNSUITABLE
            explain(error)
            return 1
        except OSError as error:
            say(f"the virtual environment could not be made: {error}")
            say(f"make sure that {ROOT} is writable and its disk is not full, then start again")
            return 1
    return 0


def without_build(error: subprocess.CalledProcessError, features: Sequence[str]) -> str:
    """Return the dependency that has no build for this Python, when that is why pip failed; else nothing."""
    if not _BUILD_FAILED.search(f"{error.stdout}{error.stderr}"):
        return ""
    try:
        pip("--dry-run", "--only-binary", ":all:", *requirements(features))
    except subprocess.CalledProcessError as refused:
        found = _WITHOUT_BUILD.search(f"{refused.stdout}{refused.stderr}")
        return found[1] if found else ""
    return ""


def pip(*arguments: str) -> None:
    """Run ``pip install`` in the environment."""
    run("-m", "pip", "install", "--quiet", "--no-input", "--constraint", CONSTRAINTS, *arguments)


def make(stamp: str, features: Sequence[str]) -> None:
    """Install ``features``; the stamps vanish first and come back last, so that a kill in between shows."""
    whole = bool(stamp_of("base")) and run("-c", "import pip", check=False) == 0
    for name in features:
        (READY / name).unlink(missing_ok=True)
    if not whole:
        command = [sys.executable, "-I", "-m", "venv", "--clear", str(VENV)]
        subprocess.run(command, check=True, capture_output=True, text=True)
    pip(*requirements(features))
    READY.mkdir(exist_ok=True)
    for name in features:
        (READY / name).write_text(f"{stamp}\n")


def requirements(features: Sequence[str]) -> list[str]:
    """What pip is asked for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = ",".join(name for name in EXTRAS if name in features)
    return [
        "--editable",
        f".[{extras}]" if extras else ".",
        *(project["dependency-groups"]["dev"] if "dev" in features else ()),
    ]


def run(*arguments: str, check: bool = True) -> int:
    """Run the environment's Python, apart from the person's own Python settings."""
    try:
        done = subprocess.run(
            [str(VENV / "bin" / "python"), "-I", *arguments],
            cwd=ROOT,
            check=check,
            capture_output=True,
            text=True,
            env={
                **os.environ,
                "PIP_BUILD_CONSTRAINT": CONSTRAINTS,
                "PIP_CONSTRAINT": CONSTRAINTS,
                "PIP_DISABLE_PIP_VERSION_CHECK": "1",
                "PIP_USER": "0",
            },
        )
    except FileNotFoundError:
        if check:
            raise
        return 127
    return done.returncode


def stamp_of(feature: str) -> str:
    """The stamp of a complete feature, or nothing."""
    try:
        return (READY / feature).read_text().rstrip("\n")
    except OSError:
        return ""


@contextmanager
def locked() -> Iterator[None]:
    """Held while the environment is changed; the system lets go of it when the process dies."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another process is installing into .venv; waiting for it")
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def say(text: str) -> None:
    """One line for a person."""
    print(f"mcmirror: {text}", file=sys.stderr, flush=True)


def explain(error: subprocess.CalledProcessError) -> None:
    """What failed, in the words of the command that failed, and what to do."""
    words = f"{error.stdout or ''}\n{error.stderr or ''}".strip().splitlines()
    say("the installation failed:")
    print(*(f"  {line}" for line in words[-TAIL:]), sep="\n", file=sys.stderr)
    say("check the network (a proxy? HTTPS_PROXY; another package index? PIP_INDEX_URL), then start again")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], sys.argv[2:]))
    except KeyboardInterrupt:
        sys.exit(130)
