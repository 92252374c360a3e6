"""``mcmirror explain``: what an error means and what to do about it."""

import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from mcmirror.mc.troubles import Row
from mcmirror.mc.troubleshoot import find, markdown, table
from mcmirror.model.report import ExitCode
from mcmirror.model.wording import harmless


def explain(
    text: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TEXT]...", help="An error as you saw it, a line of mc, an S3 code, a category."),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the whole table as Markdown.")] = False,
) -> None:
    """Say what an error means and what to do; without TEXT, show every one that mcmirror knows."""
    asked = " ".join(text or ())
    if as_markdown:
        print(markdown(), end="")
    elif not asked:
        print(json.dumps([asdict(row) for row in table()], indent=2) if as_json else "\n\n".join(map(_told, table())))
    elif row := find(asked):
        print(json.dumps(asdict(row), indent=2) if as_json else _told(row))
    else:
        print(f"Error: nothing is known of “{harmless(asked)}”", file=sys.stderr)
        print("  do:  mcmirror explain, without a text, shows everything that is known", file=sys.stderr)
        raise typer.Exit(ExitCode.FAILED)


def _told(row: Row) -> str:
    again = "yes, with growing pauses" if row.retryable else "no"
    seen = f"\n  seen as:     {'; '.join(row.headings)}" if row.headings else ""
    return f"{row.category}{seen}\n  what:        {row.cause}\n  do:          {row.remedy}\n  tried again: {again}"
