"""/api/v1, and what probes ask: what is answered, to whom, and how mistakes are named."""

import json
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote

import pytest

from mcmirror.codec.documents import encode
from mcmirror.http.server import Web
from mcmirror.model.record import Outcome
from tests.ui_samples import EVIL, run_events
from tests.web_control import DOCS, FAILURE, NOW, PHOTOS, STATE, SUCCESS, TOKEN, Client, InMemory

DOCS_PATH = f"/api/v1/jobs/{quote(DOCS.name, safe='')}"


@pytest.fixture
def control() -> InMemory:
    return InMemory()


@pytest.fixture
def tokens() -> list[str]:
    return [TOKEN]


@pytest.fixture
def client(control: InMemory, tokens: list[str]) -> Iterator[Client]:
    web = Web(control, "127.0.0.1:0", token=lambda: tokens[-1])
    web.start()
    yield Client(web.address.port)
    web.stop()


def test_alive_says_since_when(client: Client) -> None:
    got = client.get("/healthz", Authorization="")
    assert (200, {"alive": True, "reasons": [], "uptime_seconds": 1000.0}) == (got.status, got.json)


def test_alive_stays_green_when_jobs_are_red(client: Client, control: InMemory) -> None:
    control.current = replace(STATE, jobs=(replace(PHOTOS, overdue_since=NOW - 1),))
    assert [200, 503] == [client.get(path).status for path in ("/healthz", "/readyz")]


@pytest.mark.parametrize(
    ("state", "alive", "ready"),
    [
        (replace(STATE, heartbeat=NOW - 61), ["the scheduler has not looked at the clock for 61 s"], None),
        (replace(STATE, stopping=True), ["mcmirror is being stopped"], None),
        (
            replace(STATE, jobs=(replace(PHOTOS, overdue_since=NOW - 1), DOCS)),
            [],
            ["photos: the last success is 10m 00s old, max_age is 1h 00m"],
        ),
        (replace(STATE, jobs=(replace(PHOTOS, overdue_since=NOW - 1, paused=True),)), [], []),
        (replace(STATE, paused=True, jobs=(replace(PHOTOS, overdue_since=NOW - 1),)), [], []),
    ],
)
def test_why_it_is_not_well_is_said(
    client: Client, control: InMemory, state: object, alive: list[str], ready: list[str] | None
) -> None:
    control.current = state  # type: ignore[assignment]
    ready = alive if ready is None else ready
    for path, reasons in (("/healthz", alive), ("/readyz", ready)):
        got = client.get(path, Authorization="")
        assert (503 if reasons else 200, reasons) == (got.status, got.json["reasons"])


def test_ready_names_what_stops_nothing(client: Client) -> None:
    assert ["the new configuration is refused: x"] == client.get("/readyz").json["warnings"]


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text;version=1.0.0", "text/plain;version=0.0.4"])
def test_metrics_come_in_the_format_that_is_asked_for(client: Client, accept: str) -> None:
    got = client.get("/metrics", Accept=accept, Authorization="")
    assert 200 == got.status
    assert ("openmetrics" in accept) == got.headers["content-type"].startswith("application/openmetrics-text")
    assert ("openmetrics" in accept) == got.body.endswith(b"# EOF\n")
    assert b'mcmirror_job_runs_total{job_name="photos",status="failed"} 1.0\n' in got.body


def test_without_a_token_the_api_is_off_and_says_what_to_set(client: Client, tokens: list[str]) -> None:
    tokens.append("")
    for path in ("/api/v1/jobs", "/api/v1/nowhere", "/api/v1/events"):
        got = client.get(path, Authorization="Bearer ")
        assert 403 == got.status
        assert "api_token" in got.error[2]
    assert 200 == client.get("/healthz").status


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN, "Bearer ÿ"]
)
def test_a_wrong_token_is_401_whatever_is_asked(client: Client, control: InMemory, given: str) -> None:
    for method, path in (("GET", "/api/v1/status"), ("POST", "/api/v1/jobs/photos/run"), ("GET", "/api/v1/nowhere")):
        got = client(method, path, Authorization=given)
        assert (401, 'Bearer realm="mcmirror"') == (got.status, got.headers["www-authenticate"])
        assert TOKEN.encode() not in got.body
    assert [] == control.asked


def test_the_token_may_change_and_its_scheme_is_written_in_any_case(client: Client, tokens: list[str]) -> None:
    tokens.append("another-token")
    assert [401, 200] == [
        client.get("/api/v1/jobs", Authorization=f"bEARER  {token}").status for token in (TOKEN, "another-token")
    ]


def test_jobs_are_listed_and_shown(client: Client) -> None:
    listed = client.get("/api/v1/jobs").json["jobs"]
    assert ["photos", DOCS.name] == [job["name"] for job in listed]
    assert listed == [client.get("/api/v1/jobs/photos").json, client.get(DOCS_PATH).json]
    photos, docs = listed
    assert "2026-09-21T15:13:20.250Z" == photos["next_run"]
    assert (None, "", False) == (photos["run"], photos["phase"], photos["stale"])
    assert ("20260921T140000-0000000c", "mirror", None) == (docs["run"], docs["phase"], docs["last_success"])


def test_an_unknown_job_is_404_with_the_nearest_one(client: Client) -> None:
    for method, path in (("GET", "jobs/phots"), ("POST", "jobs/phots/run"), ("POST", "jobs/phots/pause")):
        got = client(method, f"/api/v1/{path}")
        assert (404, "did you mean photos?") == (got.status, got.error[2])


def test_a_server_without_jobs_says_so(client: Client, control: InMemory) -> None:
    control.current = replace(STATE, jobs=())
    assert "there is none" == client.get("/api/v1/jobs/photos").error[1]


def test_runs_are_listed_in_pages_the_newest_first(client: Client) -> None:
    first = client.get("/api/v1/runs?limit=1").json
    assert ([FAILURE.id], FAILURE.id) == ([run["id"] for run in first["runs"]], first["next"])
    second = client.get(f"/api/v1/runs?limit=5&before={first['next']}").json
    assert ([SUCCESS.id], None) == ([run["id"] for run in second["runs"]], second["next"])


def test_runs_are_found_by_job_and_status(client: Client) -> None:
    def found(query: str) -> list[str]:
        return [run["id"] for run in client.get(f"/api/v1/runs?{query}").json["runs"]]

    assert [FAILURE.id] == found(f"job={quote(DOCS.name)}")
    assert [SUCCESS.id] == found("status=succeeded")
    assert [] == found("job=photos&status=failed")


def test_a_list_leaves_the_keys_out_that_a_run_alone_names(client: Client) -> None:
    brief = client.get("/api/v1/runs").json["runs"][0]["report"]
    whole = client.get(f"/api/v1/runs/{FAILURE.id}").json
    assert encode(FAILURE) == whole
    assert (18, 25) == (len(whole["report"]["problems"]), len(whole["report"]["remaining_keys"]))
    assert (10, 0, {"objects": 25, "bytes": 250}) == (
        len(brief["problems"]),
        len(brief["remaining_keys"]),
        brief["remaining"],
    )


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("limt=1", "did you mean limit?"),
        ("limit=0", "it goes from 1 to 500"),
        ("limit=501", "it goes from 1 to 500"),
        ("limit=many", "it goes from 1 to 500"),
        ("limit=" + "9" * 5000, "it goes from 1 to 500"),
        ("status=succeded", "did you mean succeeded?"),
        ("before=zzz", "it looks like 20261121T020000-9f86d081"),
    ],
)
def test_a_wrong_question_is_400_and_the_right_one_is_named(client: Client, query: str, words: str) -> None:
    got = client.get(f"/api/v1/runs?{query}")
    assert 400 == got.status
    assert words in " ".join(got.error)


def test_an_unknown_run_is_404(client: Client) -> None:
    for method, path in (("GET", "runs/nowhere"), ("POST", "runs/nowhere/cancel")):
        got = client(method, f"/api/v1/{path}")
        assert (404, "there is no run 'nowhere'") == (got.status, got.error[0])


def test_a_run_that_is_under_way_is_found_before_its_record(client: Client) -> None:
    got = client.get(f"/api/v1/runs/{DOCS.run}").json
    assert (DOCS.run, DOCS.name, "running", None) == (got["id"], got["job"], got["status"], got["report"])


def test_what_became_of_each_object_is_streamed_line_by_line(client: Client, control: InMemory) -> None:
    keys = [(Outcome.COPIED, f"key{number}") for number in range(20_000)] + [
        (Outcome.REMOVED, EVIL),
        (Outcome.KEPT, "\udcff"),
    ]
    control.ended_fates[SUCCESS.id] = keys
    got = client.get(f"/api/v1/runs/{SUCCESS.id}?fates=1")
    lines = [json.loads(line) for line in got.body.splitlines()]
    assert "application/x-ndjson; charset=utf-8" == got.headers["content-type"]
    assert [{"fate": fate.value, "key": key} for fate, key in keys] == lines[:-1]
    assert {"end": True, "objects": 20_002} == lines[-1]
    assert 404 == client.get("/api/v1/runs/nowhere?fates=1").status


