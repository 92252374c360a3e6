"""`mcmirror history`: what was run, and what became of each object."""

import json as encoder
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mcmirror.cli import errors
from mcmirror.cli.errors import say
from mcmirror.cli.style import style_of
from mcmirror.cli.table import table_lines
from mcmirror.messages.record_text import CAUSES, fate_lines, show_lines
from mcmirror.messages.text_style import Style
from mcmirror.model.record import RUNNING, Record
from mcmirror.model.report import ExitCode, Status
from mcmirror.model.wording import harmless, printable, shown_bytes, shown_seconds

if TYPE_CHECKING:
    from mcmirror.config import Configuration
    from mcmirror.store.runs import Runs

app = typer.Typer(add_completion=False, rich_markup_mode=None)

SHOW = "show"
LAST = "last"
MOST = 1_000_000
"""Runs in one answer."""
COLOURS = {"succeeded": "green", RUNNING: "cyan", "cancelled": "yellow", "skipped": "yellow"}


def _verdict(text: str | None) -> str | None:
    from mcmirror.config import nearest

    known = [RUNNING, *(status.value for status in Status)]
    if text is not None and text not in known:
        guess = nearest(text, known)
        raise typer.BadParameter(
            f"{text!r} is no verdict. " + (f"Did you mean {guess}?" if guess else f"There are: {', '.join(known)}.")
        )
    return text


