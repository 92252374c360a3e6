"""The HTTP side of a real ``serve``: a run followed from its start by hand to its last object."""

import json
import socket
from typing import Any

from mcmirror.codec.documents import decode
from mcmirror.model.state import State
from tests.conftest import Pair
from tests.serve.house import TOKEN, House, Serve, in_time
from tests.test_web_stream import documents
from tests.web_control import BEGUN, Client, until


def by_hand(house: House) -> None:
    """Nothing runs unless it is told to."""
    del house.defaults["every"]


def metric(serve: Serve, line: str) -> float | None:
    """The value of the sample that is written so."""
    for one in serve.answer("/metrics")[1].decode().splitlines():
        if one.startswith(f"{line} "):
            return float(one.rpartition(" ")[2])
    return None


def ended(serve: Serve, run: str) -> Any:
    """The run's document, once it has ended."""
    in_time(lambda: (serve.ask("GET", f"runs/{run}")[1] or {}).get("report"))
    return serve.ask("GET", f"runs/{run}")[1]


def test_a_run_from_its_start_to_its_last_object(house: House, bucket_pair: Pair) -> None:
    by_hand(house)
    bucket_pair.source.put({"a": b"1", "b/c": b"22"})
    bucket_pair.target.put({"old": b"x"})
    serve = house.start()
    client = Client(serve.port, TOKEN)
    with client.stream("/api/v1/events?job=job") as reader:
        received = until(reader, BEGUN)
        answer = client.post("/api/v1/jobs/job/run")
        run = answer.json["run"]
        assert (202, f"/api/v1/runs/{run}") == (answer.status, answer.headers["location"])
        assert 200 == client.get(answer.headers["location"]).status, "known from the moment that it is told"
        events = documents(until(reader, b'"event":"run_finished"', received))

    assert {run} == {one["run"] for one in events}
    assert [one["id"] for one in events] == sorted(one["id"] for one in events)
    assert "succeeded" == events[-1]["report"]["status"]

    document = ended(serve, run)
    assert ("job", "api", "succeeded") == (document["job"], document["cause"], document["status"])
    assert ({"objects": 2, "bytes": 3}, 1) == (document["report"]["done"], document["report"]["removed"]["objects"])
    lines = [json.loads(line) for line in client.get(f"/api/v1/runs/{run}?fates=1").body.splitlines()]
    assert {("copied", "a"), ("copied", "b/c"), ("removed", "old")} == {(one["fate"], one["key"]) for one in lines[:-1]}
    assert {"end": True, "objects": 3} == lines[-1]
    assert [run] == [one["id"] for one in client.get("/api/v1/runs?status=succeeded").json["runs"]]
    assert bucket_pair.equal

    in_time(lambda: metric(serve, 'mcmirror_job_runs_total{job_name="job",status="succeeded"}') == 1)
    assert 2 == metric(serve, 'mcmirror_job_objects_total{job_name="job",outcome="copied"}')
    assert 1 == metric(serve, 'mcmirror_job_last_run_objects{job_name="job",outcome="removed"}')
    assert 1 == metric(serve, 'mcmirror_job_last_run_status{job_name="job",status="succeeded"}')
    in_time(lambda: metric(serve, 'mcmirror_job_running{job_name="job"}') == 0)

    state = decode(State, client.get("/api/v1/status").json)
    (job,) = state.jobs
    assert job.last is not None
    assert (run, "job", True) == (job.last.id, job.name, job.last_success > state.started)


def test_a_job_that_is_at_it_is_named_and_can_be_cancelled(house: House, bucket_pair: Pair) -> None:
    by_hand(house)
    house.jobs["job"]["limit_upload"] = "64KiB"
    bucket_pair.source.put({"large": b"x" * (8 << 20)})
    serve = house.start()
    run = serve.post("jobs/job/run")["run"]
    status, refusal = serve.ask("POST", "jobs/job/run")
    assert (409, run) == (status, refusal["error"]["run"])
    in_time(lambda: serve.job("job")["phase"] == "mirror")
    assert 1 == metric(serve, 'mcmirror_job_running{job_name="job"}')
    serve.post(f"runs/{run}/cancel")
    assert "cancelled" == ended(serve, run)["status"]
    in_time(lambda: serve.job("job")["run"] is None)
    assert 409 == serve.ask("POST", f"runs/{run}/cancel")[0]


def test_a_success_that_is_too_old_is_red_until_the_next_one(house: House, bucket_pair: Pair) -> None:
    by_hand(house)
    house.jobs["job"]["max_age"] = "2s"
    serve = house.start()
    in_time(lambda: serve.status("/readyz") == 503)
    assert ["job: no run has succeeded, max_age is 2.0 s"] == serve.document("/readyz")["reasons"]
    assert 200 == serve.status("/healthz")
    asked = ("health", "--url", f"http://127.0.0.1:{serve.port}", "--timeout", "30")
    assert [1, 0] == [house.cli(*asked, *alive).code for alive in ((), ("--alive",))]
    assert 1 == metric(serve, 'mcmirror_job_stale{job_name="job"}')
    house.jobs["job"]["max_age"] = "1h"
    house.write()
    in_time(lambda: serve.status("/readyz") == 200)
    serve.post("jobs/job/run")
    in_time(lambda: serve.job("job")["last_success"])


def test_the_token_is_read_anew_and_without_one_the_api_is_off(house: House) -> None:
    by_hand(house)
    (house.folder / "token").write_text("the-first-token\n")
    house.settings["api_token"] = "{file:token}"
    serve = house.start()
    assert [401, 200] == [serve.ask("GET", "jobs", token)[0] for token in (TOKEN, "the-first-token")]
    (house.folder / "token").write_text("the-second-token\n")
    in_time(lambda: serve.ask("GET", "jobs", "the-second-token")[0] == 200)
    assert 401 == serve.ask("GET", "jobs", "the-first-token")[0]
    assert "the-first-token" not in serve.log
    assert "the-second-token" not in serve.log

    other = House(house.cli, house.stack, dict(house.jobs), defaults=dict(house.defaults), name="other.toml")
    off = other.start(MCMIRROR_API_TOKEN="", MCMIRROR_STATE=f"sqlite:///{house.folder / 'other.db'}")
    status, refusal = off.ask("GET", "jobs")
    assert (403, True) == (status, "api_token" in refusal["error"]["do"])


def test_a_port_that_is_taken_ends_it_before_anything_runs(house: House, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"a": b"1"})
    house.write()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = house.cli("serve", "--config", "mcmirror.toml", "--listen", f"127.0.0.1:{port}")
    assert 1 == done.code
    assert f"Error: 127.0.0.1:{port} cannot be listened on\n  why: Address already in use\n  do:  stop" in done.stderr
    assert {} == bucket_pair.target.contents()


def test_streams_and_slow_clients_do_not_delay_its_end(house: House) -> None:
    by_hand(house)
    serve = house.start()
    client = Client(serve.port, TOKEN)
    with client.stream("/api/v1/events") as reader, client.raw(b"GET /hea"):
        until(reader, BEGUN)
        assert 143 == serve.stop()
