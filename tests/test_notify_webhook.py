"""Webhooks: pings as healthchecks.io takes them, and documents and texts of one's own, signed."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from mcmirror.model.delivery import Delivery, delivery_id
from mcmirror.model.record import Cause, Record
from mcmirror.model.report import Remaining
from mcmirror.model.streak import Streak
from mcmirror.model.template import FIELDS
from mcmirror.notify import http_request as opener_module
from mcmirror.notify.message import Desk, NotTold, Occasion, finished
from mcmirror.notify.webhook import Hook, Pings, pinged, values
from mcmirror.notify.webhook_post import seconds
from tests.notify_samples import SECRET
from tests.servers.hook import PATH, FakeHook
from tests.servers.server import free_port
from tests.ui_samples import EVIL, PARTIAL

RUN = "20261121T020000-9f86d081"
RECORD = Record(
    RUN,
    "photos",
    "onprem/photos",
    "aws/photos-dr",
    Cause.SCHEDULE,
    "2026-11-21T02:00:00.000+00:00",
    "host",
    7,
    "2026-11-21T02:01:00.000+00:00",
    PARTIAL,
)
FAILURE = finished(PARTIAL, Occasion.FAILURE, Streak("partial", failures=1), service="shop", run=RUN)
NUMBER = delivery_id("ops", RUN, "failure")


@pytest.fixture
def hook() -> Iterator[FakeHook]:
    with FakeHook() as server:
        yield server


def ping(url: str, ending: str, body: str) -> None:
    payload = {"ending": ending, "body": body, "rid": delivery_id("rid", RUN)}
    Pings(url).deliver(Delivery(NUMBER, "ops", "check", RUN, "failure", payload))


def tell(channel: Hook, record: Record = RECORD, desk: Desk = Desk("shop")) -> None:  # noqa: B008  frozen
    payload = json.loads(json.dumps(channel.payload(NUMBER, FAILURE.redacted(desk.redact), desk, record)))
    channel.deliver(Delivery(NUMBER, "ops", "photos", RUN, "failure", payload))


def refusal(url: str) -> NotTold:
    with pytest.raises(NotTold) as caught:
        tell(Hook(url))
    assert PATH not in caught.value.why + caught.value.remedy + repr(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


@pytest.mark.parametrize(
    ("url", "ending", "expected"),
    [
        ("https://hc.example.com/ping/uuid", "start", "https://hc.example.com/ping/uuid/start?rid=r"),
        ("https://hc.example.com/ping/uuid/", "fail", "https://hc.example.com/ping/uuid/fail?rid=r"),
        (
            "https://hc.example.com/ping/key/slug?create=1",
            "fail",
            "https://hc.example.com/ping/key/slug/fail?create=1&rid=r",
        ),
        ("https://hc.example.com/ping/uuid/", "", "https://hc.example.com/ping/uuid/?rid=r"),
    ],
)
def test_the_ending_goes_behind_the_path_and_the_run_into_the_query(url: str, ending: str, expected: str) -> None:
    assert expected == pinged(url, ending, "r")


def test_a_ping_carries_a_short_body_and_the_run(hook: FakeHook) -> None:
    ping(hook.url, "start", "ß" * 20_000)
    (taken,) = hook.taken
    path, _, rid = taken.path.partition("/start?rid=")
    assert (PATH, "ß" * 9_999 + "…", NUMBER) == (path, taken.body, taken.delivery)
    assert rid == str(uuid.UUID(rid))


def test_a_document_says_it_in_words_and_in_numbers(hook: FakeHook) -> None:
    tell(Hook(hook.url, secret=SECRET))
    (taken,) = hook.taken
    assert taken.signed(SECRET)
    assert not taken.signed("another")
    assert "application/json" == taken.headers["content-type"]
    assert "failure" == taken.headers["x-mcmirror-occasion"]
    document = taken.document
    assert ["delivery", "occasion", "service", "job", "title", "text", "facts", "problems", "run"] == list(document)
    assert (NUMBER, "failure", "shop", "photos") == tuple(document[key] for key in list(document)[:4])
    assert (
        "photos partial: 25 objects not as planned on the target: The target refuses to store objects"
        == document["title"]
    )
    assert {
        "message": "The target refuses to store objects (and 17 more like it)",
        "cause": "Access Denied.",
        "remedy": "Give the key s3:PutObject.",
    } == document["problems"][0]
    assert "25 objects, 250 B" == document["facts"]["Remaining"]
    run = document["run"]
    assert (RUN, "partial", "schedule") == (run["id"], run["status"], run["cause"])
    assert {"objects": 5, "bytes": 50} == run["report"]["done"]
    assert EVIL == run["report"]["remaining_keys"][0]["key"]


def test_a_document_names_a_hundred_objects_and_no_secret(hook: FakeHook) -> None:
    remaining = tuple(Remaining(f"{SECRET} {number}", f"for {SECRET}") for number in range(500))
    record = replace(RECORD, report=replace(PARTIAL, remaining=remaining))
    tell(Hook(hook.url, secret=SECRET), record, Desk(SECRET, lambda text: text.replace(SECRET, "***")))
    (taken,) = hook.taken
    assert 100 == len(taken.document["run"]["report"]["remaining_keys"])
    assert SECRET not in taken.body
    assert SECRET not in repr(taken.headers)
    assert taken.signed(SECRET)


def test_a_template_is_escaped_where_it_is_json(hook: FakeHook) -> None:
    tell(Hook(hook.url, '{"text": "{title}\\n{problem}", "evil": "{service}", "n": {remaining_objects}}'))
    tell(Hook(hook.url, "{job} {status}: {text}"))
    tell(Hook(hook.url, '["{service}"]'), desk=Desk('a "quoted" \\ thing\n{job}'))
    first, second, third = hook.taken
    assert {
        "text": "photos partial: 25 objects not as planned on the target: The target refuses to store objects\n"
        "The target refuses to store objects (and 17 more like it)",
        "evil": "shop",
        "n": 25,
    } == first.document
    assert second.body.startswith("photos partial: photos partial: 25 objects")
    assert ["application/json", "text/plain; charset=utf-8"] == [one.headers["content-type"] for one in (first, second)]
    # A placeholder in a value is no placeholder.
    assert ['a "quoted" \\ thing\n{job}'] == third.document


def test_every_placeholder_has_a_value() -> None:
    assert list(FIELDS) == list(values(NUMBER, FAILURE, "shop", RECORD))
    assert list(FIELDS) == list(values(NUMBER, FAILURE, "shop", None))


def test_nothing_is_told_to_where_a_redirect_points(hook: FakeHook) -> None:
    with FakeHook() as elsewhere:
        for status in (301, 302, 303, 307, 308):
            hook.always = f"{status}:{elsewhere.url}"
            refused = refusal(hook.url)
            assert f"127.0.0.1: it answered HTTP {status} and points elsewhere" == refused.why
            assert "Write the address that it points to" in refused.remedy
        assert [] == elsewhere.requests


@pytest.mark.parametrize(
    ("fault", "why", "remedy", "wait", "final"),
    [
        ("404", "it answered HTTP 404", "nothing at it", 0, False),
        ("410", "it answered HTTP 410", "gone for good", 0, False),
        ("401", "it answered HTTP 401", "let in", 0, False),
        ("400", "it answered HTTP 400", "format and template", 0, True),
        ("500", "it answered HTTP 500", "reaches it", 0, False),
        ("503:120", "it answered HTTP 503", "reaches it", 120, False),
        ("429:7", "it answered HTTP 429", "fewer occasions", 7, False),
        ("reset", "Connection reset by peer", "reaches it", 0, False),
        ("garbage", "BadStatusLine", "reaches it", 0, False),
        ("hang", "no answer within 0.2 s", "reaches it", 0, False),
    ],
)
def test_trouble_is_named_without_the_address(  # noqa: PLR0917
    hook: FakeHook, monkeypatch: pytest.MonkeyPatch, fault: str, why: str, remedy: str, wait: float, final: bool
) -> None:
    monkeypatch.setattr(opener_module, "STEP", 0.2 if fault == "hang" else 60)
    hook.always = fault
    refused = refusal(hook.url)
    assert why in refused.why
    assert remedy in refused.remedy
    assert (wait, final) == (refused.wait, refused.final)
    assert 1 == len(hook.requests)


def test_an_answer_that_drips_ends_in_time(hook: FakeHook, monkeypatch: pytest.MonkeyPatch) -> None:
    # A step is never late: only the whole of it is.
    monkeypatch.setattr(opener_module, "STEP", 60)
    monkeypatch.setattr(opener_module, "LIMIT", 0.5)
    hook.always = "drip"
    assert "127.0.0.1: no whole answer within 0.5 s" == refusal(hook.url).why


def test_what_is_said_after_the_status_is_not_waited_for(hook: FakeHook) -> None:
    hook.always = "drip:200"
    tell(Hook(hook.url))
    hook.always = "drip:500"
    assert "it answered HTTP 500" in refusal(hook.url).why


def test_an_address_that_leads_nowhere() -> None:
    assert "Connection refused" in refusal(f"http://127.0.0.1:{free_port()}{PATH}").why
    assert "127.0.0.1: InvalidURL" == refusal(f"http://127.0.0.1:{free_port()}{PATH} x").why


def test_how_long_a_service_asks_us_to_wait() -> None:
    assert [0, 7, 3600, 0, 0] == [seconds(text) for text in ("", "7", "1000000", "-1", "soon")]
    later = datetime.now(UTC) + timedelta(minutes=30)
    assert 1000 < seconds(format_datetime(later, usegmt=True)) <= 1800
    assert 0 == seconds(format_datetime(later - timedelta(days=1), usegmt=True))
