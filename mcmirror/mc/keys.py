"""Which keys mc can carry: it joins paths as a file system does, and so confuses some keys with others."""

from mcmirror.model.location import Location

LONGEST_FILE_NAME = 255
"""Bytes of one path segment, on MinIO's and on most local file systems."""

FOLDED = ("/*", "*//*", "./*", "*/./*", "*/.", "../*", "*/../*", "*/..")
"""The exclude patterns for keys that mc would write under another name."""


def impossible(key: str, target: Location) -> str:
    """Say why ``key`` cannot arrive at ``target`` through mc; empty when it can.

    ``a//b``, ``/a``, ``a/./b`` and ``a/../b`` would be written to another key (mc's filepath.Join; CONTRACT.md 2a).
    """
    segments = key.split("/")
    if "" in segments[:-1]:
        return "mc folds the empty path segment ('//' or a leading '/') and would write another key"
    if "." in segments or ".." in segments:
        return "mc resolves the path segment '.' or '..' and would write another key"
    if target.is_local and any(len(segment.encode()) > LONGEST_FILE_NAME for segment in segments):
        return f"a path segment has more than {LONGEST_FILE_NAME} bytes, which no file name may have"
    if target.is_local and "\0" in key:
        return "a file name cannot hold a NUL byte"
    return ""
