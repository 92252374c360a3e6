"""Events as lines of JSON on stdout: one value a line, the shape is a published API."""

import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any

from mcmirror.cli.stdout import Stdout
from mcmirror.model.document import count_document, problem_document, report_document
from mcmirror.model.event import CopyStarted, Event, Planned, ProblemFound, RunFinished
from mcmirror.model.plan import Changed, Count, Difference, Entry, Extraneous, Impossible, Kept, Missing, Plan

_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


class JsonLines:
    """An observer that writes each event; with ``differences`` also every line of a plan."""

    def __init__(
        self, out: Stdout, *, differences: bool = False, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._out = out
        self._differences = differences
        self._now = now

    def __call__(self, event: Event) -> None:
        """Write the event."""
        time = self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        # Thousands of these may come in a second; Moved follows twice a second and takes them along.
        with self._out.lines(flush=not isinstance(event, CopyStarted)) as write:
            write(encoded(event_document(event, time)))
            if self._differences and isinstance(event, Planned):
                for difference in event.plan.differences:
                    if not write(encoded(difference_document(event.job, difference))):
                        break


def event_document(event: Event, time: str) -> dict[str, Any]:
    """Return ``event`` and ``job`` and ``time`` first, then the event's own fields."""
    document: dict[str, Any] = {"event": _name(type(event).__name__), "job": event.job, "time": time}
    match event:
        case CopyStarted():
            document |= {"key": event.key, "size": event.size}
        case Planned():
            document["plan"] = plan_document(event.plan)
        case ProblemFound():
            document["problem"] = problem_document(event.problem)
        case RunFinished():
            document["report"] = report_document(event.report)
        case _:
            document |= {field.name: _plain(getattr(event, field.name)) for field in fields(event)[1:]}
    return document


@cache
def _name(kind: str) -> str:
    return _WORD.sub("_", kind).lower()


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return the plan's counts by name."""
    counts = {field.name: getattr(plan, field.name) for field in fields(plan)}
    return {name: count_document(count) for name, count in counts.items() if isinstance(count, Count)}


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


def _entry(entry: Entry) -> dict[str, Any]:
    modified = f"{entry.modified}Z" if entry.modified else ""
    return {"size": entry.size, "etag": entry.etag, "modified": modified}


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Count):
        return count_document(value)
    assert not is_dataclass(value), value  # noqa: S101  a new field needs a line above
    return value


def encoded(document: object) -> bytes:
    """Return one compact line; what cannot be UTF-8 (a file name of arbitrary bytes) is escaped."""
    import orjson

    try:
        return orjson.dumps(document)
    except TypeError:
        import json

        return json.dumps(document, separators=(",", ":")).encode("ascii")
