"""Prints exceptions in three parts, without secrets, and returns the exit code."""

import os
import sys

from mcmirror.cli.stdout import unwritable
from mcmirror.model.redact import redact
from mcmirror.model.report import ExitCode
from mcmirror.model.wording import harmless, three_parts

DEBUG = "MCMIRROR_DEBUG"
OUTPUT = "make room where it goes, or send it elsewhere, and run the command again"


def say(what: str, why: str, remedy: str) -> None:
    """Three parts on stderr."""
    lines = [f"Error: {what}", f"  why: {why}" if why else "", f"  do:  {remedy}" if remedy else ""]
    text = "\n".join(harmless(redact(line)) for line in lines if line)
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        # Nobody listens; the exit code still tells.
        return


def explained(error: Exception) -> int:
    """Say what happened and return the exit code."""
    from mcmirror.config import ConfigError
    from mcmirror.model.problem import Trouble

    if isinstance(error, ConfigError):
        for mistake in error.mistakes:
            say(f"{mistake.place}: {mistake.message}" if mistake.place else mistake.message, "", mistake.remedy)
        return int(ExitCode.USAGE)
    if isinstance(error, Trouble):
        say(*three_parts(error.problem))
        return int(ExitCode.FAILED)
    lost = unwritable(error)
    if isinstance(error, BrokenPipeError) or isinstance(lost, BrokenPipeError):
        return int(ExitCode.FAILED)
    if lost is not None:
        say("stdout could not be written", lost.strerror or str(lost), OUTPUT)
        return int(ExitCode.FAILED)
    if os.environ.get(DEBUG):
        _traceback(error)
    if isinstance(error, OSError):
        say(*_refused(error))
        return int(ExitCode.FAILED)
    say(
        "mcmirror met something it does not know how to handle",
        f"{type(error).__name__}: {error}",
        f"run it again with {DEBUG}=1 for the traceback and report that; secrets are taken out of it",
    )
    return int(ExitCode.FAILED)


def _refused(error: OSError) -> tuple[str, str, str]:
    """What the system would not do, to which file."""
    paths = [os.fsdecode(path) for path in (error.filename, error.filename2) if isinstance(path, str | bytes)]
    what = f"{' and '.join(paths)} could not be read or written" if paths else "the system refused an operation"
    remedy = f"check that the path exists, whose it is and that there is room; {DEBUG}=1 shows where it happened"
    return what, error.strerror or str(error), remedy


def _traceback(error: Exception) -> None:
    import traceback

    text = redact("".join(traceback.format_exception(error)))
    print(harmless(text, keep_newlines=True), file=sys.stderr)
