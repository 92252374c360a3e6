"""`mcmirror tui`: the dashboard, over the jobs of this folder or over a running `mcmirror serve`."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from mcmirror.cli import errors
from mcmirror.cli import options as o
from mcmirror.model.redact import redactors
from mcmirror.model.report import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcmirror.model.event import Observer
    from mcmirror.model.job import Job
    from mcmirror.model.report import RunReport
    from mcmirror.model.stop import Stop
    from mcmirror.service import Service
    from mcmirror.tui.app import Dashboard
    from mcmirror.tui.source import Source

app = typer.Typer(add_completion=False, rich_markup_mode=None)

SWITCH = 0.0005
"""Seconds after which a thread makes way for another."""
WEB = "127.0.0.1:8000"
"""Where ``--web`` listens."""
TOKEN = "MCMIRROR_API_TOKEN"  # noqa: S105  a variable's name


class WebCommand(TyperCommand):
    """Lets ``--web`` stand alone: typer knows no option with an optional value."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """``--web`` alone is ``--web=8000``."""
        return super().parse_args(ctx, with_place(args))


def with_place(args: list[str]) -> list[str]:
    """Give a ``--web`` that stands alone its value; what follows is its value unless it is an option."""
    return [
        f"--web={WEB}" if word == "--web" and "".join(args[at + 1 : at + 2])[:1] in {"", "-"} else word
        for at, word in enumerate(args)
    ]


@app.command(
    cls=WebCommand,
    epilog="Exit codes: 0 left, 1 failed, 2 usage or configuration, 129 the terminal went away, 143 SIGTERM.",
)
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
    web: Annotated[
        str | None,
        typer.Option(
            "--web",
            metavar="[[HOST:]PORT]",
            help=f"Serve it to a browser instead, on {WEB} unless told otherwise; the address that it prints opens it.",
        ),
    ] = None,
) -> None:
    """See and steer every mirror from a terminal, or a browser.

    Jobs run when they are asked to; mcmirror serve keeps the schedules, beside this or elsewhere.
    """
    if attach and schedules:
        raise typer.BadParameter(
            "what is attached to keeps its own schedules. Leave one out.", param_hint="'--schedules'"
        )
    if web is not None:
        _served(web, config, attach, schedules=schedules, light=light)
        return
    needs_terminal("mcmirror tui")
    if attach:
        if config is not None:
            raise typer.BadParameter("the server has its own configuration. Leave one out.", param_hint="'--config'")
        source = _attached(attach)
    else:
        source = _local(config, schedules=schedules)
    from mcmirror.tui.app import dashboard

    raise typer.Exit(shown(dashboard(source, light=light)))


def _served(web: str, config: Path | None, attach: str | None, *, schedules: bool, light: bool) -> None:
    """Serve it to browsers until it is stopped; each tab runs this command again, without ``--web``."""
    from mcmirror.tui.web import place, serve

    try:
        where = place(web)
    except ValueError as wrong:
        raise typer.BadParameter(f"{wrong}. Write --web, --web 8001 or --web {WEB}.", param_hint="'--web'") from None
    if attach:
        # The tabs cannot ask for it; they find it where it is looked for first.
        os.environ[TOKEN] = _token()
        os.environ.pop(f"{TOKEN}_FILE", None)
    options = [
        *(("--config", str(config.absolute())) if config else ()),
        *(("--attach", attach) if attach else ()),
        *(("--schedules",) if schedules else ()),
        *(("--light",) if light else ()),
    ]
    if not where.loopback:
        print(
            f"warning: what goes to {where} is not encrypted: who reads it on the way can run, stop and change every"
            " mirror. Put a proxy with TLS before it, or leave the host out and use an SSH tunnel.",
            file=sys.stderr,
        )
    # The library's own sentences, of which there are many, are not for this command's reader.
    serve(where, [sys.executable, "-m", "mcmirror.cli.main", "tui", *options], _said)


def _said(address: str) -> None:
    print(f"The dashboard is at {address} - Ctrl-C ends it, and the runs of its tabs.", file=sys.stderr, flush=True)


def needs_terminal(what: str) -> None:
    """A screen cannot be drawn into a pipe: a usage error."""
    if "TEXTUAL_DRIVER" in os.environ or (sys.stdin.isatty() and sys.stdout.isatty()):
        return
    errors.say(
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
        application.ending.close()
        application.ending.over()
    if application.failure is not None:
        raise application.failure
    return int(code if code is not None else application.return_code or 0)


def watched(
    jobs: "Sequence[Job]", run: "Callable[[Sequence[Observer]], tuple[RunReport, ...]]", stop: "Stop", grace: float
) -> "tuple[RunReport, ...]":
    """Run the jobs before the eyes of a person; the reports, once the dashboard was left.

    Whoever leaves earlier waits ``grace`` seconds for mc to stop.
    """
    from mcmirror.tui.app import dashboard
    from mcmirror.tui.one_shot import OneShot

    source = OneShot(jobs, run, stop, grace)
    alone = jobs[0].name if len(jobs) == 1 else ""
    shown(dashboard(source, begin=lambda application: application.open_run(alone) if alone else None))
    if source.error is not None:
        raise source.error
    return source.reports


def _local(config: Path | None, *, schedules: bool) -> "Source":
    from mcmirror.tui.local import LocalSource

    def load(before: "Service | None" = None) -> "Service":
        from mcmirror.cli import executors
        from mcmirror.service import Service

        executors.register()
        read = Service.load(config)
        return read if before is None else before.succeeded_by(read.configuration)

    def edits() -> Path | None:
        from mcmirror.config import FILE_NAME, find_file
        from mcmirror.config.load import describing

        found = find_file(config, os.environ, Path.cwd())
        return found if found or describing(os.environ) else Path.cwd() / FILE_NAME

    return LocalSource(load, edits=edits, schedules=schedules)


def _attached(url: str) -> "Source":
    from mcmirror.http.client import Client
    from mcmirror.http.remote import RemoteControl
    from mcmirror.tui.remote import RemoteSource

    try:
        Client(url, "")
    except ValueError as wrong:
        raise typer.BadParameter(f"{wrong}. Write http://127.0.0.1:8080.", param_hint="'--attach'") from None
    token = _token()
    redactors.append(lambda text: text.replace(token, "***") if token else text)
    client = Client(url, token)
    return RemoteSource(RemoteControl(client), client.address)


def _token() -> str:
    """The API's token: of the environment, of a file that it names, or typed; never of the command line."""
    from mcmirror.config import ConfigError, Mistake, Wrong
    from mcmirror.config.reference import variable

    try:
        token = variable(TOKEN, os.environ, Path.cwd()).strip()
    except Wrong as wrong:
        raise ConfigError([Mistake("the environment", TOKEN, str(wrong), wrong.remedy)]) from None
    if not token:
        from getpass import getpass

        try:
            # It stops the echo before it asks: what is typed early is not shown either.
            token = getpass("Token of the API: ").strip()
        except EOFError as end:
            raise typer.Abort from end
    if not token.isascii() or not token.isprintable():
        why = "holds what no HTTP header can carry"
        raise ConfigError([Mistake("the environment", TOKEN, why, "Give the token that mcmirror serve was given.")])
    return token
