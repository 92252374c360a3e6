"""A Slack that keeps to its limits, an incoming webhook, and a check to ping; each breaks on command."""

import json
import re
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.servers.stand_in import StandIn

TOKEN = "xoxb-the-bots-own-token"
CHANNEL = "C0123456789"
HOOK = "/services/T000/B000/whoever-knows-it-posts"
DRIP = "drip"
PING = "/ping/4f9c2a1e-0000-0000-0000-0123456789ab"


@dataclass
class Post:
    """A message as it stands in the channel."""

    ts: str
    text: str
    blocks: list[dict[str, Any]]
    thread: str = ""
    broadcast: bool = False
    number: str = ""
    """``client_msg_id``."""
    updates: int = 0

    @property
    def raw(self) -> str:
        """The blocks as they were sent."""
        return "\n".join(block["text"]["text"] for block in self.blocks)

    @property
    def shown(self) -> str:
        """What a reader sees of the blocks whose client cannot show times its own way."""
        return undated(self.raw)


@dataclass
class FakeSlack(StandIn):
    """Use as a context manager. ``faults`` are used up one a request, then ``always``.

    A fault is an error word of Slack's, ``429:SECONDS``, ``302:ADDRESS``, ``500``, ``404``, ``html``, ``flood``,
    ``hang``, ``drip``, or ``drip:STATUS`` for an answer whose body drips.
    """

    posts: list[Post] = field(default_factory=list)
    pings: list[tuple[str, str]] = field(default_factory=list)
    """Path and body."""
    requests: list[str] = field(default_factory=list)
    """Paths, failed ones too."""
    faults: deque[str] = field(default_factory=deque)
    always: str = ""

    def handler(self) -> type[BaseHTTPRequestHandler]:
        return _handler(self)

    @property
    def api_url(self) -> str:
        return f"{self.root}/api/"

    @property
    def hook(self) -> str:
        return self.root + HOOK

    @property
    def ping(self) -> str:
        return self.root + PING

    @property
    def environment(self) -> dict[str, Any]:
        """What makes Slack known to a command."""
        return {"SLACK_BOT_TOKEN": TOKEN, "SLACK_CHANNEL_ID": CHANNEL, "SLACK_API_URL": self.api_url}

    @property
    def titles(self) -> list[str]:
        """The headers of all messages, in order."""
        return [post.blocks[0]["text"]["text"] for post in self.posts]

    def answer(self, path: str, token: str, body: str) -> tuple[int, str, dict[str, str]]:
        """Status, body and headers for one request."""
        self.requests.append(path)
        fault = self.faults.popleft() if self.faults else self.always
        if fault == "hang":
            self.released.wait(60)
        if (faulty := _faulty(fault)) is not None:
            return faulty
        if path.startswith(PING):
            self.pings.append((path.removeprefix(PING), body))
            return 200, "OK", {}
        message = json.loads(body)
        error = fault or _judged(message)
        if path == HOOK:
            if not error:
                self.posts.append(Post("", message["text"], message.get("blocks", [])))
            return (400, error, {}) if error else (200, "ok", {})
        error = error or self._api(path.removeprefix("/api/"), token, message)
        answer = {"ok": False, "error": error} if error else {"ok": True, "channel": CHANNEL, "ts": self._last}
        return 200, json.dumps(answer), {}

    def _api(self, method: str, token: str, message: dict[str, Any]) -> str:
        if token != f"Bearer {TOKEN}":
            return "invalid_auth"
        if message["channel"] != CHANNEL:
            return "channel_not_found"
        if method == "chat.update":
            found = [post for post in self.posts if post.ts == message["ts"]]
            if not found:
                return "message_not_found"
            (post,) = found
            post.text, post.blocks, post.updates = message["text"], message["blocks"], post.updates + 1
            self._last = post.ts
            return ""
        self._last = f"{time.time():.6f}.{len(self.posts)}"
        self.posts.append(
            Post(
                self._last,
                message["text"],
                message.get("blocks", []),
                message.get("thread_ts", ""),
                message.get("reply_broadcast", False),
                message.get("client_msg_id", ""),
            )
        )
        return ""


def undated(text: str) -> str:
    """With the fallback of each time."""
    return re.sub(r"<!date\^[0-9]+\^[^|>]*\|([^>]*)>", r"\1", text)


def _faulty(fault: str) -> tuple[int, str, dict[str, str]] | None:
    """The answer of somebody else than Slack, or of a Slack that is not well."""
    word, _, value = fault.partition(":")
    return {
        "drip": (int(value) if value.isdigit() else 0, DRIP, {}),
        "429": (429, '{"ok":false,"error":"ratelimited"}', {"Retry-After": value}),
        "302": (302, "", {"Location": value}),
        "500": (500, "<html>", {}),
        "404": (404, "<html>", {}),
        "html": (200, "<html>log in to this network</html>", {}),
        "flood": (200, json.dumps({"ok": True, "flood": "x" * 3_000_000}), {}),
    }.get(word)


def _judged(message: dict[str, Any]) -> str:
    """Slack's own limits."""
    blocks = message.get("blocks", [])
    if len(blocks) > 50 or not message.get("text"):
        return "invalid_blocks"
    limits = {"header": 150, "section": 3000}
    fitting = all(0 < len(block["text"]["text"]) <= limits[block["type"]] for block in blocks)
    return "" if fitting and len(message["text"]) <= 4000 else "invalid_blocks"


def _handler(slack: FakeSlack) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, answer, headers = slack.answer(self.path, self.headers.get("Authorization", ""), body)
            try:
                if answer == DRIP:
                    self._drip(status)
                    return
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.encode())))
                self.end_headers()
                self.wfile.write(answer.encode())
            except OSError:
                return

        def _drip(self, status: int) -> None:
            if status:
                self.send_response(status)
                self.end_headers()
            while not slack.released.wait(0.05):
                self.wfile.write(b"H")

        def log_message(self, *args: object) -> None:
            pass

    return Handler
