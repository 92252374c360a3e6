"""`mcmirror plan`: what would happen, object by object, and what it would cost."""

from typing import Annotated

import typer

from mcmirror.cli import options as o
from mcmirror.cli.execution import Output, execute
from mcmirror.cli.pair import Words, asked

app = typer.Typer(add_completion=False, rich_markup_mode=None)

LINES = (
    "Each line of stdout is a mark, bytes, a reason and the key, which is the rest of the line; control characters in"
    " it are escaped and backslashes doubled. Marks: + copied, ~ copied over, - removed, = left alone."
    " 10: with --exit-code, something is to be done. "
)


@app.command(epilog=LINES + o.EXIT_CODES)
def plan(  # noqa: PLR0913, PLR0917  one parameter an option
    jobs: Words = None,
    overwrite: o.Overwrite = None,
    remove: o.Remove = None,
    max_delete: o.MaxDeletes = None,
    exclude: o.Exclude = None,
    newer_than: o.NewerThan = None,
    older_than: o.OlderThan = None,
    prefix: o.Prefix = None,
    create_target: o.CreateTarget = False,
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

    --overwrite, --remove, --max-delete, --exclude, --newer-than, --older-than, --prefix and --create-target belong to a
    pair; a job has its own.
    """
    given = {
        "overwrite": overwrite,
        "remove": remove,
        "max_delete": max_delete,
        "exclude": tuple(exclude or ()),
        "newer_than": newer_than,
        "older_than": older_than,
        "prefix": prefix,
        "create_target": create_target or None,
    }
    carry_out = "mcmirror mirror {pair} with the same options"
    task = asked("plan", jobs or [], given, carry_out=carry_out, config=config, parallel=parallel)
    output = Output(json=json, quiet=quiet, debug=debug, report_json=report_json, junit=junit)
    raise typer.Exit(execute(task, output, differences_exit=exit_code))
