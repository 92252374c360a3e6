"""``mcmirror replicate``: two buckets that their servers keep alike by MinIO's bucket replication."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mcmirror.cli.commands import Group
from mcmirror.cli.errors import say
from mcmirror.cli.options import ConfigOption, JsonOption, seconds
from mcmirror.cli.style import style_of
from mcmirror.codec import replication as documents
from mcmirror.messages import replication as text
from mcmirror.messages import replication_status as status_text
from mcmirror.messages.text_style import Style
from mcmirror.model.redact import redact, redactors
from mcmirror.model.replication import Carried, Direction, Resync
from mcmirror.model.replication_steps import Application, StepResult, StepState
from mcmirror.model.report import ExitCode

if TYPE_CHECKING:
    from mcmirror.service.replications import OpenReplication

app = typer.Typer(
    help="Buckets that MinIO servers replicate by themselves: plan, apply, watch and verify it.",
    no_args_is_help=True,
    cls=Group,
    add_completion=False,
    rich_markup_mode=None,
)
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Of a [replication.NAME] in mcmirror.toml.")]
PAUSE = 5.0
"""Seconds between two looks."""
STANDING = "Exit codes: 0 in sync, 1 cannot be asked, 2 usage or configuration, 3 not in sync, 130 Ctrl-C."
CHANGING = "Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 failed after some steps, 4 a conflict, 75 locked."


@app.command(epilog="Exit codes: 0, 1 a server cannot be asked, 2 usage or configuration, 4 a conflict, 10 see above.")
def plan(
    name: NameArgument,
    *,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 10 when something is to be done.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what the servers lack of a [replication.NAME]; nothing is changed."""
    with _opened(name, config) as replication:
        found = replication.plan()
    if as_json:
        _print_json(documents.plan_document(found))
    else:
        _print(text.plan_lines(found, style_of(sys.stdout)))
    if found.conflicts:
        raise typer.Exit(ExitCode.REFUSED)
    if exit_code and found.steps:
        raise typer.Exit(ExitCode.DIFFERENCES)


