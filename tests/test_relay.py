"""A relay stores each event once and hands it on, in the order of its key: on SQLite and on PostgreSQL."""

from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcmirror.config import Relay as Settings
from mcmirror.model.relay import NotStored, RelayState
from mcmirror.notify import relay as relay_module
from mcmirror.notify.relay import Relay
from mcmirror.store.database import Database
from mcmirror.store.relay_queue import KEPT, RelayQueue
from tests.relay_samples import TOKEN, Lines, document, keys, numbers, record, relaying, replicated, together
from tests.servers.hook import FakeHook
from tests.waiting import until


@pytest.fixture(params=["sqlite", "postgresql"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state/state.db"
    server = request.getfixturevalue("postgres")
    return str(server.url(server.database()))


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A state of one kind, where the kind does not matter."""
    return f"sqlite:///{tmp_path}/state/state.db"


@pytest.fixture
def hook() -> Iterator[FakeHook]:
    with FakeHook() as server:
        yield server


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is tried again soon."""
    monkeypatch.setattr(relay_module, "FIRST_PAUSE", 0.01)


def standing(state: str) -> RelayState:
    database = Database(state)
    try:
        return RelayQueue(database).states().get("one", RelayState("one"))
    finally:
        database.close()


def test_an_event_arrives_as_a_document_of_its_own(state: str, hook: FakeHook) -> None:
    with relaying(state, hook, deliver_token="token-of-the-function") as relay:
        relay.receive(document(record("a+b.jpg"), record("c.jpg", name="ObjectRemoved:Delete")))
        until(lambda: len(hook.taken) == 2)
    first = next(one for one in hook.taken if one.document["Key"] == "photos/a b.jpg")
    assert {
        "EventName": "s3:ObjectCreated:Put",
        "Key": "photos/a b.jpg",
        "Records": [record("a+b.jpg")],
    } == first.document
    assert ("Bearer token-of-the-function", "1") == (
        first.headers["authorization"],
        first.headers["x-mcmirror-attempt"],
    )
    assert "application/json" == first.headers["content-type"]
    assert 2 == len(set(hook.deliveries))
    assert RelayState("one", delivered=2) == standing(state)


def test_duplicates_of_both_kinds_are_dropped(state: str, hook: FakeHook) -> None:
    multipart = "s3:ObjectCreated:CompleteMultipartUpload"
    completed = "s3:Replication:OperationCompletedReplication"
    with relaying(state, hook) as relay:
        relay.receive(document(record("a", name=multipart, **replicated("PENDING"))))
        relay.receive(document(record("a", name=completed, **replicated("COMPLETED"))))
        relay.receive(document(record("a", name=completed, **replicated("COMPLETED"))))
        relay.receive(document(record("b")))
        relay.receive(document(record("b", name=completed, **replicated("COMPLETED"))))
        until(lambda: len(hook.taken) == 2)
        relay.receive(document(record("b"), record("b", 2)))
        until(lambda: len(hook.taken) == 3)
    assert ["a", "b", "b"] == sorted(keys(hook))
    assert RelayState("one", delivered=3, pending=1, repeated=3) == standing(state)


def test_pending_events_are_kept_by_choice_and_still_arrive_once(file: str, hook: FakeHook) -> None:
    with relaying(file, hook, keep_pending=True) as relay:
        relay.receive(document(record("a", **replicated("PENDING"))))
        until(lambda: len(hook.taken) == 1)
        relay.receive(document(record("a", **replicated("COMPLETED")), record("b")))
        until(lambda: len(hook.taken) == 2)
    assert ["a", "b"] == keys(hook)


def test_a_duplicate_after_a_restart_is_dropped(state: str, hook: FakeHook) -> None:
    for _ in range(2):
        with relaying(state, hook) as relay:
            relay.receive(document(record("a")))
            until(lambda: len(hook.taken) == 1)
    assert RelayState("one", delivered=1, repeated=1) == standing(state)


def test_what_was_seen_long_ago_is_forgotten_but_not_what_waits(state: str, hook: FakeHook) -> None:
    database = Database(state)
    queue = RelayQueue(database)
    idle = Relay(Settings("one", "/relay/one", TOKEN, hook.url), queue, Lines())
    idle.receive(document(record("waits"), record("gone")))
    queue.delivered(next(one for one in queue.take("one", idle._now(), 20.0, 8) if one.subject == "photos/gone"))
    queue.prune(idle._now() + KEPT + 1)
    idle.receive(document(record("waits"), record("gone")))
    assert (2, 1) == (queue.states()["one"].waiting, queue.states()["one"].repeated)
    database.close()


def test_events_of_a_key_arrive_in_the_order_of_their_sequencers(state: str, hook: FakeHook, quick: None) -> None:
    hook.faults = deque(["500", "500", "503"])
    database = Database(state)
    # Stored before anything is handed on: they came in any order.
    idle = Relay(Settings("one", "/relay/one", TOKEN, hook.url), RelayQueue(database), Lines())
    for number in (3, 1, 4, 2, 5):
        idle.receive(document(*(record(key, number) for key in "abc")))
    database.close()
    with relaying(state, hook, parallel=4):
        until(lambda: len(hook.taken) == 15)
    assert [[1, 2, 3, 4, 5]] * 3 == [numbers(hook, key) for key in "abc"]


def test_a_key_whose_event_fails_holds_up_no_other(file: str, hook: FakeHook) -> None:
    """It waits for a second, and the others do not."""
    hook.faults = deque(["500"])
    with relaying(file, hook, parallel=1) as relay:
        relay.receive(document(record("a"), record("a", 2), record("b"), record("c")))
        until(lambda: len(hook.taken) == 4)
    assert {"b", "c"} == set(keys(hook)[:2])
    assert [1, 2] == numbers(hook, "a")


def test_keys_are_handed_on_side_by_side(file: str, hook: FakeHook) -> None:
    hook.faults = deque(["hang", "hang"])
    with relaying(file, hook, parallel=3) as relay:
        relay.receive(document(*(record(key) for key in "abcd")))
        until(lambda: len(hook.taken) == 2)
        assert 4 == len(hook.requests)
        hook.released.set()
        until(lambda: not relay._under_way)


def test_two_processes_share_the_work(state: str, hook: FakeHook) -> None:
    with relaying(state, hook) as one, relaying(state, hook) as other:
        calls = [
            lambda relay=relay, turn=turn: relay.receive(document(*(record(f"{turn}-{n}") for n in range(5))))
            for turn in range(20)
            for relay in (one, other)
        ]
        together(calls)
        until(lambda: standing(state).delivered == 100)
    assert 100 == len(hook.taken) == len(set(keys(hook)))
    assert RelayState("one", delivered=100, repeated=100) == standing(state)


def test_a_receiver_that_is_down_is_asked_ever_more_seldom(file: str, hook: FakeHook, quick: None) -> None:
    hook.always, lines = "503", Lines()
    with relaying(file, hook, lines) as relay:
        relay.receive(document(*(record(f"k{number}") for number in range(50))))
        until(lambda: relay._holds > 5)
        assert 48 <= len(hook.requests) < 100
        failing = standing(file)
        assert (50, 0) == (failing.waiting, failing.dead)
        assert "127.0.0.1: it answered HTTP 503" == failing.error
        hook.always = ""
        until(lambda: len(hook.taken) == 50)
        until(lambda: not relay._under_way)
    assert 50 == len(set(keys(hook)))
    assert RelayState("one", delivered=50) == standing(file)
    assert {"relay_failing", "relay_recovered"} == set(lines.events)
    assert lines.events.count("relay_failing") == lines.events.count("relay_recovered")


def test_a_receiver_that_asks_for_time_gets_it(file: str, hook: FakeHook) -> None:
    hook.faults = deque(["429:3000"])
    with relaying(file, hook) as relay:
        relay.receive(document(record("a")))
        until(lambda: relay._held - relay._now() > 2000)


@pytest.mark.parametrize("status", [400, 413, 414, 415, 422, 431])
def test_an_answer_about_the_event_itself_is_final(file: str, hook: FakeHook, status: int) -> None:
    hook.faults, lines = deque([str(status)]), Lines()
    with relaying(file, hook, lines, parallel=1) as relay:
        relay.receive(document(record("a"), record("a", 2)))
        until(lambda: len(hook.taken) == 1)
    assert [2] == numbers(hook, "a")
    assert (1, 1) == (standing(file).dead, standing(file).delivered)
    ((_, _, text),) = [line for line in lines.said if line[1] == "relay_dead"]
    assert (
        f"relay one: ObjectCreated:Put of photos/a is given up: 127.0.0.1: it answered HTTP {status}."
        " mcmirror events replay one tries it again."
    ) == text


@pytest.mark.parametrize("status", [401, 403, 404, 405, 408, 409, 429, 500, 502, 302])
def test_an_answer_that_may_pass_is_asked_for_again(file: str, hook: FakeHook, status: int, quick: None) -> None:
    hook.faults = deque([str(status)] * 2)
    with relaying(file, hook) as relay:
        relay.receive(document(record("a")))
        until(lambda: len(hook.taken) == 1)
    assert "3" == hook.taken[0].headers["x-mcmirror-attempt"]


@pytest.mark.parametrize("fault", ["reset", "garbage", "hang"])
def test_a_receiver_that_does_not_answer_is_asked_again(file: str, hook: FakeHook, fault: str, quick: None) -> None:
    hook.faults = deque([fault])
    with relaying(file, hook, timeout=0.5) as relay:
        relay.receive(document(record("a")))
        until(lambda: len(hook.taken) == 1)


def test_a_slow_receiver_has_the_time_that_is_configured(file: str, hook: FakeHook) -> None:
    """Longer than a notifier is waited for."""
    hook.faults = deque(["hang"])
    with relaying(file, hook, timeout=50.0) as relay:
        relay.receive(document(record("a")))
        until(lambda: hook.requests)
        database = Database(file)
        due = RelayQueue(database).due("one")
        database.close()
        assert due is not None
        assert 50 < due - relay._now() <= 65
        hook.released.set()


def test_after_so_many_attempts_an_event_is_given_up_and_replayed(state: str, hook: FakeHook, quick: None) -> None:
    hook.always = "500"
    with relaying(state, hook, attempts=3) as relay:
        relay.receive(document(record("a"), record("b")))
        until(lambda: standing(state).dead == 2)
        assert 6 == len(hook.requests)
        database = Database(state)
        queue = RelayQueue(database)
        first, second = queue.dead("one")
        assert {"photos/a", "photos/b"} == {first.subject, second.subject}
        assert (3, "127.0.0.1: it answered HTTP 500") == (first.attempts, first.error)
        hook.always = ""
        assert 1 == queue.replay("one", [first.id, "unknown"], relay._now())
        until(lambda: len(hook.taken) == 1)
        assert "1" == hook.taken[0].headers["x-mcmirror-attempt"]
        assert [second] == list(queue.dead("one"))
        database.close()


def test_what_a_killed_process_was_at_is_handed_on_after_its_lease(state: str, hook: FakeHook) -> None:
    database = Database(state)
    queue = RelayQueue(database)
    idle = Relay(Settings("one", "/relay/one", TOKEN, hook.url), queue, Lines())
    idle.receive(document(record("a"), record("a", 2)))
    now = idle._now()
    (taken,) = queue.take("one", now, 20.0, 8)
    assert () == queue.take("one", now + 19, 20.0, 8)
    assert [taken] == list(queue.take("one", now + 21, 20.0, 8))
    database.close()


def test_what_cannot_be_stored_is_refused(file: str, hook: FakeHook, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder")
    with relaying(file, hook) as relay, pytest.raises(NotStored, match="the state cannot be used"):
        relay.receive(document(record("a")))


def test_what_was_handed_on_while_the_state_was_gone_is_not_sent_again(
    file: str, hook: FakeHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(file)
    queue = RelayQueue(database)
    idle = Relay(Settings("one", "/relay/one", TOKEN, hook.url), queue, Lines())
    idle.receive(document(record("a"), record("a", 2)))
    now = idle._now()
    (first,) = queue.take("one", now, 20.0, 8)
    with monkeypatch.context() as away:
        away.setattr(database, "_not_before", float("inf"))
        database.close()
        queue.delivered(first)
    assert () == queue.take("one", now + 30, 20.0, 8)
    assert 1 == queue.states()["one"].delivered
    (second,) = queue.take("one", now + 30, 20.0, 8)
    assert 2 == int(second.rank[-4:], 16)
    database.close()


@pytest.mark.parametrize("key", ["%00", "%ED%95%9C.jpg", "a%2Fb%2F", "%0A", "%22%27%5C", "%25"])
def test_odd_keys(state: str, hook: FakeHook, key: str) -> None:
    with relaying(state, hook) as relay:
        relay.receive(document(record(key)))
        until(lambda: len(hook.taken) == 1)
    assert [key] == keys(hook)
