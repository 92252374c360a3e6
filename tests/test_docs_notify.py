"""The configuration of docs/notify.md, used: all listeners are told, and the signature is checked as shown there."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests import docs
from tests.machine import ROOT, fenced, machine
from tests.servers import binaries
from tests.servers.slack import FakeSlack

SECRET = "shared with the bus"


@dataclass
class Inbox:
    """Everything that was posted: path, headers, body."""

    url: str = ""
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def at(self, path: str) -> list[tuple[dict[str, str], bytes]]:
        return [(headers, body) for where, headers, body in self.got if where == path]


@contextmanager
def inbox() -> Iterator[Inbox]:
    """A server that takes whatever it is sent."""
    found = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.got.append((self.path, dict(self.headers.items()), body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def shown() -> Callable[[str, dict[str, str], bytes], bool]:
    """The function of the document."""
    (code,) = fenced((docs.FOLDER / "notify.md").read_text(), "python")
    names: dict[str, Any] = {}
    exec(code, names)
    found: Callable[[str, dict[str, str], bytes], bool] = names["genuine"]
    assert 5 == len(code.strip().partition("def ")[2].splitlines())
    return found


def test_everybody_in_the_configuration_is_told(tmp_path: Path) -> None:
    genuine = shown()
    (written,) = fenced((docs.FOLDER / "notify.md").read_text(), "toml")
    pair = fenced((ROOT / "README.md").read_text(), "toml")[0]

    with machine(tmp_path) as there, FakeSlack() as slack, inbox() as post:
        there.write("mcmirror.toml", pair + written)
        there.empty(there.aws, "photos-copy")
        variables = {
            **slack.environment,
            "SLACK_WEBHOOK_URL": slack.hook,
            "HEALTHCHECK_URL": slack.ping,
            "BUS_URL": f"{post.url}/bus",
            "BUS_SECRET": SECRET,
            "CHAT_URL": f"{post.url}/chat",
            "MCMIRROR_MC": str(binaries.mc()),
        }
        there.run(f'mkdir -p ~/.local/bin && ln -s "{ROOT}/bin/mcmirror" ~/.local/bin/')
        good = there.run("mcmirror run", **variables)
        bad = there.run("mcmirror run --quiet || true", **variables, AWS_SECRET_KEY="", AWS_ACCESS_KEY="wrong")

        assert (0, "") == (good.code, good.stdout), good.stderr
        # By bot: failures only; by incoming webhook also the change.
        assert sorted(slack.titles) == [
            "✅ photos: verified: 5 objects, 7.1 KiB copied",
            *["❌ photos: failed: no verdict reached"] * 2,
        ], bad.stderr
        assert ["/start", "", "/start", "/fail"] == [path.partition("?")[0] for path, _ in slack.pings]

    bus = post.at("/bus")
    assert ["start", "change", "start", "failure"] == [headers["X-Mcmirror-Occasion"] for headers, _ in bus]
    for headers, body in bus:
        assert genuine(SECRET, headers, body)
        assert not genuine("another secret", headers, body)
        assert not genuine(SECRET, headers, body + b" ")
        assert not genuine(SECRET, headers | {"X-Mcmirror-Timestamp": f"{time.time() - 3600:.0f}"}, body)
        document = json.loads(body)
        assert headers["X-Mcmirror-Delivery"] == document["delivery"]
        assert {*json.loads(fenced((docs.FOLDER / "notify.md").read_text(), "json")[0])} == {*document}
    chat = [json.loads(body) for _, body in post.at("/chat")]
    assert ["mcmirror", "mcmirror"] == [one["username"] for one in chat]
    assert "photos: verified" in chat[0]["text"]
    assert "mcmirror alias set" in chat[1]["text"]
