"""Threads that tell: one that dies is seen in the status, and started again."""

import threading
from collections.abc import Callable, Iterator

import pytest

from mcmirror.notify import dispatcher
from mcmirror.notify.worker import Worker
from mcmirror.service import Service
from mcmirror.service.assembly import Rooms, assemble
from mcmirror.service.notifications import NotificationThread
from mcmirror.store.outbox import Outbox
from tests.conftest import Pair
from tests.servers.command import Cli
from tests.servers.hook import FakeHook
from tests.waiting import until


@pytest.fixture
def hook() -> Iterator[FakeHook]:
    with FakeHook() as server:
        yield server


@pytest.fixture
def load(cli: Cli, bucket_pair: Pair, hook: FakeHook, own_home: None) -> Callable[[], Service]:
    """A service with one job of which a webhook hears."""
    del own_home
    source = cli.folder / "source"
    source.mkdir()
    (source / "object").write_bytes(b"1")
    told = f'[notify.hook]\ntype = "webhook"\nformat = "json"\nurl = "{hook.url}"\non = ["success", "failure"]\n'
    job = f'[job.one]\nsource = "./source"\ntarget = "{bucket_pair.target.location}"\nnotify = ["hook"]\n'
    config = cli.write(job + told)
    from mcmirror.config import load as read

    return lambda: Service(read(config, cli.environment, cli.folder, needs_jobs=True), cli.environment)


@pytest.fixture
def rooms(load: Callable[[], Service]) -> Iterator[Rooms]:
    made = assemble(load(), lambda *_, **__: None)
    made.begin()
    yield made
    made.end(10)


def dies(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, times: int = 1) -> Callable[[], int]:
    """Let a method end its thread so often; how often it has."""
    before = getattr(owner, name)
    deaths: list[int] = []

    def deadly(*arguments: object, **named: object) -> object:
        if len(deaths) < times:
            deaths.append(1)
            raise SystemExit
        return before(*arguments, **named)

    monkeypatch.setattr(owner, name, deadly)
    return lambda: len(deaths)


def test_a_notifiers_thread_that_dies(rooms: Rooms, hook: FakeHook, monkeypatch: pytest.MonkeyPatch) -> None:
    deaths = dies(monkeypatch, Outbox, "take")
    rooms.server.trigger("one")
    until(lambda: any("SystemExit" in text for text in rooms.server.state().warnings))
    (state,) = (one for one in rooms.server.state().notifiers if one.name == "hook")
    assert "notify-hook ended by SystemExit" in state.error
    rooms.server._records()
    until(lambda: hook.taken)
    assert 1 == deaths()
    until(lambda: not any(one.error for one in rooms.server.state().notifiers))


@pytest.mark.parametrize("method", ["_made", "_work"])
def test_the_thread_that_decides_dies(
    rooms: Rooms, hook: FakeHook, load: Callable[[], Service], monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    rooms.end(10)
    dies(monkeypatch, NotificationThread, method)
    made = assemble(load(), lambda *_, **__: None)
    made.begin()
    try:
        until(lambda: any("telling ended by SystemExit" in text for text in made.server.state().warnings))
        made.server.trigger("one")
        until(lambda: hook.taken)
        assert "succeeded" == hook.taken[0].document["run"]["report"]["status"]
        until(lambda: not made.server.state().warnings)
    finally:
        made.end(10)


def test_a_command_whose_telling_dies_tells_all_the_same(
    load: Callable[[], Service], hook: FakeHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mcmirror.model.stop import Stop

    dies(monkeypatch, NotificationThread, "_made")
    service = load()
    service.run(service.jobs())
    assert () == service.finish(Stop())
    assert 1 == len(hook.taken)


def test_a_command_whose_telling_always_dies_says_so(
    load: Callable[[], Service], hook: FakeHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mcmirror.model.stop import Stop

    dies(monkeypatch, NotificationThread, "_made", times=100)
    service = load()
    (report,) = service.run(service.jobs())
    (failed,) = service.finish(Stop())
    assert "succeeded" == report.status
    assert "telling ended by SystemExit" in failed.why
    assert not hook.taken


def test_a_thread_that_cannot_be_started_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    done = threading.Event()
    worker = Worker(done.set, "x")
    start = threading.Thread.start

    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    worker.ensure()
    assert worker.died
    assert not worker.alive
    monkeypatch.setattr(threading.Thread, "start", start)
    worker.ensure()
    assert done.wait(60)


def test_what_a_listener_waits_for_is_in_the_status_when_the_outbox_raises(
    rooms: Rooms, hook: FakeHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = Outbox.take

    def broken(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(dispatcher, "LOOK", 0.05)
    monkeypatch.setattr(Outbox, "take", broken)
    rooms.server.trigger("one")
    until(lambda: any("unexpected MemoryError" in one.error for one in rooms.server.state().notifiers))
    monkeypatch.setattr(Outbox, "take", take)
    until(lambda: hook.taken)
    until(lambda: not any(one.error for one in rooms.server.state().notifiers))
