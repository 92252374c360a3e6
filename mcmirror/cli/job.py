"""``mcmirror job``: what is configured, as it was understood."""

import json
import os
import sys
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any

import typer

from mcmirror.cli.commands import Group
from mcmirror.cli.options import ConfigOption, JsonOption
from mcmirror.cli.table import columns
from mcmirror.config import Configuration, load, select
from mcmirror.messages.error_lookup import problem
from mcmirror.model.job import Job
from mcmirror.model.problem import Category, Trouble

app = typer.Typer(
    help="The configured jobs.", no_args_is_help=True, cls=Group, add_completion=False, rich_markup_mode=None
)


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


@app.command("import")
def import_(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="JSON: jobs, and their connections; - is standard input.")
    ],
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace jobs and aliases that are there.")] = False,
    config: ConfigOption = None,
) -> None:
    """Take over jobs of another system: name, source, target, schedule; with the connections that they name.

    Keys are kept in files that only you can read, and mcmirror.toml refers to them. Everything is written, or nothing.
    """
    from mcmirror.cli.job_import import take_over

    take_over(files, config, force=force)


Names = Annotated[list[str] | None, typer.Argument(metavar="[JOB]...", help="Jobs; none: all of them, as a whole.")]


@app.command()
def pause(names: Names = None, *, config: ConfigOption = None) -> None:
    """Start no more runs by schedule, now and after a restart, until resume. Runs by hand go on."""
    _pauses(names, config, paused=True)


@app.command()
def resume(names: Names = None, *, config: ConfigOption = None) -> None:
    """Undo pause. What was missed meanwhile is not made up for."""
    _pauses(names, config, paused=False)


def _pauses(names: list[str] | None, config: Path | None, *, paused: bool) -> None:
    from mcmirror.store.database import Database
    from mcmirror.store.pauses import Pauses

    configuration = load(config, os.environ, Path.cwd(), needs_jobs=True)
    database = Database(configuration.settings.state)
    pauses = Pauses(database)
    wanted = [job.name for job in select(configuration, names)] if names else [""]
    for name in wanted:
        (pauses.add if paused else pauses.remove)(name)
    warning, left = pauses.warning, pauses.read()
    database.close()
    if warning:
        # This process ends at once: what is kept in its memory helps nobody.
        raise Trouble(problem(Category.DISK_FULL, "the pause could not be written down", warning))
    for name in wanted:
        print(f"{name or 'all jobs'}: {'paused' if paused else 'resumed'}")
    held = "all of them" if "" in left else ", ".join(sorted(left))
    if held and not paused:
        print(f"note: still paused: {held}", file=sys.stderr)


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
        "max_memory": f"{job.max_memory >> 20}MiB" if job.max_memory else "4GiB",
        "retry_delay": f"{job.retry_delay:g}s",
        "stall_timeout": f"{job.stall_timeout:g}s",
    }
    return {**flat, **plain, **options, "trigger": _trigger(job.name, configuration), "origin": configuration.origin}


def _trigger(name: str, configuration: Configuration) -> str:
    schedule = configuration.schedules.get(name)
    if schedule and schedule.cron:
        return f"cron {schedule.cron}"
    if schedule and schedule.realtime:
        return f"real time, in full every {schedule.every:g}s"
    if schedule and schedule.every:
        return f"every {schedule.every:g}s"
    return "by hand"
