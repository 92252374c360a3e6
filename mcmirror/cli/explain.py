"""``mcmirror explain``: what an error means and what to do about it."""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from mcmirror.cli.glossary import alike, meaning
from mcmirror.config.load import origin
from mcmirror.messages.error_lookup import find, markdown, table
from mcmirror.messages.error_table import Row
from mcmirror.messages.remedy import rendered
from mcmirror.model.report import ExitCode
from mcmirror.model.wording import harmless


def explain(
    text: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TEXT]...", help="An error, a line of mc, an S3 code, a word of another tool."),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the whole table as Markdown.")] = False,
) -> None:
    """Say what an error means and what to do, or what a word of another tool is here; without TEXT, every error."""
    asked, reader = " ".join(text or ()), origin(os.environ, Path.cwd())

    def document(row: Row) -> dict[str, object]:
        return {**asdict(row), "remedy": rendered(row.remedy, reader)}

    def told(row: Row) -> str:
        return _told(row, rendered(row.remedy, reader))

    if as_markdown:
        print(markdown(), end="")
    elif not asked:
        rows = table()
        print(json.dumps([document(row) for row in rows], indent=2) if as_json else "\n\n".join(map(told, rows)))
    elif known := meaning(asked):
        print(json.dumps(asdict(known), indent=2) if as_json else f"{harmless(asked)}\n  here: {known.here}")
    elif row := find(asked):
        print(json.dumps(document(row), indent=2) if as_json else told(row))
    else:
        print(f"Error: nothing is known of “{harmless(asked)}”", file=sys.stderr)
        guess = alike(asked)
        remedy = (
            f"did you mean {guess}?" if guess else "mcmirror explain, without a text, shows everything that is known"
        )
        print(f"  do:  {remedy}", file=sys.stderr)
        raise typer.Exit(ExitCode.FAILED)


def _told(row: Row, remedy: str) -> str:
    again = "yes, with growing pauses" if row.retryable else "no"
    seen = f"\n  seen as:     {'; '.join(row.headings)}" if row.headings else ""
    return f"{row.category}{seen}\n  what:        {row.cause}\n  do:          {remedy}\n  tried again: {again}"
