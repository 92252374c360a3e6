"""The configuration of docs/notify.md, used: all listeners are told, and the signature is checked as shown there."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import docs
from tests.machine import ROOT, fenced, machine
from tests.servers import binaries
from tests.servers.hook import FakeHook
from tests.servers.slack import FakeSlack

pytestmark = pytest.mark.real

SECRET = "shared with the bus"


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

    with machine(tmp_path) as there, FakeSlack() as slack, FakeHook() as bus, FakeHook() as chat:
        there.write("mcmirror.toml", pair + written)
        there.empty(there.aws, "photos-copy")
        variables = {
            **slack.environment,
            "SLACK_WEBHOOK_URL": slack.hook,
            "HEALTHCHECK_URL": slack.ping,
            "BUS_URL": bus.url,
            "BUS_SECRET": SECRET,
            "CHAT_URL": chat.url,
            "MCMIRROR_MC": str(binaries.mc()),
        }
        there.run(f'mkdir -p ~/.local/bin && ln -s "{ROOT}/bin/mcmirror" ~/.local/bin/')
        good = there.run("mcmirror run", **variables)
        bad = there.run("mcmirror run --quiet || true", **variables, AWS_SECRET_KEY="", AWS_ACCESS_KEY="wrong")

        assert (0, "") == (good.code, good.stdout), good.stderr
        # By bot: failures only; by incoming webhook also the change.
        assert sorted(slack.titles) == [
            "✅ photos verified: 5 objects, 7.1 KiB copied",
            *["❌ photos failed: aws does not know the access key"] * 2,
        ], bad.stderr
        assert ["/start", "", "/start", "/fail"] == [path.partition("?")[0] for path, _ in slack.pings]

    example = json.loads(fenced((docs.FOLDER / "notify.md").read_text(), "json")[0])
    for taken, occasion in zip(bus.taken, ("start", "change", "start", "failure"), strict=True):
        headers, body = {name.title(): text for name, text in taken.headers.items()}, taken.body.encode()
        assert genuine(SECRET, headers, body)
        assert not genuine("another secret", headers, body)
        assert not genuine(SECRET, headers, body + b" ")
        assert not genuine(SECRET, headers | {"X-Mcmirror-Timestamp": f"{time.time() - 3600:.0f}"}, body)
        assert (occasion, taken.delivery) == (headers["X-Mcmirror-Occasion"], taken.document["delivery"])
        assert example.keys() == taken.document.keys()
    texts = [taken.document for taken in chat.taken]
    assert ["mcmirror", "mcmirror"] == [text["username"] for text in texts]
    assert "photos verified" in texts[0]["text"]
    assert "mcmirror alias set" in texts[1]["text"]
