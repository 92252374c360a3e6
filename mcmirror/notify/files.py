"""Report files: found unwritable before a run starts, and replaced whole after it."""

import os
import stat
import tempfile
from pathlib import Path


def writable(path: Path) -> str:
    """Say why a report cannot be written to ``path``; empty when it can. Leaves nothing behind."""
    if path.is_dir():
        return "it is a folder"
    folder = path.parent
    if not folder.is_dir():
        return f"the folder {folder} does not exist" if not folder.exists() else f"{folder} is not a folder"
    try:
        if _special(path):
            return "" if os.access(path, os.W_OK) else "permission denied"
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=folder)
        os.close(handle)
        Path(name).unlink()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def same(one: Path, other: Path) -> bool:
    """Whether both names mean one file that can be replaced; devices and pipes may be shared."""
    try:
        return one.samefile(other) and not _special(one)
    except OSError:
        return one.resolve() == other.resolve()


def write_whole(path: Path, text: str) -> None:
    """Replace the file in one step: a reader sees the old report or the new one. Raises OSError.

    What is no file (``/dev/stdout``, a FIFO) is written to as it is.
    """
    data = text.encode("utf-8", "backslashreplace")
    if _special(path):
        with path.open("wb") as stream:
            stream.write(data)
        return
    path = path.resolve()
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        # A report is for others to read, as any file this user makes.
        Path(name).chmod(_mode(path))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def append(path: Path, text: str) -> None:
    """Add to the end of a file that others write too. Raises OSError."""
    with path.open("ab") as stream:
        stream.write(text.encode("utf-8", "backslashreplace"))


def _special(path: Path) -> bool:
    return path.exists() and not stat.S_ISREG(path.stat().st_mode)


def _mode(path: Path) -> int:
    if path.exists():
        return stat.S_IMODE(path.stat().st_mode)
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask
