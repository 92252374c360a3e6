"""Plans and verifications over HTTP: begun, asked for, read to the last object, cancelled; mistakes are named."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from mcmirror.codec.documents import decode
from mcmirror.codec.events import difference_document
from mcmirror.http.server import Web
from mcmirror.model.inspection import Inspection
from mcmirror.model.plan import Count, Difference, Extraneous, Missing, Plan
from mcmirror.model.report import Status
from tests.test_web_stream import documents
from tests.ui_samples import EVIL, PLAN, entry
from tests.waiting import until
from tests.web_control import BEGUN, DOCS, STATE, TOKEN, Client, InMemory
from tests.web_control import until as received

EVERY = "/api/v1/inspections"


@pytest.fixture
def control() -> Iterator[InMemory]:
    control = InMemory()
    yield control
    control.inspections.stop()


@pytest.fixture
def client(control: InMemory) -> Iterator[Client]:
    web = Web(control, "127.0.0.1:0", token=lambda: TOKEN)
    web.start()
    yield Client(web.address.port)
    web.stop()


def begun(client: Client, job: str = "photos", verb: str = "plan") -> str:
    """The address of a new one."""
    got = client.post(f"/api/v1/jobs/{quote(job, safe='')}/{verb}")
    assert (202, job, verb) == (got.status, got.json["job"], got.json["verb"])
    assert f"{EVERY}/{got.json['inspection']}" == got.headers["location"]
    return got.headers["location"]


def ended(client: Client, path: str) -> Any:
    """Its document, once it has ended."""
    until(lambda: client.get(path).json["report"])
    return client.get(path).json


def test_a_plan_is_begun_and_asked_for(client: Client, control: InMemory) -> None:
    control.looker.let.clear()
    path = begun(client)
    until(lambda: (client.get(path).json["progress"] or {}).get("phase") == "plan")
    going = client.get(path).json
    assert ("running", None, None, None) == (going["stage"], going["plan"], going["report"], going["by_prefix"])
    assert {"source_objects": 1000, "target_objects": 900} == going["progress"]["listed"]
    assert going["ended"] is None
    control.looker.let.set()
    over = ended(client, path)
    assert ("ended", "succeeded", None) == (over["stage"], over["report"]["status"], over["progress"])
    assert {"objects": 2, "bytes": 20} == over["plan"]["extraneous"]
    assert [{"key": "gone", "size": 20}] == over["by_prefix"]["removals"]
    assert over["kept_until"] > over["ended"]
    assert [] == control.asked, "it is no run"
    assert control.inspections.get(over["id"]) == replace(decode(Inspection, over), **_times(control, over["id"]))


def _times(control: InMemory, key: str) -> dict[str, Any]:
    """Documents have milliseconds."""
    found = control.inspections.get(key)
    return {name: getattr(found, name) for name in ("asked", "begun", "ended", "kept_until")}


def test_a_verification_too(client: Client) -> None:
    over = ended(client, begun(client, DOCS.name, "verify"))
    assert ("verify", DOCS.name, "succeeded") == (over["verb"], over["job"], over["report"]["status"])


def test_each_difference_is_a_line(client: Client) -> None:
    path = begun(client)
    ended(client, path)
    got = client.get(f"{path}?differences=1")
    assert "application/x-ndjson; charset=utf-8" == got.headers["content-type"]
    lines = [json.loads(line) for line in got.body.splitlines()]
    assert [difference_document("photos", one) for one in PLAN.differences] == lines[:-1]
    assert EVIL in [one.get("key") for one in lines]
    assert {"end": True, "objects": 5} == lines[-1]


def test_a_large_plan_is_small_where_it_is_asked_for_by_prefix(client: Client, control: InMemory) -> None:
    differences: list[Difference] = [
        *(Missing(entry(f"{number:05}/{'x' * 900}")) for number in range(2000)),
        *(Extraneous(entry(f"z/{number:05}")) for number in range(20_000)),
    ]
    control.looker.plan = Plan(missing=Count(2000, 1), extraneous=Count(20_000, 1), differences=differences)
    path = begun(client)
    over = ended(client, path)
    assert (301, 1000) == (len(over["by_prefix"]["groups"]), len(over["by_prefix"]["removals"]))
    assert {"objects": 20_000, "bytes": 100_000} == over["by_prefix"]["removed"]
    assert 22_001 == len(client.get(f"{path}?differences=1").body.splitlines())
    (brief,) = client.get(EVERY).json["inspections"]
    assert "by_prefix" not in brief


def test_a_reader_that_stays_away_holds_up_nobody(client: Client, control: InMemory) -> None:
    differences: list[Difference] = [Missing(entry(f"{number:06}/{'x' * 900}")) for number in range(20_000)]
    control.looker.plan = Plan(missing=Count(20_000, 1), differences=differences)
    path = begun(client)
    ended(client, path)
    with client.stream(f"{path}?differences=1") as reader:
        received(reader, b'"difference"')
        assert "succeeded" == ended(client, begun(client, DOCS.name))["report"]["status"]


def test_what_has_not_ended_has_no_differences_yet(client: Client, control: InMemory) -> None:
    control.looker.let.clear()
    path = begun(client)
    got = client.get(f"{path}?differences=1")
    assert (409, "it has not ended yet") == (got.status, got.error[1])
    assert {"cancelled": True, "inspection": path.rpartition("/")[2]} == client.post(f"{path}/cancel").json
    assert "cancelled" == ended(client, path)["report"]["status"]
    got = client.get(f"{path}?differences=1")
    assert (409, "both sides were not listed whole; its verdict is cancelled") == (got.status, got.error[1])
    got = client.post(f"{path}/cancel")
    assert (409, "its verdict is cancelled") == (got.status, got.error[1])


def test_two_who_ask_at_once_share_one_and_each_may_leave(client: Client, control: InMemory) -> None:
    control.looker.let.clear()
    path = begun(client)
    assert path == begun(client)
    assert path != begun(client, verb="verify")
    assert not client.post(f"{path}/cancel").json["cancelled"]
    control.looker.let.set()
    assert "succeeded" == ended(client, path)["report"]["status"]


def test_the_newest_is_listed_first(client: Client) -> None:
    paths = []
    for verb in ("plan", "verify"):
        paths.append(begun(client, verb=verb))
        ended(client, paths[-1])
    listed = client.get(EVERY).json["inspections"]
    assert paths[::-1] == [f"{EVERY}/{one['id']}" for one in listed]


@pytest.mark.parametrize(
    ("asked", "body", "status", "words"),
    [
        ("POST /api/v1/jobs/phots/plan", None, 404, "did you mean photos?"),
        ("POST /api/v1/jobs/photos/plan", b'{"content": 5}', 400, "there is no field 'content' here"),
        ("POST /api/v1/jobs/photos/verify?content=5", None, 400, "there is no parameter 'content' here"),
        ("GET /api/v1/jobs/photos/plan", None, 405, "it takes POST"),
        (f"GET {EVERY}/nowhere", None, 404, "POST /api/v1/jobs/NAME/plan makes a new one"),
        (f"GET {EVERY}/nowhere?differences=1", None, 404, "there is no plan or verification 'nowhere'"),
        (f"POST {EVERY}/nowhere/cancel", None, 404, "there is no plan or verification 'nowhere'"),
        (f"GET {EVERY}?job=photos", None, 400, "there is no parameter 'job' here"),
        (f"GET {EVERY}/nowhere?diferences=1", None, 400, "did you mean differences?"),
    ],
)
def test_what_cannot_be_meant(client: Client, asked: str, body: bytes | None, status: int, words: str) -> None:
    method, path = asked.split()
    got = client(method, path, body)
    assert status == got.status
    assert words in " ".join(got.error)


def test_a_server_that_ends_makes_no_more(client: Client, control: InMemory) -> None:
    control.current = replace(STATE, stopping=True)
    control.inspections.stop()
    got = client.post("/api/v1/jobs/photos/plan")
    assert (503, "10") == (got.status, got.headers["retry-after"])


def test_without_the_token_nothing_is_begun(client: Client, control: InMemory) -> None:
    assert 401 == client.post("/api/v1/jobs/photos/plan", Authorization="Bearer x").status
    assert [] == control.looker.begun


def test_a_refused_plan_names_what_would_have_gone(client: Client, control: InMemory) -> None:
    control.looker.status = Status.REFUSED
    over = ended(client, begun(client))
    assert ("refused", [{"key": "gone", "size": 20}]) == (over["report"]["status"], over["by_prefix"]["removals"])


def test_its_events_have_an_id_of_their_own_kind(client: Client, control: InMemory) -> None:
    with client.stream("/api/v1/events") as reader:
        came = received(reader, BEGUN)
        key = begun(client).rpartition("/")[2]
        found = documents(received(reader, b'"event":"run_finished"', came))
    assert {(key, "plan", False)} == {(one["inspection"], one["verb"], "run" in one) for one in found}
    names = [one["event"] for one in found]
    assert ["run_started", "planned", "run_finished"] == [one for one in names if one[:2] in {"ru", "pl"}]
