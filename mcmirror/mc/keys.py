"""Which keys mc can carry: it joins paths as a file system does, and so confuses some keys with others."""

from pathlib import Path

from mcmirror.model.location import Location
from mcmirror.model.plan import Entry

LONGEST_FILE_NAME = 255
"""Bytes of one path segment, on MinIO's and on most local file systems."""

UNREADABLE = "\ufffd"
"""What mc prints for a byte of a file name that is no UTF-8."""

FOLDED = ("/*", "*//*", "./*", "*/./*", "*/.", "../*", "*/../*", "*/..")
"""The exclude patterns for keys that mc would write under another name."""


def pattern(key: str) -> str:
    """The exclude pattern for one key: what mc cannot print it matches by ``?``."""
    return key.replace(UNREADABLE, "?")


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
    if any(len(segment.encode()) > LONGEST_FILE_NAME for segment in segments):
        return f"a path segment has more than {LONGEST_FILE_NAME} bytes, which no file name may have"
    if "\0" in key:
        return "a file name cannot hold a NUL byte"
    if key.endswith("/") and entry.size:
        return "it is a folder with content, and a local folder has none of its own"
    return ""
