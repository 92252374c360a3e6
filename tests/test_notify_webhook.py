"""Pings as healthchecks.io takes them."""

from collections.abc import Iterator

import pytest

from mcmirror.notify import webhook as webhook_module
from mcmirror.notify.message import NotTold
from mcmirror.notify.webhook import Webhook, pinged
from tests.servers.minio import free_port
from tests.servers.slack import PING, FakeSlack


@pytest.fixture
def fake() -> Iterator[FakeSlack]:
    with FakeSlack() as server:
        yield server


def refusal(url: str) -> str:
    with pytest.raises(NotTold) as caught:
        Webhook(url).ping("fail", "text")
    assert PING not in caught.value.why
    assert caught.value.__cause__ is None
    return caught.value.why


@pytest.mark.parametrize(
    ("url", "ending", "expected"),
    [
        ("https://hc.example.com/ping/uuid", "start", "https://hc.example.com/ping/uuid/start"),
        ("https://hc.example.com/ping/uuid/", "fail", "https://hc.example.com/ping/uuid/fail"),
        ("https://hc.example.com/ping/key/slug?create=1", "fail", "https://hc.example.com/ping/key/slug/fail?create=1"),
        ("https://hc.example.com/ping/uuid/", "", "https://hc.example.com/ping/uuid/"),
    ],
)
def test_the_ending_goes_behind_the_path(url: str, ending: str, expected: str) -> None:
    assert expected == pinged(url, ending)


def test_a_ping_carries_a_short_body(fake: FakeSlack) -> None:
    Webhook(fake.ping).ping("start", "ß" * 20_000)
    assert [("/start", "ß" * 9_999 + "…")] == fake.pings


def test_trouble_that_passes_is_tried_once_more(fake: FakeSlack) -> None:
    for fault in ("500", "429:1"):
        fake.faults.append(fault)
        Webhook(fake.ping).ping("", fault)
    assert [("", "500"), ("", "429:1")] == fake.pings


def test_trouble_that_stays_is_named_without_the_address(fake: FakeSlack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_module, "TIMEOUT", 0.2)
    for fault, why in (
        ("404", "it answered HTTP 404"),
        ("500", "it answered HTTP 500"),
        ("hang", "no answer within 0.2 s"),
    ):
        fake.always = fault
        assert f"127.0.0.1: {why}" == refusal(fake.ping)
    assert "Connection refused" in refusal(f"http://127.0.0.1:{free_port()}{PING}")
    assert "127.0.0.1: InvalidURL" == refusal(f"http://127.0.0.1:{free_port()}{PING} x")
