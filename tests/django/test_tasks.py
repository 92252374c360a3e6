"""A batch by a task: of Celery with a real worker and Redis, and of Django itself where it has tasks."""

import os
import signal
from collections.abc import Iterator

import django
import psutil
import pytest

from tests.django.site import Site
from tests.servers.brokers import Redis
from tests.waiting import until


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    with Redis.make() as server:
        yield server


@pytest.fixture
def queued(site: Site, redis: Redis) -> Site:
    """With Celery as its trigger, and no worker yet."""
    redis.ask("FLUSHALL")
    return site.having(MCMIRROR_TRIGGER="celery", CELERY_BROKER_URL=redis.url)


@pytest.fixture
def worker(queued: Site) -> Iterator[None]:
    running = queued.start("celery", "-A", "gallery", "worker", "--pool", "prefork", "--concurrency", "2")
    yield
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()


UPLOAD = """
from django.core.files.uploadedfile import SimpleUploadedFile
boss = client()
answers = [boss.post("/", {"file": SimpleUploadedFile(f"cat{number}.png", b"pixels")}) for number in range(3)]
say([answer.status_code for answer in answers])
"""


@pytest.mark.usefixtures("worker")
def test_an_upload_is_mirrored_by_a_worker_without_cron(queued: Site) -> None:
    assert [302, 302, 302] == queued.told(UPLOAD)

    until(lambda: queued.pair.equal, 60)

    assert 3 == len(queued.pair.target.contents())
    assert queued.environment["AWS_S3_MIRRORING_SECRET_ACCESS_KEY"] not in (queued.folder / "beside.log").read_text()


@pytest.mark.usefixtures("worker")
def test_the_command_sends_a_task_for_each_batch(queued: Site) -> None:
    queued.pair.source.put({f"item/{number:03}/name": b"%d" % number for number in range(250)})
    queued.manage("prepare_mirroring_items_history")

    done = queued.process()

    assert (0, True) == (done.code, done.stdout.startswith("3 tasks sent; backlog: 250 objects to do")), done.stderr
    until(lambda: 250 == len(queued.pair.target.sizes()), 120)
    assert queued.pair.equal


def test_a_broker_that_is_down_costs_no_upload(queued: Site) -> None:
    down = queued.having(CELERY_BROKER_URL="redis://127.0.0.1:1/0")
    assert [302, 302, 302] == down.told(UPLOAD)
    done = down.process()

    assert (1, True) == (done.code, "no task could be sent" in done.stderr), done.stderr
    assert "Traceback" not in done.stderr
    idle = down.process("--batch-size", "5", "--parallel", "3")
    assert (2, True) == (idle.code, "--batch-size, --parallel: no effect here" in idle.stderr), idle.stderr
    idle = down.process("--here", "--batches", "5")
    assert (2, True) == (idle.code, "--batches: no effect here" in idle.stderr), idle.stderr
    assert 0 == down.process("--here").code, "or without the broker"
    assert queued.pair.equal


def test_a_worker_that_is_killed_loses_nothing(queued: Site) -> None:
    queued.pair.source.put({f"{number:03}": b"%d" % number for number in range(150)})
    queued.manage("prepare_mirroring_items_history")
    queued.process()
    assert queued.pair.target.server.process is not None
    mirror = psutil.Process(queued.pair.target.server.process.pid)
    mirror.suspend()
    try:
        running = queued.start("celery", "-A", "gallery", "worker", "--concurrency", "1")
        until(lambda: "leased" in queued.told("say(states())").values(), 180)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    finally:
        mirror.resume()
    left = queued.told("say(states())")
    queued.told("""
from mcmirror.contrib.django.mirroring import job_backlog
with job_backlog() as backlog, backlog.items._database.begin() as db:
    from mcmirror.store.database import sql
    say(db.execute(sql("UPDATE backlog SET lease = lease - 60 WHERE lease > 0")).rowcount)
""")

    assert 100 == list(left.values()).count("leased")
    assert 0 == queued.process("--here").code
    assert queued.pair.equal
    assert {"done"} == set(queued.told("say(states())").values())


def test_django_has_tasks_or_says_that_it_has_none(site: Site) -> None:
    tasked = site.having(MCMIRROR_TRIGGER="tasks")
    if django.VERSION < (6, 0):
        done = tasked.process()
        assert (1, True) == (done.code, "has no django.tasks" in done.stderr)
        return
    assert [302, 302, 302] == tasked.told(UPLOAD)
    assert tasked.pair.equal, "Django's own backend of tasks runs them at once"
