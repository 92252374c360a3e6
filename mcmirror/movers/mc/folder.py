"""What mc makes of a local folder: what it leaves out of a listing, and the links that lead out of it."""

import os
import stat
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from mcmirror.model.plan import Entry
from mcmirror.movers.protocol import LeftOut

PART = ".part.minio"
"""How mc names what it has not written to its end."""
PASSED_OVER = ("lost+found",)
PASSED_OVER_ON_MACOS = ".DS_Store"


class Folder:
    """A local folder that is mirrored from; ``left_out`` walks it once, and counts its empty folders."""

    def __init__(self, root: str, excluded: Callable[[str], object] | None = None) -> None:
        """``excluded`` is the test for keys that take no part."""
        self._root = root
        self._excluded = excluded or (lambda _: False)
        self.empty = 0
        """Folders without anything in them; no object stands for one."""
        self.first_empty: list[str] = []

    def left_out(self) -> Iterator[LeftOut]:
        """Walk the folder as mc does, which follows links to files and none to folders."""
        waiting = [""]
        while waiting:
            below = waiting.pop()
            try:
                with os.scandir(os.path.join(self._root, below)) as found:  # noqa: PTH118  # Path is slow
                    entries = list(found)
            except PermissionError:
                if below and not self._excluded(f"{below}x"):
                    yield LeftOut(Entry(_utf8(below.rstrip("/")), 0, "", ""), "the folder may not be read", file=True)
                continue
            except OSError:  # it went meanwhile
                continue
            if not entries and below and not self._excluded(f"{below}x"):
                self.empty += 1
                if len(self.first_empty) < 3:
                    self.first_empty.append(_utf8(below))
            for entry in entries:
                key = below + entry.name
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{key}/")
                elif (why := _why(entry)) and not self._excluded(key):
                    yield LeftOut(_entry(_utf8(key), entry), why, file=entry.is_file(follow_symlinks=False))


def name_passed_over(key: str) -> bool:
    """Whether mc leaves a file of this name out of any folder."""
    name = key.rpartition("/")[2]
    macos = sys.platform == "darwin" and name.endswith(PASSED_OVER_ON_MACOS)
    return name in PASSED_OVER or name.endswith(PART) or macos


def link_on_the_way(root: str, key: str) -> str:
    """The first link below ``root`` on the way to ``key``, itself included, relative to it; empty without one."""
    path = root.rstrip("/")
    walked = list[str]()
    for segment in key.split("/"):
        walked.append(segment)
        path = f"{path}/{segment}"
        try:
            mode = os.lstat(path).st_mode  # Path is slow
        except (OSError, ValueError):
            return ""
        if stat.S_ISLNK(mode):
            return "/".join(walked)
        if not stat.S_ISDIR(mode):
            return ""
    return ""


def _why(entry: "os.DirEntry[str]") -> str:
    if entry.is_symlink():
        if entry.is_file():
            return f"mc passes over the name {entry.name}" if name_passed_over(entry.name) else ""
        return "it is a link that leads to a folder" if entry.is_dir() else "it is a link that leads nowhere"
    if not entry.is_file():
        return "it is a socket, a pipe or a device"
    return f"mc passes over the name {entry.name}" if name_passed_over(entry.name) else ""


def _utf8(name: str) -> str:
    """A name as mc prints it: what is no UTF-8 is replaced."""
    return os.fsencode(name).decode(errors="replace")


def _entry(key: str, entry: "os.DirEntry[str]") -> Entry:
    try:
        about = entry.stat(follow_symlinks=False)
    except OSError:
        return Entry(key, 0, "", "")
    written = datetime.fromtimestamp(about.st_mtime, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return Entry(key, about.st_size if stat.S_ISREG(about.st_mode) else 0, "", written)
