"""A request that was read whole, and what is answered: values, before any socket."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from mcmirror.codec.events import as_json

API = ("api", "v1")
JSON = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """One request."""

    method: str
    """As sent; HEAD is GET without a body."""
    segments: tuple[str, ...]
    """The path's parts, each decoded for itself, so that a name may hold a slash."""
    query: Mapping[str, str] = field(default_factory=dict)
    """The last value of each name."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By name in lower case."""
    body: bytes = b""

    @property
    def api(self) -> bool:
        """Whether it is for the API, which wants a token; probes do not."""
        return self.segments[: len(API)] == API

    @property
    def path(self) -> str:
        """The path for people; without the query."""
        return "/" + "/".join(self.segments)


@dataclass(frozen=True, slots=True)
class Answer:
    """One response."""

    status: int
    body: bytes = b""
    type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: "Callable[[], Iterator[bytes]] | None" = None
    """In place of a body: called when it is to be sent, closed when the client has gone."""


class Refused(Exception):
    """What is answered in place of what was asked for: what, why, what to do."""

    def __init__(self, status: int, what: str, why: str, do: str, **headers: str) -> None:
        """``headers`` by name, with ``_`` for ``-``."""
        super().__init__(what)
        self.status, self.what, self.why, self.do = status, what, why, do
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def answered(document: object, status: int = 200, **headers: str) -> Answer:
    """A document."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, as_json(document) + b"\n", headers=named)


def refusal(refused: Refused, **more: Any) -> Answer:
    """The document of an error; ``more`` stands beside the three parts."""
    error = {"what": refused.what, "why": refused.why, "do": refused.do, **more}
    return Answer(refused.status, as_json({"error": error}) + b"\n", headers=refused.headers)


def parsed(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Request:
    """A request of its parts; ``target`` is what stands in the request line. Raises Refused."""
    try:
        parts = urlsplit(target)
        path = parts.path or "/"  # the whole of an address without one, as proxies send it
        segments = tuple(unquote(part, errors="strict") for part in path.split("/")[1:])
        query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    except ValueError:
        raise Refused(
            400, "the address is none", "it cannot be read as a path", "send a path as in /api/v1/jobs"
        ) from None
    if not path.startswith("/"):
        raise Refused(400, "the address is none", "a path begins with /", "send a path as in /api/v1/jobs")
    while len(segments) > 1 and not segments[-1]:
        segments = segments[:-1]
    return Request(method, segments, query, headers, body)


def sent_object(request: Request) -> dict[str, Any]:
    """The JSON object that a request brought; empty without a body. Raises Refused."""
    if not request.body.strip():
        return {}
    try:
        document = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        what = error if isinstance(error, json.JSONDecodeError) else "it is not UTF-8, or nested too deeply"
        raise Refused(400, "the body is no JSON", str(what), "send a JSON object, or no body at all") from None
    if not isinstance(document, dict):
        raise Refused(400, "the body is no JSON object", f"it is a {type(document).__name__}", "send {} or no body")
    return document
