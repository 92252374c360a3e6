"""What `plan` and `verify` are asked: jobs by their names, or one pair of places with options of its own."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from mcmirror.cli import options as o
from mcmirror.cli.execution import Task

Words = Annotated[
    list[str] | None, typer.Argument(metavar="[JOB... | SOURCE TARGET]", help="Jobs, or a pair; none: all jobs.")
]


def asked(  # noqa: PLR0913  what the command line holds
    verb: str,
    words: Sequence[str],
    given: Mapping[str, Any],
    *,
    carry_out: str,
    config: Path | None,
    parallel: int | None,
    content: float | None = None,
    metadata: float | None = None,
) -> Task:
    """Return the task. ``given`` are the pair's options; ``carry_out`` is the command that mirrors ``{pair}``.

    A mistake of usage is a BadParameter.
    """
    # What is not given is left to the file's [defaults].
    fields = {name: value for name, value in given.items() if value is not None and value != ()}
    if o.looks_like_locations(words):
        source, target = (o.location(word) for word in words)
        return Task(
            verb,
            lambda service: (service.pair(source, target, **fields),),
            lambda _: carry_out.format(pair=shlex.join([source, target])),
            config=config,
            content=content,
            metadata=metadata,
        )
    places = [word for word in words if o.looks_like_location(word)]
    if places:
        text = f"{places[0]!r} is a place, and a pair needs two: SOURCE TARGET. Jobs are named without a slash."
        raise typer.BadParameter(text, param_hint="'SOURCE TARGET'")
    if fields:
        from mcmirror.config.schema import job_lines

        key = next(iter(fields))
        text = (
            f"it belongs to a pair, SOURCE TARGET; a job has it in mcmirror.toml: {job_lines()[key]} under [job.NAME]"
        )
        raise typer.BadParameter(text, param_hint=f"'--{key.replace('_', '-')}'")
    return Task(
        verb,
        lambda service: service.jobs(words),
        lambda job: f"mcmirror run {shlex.quote(job)}",
        config=config,
        needs_jobs=True,
        content=content,
        metadata=metadata,
        parallel=parallel,
    )
