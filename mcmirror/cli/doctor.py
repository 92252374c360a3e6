"""``mcmirror doctor``: is everything there that a run needs, and if not, what to do."""

import json
import os
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mcmirror.cli.options import ConfigOption, JsonOption
from mcmirror.cli.style import style_of
from mcmirror.config import FILE_NAME, ConfigError, find_file, load
from mcmirror.messages.text_style import Style
from mcmirror.model.redact import redact, redactors
from mcmirror.model.report import ExitCode
from mcmirror.model.wording import harmless

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcmirror.config import Configuration
    from mcmirror.engine.doctor import Finding

_LOOKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "failed": ("✗", "red")}


def doctor(
    jobs: Annotated[list[str] | None, typer.Argument(metavar="[JOB]...", help="Only what these jobs need.")] = None,
    *,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Do not try to write: no object of ours is put on a target.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check mc, each server (address, TLS, keys, clock) and each right that the jobs need; say what to do.

    To try the right to write, an object of our own is put on each target and removed again.
    """
    style, grades, findings, subject = style_of(sys.stdout), Counter[str](), [], ""
    for finding in _findings(jobs or [], config, write=not read_only):
        grades[finding.grade] += 1
        if as_json:
            findings.append(asdict(finding))
            continue
        if finding.subject != subject:
            subject = finding.subject
            print(style.paint(harmless(subject), "bold"), flush=True)
        print(redact(_told(finding, style)), flush=True)
    healthy = not grades["failed"]
    if as_json:
        print(redact(json.dumps({"healthy": healthy, "findings": findings}, indent=2)))
    else:
        print(_summary(grades, style))
    if not healthy:
        raise typer.Exit(ExitCode.FAILED)


def _findings(names: list[str], config: Path | None, *, write: bool) -> "Iterator[Finding]":
    from mcmirror.engine.doctor import Finding, Grade, fine, wrong
    from mcmirror.messages.error_lookup import problem
    from mcmirror.model.problem import Category
    from mcmirror.service import Service

    try:
        configuration = _configuration(names, config)
        jobs = Service(configuration).jobs(names) if configuration.jobs or names else ()
    except ConfigError as error:
        for mistake in error.mistakes:
            where = f"so it stands in {mistake.where}" if mistake.where else ""
            found = problem(Category.CONFIGURATION, mistake.sentence, where, remedy=mistake.remedy)
            yield wrong("configuration", "mistake", found)
        configuration, jobs = _nothing(), ()
    else:
        said = f"{configuration.origin}: {_number(len(jobs), 'job')}, {_number(len(configuration.aliases), 'alias')}"
        none = f"no {FILE_NAME} here or above, and no job in the environment"
        yield fine("configuration", "read", said if configuration.origin else none)
        for note in configuration.notes:
            yield Finding("configuration", "note", Grade.WARNING, note)
    service = Service(configuration)
    redactors.append(service.redact)
    here = [job for job in jobs if not job.agent]
    for job in jobs:
        if job.agent:
            # The agent may have servers and folders that nobody reaches from here.
            yield fine(
                f"agent {job.agent}", f"job {job.name}", "runs there; mcmirror doctor at that site checks its servers"
            )
    yield from service.examine(here, alone=bool(names), write=write)


def _configuration(names: list[str], config: Path | None) -> "Configuration":
    """Read the file, or the environment when it describes jobs; neither is needed to look at mc."""
    described = any(os.environ.get(name) for name in ("BUCKET_PAIR", "BUCKET_PAIRS", "MINIO_URL", "S3_SYNC_BUCKET"))
    there = find_file(config, os.environ, Path.cwd())
    return load(config, os.environ, Path.cwd(), needs_jobs=bool(names) or (described and there is None))


def _number(number: int, word: str) -> str:
    return f"{number} {word if number == 1 else word + ('es' if word.endswith('s') else 's')}"


def _nothing() -> "Configuration":
    from mcmirror.config import Configuration

    return Configuration()


def _summary(grades: "Counter[str]", style: Style) -> str:
    """The last line: all is well, or how much is not."""
    failed, warned, fine = (grades[grade] for grade in ("failed", "warning", "ok"))
    mark, colour = _LOOKS["failed" if failed else "warning" if warned else "ok"]
    words = [f"{failed} failed"] if failed else []
    words += [_number(warned, "warning")] if warned else []
    text = f"{', '.join(words)}, {fine} fine" if words else f"all is well: {_number(fine, 'check')}"
    return f"{style.paint(style.mark(mark), colour)} {text}"


def _told(finding: "Finding", style: Style) -> str:
    mark, colour = _LOOKS[finding.grade]
    head = f"  {style.paint(style.mark(mark), colour)} {finding.check}: {finding.said}"
    lines = [head]
    if finding.problem:
        lines += [f"      why: {finding.problem.cause}", f"      do:  {finding.problem.remedy}"]
    return "\n".join(harmless(line) if not style.colour else line for line in lines)
