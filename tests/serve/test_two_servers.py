"""Other processes at the same target: commands beside ``serve``, and a second ``serve`` on the same state."""

import json
from collections.abc import Callable
from contextlib import suppress

from tests.conftest import Pair
from tests.serve.house import House, Serve, assert_no_mc, in_time
from tests.servers.minio import Minio
from tests.servers.proxy import Delay, Hang, Proxy
from tests.serving import PATIENCE


def _hanging(house: House, pair: Pair, new_proxy: Callable[[Minio], Proxy]) -> tuple[Proxy, Serve]:
    """A run of ``serve`` that holds the target."""
    pair.source.put({"a": b"1"})
    proxy = new_proxy(pair.target.server)
    house.cli.environment["MC_HOST_dst"] = pair.target.server.mc_host(address=proxy.address)
    house.jobs["job"]["stall_timeout"] = "10m"
    proxy.on("put", Hang(), times=1)
    serve = house.start()
    serve.until(lambda: proxy.counts["put"] >= 1)
    return proxy, serve


def test_commands_stand_back_as_told(house: House, bucket_pair: Pair, new_proxy: Callable[[Minio], Proxy]) -> None:
    _, serve = _hanging(house, bucket_pair, new_proxy)
    skipped = house.run("run", "job", "--json")
    failed = house.run("run", "job", "--json", "--lock", "fail")
    mirror = house.cli("mirror", bucket_pair.source.location, bucket_pair.target.location, "--json")
    assert [(75, "skipped"), (1, "failed"), (75, "skipped")] == [
        (one.code, one.report["status"]) for one in (skipped, failed, mirror)
    ]
    waiting = house.cli.start("run", "job", "--json", "--lock", "wait", "--config", str(house.folder / house.name))
    assert waiting.stdout is not None
    first = json.loads(waiting.stdout.readline())
    assert "waiting" == first["event"]

    serve.post(f"runs/{serve.job('job')['run']}/cancel")

    rest = waiting.communicate(timeout=PATIENCE)[0].splitlines()
    assert (0, "succeeded") == (waiting.returncode, json.loads(rest[-1])["report"]["status"])
    assert bucket_pair.equal
    house.another("job")
    verdicts = house.ended("job")
    assert {"skipped": 1, "failed": 1, "cancelled": 1} == {
        name: verdicts.count(name) for name in ("skipped", "failed", "cancelled")
    }
    assert 143 == serve.stop()


def test_serve_waits_for_a_command(house: House, bucket_pair: Pair, new_proxy: Callable[[Minio], Proxy]) -> None:
    bucket_pair.source.put({"a": b"1"})
    proxy = new_proxy(bucket_pair.target.server)
    host = bucket_pair.target.server.mc_host(address=proxy.address)
    proxy.on("put", Hang(), times=1)
    # By another name of the server, the target would be another one.
    house.cli.environment["MC_HOST_dst"] = host
    house.settings["listen"] = "off"
    house.write()
    command = house.cli.start("mirror", bucket_pair.source.location, bucket_pair.target.location, "--json")
    in_time(lambda: proxy.counts["put"] >= 1)
    serve = house.start()
    serve.until(lambda: serve.job("job")["phase"] == "waiting")
    run = serve.job("job")["run"]
    command.terminate()
    command.communicate(timeout=PATIENCE)
    serve.until(lambda: serve.ask("GET", f"runs/{run}")[1]["status"] == "succeeded")
    assert bucket_pair.equal
    assert (143, 143) == (command.returncode, serve.stop())


def _ended_of(house: House, serve: Serve) -> int:
    return sum(one.pid == serve.process.pid for one in house.records(status="succeeded"))


def test_two_of_them_on_one_state(house: House, bucket_pair: Pair, new_proxy: Callable[[Minio], Proxy]) -> None:
    proxy = new_proxy(bucket_pair.target.server)
    house.cli.environment["MC_HOST_dst"] = bucket_pair.target.server.mc_host(address=proxy.address)
    proxy.on("put", Delay(0.3))
    both = [house.start(), house.start()]
    for turn in range(5):
        bucket_pair.source.put({f"{turn}/{number}": b"x" for number in range(3)})
        in_time(lambda: bucket_pair.equal)
    for serve in both:
        in_time(lambda: _ended_of(house, serve) >= 3)  # noqa: B023
    both[0].kill()
    bucket_pair.source.put({"last": b"x"})
    in_time(lambda: bucket_pair.equal)
    assert 143 == both[1].stop()

    records = house.records()
    assert len(records) == len({one.id for one in records})
    assert {"succeeded"} >= {one.status for one in records} - {"cancelled", "interrupted"}
    # Whoever looks sees the runs of both, whichever of them it asks.
    assert {serve.process.pid for serve in both} == {one.pid for one in records}
    with suppress(FileNotFoundError):
        assert [] == list((house.folder / "home/.local/state/mcmirror/locks").glob("*.uploads"))
    assert_no_mc(bucket_pair.source.bucket, bucket_pair.target.bucket)
