"""`mcmirror watch JOB`: one job in real time, in the foreground, change by change."""

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from mcmirror.cli import options as o

if TYPE_CHECKING:
    from mcmirror.config import Configuration
    from mcmirror.service import Service

app = typer.Typer(add_completion=False, rich_markup_mode=None)

JobName = Annotated[str, typer.Argument(metavar="JOB", help="Name of a job.")]


@app.command(epilog="Exit codes: 1 failed, 2 usage or configuration, 130 Ctrl-C, 143 SIGTERM.")
def watch(job: JobName, log: o.LogStyle = None, config: o.Config = None, debug: o.Debug = False) -> None:
    """Follow the source of a job and make each change on the target, verified, until Ctrl-C.

    A full run comes first, and after each gap in the events. A job without realtime = true is followed all the same.
    """
    from mcmirror.cli import serve
    from mcmirror.service import Service

    def load(before: "Service | None" = None) -> "Service":
        """The configuration as it is now, with this job alone."""
        read = Service.load(config, needs_jobs=True)
        (found,) = read.jobs([job])
        configuration = _alone(read.configuration, found.name)
        told = configuration.settings
        settings = replace(told, listen="", log=log or "text", debug=debug or told.debug)
        made = replace(configuration, settings=settings)
        return Service(made) if before is None else before.succeeded_by(made)

    raise typer.Exit(serve.run(load, stream=sys.stdout, alone=True))


def _alone(configuration: "Configuration", name: str) -> "Configuration":
    """The configuration with this job only, in real time."""
    from mcmirror.config import ConfigError, Mistake, Schedule
    from mcmirror.model.job import Assurance
    from mcmirror.model.realtime import Realtime

    job, schedule = configuration.jobs[name], configuration.schedules.get(name) or Schedule()
    wrong = {"dry_run": job.options.dry_run, "assurance": job.assurance is Assurance.OFF, "prefix": "{" in job.prefix}
    for key in (key for key, is_so in wrong.items() if is_so):
        what = "watch follows one place, copies what changes there, and verifies it"
        remedy = f"Take {key} out of the job."
        raise ConfigError([Mistake(configuration.origin, f"job.{name}.{key}", what, remedy)])
    if schedule.realtime is None:
        realtime = Realtime()
        kept = replace(job.options, exclude=(*job.options.exclude, f"{realtime.canary}*"))
        job = replace(job, options=kept)
        schedule = Schedule(
            every=realtime.catch_up_every, realtime=realtime, lock=schedule.lock, notify=schedule.notify
        )
    return replace(configuration, jobs={name: job}, schedules={name: schedule}, paused=False)
