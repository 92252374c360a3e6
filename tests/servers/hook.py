"""A webhook that checks signatures, remembers what it took, and breaks on command."""

import hashlib
import hmac
import json
import socket
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.servers.stand_in import StandIn

PATH = "/hooks/4f9c2a1e-whoever-knows-it-posts"


@dataclass(frozen=True)
class Taken:
    """A request that was answered well."""

    path: str
    headers: dict[str, str]
    """By name in small letters."""
    body: str

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def delivery(self) -> str:
        """Which ones are the same."""
        return self.headers["x-mcmirror-delivery"]

    def signed(self, secret: str) -> bool:
        """Whether it comes from who knows the secret, of now, with this body."""
        moment = self.headers["x-mcmirror-timestamp"]
        expected = hmac.new(secret.encode(), f"{moment}.{self.body}".encode(), hashlib.sha256).hexdigest()
        given = self.headers.get("x-mcmirror-signature", "")
        return hmac.compare_digest(f"sha256={expected}", given) and abs(time.time() - float(moment)) < 3600


@dataclass
class FakeHook(StandIn):
    """Use as a context manager. ``faults`` are used up one a request, then ``always``.

    A fault is a status, with a header's value behind a colon (``429:7``, ``302:http://...``), ``hang``, ``reset``,
    ``slow`` (a good answer once it is released), ``garbage``, ``drip``, or ``drip:STATUS`` for an answer whose body
    drips.
    """

    taken: list[Taken] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    """Methods and paths, failed ones too."""
    faults: deque[str] = field(default_factory=deque)
    always: str = ""

    def handler(self) -> type[BaseHTTPRequestHandler]:
        return _handler(self)

    @property
    def url(self) -> str:
        return f"{self.root}{PATH}"

    @property
    def deliveries(self) -> list[str]:
        """The ids of what was taken, in order."""
        return [one.delivery for one in self.taken]


def _handler(hook: FakeHook) -> type[BaseHTTPRequestHandler]:  # noqa: C901  a case a fault
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length).decode()
            if len(body.encode()) < length:
                return  # whoever sent it was killed over it
            hook.requests.append(f"{self.command} {self.path}")
            fault, _, value = (hook.faults.popleft() if hook.faults else hook.always).partition(":")
            try:
                self._answer(fault, value, body)
            except OSError:
                return

        def do_GET(self) -> None:
            hook.requests.append(f"{self.command} {self.path}")
            self.send_error(405)

        def _answer(self, fault: str, value: str, body: str) -> None:
            match fault:
                case "hang":
                    hook.released.wait(60)
                case "slow":
                    hook.released.wait(60)
                    self._answer("", "", body)
                case "reset":
                    # Pending data makes the system answer with a reset.
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    self.connection.close()
                case "garbage":
                    self.wfile.write(b"\0\xff no server of yours\r\n\r\n")
                case "drip":
                    if value:
                        self.send_response(int(value))
                        self.end_headers()
                    while not hook.released.wait(0.2):
                        self.wfile.write(b"H")
                case "":
                    headers = {name.lower(): text for name, text in self.headers.items()}
                    hook.taken.append(Taken(self.path, headers, body))
                    self._say(200, {})
                case _:
                    name = "Location" if fault.startswith("3") else "Retry-After"
                    self._say(int(fault), {name: value} if value else {})

        def _say(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, text in {**headers, "Content-Length": "2"}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(b"OK")

        def log_message(self, *args: object) -> None:
            pass

    return Handler
