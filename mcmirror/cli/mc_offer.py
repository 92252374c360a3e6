"""Offers to download mc if a command needs it: asks on a terminal, does nothing elsewhere."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcmirror.service import Service


def offer_mc(service: "Service") -> None:
    """Ask whether mc is to be downloaded, when it is missing and somebody can answer; install it on a yes.

    Whatever is missing afterwards is left to the command, which says so in its own way. Raises NotInstalled.
    """
    from mcmirror.model.problem import McNotFound, Trouble

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return
    try:
        service.mc()
    except McNotFound:
        import typer

        from mcmirror.movers.mc import install

        asked = "MinIO's client mc is needed and was not found. Download its last release, checked by sha256?"
        if typer.confirm(asked, default=True, err=True):
            mc = install.install(install.asset(), say=_say)
            _say(f"mc {mc.version} is ready")
    except Trouble:
        return


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