def test_a_stream_of_objects_that_breaks_off_is_seen_to_be_broken(client: Client, control: InMemory) -> None:
    control.ended_fates[SUCCESS.id] = [(Outcome.COPIED, f"key{number}") for number in range(5_000)]
    control.broken = RuntimeError("the database has gone")
    path = f"/api/v1/runs/{SUCCESS.id}?fates=1"
    answer = client.rude(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
    assert b'"key0"' in answer
    assert b'"end"' not in answer
    assert not answer.endswith(b"0\r\n\r\n")
    assert b"database" not in answer


def test_a_job_is_run_by_hand(client: Client, control: InMemory) -> None:
    got = client.post("/api/v1/jobs/photos/run")
    assert (202, {"run": "20260921T150000-0000000d", "job": "photos"}) == (got.status, got.json)
    assert "/api/v1/runs/20260921T150000-0000000d" == got.headers["location"]
    assert [("trigger", "photos")] == control.asked


def test_one_run_is_let_to_remove_so_many(client: Client, control: InMemory) -> None:
    assert 202 == client.post("/api/v1/jobs/photos/run", b'{"max_delete": 20}').status
    assert 202 == client.post("/api/v1/jobs/photos/run", b'{"max_delete": 0}').status
    assert [("trigger", "photos", "20"), ("trigger", "photos", "0")] == control.asked
    assert "did you mean max_delete?" == client.post("/api/v1/jobs/photos/run", b'{"max_deletes": 3}').error[2]


def test_a_run_that_is_under_way_says_how_far_it_is(client: Client, control: InMemory) -> None:
    path = f"/api/v1/runs/{DOCS.run}"
    assert client.get(path).json["progress"] is None
    for event in run_events(DOCS.name)[:8]:
        control.hub.send(DOCS.run, event)
    progress = client.get(path).json["progress"]
    assert ("mirror", 600, {"objects": 4, "bytes": 3500}) == (progress["phase"], progress["bytes"], progress["total"])
    assert "progress" not in client.get(f"/api/v1/runs/{SUCCESS.id}").json


def test_a_job_that_is_at_it_is_409_with_its_run(client: Client) -> None:
    got = client.post(f"{DOCS_PATH}/run")
    assert (409, DOCS.run) == (got.status, got.json["error"]["run"])


def test_a_server_that_ends_takes_no_more_work(client: Client, control: InMemory) -> None:
    control.current = replace(STATE, stopping=True)
    got = client.post("/api/v1/jobs/photos/run")
    assert (503, "10") == (got.status, got.headers["retry-after"])


def test_a_run_is_cancelled_once(client: Client, control: InMemory) -> None:
    assert 202 == client.post(f"/api/v1/runs/{DOCS.run}/cancel").status
    assert [("cancel", DOCS.run)] == control.asked
    got = client.post(f"/api/v1/runs/{SUCCESS.id}/cancel")
    assert (409, f"the run {SUCCESS.id} has ended") == (got.status, got.error[0])


def test_the_run_of_another_process_cannot_be_cancelled_here(client: Client, control: InMemory) -> None:
    control.records["elsewhere"] = replace(SUCCESS, id="elsewhere", report=None, finished="", pid=7, host="cron")
    got = client.post("/api/v1/runs/elsewhere/cancel")
    assert (409, "it is process 7 on cron") == (got.status, got.error[1])


def test_one_job_or_all_are_paused_and_resumed(client: Client) -> None:
    assert client.post("/api/v1/jobs/photos/pause").json["paused"]
    assert client.get("/api/v1/jobs/photos").json["paused"]
    assert not client.post("/api/v1/jobs/photos/resume").json["paused"]
    assert {"paused": True} == client.post("/api/v1/pause", b"{}").json
    assert client.get("/api/v1/status").json["paused"]
    assert {"paused": False} == client.post("/api/v1/resume").json


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"{", "the body is no JSON"),
        (b"\xff", "the body is no JSON"),
        (b"[" * 60_000, "the body is no JSON"),
        (b"[]", "the body is no JSON object"),
        (b'{"force": true}', "there is no field 'force' here"),
        (b'{"max_deletes": 3}', "there is no field 'max_deletes' here"),
        (b'{"max_delete": -1}', "max_delete -1 is no number of objects"),
        (b'{"max_delete": "20"}', 'max_delete "20" is no number of objects'),
        (b'{"max_delete": "25%"}', 'max_delete "25%" is no number of objects'),
        (b'{"max_delete": 2.0}', "max_delete 2.0 is no number of objects"),
        (b'{"max_delete": true}', "max_delete true is no number of objects"),
        (b'{"max_delete": null}', "max_delete null is no number of objects"),
        (b'{"max_delete": 9007199254740992}', "max_delete 9007199254740992 is no number of objects"),
        (b'{"max_delete": [%b]}' % b",".join([b"1"] * 1000), f"max_delete [{'1, ' * 19}1,... is no number of objects"),
    ],
)
def test_a_body_that_cannot_be_meant_is_400_and_nothing_is_done(
    client: Client, control: InMemory, body: bytes, what: str
) -> None:
    got = client.post("/api/v1/jobs/photos/run", body)
    assert (400, what) == (got.status, got.error[0])
    assert [] == control.asked
