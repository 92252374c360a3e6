"""``mcmirror job``: what is configured, as it was understood."""

import json
import os
import sys
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any

import typer

from mcmirror.config import Configuration, load, select
from mcmirror.model.job import Job

app = typer.Typer(help="The configured jobs.", no_args_is_help=True, add_completion=False, rich_markup_mode=None)

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The file; else MCMIRROR_CONFIG, else mcmirror.toml upwards."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_(*, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the jobs."""
    configuration = load(config, os.environ, Path.cwd(), needs_jobs=True)
    described = [describe(job, configuration) for job in configuration.jobs.values()]
    if as_json:
        print(json.dumps(described, indent=2))
        return
    columns(("JOB", "SOURCE", "TARGET", "TRIGGER"), [[job[key] for key in ("name", "source", "target", "trigger")]
                                                     for job in described])  # fmt: skip
    for note in configuration.notes:
        print(f"note: {note}", file=sys.stderr)


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="JOB", help="The job.")],
    *,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one job with everything that holds for it, defaults included."""
    configuration = load(config, os.environ, Path.cwd(), needs_jobs=True)
    (job,) = select(configuration, [name])
    described = describe(job, configuration)
    if as_json:
        print(json.dumps(described, indent=2))
        return
    for key, value in described.items():
        shown = ", ".join(value) if isinstance(value, list) else value
        print(f"{key:16} {str(shown).lower() if isinstance(shown, bool) else shown}".rstrip())


def describe(job: Job, configuration: Configuration) -> dict[str, Any]:
    """A job in plain values, by the names of mcmirror.toml."""
    flat = {item.name: getattr(job, item.name) for item in fields(job) if item.name != "options"}
    options = asdict(job.options)
    options["exclude"] = list(job.options.exclude)
    options["workers"] = job.options.workers or "auto"
    plain = {
        "source": str(job.source),
        "target": str(job.target),
        "assurance": job.assurance.value,
        "max_delete": str(job.max_delete),
        "retry_delay": f"{job.retry_delay:g}s",
        "stall_timeout": f"{job.stall_timeout:g}s",
    }
    return {**flat, **plain, **options, "trigger": _trigger(job.name, configuration), "origin": configuration.origin}


def _trigger(name: str, configuration: Configuration) -> str:
    schedule = configuration.schedules.get(name)
    if schedule and schedule.cron:
        return f"cron {schedule.cron}"
    if schedule and schedule.every:
        return f"every {schedule.every:g}s"
    return "realtime" if schedule and schedule.realtime else "by hand"


def columns(heads: tuple[str, ...], rows: list[list[str]]) -> None:
    """Print rows below their heads, aligned."""
    widths = [max(len(row[index]) for row in [list(heads), *rows]) for index in range(len(heads))]
    for row in [list(heads), *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
