"""`mcmirror verify`: whether the copy is true."""

import re
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from mcmirror.cli import options as o
from mcmirror.cli.execution import Output, execute
from mcmirror.cli.pair import Words, asked

app = typer.Typer(add_completion=False, rich_markup_mode=None)

SHARES = ("--content", "--metadata")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?%?\Z")


class ContentCommand(TyperCommand):
    """Lets ``--content`` and ``--metadata`` stand alone: typer knows no option with an optional value."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """``--content`` alone is ``--content=100``."""
        return super().parse_args(ctx, with_percentage(args))


def with_percentage(args: list[str]) -> list[str]:
    """Give a ``--content`` or ``--metadata`` that stands alone its value; a number after it is its value."""
    end = args.index("--") if "--" in args else len(args)
    return [
        f"{word}=100"
        if word in SHARES and place < end and not _NUMBER.match("".join(args[place + 1 : place + 2]))
        else word
        for place, word in enumerate(args)
    ]


Content = Annotated[
    float | None,
    typer.Option(
        "--content",
        metavar="[=PERCENT]",
        parser=o.percent,
        help="Read objects on both sides and compare what they hold: all, or so many percent of them.",
    ),
]

Metadata = Annotated[
    float | None,
    typer.Option(
        "--metadata",
        metavar="[=PERCENT]",
        parser=o.percent,
        help="Compare metadata and tags of all objects, or of so many percent of them; else of a few.",
    ),
]


@app.command(cls=ContentCommand, epilog=o.EXIT_CODES)
def verify(  # noqa: PLR0913, PLR0917  one parameter an option
    jobs: Words = None,
    content: Content = None,
    metadata: Metadata = None,
    exclude: o.Exclude = None,
    newer_than: o.NewerThan = None,
    older_than: o.OlderThan = None,
    prefix: o.Prefix = None,
    parallel: o.Parallel = None,
    config: o.Config = None,
    json: o.Json = False,
    report_json: o.ReportJson = None,
    junit: o.Junit = None,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Say whether the target holds every object of the source, equal; nothing is written.

    Without --content equal means the same size, not newer at the source, and the same MD5 where both ETags are one.
    --exclude, --newer-than, --older-than and --prefix belong to a pair; a job has its own.
    """
    given = {
        "exclude": tuple(exclude or ()),
        "newer_than": newer_than,
        "older_than": older_than,
        "prefix": prefix,
    }
    carry_out = "mcmirror mirror --overwrite {pair}"
    task = asked(
        "verify",
        jobs or [],
        given,
        carry_out=carry_out,
        config=config,
        parallel=parallel,
        content=content,
        metadata=metadata,
    )
    output = Output(json=json, quiet=quiet, debug=debug, report_json=report_json, junit=junit)
    raise typer.Exit(execute(task, output))
