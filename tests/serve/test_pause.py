"""Paused, whole or one job, over a restart; triggered and cancelled by hand."""

from collections.abc import Callable

from tests.conftest import Pair
from tests.serve.house import House
from tests.servers.minio import Minio
from tests.servers.proxy import Delay, Proxy


def _two(house: House, pair: Pair) -> None:
    pair.source.put({"a": b"1"})
    house.jobs["other"] = {"source": pair.source.location, "target": "./other"}


def test_one_job_is_paused_over_a_restart(house: House, bucket_pair: Pair) -> None:
    _two(house, bucket_pair)
    serve = house.start()
    house.another("job")
    assert serve.post("jobs/job/pause", 200)["paused"]
    serve.until(lambda: not serve.job("job")["run"])
    count = len(house.records("job"))
    house.another("other")
    house.another("other")
    assert count == len(house.records("job"))
    serve.kill()

    serve = house.start()
    house.another("other")
    house.another("other")
    assert (True, False) == (serve.job("job")["paused"], serve.job("other")["paused"])
    assert count == len(house.records("job"))

    run = serve.post("jobs/job/run")["run"]
    serve.until(lambda: serve.ask("GET", f"runs/{run}")[1]["status"] == "succeeded")
    serve.post("jobs/job/resume", 200)
    house.another("job")
    assert 143 == serve.stop()


def test_everything_is_paused_over_a_restart(house: House, bucket_pair: Pair) -> None:
    _two(house, bucket_pair)
    serve = house.start()
    house.another("job")
    assert serve.post("pause", 200)["paused"]
    serve.until(lambda: not any(serve.job(name)["run"] for name in house.jobs))
    count = len(house.records())
    assert 143 == serve.stop()

    serve = house.start()
    assert (200, 200) == (serve.status("/healthz"), serve.status("/readyz"))
    serve.until(lambda: len(serve.said("paused")) >= 1)
    assert serve.ask("GET", "status")[1]["paused"]
    run = serve.post("jobs/other/run")["run"]
    serve.until(lambda: serve.ask("GET", f"runs/{run}")[1]["status"] == "succeeded")
    assert count + 1 == len(house.records()), "only what a hand has asked for"
    serve.post("resume", 200)
    house.another("job")
    assert 143 == serve.stop()


def test_a_run_is_cancelled_and_the_next_one_begins(
    house: House, bucket_pair: Pair, new_proxy: Callable[[Minio], Proxy]
) -> None:
    bucket_pair.source.put({"a": b"1"})
    proxy = new_proxy(bucket_pair.target.server)
    house.cli.environment["MC_HOST_dst"] = bucket_pair.target.server.mc_host(address=proxy.address)
    house.jobs["job"]["stall_timeout"] = "10m"
    proxy.on("put", Delay(300), times=1)
    serve = house.start()
    serve.until(lambda: proxy.counts["put"] >= 1)
    run = serve.job("job")["run"]
    assert run == serve.ask("POST", "jobs/job/run")[1]["error"]["run"], "the job is at it"
    serve.post(f"runs/{run}/cancel")
    serve.until(lambda: serve.ask("GET", f"runs/{run}")[1]["status"] == "cancelled")
    house.another("job")
    assert bucket_pair.equal
    assert 409 == serve.ask("POST", f"runs/{run}/cancel")[0]
    assert 143 == serve.stop()
