"""`mcmirror tui`: the dashboard, over the jobs of this folder or over a running `mcmirror serve`."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mcmirror.model.report import ExitCode
from mcmirror.ui import border
from mcmirror.ui import options as o

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcmirror.model.event import Observer
    from mcmirror.model.job import Job
    from mcmirror.model.report import RunReport
    from mcmirror.model.stop import Stop
    from mcmirror.service import Service
    from mcmirror.ui.tui.app import Dashboard
    from mcmirror.ui.tui.source import Source

app = typer.Typer(add_completion=False, rich_markup_mode=None)

SWITCH = 0.0005
"""Seconds after which a thread makes way for another."""
TOKEN = "MCMIRROR_API_TOKEN"  # noqa: S105  a variable's name


@app.command(epilog="Exit codes: 0 left, 1 failed, 2 usage or configuration, 143 SIGTERM.")
def tui(
    config: o.Config = None,
    attach: Annotated[
        str | None,
        typer.Option(
            "--attach", metavar="URL", help=f"See and steer a running mcmirror serve; its token is in {TOKEN}."
        ),
    ] = None,
    schedules: Annotated[
        bool, typer.Option("--schedules", help="Begin jobs at their times too, while the dashboard is open.")
    ] = False,
    light: Annotated[bool, typer.Option("--light", help="Dark on light.")] = False,
) -> None:
    """See and steer every mirror from a terminal.

    Jobs run when they are asked to; mcmirror serve keeps the schedules, beside this or elsewhere.
    """
    if attach and schedules:
        raise typer.BadParameter(
            "what is attached to keeps its own schedules. Leave one out.", param_hint="'--schedules'"
        )
    needs_terminal("mcmirror tui")
    if attach:
        if config is not None:
            raise typer.BadParameter("the server has its own configuration. Leave one out.", param_hint="'--config'")
        source = _attached(attach)
    else:
        source = _local(config, schedules=schedules)
    from mcmirror.ui.tui.app import dashboard

    raise typer.Exit(shown(dashboard(source, light=light)))


def needs_terminal(what: str) -> None:
    """A screen cannot be drawn into a pipe: a usage error."""
    if "TEXTUAL_DRIVER" in os.environ or (sys.stdin.isatty() and sys.stdout.isatty()):
        return
    border.say(
        f"{what} needs a terminal",
        "standard input or output is none",
        "leave the redirection out; mcmirror status and mcmirror run print what goes into a pipe",
    )
    raise typer.Exit(ExitCode.USAGE)


def shown(application: "Dashboard") -> int:
    """Show it until it is left; its exit code."""
    # The engine's threads must not keep the screen's waiting: by default each may hold it up for 5 ms a turn.
    sys.setswitchinterval(SWITCH)
    try:
        code = application.run()
    finally:
        application.source.close()
    if application.failure is not None:
        raise application.failure
    return int(code if code is not None else application.return_code or 0)


def watched(
    jobs: "Sequence[Job]", run: "Callable[[Sequence[Observer]], tuple[RunReport, ...]]", stop: "Stop"
) -> "tuple[RunReport, ...]":
    """Run the jobs before the eyes of a person; the reports, once the dashboard was left."""
    from mcmirror.ui.tui.app import dashboard
    from mcmirror.ui.tui.one_shot import OneShot

    source = OneShot(jobs, run, stop)
    alone = jobs[0].name if len(jobs) == 1 else ""
    shown(dashboard(source, begin=lambda application: application.open_run(alone) if alone else None))
    if source.error is not None:
        raise source.error
    return source.reports


def _local(config: Path | None, *, schedules: bool) -> "Source":
    from mcmirror.ui.tui.local import LocalSource

    def load(before: "Service | None" = None) -> "Service":
        from mcmirror.service import Service

        read = Service.load(config)
        return read if before is None else before.succeeded_by(read.configuration)

    def edits() -> Path | None:
        from mcmirror.config import FILE_NAME, find_file
        from mcmirror.config.load import describing

        found = find_file(config, os.environ, Path.cwd())
        return found if found or describing(os.environ) else Path.cwd() / FILE_NAME

    return LocalSource(load, edits=edits, schedules=schedules)


def _attached(url: str) -> "Source":
    from mcmirror.ui.tui.client import Client
    from mcmirror.ui.tui.remote import RemoteSource

    try:
        Client(url, "")
    except ValueError as wrong:
        raise typer.BadParameter(f"{wrong}. Write http://127.0.0.1:8080.", param_hint="'--attach'") from None
    token = _token()
    border.redactors.append(lambda text: text.replace(token, "***") if token else text)
    return RemoteSource(Client(url, token))


def _token() -> str:
    """The API's token: of the environment, of a file that it names, or typed; never of the command line."""
    from mcmirror.config import ConfigError, Mistake, Wrong
    from mcmirror.config.reference import variable

    try:
        token = variable(TOKEN, os.environ, Path.cwd()).strip()
    except Wrong as wrong:
        raise ConfigError([Mistake("the environment", TOKEN, str(wrong), wrong.remedy)]) from None
    if not token:
        token = str(typer.prompt("Token of the API", hide_input=True, err=True)).strip()
    if not token.isascii() or not token.isprintable():
        why = "holds what no HTTP header can carry"
        raise ConfigError([Mistake("the environment", TOKEN, why, "Give the token that mcmirror serve was given.")])
    return token
