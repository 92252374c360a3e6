"""Where errors cross to the person: once, in three parts, without secrets, with the right exit code."""

import os
import sys
from collections.abc import Callable

from mcmirror.model.report import ExitCode
from mcmirror.model.wording import harmless, three_parts

DEBUG = "MCMIRROR_DEBUG"
redactors: list[Callable[[str], str]] = []
"""What is known of secrets so far; each command adds what it learns."""


def redact(text: str) -> str:
    """``text`` without any secret that is known by now."""
    for redactor in redactors:
        text = redactor(text)
    return text


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
            place = ": ".join(part for part in (mistake.file, mistake.key) if part)
            say(f"{place}: {mistake.message}" if place else mistake.message, "", mistake.remedy)
        return int(ExitCode.USAGE)
    if isinstance(error, Trouble):
        say(*three_parts(error.problem))
        return int(ExitCode.FAILED)
    if isinstance(error, BrokenPipeError):
        return int(ExitCode.FAILED)
    if os.environ.get(DEBUG):
        _traceback(error)
    say(
        "mcmirror met something it does not know how to handle",
        f"{type(error).__name__}: {error}",
        f"run it again with {DEBUG}=1 for the traceback and report that; secrets are taken out of it",
    )
    return int(ExitCode.FAILED)


def _traceback(error: Exception) -> None:
    import traceback

    text = redact("".join(traceback.format_exception(error)))
    print(harmless(text, keep_newlines=True), file=sys.stderr)
