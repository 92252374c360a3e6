"""The whole of a job from and to a server that is no MinIO; boto3 says what became of it."""

from collections.abc import Callable

import pytest

from tests.servers.command import Cli
from tests.servers.minio import Minio
from tests.servers.s3 import Bucket
from tests.servers.versitygw import Versitygw
from tests.waiting import until

Ways = Callable[[str], tuple[Bucket, Bucket]]
OBJECTS = {
    "empty": b"",
    "folder/a b+c%41.txt": b"1",
    "folder/marker/": b"",
    "ü/日本": b"22",
    **{f"many/{number:04}": b"x" * number for number in range(60)},
}


@pytest.fixture
def ways(cli: Cli, source: Minio, target: Minio, gateway: Versitygw) -> Ways:
    """Fresh buckets, the source's and the target's, by who has them."""
    cli.environment["MC_HOST_gw"] = gateway.mc_host()
    servers = {"from": (gateway, "gw", target, "dst"), "to": (source, "src", gateway, "gw")}

    def make(way: str) -> tuple[Bucket, Bucket]:
        one, its_alias, other, others_alias = servers[way]
        return Bucket.make(one, its_alias), Bucket.make(other, others_alias)

    return make


@pytest.mark.parametrize("way", ["from", "to"])
def test_a_job_is_done_repeated_mended_and_verified(cli: Cli, ways: Ways, way: str) -> None:
    source, target = ways(way)
    source.put(OBJECTS)
    mirror = ("mirror", source.location, target.location, "--json")

    first = cli(*mirror)
    assert (0, len(OBJECTS)) == (first.code, first.report["done"]["objects"]), first.stderr
    assert source.contents() == target.contents()

    again = cli(*mirror)
    assert (0, 0) == (again.code, again.report["done"]["objects"]), again.stderr

    source.put({"many/0007": b"changed", "many/new": b"new"})
    source.delete("many/0001", "many/0002")
    mended = cli(*mirror, "--overwrite", "--remove")
    assert 0 == mended.code, mended.stderr
    assert (2, 2) == (mended.report["done"]["objects"], mended.report["removed"]["objects"]), mended.stderr
    assert source.contents() == target.contents()

    verified = cli("verify", source.location, target.location, "--content")
    assert 0 == verified.code, verified.stderr


def put_later(source: Bucket, target: Bucket, key: str, body: bytes) -> bool:
    """Store a copy; whether its time is not before the original's. The gateway lists whole seconds."""
    target.put({key: body})
    one, other = (side.client.head_object(Bucket=side.bucket, Key=key)["LastModified"] for side in (source, target))
    return bool(one.replace(microsecond=0) < other)


@pytest.mark.parametrize("way", ["from", "to"])
def test_what_differs_is_found(cli: Cli, ways: Ways, way: str) -> None:
    source, target = ways(way)
    source.put({"a": b"1", "b": b"2", "c": b"3"})
    target.put({"b": b"x"})
    until(lambda: put_later(source, target, "a", b"1"))

    verified = cli("verify", source.location, target.location, "--content", "--json")

    assert 3 == verified.code, verified.stderr
    assert {"b", "c"} == {item["key"] for item in verified.report["remaining_keys"]}, verified.report


@pytest.mark.parametrize("way", ["from", "to"])
def test_an_object_in_parts_arrives_whole(cli: Cli, ways: Ways, way: str) -> None:
    source, target = ways(way)
    body = bytes(range(256)) * (40 << 12)
    source.put({"big": body})

    done = cli("mirror", source.location, target.location, "--json")
    again = cli("mirror", source.location, target.location, "--json")

    assert (0, 1, 0, 0) == (done.code, done.report["done"]["objects"], again.code, again.report["done"]["objects"]), (
        done.stderr
    )
    assert body == target.client.get_object(Bucket=target.bucket, Key="big")["Body"].read()
