"""`mcmirror plan`: what would happen, object by object, and what it would cost."""

import shlex
from typing import Annotated

import typer

from mcmirror.ui import options as o
from mcmirror.ui.conduct import Output, Task, conduct

app = typer.Typer(add_completion=False, rich_markup_mode=None)

LINES = (
    "Each line of stdout is a mark, bytes, a reason and the key, which is the rest of the line; control characters in"
    " it are escaped and backslashes doubled. Marks: + copied, ~ copied over, - removed, = left alone."
    " 10: with --exit-code, something is to be done. "
)
Jobs = Annotated[
    list[str] | None, typer.Argument(metavar="[JOB... | SOURCE TARGET]", help="Jobs, or a pair; none: all jobs.")
]


@app.command(epilog=LINES + o.EXIT_CODES)
def plan(  # noqa: PLR0913, PLR0917  one parameter an option
    jobs: Jobs = None,
    overwrite: o.Overwrite = False,
    remove: o.Remove = False,
    exclude: o.Exclude = None,
    newer_than: o.NewerThan = None,
    older_than: o.OlderThan = None,
    prefix: o.Prefix = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 10 when something is to be done.")] = False,
    parallel: o.Parallel = None,
    config: o.Config = None,
    json: o.Json = False,
    report_json: o.ReportJson = None,
    junit: o.Junit = None,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Show what a run would do, object by object, and change nothing.

    --overwrite, --remove, --exclude, --newer-than, --older-than and --prefix belong to a pair; a job has its own.
    """
    names = jobs or []
    given = {
        "overwrite": overwrite,
        "remove": remove,
        "exclude": tuple(exclude or ()),
        "newer_than": newer_than,
        "older_than": older_than,
        "prefix": prefix,
    }
    fields = {name: value for name, value in given.items() if value}
    if o.looks_like_locations(names):
        source, target = (o.location(name) for name in names)
        task = Task(
            "plan",
            lambda service: (service.pair(source, target, **fields),),
            lambda _: f"mcmirror mirror {shlex.join([source, target])} with the same options",
            config=config,
        )
    elif fields:
        option = "--" + next(iter(fields)).replace("_", "-")
        raise typer.BadParameter("it belongs to a pair, SOURCE TARGET; a job has its own.", param_hint=f"'{option}'")
    else:
        task = Task(
            "plan",
            lambda service: service.jobs(names),
            lambda job: f"mcmirror run {shlex.quote(job)}",
            config=config,
            needs_jobs=True,
            parallel=parallel,
        )
    output = Output(json=json, quiet=quiet, debug=debug, report_json=report_json, junit=junit)
    raise typer.Exit(conduct(task, output, differences_exit=exit_code))
