"""Which keys mc can carry: it joins paths as a file system does, and so confuses some keys with others."""

import re
from pathlib import Path

from mcmirror.model.key import folds
from mcmirror.model.location import Location
from mcmirror.model.plan import UNREADABLE, Entry
from mcmirror.movers.mc.folder import link_on_the_way, name_passed_over

LONGEST_FILE_NAME = 255
"""Bytes of one path segment, on MinIO's and on most local file systems."""

FOLDED = ("/*", "*//*", "./*", "*/./*", "*/.", "../*", "*/../*", "*/..")
"""The exclude patterns for keys that mc would write under another name."""

FOLDED_BY_SERVERS = ("*\\*",)
"""Those for keys with a twin: a server may write them under that name."""

IN_SUBFOLDER = "*/*"
"""The exclude pattern for all keys that do not lie in the folder itself."""

_IDENTIFIER = re.compile(
    r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-f]{24,}|[0-9A-F]{24,}|[0-7][0-9A-HJKMNP-TV-Z]{25}"
)
"""UUID, long hexadecimal numbers such as digests and ObjectIds, ULID."""


def ends_with_identifier(folder: str) -> bool:
    """Whether a folder, without its slash, is named by an identifier: no other folder's name begins with it."""
    return bool(_IDENTIFIER.fullmatch(folder.rpartition("/")[2]))


def patterns(key: str, target: Location) -> tuple[str, ...]:
    """The exclude patterns that keep mc from one key: what mc cannot print they match by ``?``.

    Of a key that leads through a link in the target they name the link, and with it all that is behind it.
    """
    link = link_on_the_way(target.path, key) if target.is_local else ""
    names = (link, f"{link}/*") if link else (key,)
    return tuple(name.replace(UNREADABLE, "?") for name in names)


def impossible(entry: Entry, source: Location, target: Location) -> str:  # noqa: PLR0911  # a reason a line
    """Say why an object cannot arrive at ``target`` through mc; empty when it can.

    ``a//b``, ``/a``, ``a/./b`` and ``a/../b`` would be written to another key (mc's filepath.Join; CONTRACT.md 2a).
    """
    key = entry.key
    segments = key.split("/")
    if "" in segments[:-1]:
        return "mc folds the empty path segment ('//' or a leading '/') and would write another key"
    if "." in segments or ".." in segments:
        return "mc resolves the path segment '.' or '..' and would write another key"
    if source.is_local and UNREADABLE in key and not Path(source.path, key).exists():
        return "its file name is not UTF-8, and a key has to be"
    if not target.is_local:
        return ""
    if name_passed_over(key):
        return "mc leaves a file of this name out of any folder, so that nobody sees it arrive"
    if link := link_on_the_way(target.path, key):
        return f"{link} in the target is a link, and nothing is written through one"
    if any(len(segment.encode()) > LONGEST_FILE_NAME for segment in segments):
        return f"a path segment has more than {LONGEST_FILE_NAME} bytes, which no file name may have"
    if "\0" in key:
        return "a file name cannot hold a NUL byte"
    if key.endswith("/") and entry.size:
        return "it is a folder with content, and a local folder has none of its own"
    return ""


def not_removable(key: str, target: Location) -> str:
    """Say why a key of the target is never handed to a removal; empty when it may be."""
    if folds(key):
        return "mc or the server may take it for another key, so it is not removed"
    if target.is_local and (link := link_on_the_way(target.path, key)):
        return f"{link} is a link, and nothing is removed through one"
    return ""
