"""What lies in the store and in the broker while agents work: no secret in clear."""

from pathlib import Path

import pytest

from mcmirror.model.event import RunFinished
from mcmirror.model.report import Status
from tests.conftest import Pair
from tests.executors.conftest import Made
from tests.executors.world import Running, World
from tests.servers.brokers import Redis
from tests.servers.minio import Minio
from tests.waiting import until


def assigned(world: World, target: Minio, *, reference: str = "{env:DST_SECRET}") -> str:
    """The master defines ``dst``, and the agent does not: the secrets go to it."""
    del world.variables["MC_HOST_dst"]
    return f'[alias.dst]\nurl = "{target.url}"\naccess_key = "{target.root.access_key}"\nsecret_key = "{reference}"\n'


def run(world: World, pair: Pair, tables: str, **variables: str) -> Running:
    environment = world.environment("master", servers=False)
    service = world.master(tables, environ={**environment, **variables})
    return Running(service, world.job(pair, limit_upload="512KiB"))


@pytest.mark.parametrize("kind", ["store", "celery"])
def test_servers_of_the_master_come_sealed(kind: str, made: Made, bucket_pair: Pair, target: Minio) -> None:
    bucket_pair.source.put({f"{number:02}": b"x" * 100_000 for number in range(20)})
    world = made(kind)
    tables = assigned(world, target)
    world.agent()
    under_way = run(world, bucket_pair, tables, DST_SECRET=target.root.secret_key)
    until(under_way.copying)
    dumped = b"".join(file.read_bytes() for file in world.folder.rglob("*.db*") if file.is_file())
    secrets = [target.root.secret_key.encode(), world.key.encode()]
    assert b"photos" in dumped
    assert not under_way.seen(RunFinished)()
    for secret in secrets:
        assert secret not in dumped
        assert secret not in world.log().encode()
    assert Status.SUCCEEDED is under_way.report.status
    assert bucket_pair.equal


def test_nothing_that_went_through_redis_shows_a_secret(
    made: Made, bucket_pair: Pair, target: Minio, redis: Redis
) -> None:
    bucket_pair.source.put({"a-key-of-an-object": b"x"})
    world = made("celery")
    tables = assigned(world, target)
    world.agent()
    assert Status.SUCCEEDED is run(world, bucket_pair, tables, DST_SECRET=target.root.secret_key).report.status
    written = b"".join(file.read_bytes() for file in Path(redis.folder).rglob("*.aof"))
    assert b"mcmirror.seoul" in written
    for secret in (target.root.secret_key, world.key, "a-key-of-an-object", target.url):
        assert secret.encode() not in written


def test_references_that_lead_nowhere_here_are_the_agents(made: Made, bucket_pair: Pair, target: Minio) -> None:
    bucket_pair.source.put({"a": b"a"})
    world = made("store")
    tables = assigned(world, target)
    world.agent(DST_SECRET=target.root.secret_key)
    assert Status.SUCCEEDED is run(world, bucket_pair, tables).report.status
    assert bucket_pair.equal


def test_what_an_agent_defines_is_its_own(made: Made, bucket_pair: Pair, target: Minio) -> None:
    bucket_pair.source.put({"a": b"a"})
    world = made("store")
    wrong = '[alias.dst]\nurl = "http://127.0.0.1:9"\naccess_key = "not"\nsecret_key = "these"\n'
    world.agent()
    assert Status.SUCCEEDED is run(world, bucket_pair, wrong).report.status
    assert bucket_pair.equal
