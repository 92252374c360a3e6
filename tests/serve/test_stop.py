"""``serve`` is asked to end: while runs go on, while they hang, and once more."""

import os
import signal
import time
from collections.abc import Callable

import pytest

from tests.conftest import Pair
from tests.serve.house import House, Serve, assert_no_mc, in_time
from tests.servers.minio import Minio
from tests.servers.proxy import Delay, Hang, Proxy
from tests.serving import PATIENCE

LARGE = 20 << 20


def _slow(house: House, pair: Pair, new_proxy: Callable[[Minio], Proxy]) -> tuple[Proxy, Serve]:
    """A run that is in the middle of a large object, of which a part has arrived and the next one does not."""
    pair.source.put({"large": os.urandom(LARGE)})
    proxy = new_proxy(pair.target.server)
    house.cli.environment["MC_HOST_dst"] = pair.target.server.mc_host(address=proxy.address)
    house.jobs["job"]["stall_timeout"] = "10m"
    proxy.on("part", Delay(300), first=2)
    serve = house.start()
    serve.until(lambda: proxy.counts["part"] >= 2)
    return proxy, serve


def _open_uploads(pair: Pair) -> int:
    found = pair.target.client.list_multipart_uploads(Bucket=pair.target.bucket, Prefix="large")
    return len(found.get("Uploads", []))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["term", "int"])
def test_in_the_middle_of_a_run(
    number: signal.Signals, code: int, house: House, bucket_pair: Pair, new_proxy: Callable[[Minio], Proxy]
) -> None:
    _, serve = _slow(house, bucket_pair, new_proxy)
    in_time(lambda: _open_uploads(bucket_pair))

    begun = time.monotonic()
    assert code == serve.stop(number)

    assert time.monotonic() - begun < 60, "longer than its grace"
    assert ["cancelled"] == house.ended()
    (record,) = house.records()
    assert record.report is not None
    assert (number, record.finished > record.started) == (record.report.signal, True)
    assert 0 == _open_uploads(bucket_pair), "mc was not let to tidy up"
    assert [] == house.cli.leftovers
    assert_no_mc(bucket_pair.source.bucket, bucket_pair.target.bucket)


def test_twice_is_at_once(house: House, bucket_pair: Pair, new_proxy: Callable[[Minio], Proxy]) -> None:
    house.settings["grace"] = "10m"
    proxy, serve = _slow(house, bucket_pair, new_proxy)
    proxy.on("abort", Hang())
    proxy.on("list", Hang())
    serve.process.terminate()
    serve.until(lambda: bool(serve.said("stopping")))
    assert serve.process.poll() is None

    serve.process.terminate()

    assert 143 == serve.process.wait(PATIENCE)
    assert_no_mc(bucket_pair.source.bucket, bucket_pair.target.bucket)
    assert house.ended() in (["cancelled"], ["interrupted"])


def test_while_a_listing_hangs(house: House, bucket_pair: Pair, new_proxy: Callable[[Minio], Proxy]) -> None:
    bucket_pair.source.put({"a": b"1"})
    proxy = new_proxy(bucket_pair.source.server)
    house.cli.environment["MC_HOST_src"] = bucket_pair.source.server.mc_host(address=proxy.address)
    house.jobs["job"]["stall_timeout"] = "10m"
    proxy.on("list", Hang())
    serve = house.start()
    serve.until(lambda: proxy.counts["list"] >= 1)

    begun = time.monotonic()
    assert 143 == serve.stop()

    assert time.monotonic() - begun < 60, "longer than its grace"
    assert ["cancelled"] == house.ended()
    assert [] == house.cli.leftovers
    assert_no_mc(bucket_pair.source.bucket, bucket_pair.target.bucket)


def test_the_grace_is_over(house: House, bucket_pair: Pair, new_proxy: Callable[[Minio], Proxy]) -> None:
    house.settings["grace"] = "1s"
    proxy, serve = _slow(house, bucket_pair, new_proxy)
    proxy.on("abort", Hang())

    begun = time.monotonic()
    assert 143 == serve.stop()

    assert time.monotonic() - begun < 90, "as long as the part is held up"
    assert_no_mc(bucket_pair.source.bucket, bucket_pair.target.bucket)
    assert house.ended() in (["cancelled"], ["interrupted"])


def test_when_nothing_runs_it_is_over_at_once(house: House) -> None:
    house.jobs["job"]["cron"] = "0 0 1 1 *"
    serve = house.start()
    begun = time.monotonic()
    assert 143 == serve.stop()
    assert time.monotonic() - begun < 60, "as long as its grace"
    assert [] == house.ended()


def test_queued_runs_end_with_it_and_leave_no_record(
    house: House, bucket_pair: Pair, new_proxy: Callable[[Minio], Proxy]
) -> None:
    house.settings["parallel"], house.defaults["remove"] = 1, False
    house.jobs["other"] = {**house.jobs["job"], "target": f"{bucket_pair.target.location}/other"}
    _, serve = _slow(house, bucket_pair, new_proxy)
    in_time(lambda: {"queued"} <= {serve.job(name)["phase"] for name in ("job", "other")})
    assert 143 == serve.stop()
    assert ["cancelled"] == house.ended()
