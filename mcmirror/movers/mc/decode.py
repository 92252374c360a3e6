"""mc's lines -> values; the only place that knows their shapes, and the door to ``orjson``.

The shapes are those of CONTRACT.md section 2: every JSON line of a mirror is one of four.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from mcmirror.model.plan import Entry


@dataclass(frozen=True, slots=True)
class Announced:
    """mc is about to copy: printed before the copy starts, and never followed by a word that it ended."""

    source: str
    target: str
    size: int


@dataclass(frozen=True, slots=True)
class Deleted:
    """mc removed an object; printed after the server confirmed it. The path has lost a trailing slash."""

    path: str


@dataclass(frozen=True, slots=True)
class Failure:
    """An error line, or a line of plain text where JSON was due."""

    message: str
    cause: str
    code: str = ""
    """The S3 error code, where the server sent one."""
    key: str = ""
    fatal: bool = False
    garbled: bool = False
    """The line is not one of mc's: no JSON, cut for its length, or without what it must have."""


@dataclass(frozen=True, slots=True)
class Other:
    """A summary, a retry: nothing that a verdict may rest on."""


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of ``mc watch``."""

    path: str
    """``http://host/bucket/key``, or the path of a file; nothing in it is encoded."""
    gone: bool


Fields = dict[str, Any]
Line = Announced | Deleted | Failure | Other


def line(raw: bytes) -> Line:
    """Read one line of ``mc mirror``, ``cp`` or ``rm``."""
    try:
        fields = load(raw)
    except ValueError:
        return _garbled("mc printed a line that is not JSON", raw)
    if fields.get("status") == "error":
        return failure(fields)
    if fields.get("source"):
        return Announced(fields["source"], fields.get("target", ""), int(fields.get("size", 0)))
    if fields.get("target") or fields.get("key"):
        return Deleted(fields.get("target") or fields["key"])
    return Other()


def failure(fields: dict[str, Any]) -> Failure:
    """Read an error line: ``{"status":"error","error":{"message","cause":{"message","error"},"type"}}``."""
    error = fields.get("error") or {}
    if not isinstance(error, dict):
        return Failure(str(error), str(error))
    cause = error.get("cause") or {}
    detail = cause.get("error") or {}
    if not isinstance(detail, dict):
        detail = {}
    return Failure(
        message=str(error.get("message", "")),
        cause=str(cause.get("message", "")),
        code=str(detail.get("Code") or ""),
        key=str(detail.get("Key") or ""),
        fatal=error.get("type") == "fatal",
    )


def entries(lines: Iterable[bytes]) -> Iterator[Entry | Failure]:
    """Read lines of ``mc ls --json``; folder markers (``key/``, zero bytes) are objects too."""
    loads, make = orjson.loads, Entry._make
    for raw in lines:
        if not raw:
            continue
        try:
            fields = loads(raw)
            yield make((fields["key"], fields["size"], fields.get("etag", ""), _utc(fields["lastModified"])))
        except (ValueError, KeyError):
            yield _unlisted(raw)


def listed_objects(lines: Iterable[bytes]) -> Iterator[tuple[str, Entry]]:
    """Read lines of an ``mc ls --json`` of single objects, each with the URL that was asked for; skip what is no entry.

    A key is the last part of its name there; ``/`` for the marker of the folder that was asked for.
    """
    for raw in lines:
        try:
            fields = load(raw)
            entry = Entry(fields["key"], fields["size"], fields.get("etag", ""), _utc(fields["lastModified"]))
            url = str(fields["url"])
        except (ValueError, KeyError):
            continue
        if entry.etag or fields.get("type") == "file":
            yield url, entry


def stated_object(raw: bytes, key: str) -> Entry | None:
    """Read a line of ``mc stat --json``; None when it shows no object. Its time has no fraction."""
    try:
        fields = load(raw)
        entry = Entry(key, fields["size"], fields.get("etag", ""), _utc(fields["lastModified"]))
    except (ValueError, KeyError):
        return None
    return entry if entry.etag or fields.get("type") == "file" else None


def happened(raw: bytes) -> Happened | Failure | None:
    """Read a line of ``mc watch --json``; None when it is about nothing that is written or removed."""
    try:
        fields = load(raw)
    except ValueError:
        return _garbled("mc printed a line that is not JSON", raw) if raw else None
    if fields.get("status") == "error":
        return failure(fields)
    about = fields.get("events") or {}
    kind, path = str(about.get("type", "")), str(about.get("path", ""))
    wanted = kind.startswith(("s3:ObjectCreated:", "s3:ObjectRemoved:")) or "Delet" in kind
    return Happened(path, gone=not kind.startswith("s3:ObjectCreated:")) if wanted and path else None


def load(raw: bytes) -> dict[str, Any]:
    """Parse one JSON object; ValueError otherwise.

    A certificate in an error line holds a number of 617 digits, which orjson refuses and ``json`` reads; and mc prints
    an escape character (0x1b) of a key as it is, which JSON forbids.
    """
    try:
        fields = orjson.loads(raw)
    except orjson.JSONDecodeError:
        fields = json.loads(raw, strict=False)
    if not isinstance(fields, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004  # for the caller it is one more line that is no JSON
    return fields


def _unlisted(raw: bytes) -> Entry | Failure:
    """Read a line that orjson refused, or that is no entry."""
    try:
        fields = load(raw)
    except ValueError:
        return _garbled("mc printed a line that is not JSON", raw)
    if fields.get("status") == "error":
        return failure(fields)
    if fields.keys() >= {"key", "size", "lastModified"}:
        return Entry(fields["key"], fields["size"], fields.get("etag", ""), _utc(fields["lastModified"]))
    return _garbled("mc listed something without key, size or time", raw)


def _garbled(message: str, raw: bytes) -> Failure:
    return Failure(message, raw[:2000].decode(errors="replace").strip(), garbled=True)


def _utc(stamp: str) -> str:
    """Drop the ``Z``: mc runs with TZ=UTC, and without it text order is time order."""
    if not stamp.endswith("Z"):
        raise ValueError(f"not UTC: {stamp}")
    return stamp[:-1]
