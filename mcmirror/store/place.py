"""Where things are remembered on this machine."""

import os
from pathlib import Path

SQLITE = "sqlite:///"
DEFAULT_FOLDER = "~/.local/state/mcmirror"


def folder(state: str) -> Path:
    """The folder for locks: beside the state's SQLite file, or the default one when the state is on a server."""
    if state.startswith(SQLITE):
        return Path(state.removeprefix(SQLITE)).expanduser().parent
    return Path(DEFAULT_FOLDER).expanduser()


def url(state: str) -> str:
    """The database's URL with ``~`` expanded."""
    if state.startswith(SQLITE):
        return SQLITE + str(Path(state.removeprefix(SQLITE)).expanduser())
    return state


def private(path: Path) -> Path:
    """Make a folder that only we can read; raises OSError."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not os.access(path, os.W_OK | os.X_OK):
        raise PermissionError(13, "Permission denied", str(path))
    return path


def private_file(state: str) -> None:
    """Make an SQLite file before SQLite does, readable by us alone: it names objects. Raises OSError."""
    if state.startswith(SQLITE):
        Path(url(state).removeprefix(SQLITE)).touch(mode=0o600)
