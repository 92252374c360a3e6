"""Where things are remembered on this machine."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

SQLITE = "sqlite:///"
DEFAULT_FOLDER = "~/.local/state/mcmirror"


def database_file(state: str) -> Path | None:
    """The state's SQLite file with ``~`` expanded, or None when the state is on a server."""
    if state.startswith(SQLITE):
        return Path(state.removeprefix(SQLITE)).expanduser()
    return None


def folder(state: str) -> Path:
    """The folder beside the state's SQLite file, or the default one when the state is on a server."""
    file = database_file(state)
    return file.parent if file else Path(DEFAULT_FOLDER).expanduser()


def lock_folders(state: str, environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Where a run keeps others away: its user's own folder, for all states, then the state's, for all containers."""
    beside = folder(state)
    try:
        own = Path(environ.get("HOME") or Path.home()) / DEFAULT_FOLDER.removeprefix("~/")
    except RuntimeError:  # a user without a home
        return (beside,)
    return tuple(dict.fromkeys((own, beside)))


def inbox(state: str) -> Path:
    """The folder in which runs of this machine lie until they are in the database: each state has its own."""
    return _beside(state, "inbox")


def presence(state: str) -> Path:
    """The file that a server of this state holds while it lives."""
    return _beside(state, "serve")


def _beside(state: str, suffix: str) -> Path:
    file = database_file(state)
    if file:
        return file.with_name(f"{file.name}.{suffix}")
    # A password that is changed must not hide what lies there.
    scheme, _, rest = state.partition("://")
    place = f"{scheme.partition('+')[0]}://{rest.rpartition('@')[2]}"
    return folder(state) / f"{hashlib.sha256(place.encode()).hexdigest()[:16]}.{suffix}"


def url(state: str) -> str:
    """The database's URL with ``~`` expanded and its driver named."""
    file = database_file(state)
    if file:
        return f"{SQLITE}{file}"
    return state.replace("postgresql://", "postgresql+psycopg://", 1) if state.startswith("postgresql://") else state


def private(path: Path) -> Path:
    """Make a folder that only we can read; raises OSError."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not os.access(path, os.W_OK | os.X_OK):
        raise PermissionError(13, "Permission denied", str(path))
    return path


def private_file(file: Path) -> None:
    """Make a file readable by us alone, before or after somebody else did: it names objects. Raises OSError."""
    if file.is_dir():
        # A folder with these rights could be entered by nobody, and it may be everybody's.
        raise IsADirectoryError(21, "Is a directory", str(file))
    file.touch(mode=0o600)
    if file.stat().st_mode & 0o077:
        file.chmod(0o600)