@app.command(
    epilog="RUN is an id, the beginning of one that no other run shares, or last. With --json a list of runs is one"
    " document; show --all --json is the run and then each object, a line each. Exit codes: 0, 2 no such run or job."
)
def history(  # noqa: PLR0913, PLR0917  one parameter an option
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[JOB | show RUN]", help="Runs of one job, or one run with all that is known of it."),
    ] = None,
    status: Annotated[
        str | None,
        typer.Option("--status", metavar="VERDICT", callback=_verdict, help="Only these: failed, partial ..."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=MOST, metavar="N", help="How many runs.")] = 20,
    everything: Annotated[bool, typer.Option("--all", help="With show: name every object.")] = False,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="The file; else MCMIRROR_CONFIG, else mcmirror.toml upwards."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what was run, the newest first; with show, one run: its report, and what became of each object."""
    from mcmirror.config import ConfigError, Configuration, Settings, fallback, load

    given = words or []
    if given[:1] == [SHOW] and len(given) != 2:
        raise typer.BadParameter("show needs one RUN: an id as mcmirror history lists them, or last")
    if len(given) > 1 and given[0] != SHOW:
        raise typer.BadParameter(f"one JOB, not {len(given)}. Did you mean show {given[-1]}?")
    try:
        configuration, broken = load(config, os.environ, Path.cwd()), None
    except ConfigError as error:
        # What was, does not depend on it.
        state = fallback.state(config, os.environ, Path.cwd())
        configuration, broken = Configuration(Settings(state=state)), error
        errors.explained(error)
    with _remembered(configuration.settings.state) as runs:
        runs.absorb()
        if given[:1] == [SHOW]:
            _show(runs, _found(runs, given[1]), _zone(configuration), everything=everything, json=json)
            nothing = False
        else:
            nothing = not _list(runs, "".join(given), status or "", limit, configuration, json=json)
        if runs.warning:
            print(f"warning: {harmless(runs.warning)}", file=sys.stderr)
        nothing = nothing and not runs.readable
    if broken is not None:
        raise typer.Exit(ExitCode.USAGE)
    if nothing:
        raise typer.Exit(ExitCode.FAILED)


@contextmanager
def _remembered(state: str) -> "Iterator[Runs]":
    from mcmirror.store import paths
    from mcmirror.store.database import Database
    from mcmirror.store.inbox import Inbox
    from mcmirror.store.runs import Runs

    database = Database(state)
    try:
        yield Runs(database, Inbox(paths.inbox(state)))
    finally:
        database.close()


def _zone(configuration: "Configuration") -> tzinfo | None:
    """The zone that is configured, or None for that of this machine."""
    from zoneinfo import ZoneInfo

    name = configuration.settings.timezone
    return None if name == "UTC" else ZoneInfo(name)


# A list of runs.


def _list(  # noqa: PLR0913
    runs: "Runs", job: str, status: str, limit: int, configuration: "Configuration", *, json: bool
) -> bool:
    """Print them; whether there are any."""
    records = runs.runs(job=job, status=status, limit=limit)
    if not records and runs.readable and job and job not in configuration.jobs:
        _unknown_job(runs, job, configuration)
    if json:
        from mcmirror.codec.documents import brief, encode

        print(encoder.dumps([encode(brief(record)) for record in records], indent=2))
        return bool(records)
    if not records and runs.readable:
        asked = [f"of {harmless(job)}" if job else "", f"that is {status}" if status else ""]
        print(" ".join(filter(None, ("no run", *asked, "is remembered"))), file=sys.stderr)
    if records:
        print("\n".join(list_lines(records, _zone(configuration), style_of(sys.stdout))))
    return bool(records)


def list_lines(records: Iterable[Record], zone: tzinfo | None, style: Style) -> list[str]:
    """A table: one line a run."""
    heads = ("RUN", "JOB", "STARTED", "TOOK", "VERDICT", "COPIED", "REMOVED", "BEGUN BY")
    rows, colours = [], []
    for record in records:
        rows.append(_row(record, zone))
        colours.append(["", "", "", "", COLOURS.get(record.status, "red"), "", "", ""])
    return table_lines(heads, rows, style, colours)


def _row(record: Record, zone: tzinfo | None) -> list[str]:
    report = record.report
    begun = datetime.fromisoformat(record.started)
    copied = removed = ""
    if report is None:
        took = shown_seconds(max(0.0, datetime.now(begun.tzinfo).timestamp() - begun.timestamp()))
    else:
        took = shown_seconds(report.lasted)
        done, gone = report.tally.done, report.tally.removed.objects
        copied = f"{done.objects:,}, {shown_bytes(done.bytes)}" if done.objects else ""
        removed = f"{gone:,}" if gone else ""
    return [
        record.id,
        harmless(record.job),
        f"{begun.astimezone(zone):%Y-%m-%d %H:%M:%S}",
        took,
        record.status,
        copied,
        removed,
        CAUSES[record.cause],
    ]


def _unknown_job(runs: "Runs", job: str, configuration: "Configuration") -> None:
    from mcmirror.config import nearest

    known = dict.fromkeys((*configuration.jobs, *(key[0] for key in runs.standings())))
    guess = nearest(job, known)
    why = "it is not configured, and no run of it is remembered"
    remedy = f"did you mean {guess}?" if guess else f"there are: {', '.join(known)}" if known else "nothing ran yet"
    say(f"there is no job {job}", why, remedy)
    raise typer.Exit(ExitCode.USAGE)


# One run.


def _found(runs: "Runs", word: str) -> Record:
    from mcmirror.config import nearest

    if word == LAST:
        newest = runs.runs(limit=1)
        if newest:
            return newest[0]
        say("there is no last run", "no run is remembered", "mcmirror run or mcmirror mirror makes one")
        raise typer.Exit(ExitCode.USAGE)
    exact = runs.get(word)
    ids = [word] if exact else list(runs.ids(word))
    record = exact or (runs.get(ids[0]) if len(ids) == 1 else None)
    if record is not None:
        return record
    if ids:
        say(f"several runs begin with {word}", ", ".join(ids), "write one of them out")
    else:
        guess = nearest(word, runs.ids("", 1000))
        remedy = f"did you mean {guess}?" if guess else "mcmirror history lists the runs"
        say(f"there is no run {word}", "no run of that id is remembered", remedy)
    raise typer.Exit(ExitCode.USAGE)


def _show(runs: "Runs", record: Record, zone: tzinfo | None, *, everything: bool, json: bool) -> None:
    if json:
        from mcmirror.codec.documents import encode

        print(encoder.dumps(encode(record), indent=None if everything else 2))
        if everything:
            for fate, key in runs.fates(record.id):
                print(encoder.dumps({"fate": fate.value, "key": key}))
        return
    style = style_of(sys.stdout)
    print("\n".join(show_lines(record, zone, style)))
    if everything:
        for fate, key in runs.fates(record.id):
            print(f"    {fate.value:<9} {printable(key)}")
        return
    print("\n".join(fate_lines(runs.fates(record.id), record, style)), end="")
