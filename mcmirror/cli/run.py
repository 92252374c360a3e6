"""`mcmirror run [JOB...]`: the jobs of the configuration, now."""

import shlex
from typing import Annotated

import typer

from mcmirror.cli import options as o
from mcmirror.cli.execution import Output, Task, execute

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Jobs = Annotated[list[str] | None, typer.Argument(metavar="[JOB]...", help="Names of jobs; none: all of them.")]


@app.command(epilog=o.EXIT_CODES)
def run(  # noqa: PLR0913, PLR0917  one parameter an option
    jobs: Jobs = None,
    parallel: o.Parallel = None,
    dry_run: o.DryRun = False,
    max_delete: o.MaxDeletes = None,
    metadata: o.Metadata = False,
    lock: o.LockMode = None,
    config: o.Config = None,
    json: o.Json = False,
    report_json: o.ReportJson = None,
    junit: o.Junit = None,
    textfile_dir: o.TextfileDir = None,
    pushgateway: o.Pushgateway = None,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
    tui: o.Tui = False,
) -> None:
    """Run the jobs of mcmirror.toml, or those that the environment describes, each verified.

    Jobs run side by side; one that fails ends no other.
    """
    names = jobs or []
    overrides = {"dry_run": dry_run or None, "max_delete": max_delete}
    task = Task(
        "run",
        lambda service: service.jobs(names, **overrides),
        lambda job: f"mcmirror run {shlex.quote(job)}",
        config=config,
        needs_jobs=True,
        metadata=100.0 if metadata else None,
        parallel=parallel,
        lock=lock,
    )
    output = Output(
        json=json,
        quiet=quiet,
        debug=debug,
        tui=tui,
        report_json=report_json,
        junit=junit,
        textfile_dir=textfile_dir,
        pushgateway=pushgateway,
    )
    raise typer.Exit(execute(task, output))
