"""`mcmirror status`: how each job stands, at a glance, whether or not a server runs."""

import json as encoder
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mcmirror.cli import errors
from mcmirror.cli.style import style_of
from mcmirror.cli.table import table_lines
from mcmirror.messages.job_state import BY_HAND, NEVER_RAN, UNKNOWN
from mcmirror.messages.text_style import Style
from mcmirror.model import backlog as backlogs
from mcmirror.model.report import ExitCode
from mcmirror.model.wording import harmless, shown_seconds

if TYPE_CHECKING:
    from mcmirror.cli.job_status import JobStatus, StatusOverview
    from mcmirror.model.relay import RelayState

app = typer.Typer(add_completion=False, rich_markup_mode=None)

SOON = 1.0
"""Seconds: what is due by then is due now."""
COLOURS = {
    "succeeded": "green",
    "running": "cyan",
    "paused": "yellow",
    "skipped": "yellow",
    "cancelled": "yellow",
    NEVER_RAN: "dim",
    UNKNOWN: "yellow",
}


@app.command(epilog="Exit codes: 0, 2 configuration. mcmirror health and /readyz are red when a job's success is old.")
def status(
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="The file; else MCMIRROR_CONFIG, else mcmirror.toml upwards."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show how each job stands: its last verdict, the age of its last success, its next run; who is still to be told.

    It reads what is remembered and asks no server, so it answers while none runs. With a configuration that is wrong it
    says so, and shows the jobs that have run.
    """
    from mcmirror.cli import job_status
    from mcmirror.config import ConfigError, clock
    from mcmirror.config.summary import summary

    try:
        seen = job_status.read_status(summary(config, os.environ, Path.cwd()))
    except ConfigError as error:
        seen = job_status.without(error, config, os.environ, Path.cwd())
        errors.explained(error)
    if json:
        print(encoder.dumps(job_status.document(seen), indent=2))
    elif seen.jobs or not seen.mistakes:
        print("\n".join(lines(seen, style_of(sys.stdout))))
    for warning in seen.warnings:
        print(f"warning: {harmless(warning)}", file=sys.stderr)
    if seen.timezone == clock.UTC and (note := clock.zone_of(os.environ.get("TZ", ""))[1]):
        print(f"note: {harmless(note)}", file=sys.stderr)
    if seen.mistakes:
        raise typer.Exit(ExitCode.USAGE)
    if not seen.readable and not any(job.last or job.run for job in seen.jobs):
        raise typer.Exit(ExitCode.FAILED)


def lines(seen: "StatusOverview", style: Style) -> list[str]:
    """The whole of it for people."""
    heads = ("JOB", "LAST RUN", "LAST SUCCESS", "NEXT RUN", "TRIGGER")
    rows = [[_name(job), _verdict(job, seen), _success(job, seen), _next(job, seen), job.trigger] for job in seen.jobs]
    colours = [["", COLOURS.get(job.state, "red"), "red" if job.stale else "", "", ""] for job in seen.jobs]
    table = table_lines(heads, rows, style, colours) if rows or not seen.relays else []
    rest = _rest(seen, style)
    return [*table, *rest] if table else [line for line in rest if line]


def _rest(seen: "StatusOverview", style: Style) -> list[str]:
    found = [""]
    if seen.server:
        since = shown_seconds(max(0.0, seen.now - seen.server.started))
        found.append(f"mcmirror serve runs, process {seen.server.pid}, for {since}")
        if seen.mistakes:
            text = "It goes on with the configuration that it read before; these are the jobs that have run."
            found.append(style.paint(text, "yellow"))
    elif seen.mistakes:
        found.append(style.paint("mcmirror serve does not run here", "yellow"))
    elif any(job.trigger != BY_HAND for job in seen.jobs):
        found.append(style.paint("mcmirror serve does not run here: nothing begins by itself", "yellow"))
    else:
        found = []
    if seen.paused:
        found.append(style.paint("everything is paused", "yellow"))
    found += [line for job in seen.jobs if (line := _waiting_changes(job, seen, style))]
    found += [line for job in seen.jobs if (line := _backlog(job, style))]
    for one in seen.notifiers:
        if one.waiting or one.failures or one.given_up:
            words = [f"{one.waiting:,} waiting"] if one.waiting else []
            tries = "attempt" if one.failures == 1 else "attempts"
            words += [f"{one.failures:,} {tries} failed"] if one.failures else []
            words += [f"{one.given_up:,} given up"] if one.given_up else []
            why = f": {harmless(one.error)}" if one.error else ""
            found.append(style.paint(f"notifier {one.name}: {', '.join(words)}{why}", "yellow"))
    found += [_relay(one, seen.now, style) for one in seen.relays]
    return found


def _relay(relay: "RelayState", now: float, style: Style) -> str:
    """A relay at a glance; yellow when somebody has to look."""
    words = [f"{relay.delivered:,} delivered", f"{relay.pending + relay.repeated:,} duplicates dropped"]
    words += [f"{relay.waiting:,} waiting, the oldest for {_age(relay.oldest, now)}"] if relay.waiting else []
    words += [f"{relay.dead:,} given up"] if relay.dead else []
    why = f": {harmless(relay.error)}" if relay.error else ""
    text = f"relay {relay.name}: {', '.join(words)}{why}"
    return style.paint(text, "yellow") if relay.dead or relay.error else text


def _waiting_changes(job: "JobStatus", seen: "StatusOverview", style: Style) -> str:
    """What a job in real time has still to look at."""
    changes = job.changes
    if changes is None or not changes.count:
        return ""
    words = [f"{changes.count - changes.held:,} changes wait, the oldest for {_age(changes.oldest, seen.now)}"]
    words += [f"{changes.failing:,} failing"] if changes.failing else []
    words += [f"{changes.held:,} removals held: more than max_delete allows"] if changes.held else []
    why = f": {harmless(changes.error)}" if changes.error else ""
    return style.paint(f"{harmless(job.name)}: {', '.join(words)}{why}", "yellow")


def _backlog(job: "JobStatus", style: Style) -> str:
    """What waits of a job's backlog; yellow when somebody has to look."""
    state = job.backlog
    if state is None or not (state.open or state.dead):
        return ""
    text = f"{harmless(job.name)}: {backlogs.summary(state)}"
    return style.paint(text, "yellow") if backlogs.ailment("", state) else text


def _name(job: "JobStatus") -> str:
    return f"{harmless(job.name)} (dry run)" if job.dry_run else harmless(job.name)


def _verdict(job: "JobStatus", seen: "StatusOverview") -> str:
    if job.run:
        return f"running, {_age(job.run_started, seen.now)}"
    return f"{job.verdict} {_age(job.last.finished, seen.now)} ago" if job.last else job.state


def _success(job: "JobStatus", seen: "StatusOverview") -> str:
    if not job.known and not job.succeeded:
        return UNKNOWN
    found = f"{_age(job.succeeded, seen.now)} ago" if job.succeeded else "never" if job.last or job.stale else ""
    return f"{found}, max_age {_limit(job.max_age)}" if job.stale else found


def _next(job: "JobStatus", seen: "StatusOverview") -> str:
    if job.paused:
        return "paused"
    if not job.next_run:
        return ""
    left = job.next_run - seen.now
    return "now" if left < SOON else f"in {_limit(left)}"


def _age(moment: float, now: float) -> str:
    return _limit(max(0.0, now - moment))


def _limit(seconds: float) -> str:
    return shown_seconds(seconds if seconds < 9.95 else round(seconds))