@app.command(epilog=CHANGING)
def apply(name: NameArgument, *, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Make buckets, versioning, rules and events as [replication.NAME] says, step by step.

    Each step is read back from its server. Applying again changes nothing; after a failure it goes on where it ended.
    """
    with _changing(name, config) as replication:
        done = replication.apply(_quiet if as_json else _tell)
    _conclude(done, as_json=as_json)


@app.command(epilog=CHANGING)
def remove(name: NameArgument, *, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Take away exactly what apply made or import adopted; replicated objects stay on both sides.

    A bucket that apply made goes only when it is empty. What cannot be asked at the moment is left, and said.
    """
    with _changing(name, config) as replication:
        done = replication.remove(_quiet if as_json else _tell)
    if as_json:
        _print_json(documents.application_document(done))
    else:
        _print(text.removal_lines(done, style_of(sys.stdout)))
    _leave(done)


@app.command(
    "import", epilog="Exit codes: 0, 1 nothing to adopt, or a server cannot be asked, 2 usage or configuration."
)
def import_(
    name: NameArgument,
    source: Annotated[
        str | None,
        typer.Argument(metavar="[SOURCE]", help="ALIAS/BUCKET with a rule; writes [replication.NAME] where it lacks."),
    ] = None,
    target: Annotated[str | None, typer.Argument(metavar="[TARGET]", help="ALIAS/BUCKET, of several rules.")] = None,
    *,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Adopt rules that were made by hand, so that plan, apply and remove know them.

    Without a [replication.NAME], SOURCE is looked at, and what its rule says is written into mcmirror.toml first.
    """
    if source is not None:
        from mcmirror.cli.replicate_import import write_replication

        write_replication(name, source, target, config)
    with _changing(name, config) as replication:
        adopted = replication.adopt()
        left = replication.plan()
    if as_json:
        _print_json({**documents.adoption_document(name, adopted), "plan": documents.plan_document(left)})
    else:
        _print(text.adoption_lines(name, adopted, style_of(sys.stdout)))
        _print(text.plan_lines(left, style_of(sys.stdout)))
    if not adopted and left.steps:
        raise typer.Exit(ExitCode.FAILED)


@app.command(epilog=STANDING)
def status(  # noqa: PLR0913  one parameter an option
    name: NameArgument,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Look again and again until Ctrl-C.")] = False,
    every: Annotated[
        float | None,
        typer.Option("--every", metavar="TIME", parser=seconds, help="Between two looks of --watch. Default 5s."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Ask for rules and targets only; list no bucket.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether the target is reached and since when, what is still to come, and how old the oldest of it is.

    It is computed from listings of all versions of both buckets: the servers' counters stick. With --watch --json each
    look is one line.
    """
    with _opened(name, config) as replication:
        while True:
            found = replication.statuses(full=not quick)
            if as_json:
                document = documents.status_document(name, _now(), found)
                _print_json(document, indent=not watch)
            else:
                _print([line for one in found for line in status_text.status_lines(one, style_of(sys.stdout))])
            if not watch:
                break
            time.sleep(every or PAUSE)
    if not all(one.well for one in found):
        raise typer.Exit(ExitCode.PARTIAL)


@app.command(epilog=STANDING)
def verify(name: NameArgument, *, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Compare every version and delete marker of both buckets; nothing is changed.

    Equal means: the same key, version ID and size, and the same MD5 where both ETags are one. What is only on the
    target counts where removals are replicated, or both ways.
    """
    with _opened(name, config) as replication:
        direction, found = replication.verify()
        desired = replication.desired
    kept = not desired.both_ways and Carried.DELETE not in desired.replicate
    if as_json:
        _print_json(documents.comparison_document(direction, found))
    else:
        _print(status_text.verify_lines(direction, found, style_of(sys.stdout), kept=kept))
    if found.missing.number or found.different.number or (found.extra.number and not kept):
        raise typer.Exit(ExitCode.PARTIAL)


@app.command(epilog=STANDING)
def resync(name: NameArgument, *, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Have the servers replicate everything again, follow it to its end, and look at what arrived.

    A resync that runs already is followed. Ctrl-C ends the following, not the resync.
    """
    style, outcomes = style_of(sys.stdout), []
    with _opened(name, config) as replication:
        for outcome in replication.resyncs(_Progress(style, quiet=as_json)):
            outcomes.append(outcome)
            if not as_json:
                _print(status_text.resync_lines(outcome, style))
    if as_json:
        _print_json({"replication": name, "resyncs": [documents.resync_document(one) for one in outcomes]})
    if not all(one.status.well for one in outcomes):
        raise typer.Exit(ExitCode.PARTIAL)


class _Progress:
    """Prints how far a resync is, when that has changed."""

    def __init__(self, style: Style, *, quiet: bool) -> None:
        self._style = style
        self._quiet = quiet
        self._last = ""

    def __call__(self, direction: Direction, found: Resync) -> None:
        line = status_text.progress_text(direction, found, self._style)
        if not self._quiet and line != self._last:
            self._last = line
            _print([line])


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _conclude(done: Application, *, as_json: bool) -> None:
    style = style_of(sys.stdout)
    if as_json:
        _print_json(documents.application_document(done))
    elif done.results:
        _print(text.application_end(done, style))
    else:
        _print(text.plan_lines(done.plan, style))
    _leave(done)


def _leave(done: Application) -> None:
    """End with the exit code of what was done."""
    if done.plan.conflicts:
        raise typer.Exit(ExitCode.REFUSED)
    changed = any(one.state is StepState.DONE for one in done.results)
    if done.failed is not None:
        raise typer.Exit(ExitCode.PARTIAL if changed else ExitCode.FAILED)
    if done.plan.unasked:
        raise typer.Exit(ExitCode.PARTIAL)


@contextmanager
def _changing(name: str, config: Path | None) -> Iterator["OpenReplication"]:
    """While no other process changes one of the buckets; else say so, and end."""
    from mcmirror.service import Service
    from mcmirror.service.replications import changing
    from mcmirror.store.lock import Held

    service = Service.load(config)
    redactors.append(service.redact)
    try:
        with changing(service, name) as replication:
            yield replication
    except Held:
        why = "another `mcmirror replicate` is at work on one of its buckets"
        say(f"the replication {name} is not changed", why, "run it again when that has ended")
        raise typer.Exit(ExitCode.LOCKED) from None


@contextmanager
def _opened(name: str, config: Path | None) -> Iterator["OpenReplication"]:
    from mcmirror.service import Service
    from mcmirror.service.replications import opened

    service = Service.load(config)
    redactors.append(service.redact)
    with opened(service, name) as replication:
        yield replication


def _tell(result: StepResult) -> None:
    _print(text.result_lines(result, style_of(sys.stdout)))


def _quiet(result: StepResult) -> None:
    del result


def _print(lines: list[str]) -> None:
    for line in lines:
        print(redact(line), flush=True)


def _print_json(document: dict[str, Any], *, indent: bool = True) -> None:
    print(redact(json.dumps(document, indent=2 if indent else None)), flush=True)
