"""Events and differences as JSON documents; the shape of each line is a published API."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, get_args

from mcmirror.codec.documents import COUNT, PLAN, PROBLEM, REPORT, read
from mcmirror.codec.shape import Kind, Shape, plain
from mcmirror.model.event import Event
from mcmirror.model.plan import Changed, Count, Difference, Entry, Extraneous, Impossible, Kept, Missing, Plan, Reason
from mcmirror.model.problem import Problem
from mcmirror.model.report import RunReport

_KINDS: dict[Any, Kind] = {Count: COUNT, Plan: PLAN, Problem: PROBLEM, RunReport: REPORT}
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


def event_document(event: Event, time: str) -> dict[str, Any]:
    """Return ``event``, ``job`` and ``time`` first, then the event's own fields."""
    kind: Any = type(event)
    name, shape = _shape(kind)
    return {"event": name, "job": event.job, "time": time, **shape.to(event)}


def event_of(document: Mapping[str, Any]) -> Event | None:
    """The event that a document was made of; None for one that is not known here. Raises ValueError."""
    if "event" not in document:
        raise ValueError("this is no event")
    shape = _by_name().get(document["event"])
    return read(shape, "event", document) if shape else None


@cache
def _shape(kind: type[Any]) -> tuple[str, Shape]:
    return _WORD.sub("_", kind.__name__).lower(), plain(kind, _KINDS)


@cache
def _by_name() -> dict[str, Shape]:
    return dict(map(_shape, get_args(Event)))


def difference_document(job: str, difference: Difference) -> dict[str, Any]:
    """Return one line of a plan: ``kind`` is missing, changed, extraneous, kept or impossible."""
    document: dict[str, Any] = {"event": "difference", "job": job, "kind": type(difference).__name__.lower()}
    match difference:
        case Missing(source):
            return {**document, "key": source.key, "source": _entry(source)}
        case Extraneous(target):
            return {**document, "key": target.key, "target": _entry(target)}
        case Changed(source, target, reason) | Kept(source, target, reason):
            both = {"source": _entry(source), "target": _entry(target)}
            return {**document, "key": source.key, "reason": reason.value, **both}
        case Impossible(source, why):
            return {**document, "key": source.key, "reason": why, "source": _entry(source)}


def difference_of(document: Mapping[str, Any]) -> Difference:
    """The difference that such a line was made of. Raises ValueError."""
    try:
        match document["kind"]:
            case "missing":
                return Missing(_entry_of(document, "source"))
            case "extraneous":
                return Extraneous(_entry_of(document, "target"))
            case "changed":
                reason = Reason(document["reason"])
                return Changed(_entry_of(document, "source"), _entry_of(document, "target"), reason)
            case "kept":
                reason = Reason(document["reason"])
                return Kept(_entry_of(document, "source"), _entry_of(document, "target"), reason)
            case "impossible":
                return Impossible(_entry_of(document, "source"), str(document["reason"]))
            case kind:
                raise ValueError(f"no difference is called {kind}")
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no difference: {error}") from None


def _entry_of(document: Mapping[str, Any], side: str) -> Entry:
    found = document[side]
    return Entry(str(document["key"]), int(found["size"]), str(found["etag"]), str(found["modified"]).removesuffix("Z"))


def _entry(entry: Entry) -> dict[str, Any]:
    modified = f"{entry.modified}Z" if entry.modified else ""
    return {"size": entry.size, "etag": entry.etag, "modified": modified}


def as_json(document: object) -> bytes:
    """Return one compact line; what cannot be UTF-8 (a file name of arbitrary bytes) is escaped."""
    import orjson

    try:
        return orjson.dumps(document)
    except TypeError:
        import json

        return json.dumps(document, separators=(",", ":")).encode("ascii")
