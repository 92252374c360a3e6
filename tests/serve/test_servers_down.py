"""The servers that are mirrored, and the network to them, fail and come back."""

from collections.abc import Callable

import pytest

from tests.conftest import Pair, Side
from tests.serve import tale
from tests.serve.house import House, in_time
from tests.serve.receiver import Receiver
from tests.servers.minio import Minio
from tests.servers.proxy import Action, Call, Hang, Proxy, Reset

SOME = {f"{number:02}": b"x" * (number + 1) for number in range(12)}


def _failures(house: House, number: int) -> None:
    """Wait for so many failed runs."""
    in_time(lambda: house.ended("job").count("failed") >= number)


def _told_all(house: House, receiver: Receiver) -> None:
    """Wait until exactly what is due has been told."""
    in_time(lambda: tale.due(house.records("job")) == tale.told(receiver, "job"))


def test_a_target_dies_and_comes_back(
    house: House, receiver: Receiver, bucket_pair: Pair, new_side: Callable[..., Side]
) -> None:
    target = new_side("dst")
    house.cli.environment["MC_HOST_dst"] = target.server.mc_host()
    house.jobs["job"]["target"] = target.location
    bucket_pair.source.put(SOME)
    serve = house.start()
    house.another("job")
    target.server.kill()
    _failures(house, 3)
    bucket_pair.source.put({"later": b"2"})
    bucket_pair.source.delete("00")
    assert serve.up, serve.log

    target.server.start()
    house.another("job")

    _told_all(house, receiver)
    assert bucket_pair.source.contents() == target.contents()
    assert ["failure", "failure", "recovery"] == [what for what, _ in tale.told(receiver, "job")][:2] + [
        what for what, _ in tale.told(receiver, "job")
    ][-1:]
    assert 1 == [what for what, _ in tale.told(receiver, "job")].count("recovery")
    assert 143 == serve.stop()


def test_a_target_is_killed_and_restarted_in_the_middle_of_runs(
    house: House, receiver: Receiver, bucket_pair: Pair, new_side: Callable[..., Side], new_proxy: Callable[..., Proxy]
) -> None:
    target = new_side("dst")
    proxy = new_proxy(target.server)
    house.cli.environment["MC_HOST_dst"] = target.server.mc_host(address=proxy.address)
    house.jobs["job"]["target"] = target.location
    bucket_pair.source.put(SOME)
    for number in (3, 20, 40):
        proxy.on("put", Call(target.server.restart), first=number, times=1)
    serve = house.start()
    for turn in range(4):
        house.another("job")
        bucket_pair.source.put({f"{turn}/{key}": value for key, value in SOME.items()})
    in_time(lambda: proxy.counts["put"] > 40)
    house.another("job")
    house.another("job")

    assert bucket_pair.source.contents() == target.contents()
    _told_all(house, receiver)
    assert 143 == serve.stop()


@pytest.mark.parametrize("fault", [Hang(), Reset()], ids=["silent", "reset"])
@pytest.mark.parametrize("side", ["src", "dst"])
def test_the_network_is_cut_for_a_while(  # noqa: PLR0917  fixtures
    side: str, fault: Action, house: House, receiver: Receiver, bucket_pair: Pair, new_proxy: Callable[[Minio], Proxy]
) -> None:
    there = bucket_pair.source if side == "src" else bucket_pair.target
    proxy = new_proxy(there.server)
    house.cli.environment[f"MC_HOST_{side}"] = there.server.mc_host(address=proxy.address)
    bucket_pair.source.put(SOME)
    serve = house.start()
    house.another("job")
    proxy.on("", fault)
    _failures(house, 2)
    bucket_pair.source.put({"later": b"2"})
    assert serve.up, serve.log

    proxy.clear()
    house.another("job")

    _told_all(house, receiver)
    assert bucket_pair.equal
    assert 1 == [what for what, _ in tale.told(receiver, "job")].count("recovery")
    assert 143 == serve.stop()


def test_a_source_that_is_down_at_the_start(
    house: House, receiver: Receiver, bucket_pair: Pair, new_side: Callable[..., Side]
) -> None:
    source = new_side("src")
    house.cli.environment["MC_HOST_src"] = source.server.mc_host()
    house.jobs["job"] |= {"source": source.location, "max_age": "1s"}
    source.put(SOME)
    source.server.kill()
    bucket_pair.target.put({"00": b"x", "extra": b"1"})
    serve = house.start()
    _failures(house, 2)
    assert (503, 200) == (serve.status("/readyz"), serve.status("/healthz"))
    assert {"00", "extra"} == bucket_pair.target.contents().keys()

    source.server.start()
    house.another("job")

    _told_all(house, receiver)
    assert source.contents() == bucket_pair.target.contents()
    assert 143 == serve.stop()
