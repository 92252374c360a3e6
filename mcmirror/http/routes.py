"""Which function answers which path, and who may ask."""

import hmac
from collections.abc import Callable, Mapping
from typing import NamedTuple

from mcmirror.config import nearest
from mcmirror.http.answer import API, Answer, Refused, Request
from mcmirror.http.api import Api
from mcmirror.http.inspecting import Inspecting
from mcmirror.http.pages import Pages
from mcmirror.http.webhook import received
from mcmirror.model.control import Control
from mcmirror.model.listen import LOOPBACK, Address
from mcmirror.model.relay import Receiver

NAME = "NAME"
ID = "ID"
TOKEN = "set [settings] api_token, or MCMIRROR_API_TOKEN"  # noqa: S105  no token, but how to set one


class _Route(NamedTuple):
    method: str
    path: tuple[str, ...]
    """``NAME`` and ``ID`` stand for anything but nothing."""
    answer: Callable[..., Answer]


class Routes:
    """Answers requests over one server."""

    def __init__(
        self,
        control: Control,
        where: Address,
        *,
        token: Callable[[], str],
        stopped: Callable[[], bool],
        receivers: Callable[[], Mapping[str, Receiver]] = dict,
    ) -> None:
        """``token`` and ``receivers``, by path, are asked for at each request; without a token the API is off."""
        self._where = where
        self._token = token
        self._receivers = receivers
        api, inspecting = Api(control, stopped), Inspecting(control)
        routes: list[tuple[str, str, Callable[..., Answer]]] = [
            ("GET", "api/v1/status", api.status),
            ("GET", "api/v1/jobs", api.jobs),
            ("GET", "api/v1/jobs/NAME", api.job),
            ("POST", "api/v1/jobs/NAME/run", api.trigger),
            ("POST", "api/v1/jobs/NAME/plan", inspecting.plan),
            ("POST", "api/v1/jobs/NAME/verify", inspecting.verify),
            ("POST", "api/v1/jobs/NAME/pause", api.pause),
            ("POST", "api/v1/jobs/NAME/resume", api.resume),
            ("GET", "api/v1/runs", api.runs),
            ("GET", "api/v1/runs/ID", api.run),
            ("POST", "api/v1/runs/ID/cancel", api.cancel),
            ("GET", "api/v1/inspections", inspecting.all),
            ("GET", "api/v1/inspections/ID", inspecting.one),
            ("POST", "api/v1/inspections/ID/cancel", inspecting.cancel),
            ("POST", "api/v1/pause", api.pause),
            ("POST", "api/v1/resume", api.resume),
            ("GET", "api/v1/events", api.events),
        ]
        paths = ("/healthz", "/readyz", "/metrics", *(f"/{path}" for _, path, _ in routes))
        pages = Pages(control, paths)
        routes += [
            ("GET", "", pages.front),
            ("GET", "healthz", pages.alive),
            ("GET", "readyz", pages.ready),
            ("GET", "metrics", pages.metrics),
        ]
        self._routes = [_Route(method, tuple(path.split("/")), answer) for method, path, answer in routes]

    def answer(self, request: Request) -> Answer:
        """What is to be answered; raises Refused."""
        self._right_host(request.headers.get("host"))
        if receiver := self._receivers().get(request.path):
            return received(receiver, request)
        if request.api:
            self._allowed(request.headers.get("authorization", ""))
        return self._found(request)(request, *self._named(request))

    def _right_host(self, header: str | None) -> None:
        """A page of another site must not reach us by a name that it lets point to this machine (DNS rebinding)."""
        if header is None or not self._where.loopback:
            return
        host = header.strip().lower()
        name = host.partition("]")[0].removeprefix("[") if host.startswith("[") else host.rpartition(":")[0] or host
        if name not in LOOPBACK and name != self._where.host.lower():
            why = f"this port is only for this machine, asked as {', '.join(LOOPBACK)}"
            do = "ask for one of these names; a proxy before it has to send such a Host header"
            raise Refused(421, "the Host header names another machine", why, do)

    def _allowed(self, header: str) -> None:
        token = self._token()
        if not token:
            raise Refused(403, "the API is off", "no token is set", f"{TOKEN}, and send it: Authorization: Bearer ...")
        scheme, _, given = header.partition(" ")
        # Bytes: text that is not ASCII cannot be compared in constant time.
        right = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), token.encode())
        if scheme.lower() != "bearer" or not right:
            why = "the token is another one" if given else "there is no bearer token in the request"
            raise Refused(
                401,
                "the API wants its token",
                why,
                "send Authorization: Bearer TOKEN, with the token that mcmirror serve was given",
                WWW_Authenticate='Bearer realm="mcmirror"',
            )

    def _found(self, request: Request) -> Callable[..., Answer]:
        method = "GET" if request.method == "HEAD" else request.method
        fitting = [route for route in self._routes if _fits(route.path, request.segments)]
        if not fitting:
            raise self._unknown(request)
        for route in fitting:
            if route.method == method:
                return route.answer
        allowed = [way for route in fitting for way in ((route.method, "HEAD") if route.method == "GET" else ("POST",))]
        words = " or ".join(allowed)
        raise Refused(405, f"{request.path} takes no {request.method}", f"it takes {words}", f"send {words}",
                      Allow=", ".join(allowed))  # fmt: skip

    def _named(self, request: Request) -> tuple[str, ...]:
        """What stands in the path for a name or an id."""
        route = next(route for route in self._routes if _fits(route.path, request.segments))
        return tuple(given for part, given in zip(route.path, request.segments, strict=True) if part in {NAME, ID})

    def _unknown(self, request: Request) -> Refused:
        # Compared without what many of them begin with, or everything would be near.
        start = "/" + "/".join(API)
        whole = ["/" + "/".join(route.path) for route in self._routes if route.path != ("",)]
        paths = {path.removeprefix(start): path for path in whole}
        guess = paths.get(nearest(request.path.removeprefix(start), paths), "")
        do = f"did you mean {guess}?" if guess else "GET / lists what there is"
        return Refused(404, f"there is no {shown(request.path)}", "nothing has this path", do)


def shown(path: str) -> str:
    """A path for an error: not too much of it."""
    return path if len(path) <= 200 else f"{path[:200]}..."


def _fits(pattern: tuple[str, ...], segments: tuple[str, ...]) -> bool:
    return len(pattern) == len(segments) and all(
        bool(given) if part in {NAME, ID} else part == given for part, given in zip(pattern, segments, strict=True)
    )
