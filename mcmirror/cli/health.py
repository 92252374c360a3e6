"""`mcmirror health`: is the `mcmirror serve` of this machine well? The health check of a container."""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from mcmirror.cli import options as o
from mcmirror.http.probe import NoAddress, ask
from mcmirror.model.report import ExitCode
from mcmirror.model.wording import harmless

TIMEOUT = 5.0
NAMED = 20
"""Reasons that are printed."""

app = typer.Typer(add_completion=False, rich_markup_mode=None)


Url = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="Of mcmirror serve; else http:// and [settings] listen."),
]
Ready = Annotated[
    bool,
    typer.Option("--ready/--alive", help="Red also when a job's last success is too old, or only when serve is dead."),
]
Timeout = Annotated[float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="For the whole answer.")]


@app.command(epilog="Exit codes: 0 well, 1 not well, 2 usage or configuration.")
def health(
    url: Url = None, ready: Ready = True, timeout: Timeout = TIMEOUT, config: o.Config = None, quiet: o.Quiet = False
) -> None:
    """Ask mcmirror serve whether all is well, and say why not.

    It is not when serve is dead or does not answer in time, when its scheduler has stopped, or when the last success of
    a job is older than the job's max_age.
    """
    try:
        asked = ask(url or _address(config, os.environ), "/readyz" if ready else "/healthz", timeout)
    except NoAddress as error:
        raise typer.BadParameter(f"{error}. Write http://127.0.0.1:8080.") from None
    word = ("ready" if ready else "alive") if asked.well else ("not ready" if ready else "not alive")
    more = len(asked.reasons) - NAMED
    lines = [f"{word}: {reason}" for reason in asked.reasons[:NAMED]] or [word]
    if asked.well:
        lines = [word, *(f"warning: {reason}" for reason in asked.reasons[:NAMED])]
    lines += [f"and {more} more"] if more > 0 else []
    lines += [f"  do:  {asked.do}"] if asked.do else []
    if not (quiet and asked.well):
        with suppress(OSError):
            print("\n".join(map(harmless, lines)), file=sys.stdout if asked.well else sys.stderr, flush=True)
    raise typer.Exit(ExitCode.SUCCEEDED if asked.well else ExitCode.FAILED)


def _address(config: Path | None, environ: Mapping[str, str]) -> str:
    """Where ``serve`` answers: where the one of this configuration says that it does, else where it ought to.

    A file that is wrong, or says something else by now, is no reason to be red: ``serve`` runs on with the one that it
    has read.
    """
    from mcmirror.config import fallback
    from mcmirror.config.load import find_file
    from mcmirror.config.values import DEFAULT_LISTEN
    from mcmirror.model.listen import address, reachable
    from mcmirror.store import paths
    from mcmirror.store.presence import Presence

    folder = Path.cwd()
    server = Presence(paths.presence(fallback.state(config, environ, folder))).see()
    if server and server.address and server.configuration == fallback.origin(config, environ, folder):
        return f"http://{reachable(address(server.address))}"
    listen = (
        fallback.setting(find_file(config, environ, folder), "listen")
        or environ.get("MCMIRROR_LISTEN", "").strip()
        or DEFAULT_LISTEN
    )
    if listen.lower() == "off":
        raise typer.BadParameter(
            'mcmirror serve answers nowhere: listen is "off". Set [settings] listen, or use --url.'
        )
    try:
        return f"http://{reachable(address(listen))}"
    except ValueError:
        raise typer.BadParameter(f"{listen!r} is no address to listen on. Write 127.0.0.1:8080.") from None
