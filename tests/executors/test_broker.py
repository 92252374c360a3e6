"""What a broker does to messages: again, never, late; and an agent whose worker takes nothing any more."""

import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from mcmirror.agents.seal import Seal, new_key
from mcmirror.config import Agent, Configuration, Settings, load
from mcmirror.contrib.celery import agent as celery_agent
from mcmirror.contrib.celery.agent import CeleryProcess
from mcmirror.contrib.celery.broker import Sender, application
from mcmirror.engine.order import Order
from mcmirror.model.event import Event, Noted, RunStarted
from mcmirror.model.lock import Lock, Manners
from mcmirror.model.problem import Category
from mcmirror.model.report import Status
from mcmirror.service import Service
from tests.conftest import Pair
from tests.executors.conftest import Made
from tests.executors.world import Running
from tests.servers.brokers import Redis
from tests.servers.certificates import self_signed
from tests.servers.server import free_port
from tests.waiting import until

QUEUE = "mcmirror.seoul"


def begun(*logs: str) -> int:
    """How many runs agents began."""
    return sum(log.count('"run_started"') for log in logs)


def test_a_task_that_is_delivered_three_times_is_begun_once(made: Made, bucket_pair: Pair, redis: Redis) -> None:
    bucket_pair.source.put({f"{number:02}": b"x" * 100_000 for number in range(20)})
    world = made("celery")
    run = Running(world.master(), world.job(bucket_pair, limit_upload="512KiB"))
    until(lambda: redis.ask("LLEN", QUEUE) == b":1")
    _, _, message = redis.ask("LRANGE", QUEUE, "0", "0").split(b"\r\n", 2)
    for _ in range(2):
        redis.ask("LPUSH", QUEUE, message.decode())
    assert b":3" == redis.ask("LLEN", QUEUE)
    world.agent("first")
    world.agent("second")
    assert (Status.SUCCEEDED, 20) == (run.report.status, run.report.tally.done.objects)
    until(lambda: redis.ask("LLEN", QUEUE) == b":0")
    assert 1 == begun(world.log("first"), world.log("second"))
    assert not run.seen(Noted)()


def test_what_the_visibility_timeout_delivers_again_is_begun_once(
    made: Made, bucket_pair: Pair, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has taken the task and is silent; then he is back, and puts it into the queue once more."""

    def impatient(url: str) -> Any:
        app = application(url)
        app.conf.broker_transport_options = {**app.conf.broker_transport_options, "visibility_timeout": 1}
        return app

    monkeypatch.setattr(celery_agent, "application", impatient)
    bucket_pair.source.put({f"{number:02}": b"x" * 100_000 for number in range(20)})
    world = made("celery")
    run = Running(world.master(), world.job(bucket_pair, limit_upload="256KiB"))
    until(lambda: redis.ask("LLEN", QUEUE) == b":1")
    with impatient(redis.url).connection() as connection:
        taken = connection.SimpleQueue(QUEUE).get(timeout=10)
        assert b":1" == redis.ask("HLEN", "unacked")
        time.sleep(2)
        heard = list[Event]()
        environ = world.environment("agent", servers=True)
        file = world.configuration("agent", state=f"sqlite:///{world.folder}/agent.db")
        service = Service(load(file, environ, file.parent), environ)
        process = CeleryProcess(service, "seoul", Seal("seoul", [world.key]), 2, heard.append)
        process.start()
        try:
            until(run.copying)
            taken.requeue()
            assert Status.SUCCEEDED is run.report.status
            until(lambda: redis.ask("LLEN", QUEUE) == b":0")
        finally:
            process.stop(0)
            assert process.wait(30)
    assert ["photos"] == [event.job for event in heard if isinstance(event, RunStarted)]


def test_a_redis_that_is_killed_and_comes_back_costs_no_run(made: Made, bucket_pair: Pair, redis: Redis) -> None:
    bucket_pair.source.put({f"{number:02}": b"x" * 100_000 for number in range(30)})
    world = made("celery")
    world.agent()
    run = Running(world.master(), world.job(bucket_pair, limit_upload="512KiB"))
    until(run.copying)
    redis.stop()
    time.sleep(1)
    redis.start()
    assert (Status.SUCCEEDED, True) == (run.report.status, run.report.verified)
    assert bucket_pair.equal
    again = Running(world.master(), world.job(bucket_pair))
    assert Status.SUCCEEDED is again.report.status


def test_without_a_broker_a_run_says_so(made: Made, bucket_pair: Pair, redis: Redis) -> None:
    world = made("celery")
    redis.stop()
    report = Running(world.master(), world.job(bucket_pair)).report
    (found,) = report.problems
    assert (Status.FAILED, Category.SYSTEM) == (report.status, found.category)
    assert "the broker was not reached" in found.cause


def test_a_run_that_waits_for_its_agent_waits_for_the_broker(made: Made, bucket_pair: Pair, redis: Redis) -> None:
    bucket_pair.source.put({"a": b"a"})
    world = made("celery")
    world.agent()
    master = world.master()
    redis.stop()
    run = Running(master, world.job(bucket_pair), Order(manners=Manners(Lock.WAIT)))
    time.sleep(2)
    redis.start()
    assert Status.SUCCEEDED is run.report.status


@pytest.mark.parametrize("scheme", ["rediss", "amqps"])
def test_the_certificate_of_a_broker_is_verified(scheme: str, tmp_path: Path) -> None:
    folder, port = self_signed(tmp_path / "certificates"), free_port()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "public.crt", folder / "private.key")

    def accept(server: socket.socket) -> None:
        while True:
            try:
                line, _ = server.accept()
                with context.wrap_socket(line, server_side=True) as shaken:
                    shaken.recv(1)
            except ssl.SSLError:
                continue
            except OSError:
                return

    with socket.create_server(("127.0.0.1", port)) as server:
        threading.Thread(target=accept, args=(server,), daemon=True).start()
        for query, trusted in (("", False), (f"?ssl_ca_certs={folder}/public.crt", True)):
            # What is behind the certificate is no broker.
            with pytest.raises(ConnectionError, match="the broker was not reached") as caught:
                Sender(application(f"{scheme}://127.0.0.1:{port}/{query}")).task("seoul", b"x")
            assert trusted is ("CERTIFICATE_VERIFY_FAILED" not in str(caught.value))


class Deaf:
    """A worker whose connection looks well, and that takes nothing."""

    def __init__(self) -> None:
        self.over = threading.Event()

    def start(self) -> None:
        self.over.wait()


def test_an_agent_that_takes_no_work_any_more_ends_itself(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, own_home: None
) -> None:
    worker = Deaf()

    def deaf(*_: Any) -> Deaf:
        return worker

    monkeypatch.setattr(celery_agent, "run_worker", deaf)
    monkeypatch.setattr(celery_agent, "stop_worker", lambda found: found.over.set())
    key = new_key()
    settings = Settings(executor="celery", broker=redis.url)
    service = Service(Configuration(settings, agents={"seoul": Agent("seoul", key, max_age=6.0)}), {})
    process = CeleryProcess(service, "seoul", Seal("seoul", [key]), 1, lambda _: None)
    process.start()
    try:
        until(lambda: process.failure)
        assert "no task and no probe has arrived" in process.failure
        assert redis.ask("LLEN", QUEUE) != b":0"
    finally:
        process.stop(0)
        assert process.wait(30)
