"""A webhook that keeps what it is told, by delivery; it can be down, slow or wrong."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.servers.slack import FakeSlack
from tests.servers.stand_in import StandIn


@dataclass(frozen=True)
class Got:
    """One request that was answered well."""

    delivery: str
    document: dict[str, Any]

    @property
    def what(self) -> tuple[str, str]:
        """Job and occasion."""
        return self.document["job"], self.document["occasion"]

    @property
    def run(self) -> str:
        """The id of the run; empty when it is about none."""
        return self.document["run"]["id"] if self.document["run"] else ""


@dataclass
class Receiver(StandIn):
    """Use as a context manager; ``wrong`` is answered in place of 200."""

    got: list[Got] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
    """Deliveries, failed attempts too."""
    wrong: int = 0
    hangs: bool = False

    def handler(self) -> type[BaseHTTPRequestHandler]:
        return _handler(self)

    @property
    def url(self) -> str:
        return f"{self.root}/hook"

    def notifier(self, *on: str) -> dict[str, Any]:
        """Its table in the configuration."""
        return {"type": "webhook", "format": "json", "url": self.url, "on": list(on)}

    def of(self, job: str, *occasions: str) -> Iterator[Got]:
        """What was told of a job."""
        return (one for one in self.got if one.what[0] == job and (not occasions or one.what[1] in occasions))

    def once(self) -> dict[str, Got]:
        """By delivery: what came twice came under one id."""
        return {one.delivery: one for one in self.got}

    def take(self, delivery: str, body: bytes) -> int:
        """The status of the answer."""
        self.tried.append(delivery)
        if self.hangs:
            self.released.wait(60)
        if not self.wrong:
            self.got.append(Got(delivery, json.loads(body)))
        return self.wrong or 200


@dataclass
class Channel(FakeSlack):
    """A Slack that remembers under which number each message was posted."""

    posted: list[tuple[str, str]] = field(default_factory=list)
    """Number and text, in order; what was posted twice is here twice."""

    def answer(self, path: str, token: str, body: str) -> tuple[int, str, dict[str, str]]:
        """As Slack does."""
        status, answer, headers = super().answer(path, token, body)
        message = json.loads(body)
        if status == 200 and '"ok": true' in answer and "client_msg_id" in message:
            self.posted.append((message["client_msg_id"], message["text"]))
        return status, answer, headers


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = receiver.take(self.headers["X-Mcmirror-Delivery"], body)
            try:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
            except OSError:
                return

        def log_message(self, *args: object) -> None:
            pass

    return Handler
