"""Plans, verifications and a released guard over the API of a real ``serve``."""

import json
import os
from collections.abc import Callable
from typing import Any

from tests.conftest import Pair
from tests.serve.house import TOKEN, House, Serve, assert_no_mc, in_time
from tests.serve.test_web import by_hand, ended
from tests.servers.minio import Minio
from tests.servers.proxy import Delay, Proxy
from tests.web_control import Client


def inspected(serve: Serve, verb: str) -> Any:
    """The document of a new one of the only job, once it has ended."""
    key = serve.post(f"jobs/job/{verb}")["inspection"]
    in_time(lambda: (serve.ask("GET", f"inspections/{key}")[1] or {}).get("report"))
    return serve.ask("GET", f"inspections/{key}")[1]


def test_a_plan_that_is_refused_its_release_and_a_verification(house: House, bucket_pair: Pair) -> None:
    by_hand(house)
    house.jobs["job"]["max_delete"] = "25%"
    bucket_pair.source.put({"a/1": b"1", "a/2": b"2"})
    bucket_pair.target.put({f"old/{number:02}": b"x" for number in range(20)})
    serve = house.start()
    client = Client(serve.port, TOKEN)

    plan = inspected(serve, "plan")
    assert ("refused", "too-many-deletes") == (plan["report"]["status"], plan["report"]["problems"][0]["category"])
    assert {"objects": 20, "bytes": 20} == plan["by_prefix"]["removed"]
    assert ["a/", "old/"] == [one["name"] for one in plan["by_prefix"]["groups"]]
    assert [f"old/{number:02}" for number in range(20)] == [one["key"] for one in plan["by_prefix"]["removals"]]
    lines = client.get(f"/api/v1/inspections/{plan['id']}?differences=1").body.splitlines()
    assert ["missing"] * 2 + ["extraneous"] * 20 == [json.loads(line)["kind"] for line in lines[:-1]]
    assert {"end": True, "objects": 22} == json.loads(lines[-1])
    assert 20 == len(bucket_pair.target.sizes())
    assert "partial" == inspected(serve, "verify")["report"]["status"]
    assert () == house.records(), "they are no runs"

    # A number that is too small lets nothing go.
    run = client.post("/api/v1/jobs/job/run", b'{"max_delete": 19}').json["run"]
    assert ("refused", 19) == ((found := ended(serve, run))["status"], found["max_delete"])
    run = client.post("/api/v1/jobs/job/run", b'{"max_delete": 20}').json["run"]
    assert ("succeeded", 20) == ((found := ended(serve, run))["status"], found["max_delete"])
    assert bucket_pair.equal
    assert [19, 20] == [line["objects"] for line in serve.said("released")]
    shown = house.run("history", "show", run).stdout
    assert "released    for this run alone: it was allowed to remove up to 20 objects" in shown

    # The job's own limit is as it was.
    bucket_pair.target.put({f"old/{number:02}": b"x" for number in range(20)})
    run = serve.post("jobs/job/run")["run"]
    assert ("refused", None) == ((found := ended(serve, run))["status"], found["max_delete"])
    assert "succeeded" == inspected(serve, "verify")["report"]["status"], "what is on the target only was not asked for"
    in_time(lambda: len(serve.said("inspected")) == 3)


def test_a_plan_is_made_while_a_run_of_the_same_job_goes_on(house: House, bucket_pair: Pair) -> None:
    by_hand(house)
    house.jobs["job"]["limit_upload"] = "64KiB"
    bucket_pair.source.put({"large": os.urandom(8 << 20)})
    serve = house.start()
    run = serve.post("jobs/job/run")["run"]
    in_time(lambda: serve.job("job")["phase"] == "mirror")
    progress = serve.ask("GET", f"runs/{run}")[1]["progress"]
    assert ({"objects": 1, "bytes": 8 << 20}, "mirror") == (progress["total"], progress["phase"])
    plan = inspected(serve, "plan")
    assert ("succeeded", 1) == (plan["report"]["status"], plan["plan"]["missing"]["objects"])
    assert run == serve.job("job")["run"]
    serve.post(f"runs/{run}/cancel")
    assert "cancelled" == ended(serve, run)["status"]


def test_what_goes_on_ends_with_the_server_and_when_nobody_wants_it(
    house: House, bucket_pair: Pair, new_proxy: Callable[[Minio], Proxy]
) -> None:
    by_hand(house)
    bucket_pair.source.put({"a": b"1"})
    proxy = new_proxy(bucket_pair.source.server)
    house.cli.environment["MC_HOST_src"] = bucket_pair.source.server.mc_host(address=proxy.address)
    house.jobs["job"]["stall_timeout"] = "10m"
    proxy.on("list", Delay(300))
    serve = house.start()
    first = serve.post("jobs/job/plan")["inspection"]
    assert first == serve.post("jobs/job/plan")["inspection"], "two ask, one is made"
    in_time(lambda: proxy.counts["list"] >= 1)
    assert not serve.post(f"inspections/{first}/cancel")["cancelled"]
    assert serve.post(f"inspections/{first}/cancel")["cancelled"]
    in_time(lambda: serve.ask("GET", f"inspections/{first}")[1]["report"])
    assert "cancelled" == serve.ask("GET", f"inspections/{first}")[1]["report"]["status"]

    seen = proxy.counts["list"]
    serve.post("jobs/job/verify")
    in_time(lambda: proxy.counts["list"] > seen)
    assert 143 == serve.stop()
    assert [] == house.cli.leftovers
    assert_no_mc(bucket_pair.source.bucket, bucket_pair.target.bucket)
