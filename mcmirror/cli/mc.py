"""``mcmirror mc``: the program that moves the objects."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mcmirror.cli.commands import Group
from mcmirror.cli.options import ConfigOption
from mcmirror.config import load

if TYPE_CHECKING:
    from mcmirror.movers.mc.find import Mc

app = typer.Typer(help="mc itself.", no_args_is_help=True, cls=Group, add_completion=False, rich_markup_mode=None)


@app.command()
def install(
    *,
    from_go: Annotated[bool, typer.Option("--from-go", help="Build it with Go instead of downloading it.")] = False,
    url: Annotated[
        str,
        typer.Option(
            metavar="URL", help="A mirror of the releases, or the file itself; else MCMIRROR_MC_URL, else GitHub."
        ),
    ] = "",
) -> None:
    """Fetch mc's last release for this platform, check it, and put it where mcmirror finds it."""
    from mcmirror.movers.mc import install as installing

    mc = installing.install_from_go(say=_say) if from_go else installing.install(installing.asset(), url=url, say=_say)
    _say(f"mc {mc.version} is ready")
    print(mc.path)


@app.command()
def path(*, config: ConfigOption = None) -> None:
    """Print the path of the mc that is used."""
    print(_found(config).path)


@app.command()
def version(*, config: ConfigOption = None) -> None:
    """Print the version of the mc that is used."""
    print(_found(config).version)


def _found(config: Path | None) -> "Mc":
    from mcmirror.movers.mc.find import find

    return find(load(config, os.environ, Path.cwd()).settings.mc)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
