"""The executors, one after the other."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.executors.world import World
from tests.servers.brokers import RabbitMQ, Redis
from tests.servers.minio import Minio

KINDS = ("local", "store", "store on PostgreSQL", "celery", "celery on RabbitMQ")
Made = Callable[[str], World]


@pytest.fixture
def made(tmp_path: Path, source: Minio, target: Minio, mc: Path, request: pytest.FixtureRequest) -> Iterator[Made]:
    """Make the world of an executor."""
    variables = {"MCMIRROR_MC": str(mc), "MC_HOST_src": source.mc_host(), "MC_HOST_dst": target.mc_host()}
    with ExitStack() as stack:

        def make(kind: str) -> World:
            state, executor = f"sqlite:///{tmp_path}/state/state.db", kind.partition(" ")[0]
            if kind == "store on PostgreSQL":
                postgres = request.getfixturevalue("postgres")
                state = postgres.url(postgres.database())
            settings = f'executor = "{executor}"'
            if executor == "celery":
                broker = request.getfixturevalue("rabbitmq" if kind.endswith("RabbitMQ") else "redis")
                settings += f'\nbroker = "{broker.url}"'
            world = World(executor, tmp_path, settings, variables, state)
            stack.callback(world.close)
            return world

        yield make


@pytest.fixture
def redis() -> Iterator[Redis]:
    """A broker of its own for each test."""
    with Redis.make() as server:
        yield server


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitMQ]:
    """One for all: it takes seconds to start."""
    with RabbitMQ.make() as server:
        yield server


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest, made: Made) -> World:
    """Each executor, with an agent where it has one."""
    world = made(request.param)
    if world.remote:
        world.agent()
    return world


@pytest.fixture(params=KINDS[1:])
def lonely(request: pytest.FixtureRequest, made: Made) -> World:
    """Each executor that has agents, without one."""
    return made(request.param)
