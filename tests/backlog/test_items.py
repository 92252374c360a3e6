"""The items of a backlog: each once while it is open, in one process's hands at a time, and none lost."""

import threading
from collections import Counter

import pytest

from mcmirror.model.backlog import Action, BacklogState, ItemState
from mcmirror.model.change import Change
from mcmirror.model.dirty import Dirty
from mcmirror.store.backlog import LATELY, Backlog
from mcmirror.store.database import Database
from mcmirror.store.dirty_keys import DirtyKeys

PAIR = "job src/a dst/b"
ALL = tuple(ItemState)


def changes(*keys: str) -> list[Change]:
    return [Change(key) for key in keys]


def keys(items: object) -> list[str]:
    return [one.key for one in items]  # type: ignore[attr-defined]


@pytest.fixture
def one(database: Database) -> Backlog:
    return Backlog(database, PAIR, "one")


@pytest.fixture
def two(database: Database) -> Backlog:
    return Backlog(database, PAIR, "two")


def counts(state: BacklogState) -> tuple[int, int, int, int, int, int]:
    return state.pending, state.leased, state.failed, state.held, state.dead, state.done


def test_nothing_is_put_in_twice_and_what_is_done_may_come_again(one: Backlog) -> None:
    assert 2 == one.add(changes("a", "b"), 1.0)
    assert 1 == one.add(changes("a", "b", "c"), 2.0)
    taken = one.lease(3.0, 60.0, 10)
    assert 0 == one.add(changes("a"), 4.0), "it is in work"
    one.settle(taken, 5.0)

    assert (0, 0, 0, 0, 0, 3) == counts(one.state(6.0))
    assert 1 == one.add(changes("a"), 7.0)
    assert (1, 0, 0, 0, 0, 2) == counts(one.state(8.0))


def test_a_batch_is_a_range_of_keys_from_the_one_that_waits_longest(one: Backlog, two: Backlog) -> None:
    one.add(changes("m/1", "m/2", "m/3", "z"), 1.0)
    one.add(changes("a/1", "a/2"), 2.0)

    assert ["m/1", "m/2"] == keys(one.lease(3.0, 60.0, 2))
    assert ["m/3", "z"] == keys(two.lease(3.0, 60.0, 9))
    assert ["a/1", "a/2"] == keys(one.lease(3.0, 60.0, 9))
    assert () == two.lease(3.0, 60.0, 9)


def test_a_lease_comes_back_when_its_owner_does_not_renew_it(one: Backlog, two: Backlog) -> None:
    one.add(changes("a", "b"), 0.0)
    first = one.lease(1.0, 60.0, 1)
    assert 1 == one.renew(120.0)
    assert ["b"] == keys(two.lease(61.0, 100.0, 9))

    (again,) = (item for item in two.lease(121.0, 200.0, 9) if item.key == "a")

    assert (1, 0) == (again.attempts, one.renew(300.0)), "the attempt of the one that died counts"
    assert 1 == one.settle(first, 122.0), "what was seen to be equal is equal, whoever has it now"
    assert ["b"] == keys(two.lease(201.0, 300.0, 9))


def test_a_newer_event_supersedes_the_older_one(one: Backlog, two: Backlog, database: Database) -> None:
    one.add(changes("a"), 1.0)
    taken = one.lease(2.0, 60.0, 9)
    DirtyKeys(database, PAIR).mark([Change("a", gone=True)], 3.0)

    assert 0 == one.settle(taken, 4.0)

    (item,) = two.items(ALL, 5.0)
    assert (Action.REMOVE, ItemState.PENDING) == (item.action, item.state)
    assert [Dirty("a", 0, gone=True, since=0.0, attempts=0).gone] == [one.gone for one in two.lease(5.0, 60.0, 9)]


def test_one_that_failed_waits_and_is_given_up_at_last(one: Backlog) -> None:
    one.add(changes("a", "b"), 1.0)
    a, b = one.lease(2.0, 60.0, 9)
    one.fail({a: "denied", b: "denied too"}, {a: 50.0})

    assert (0, 0, 1, 0, 1, 0) == counts(one.state(3.0))
    assert () == one.lease(49.0, 99.0, 9)
    assert ["a"] == keys(one.lease(50.0, 99.0, 9))
    assert [("b", ItemState.DEAD, "denied too")] == [
        (item.key, item.state, item.error) for item in one.items([ItemState.DEAD], 51.0)
    ]
    assert 1 == one.retry(52.0), "one that is in work is left alone"
    (b,) = one.lease(53.0, 99.0, 9)
    assert ("b", 0) == (b.key, b.attempts)


def test_the_suspects_of_a_batch_that_failed_are_tried_alone(one: Backlog) -> None:
    one.add(changes("a", "b", "c"), 1.0)
    a, b, _ = one.lease(2.0, 60.0, 9)
    one.fail({a: "it died", b: "it died"}, {a: 50.0, b: 50.0}, alone=True)
    one.add(changes("b2", "d"), 51.0)

    assert [["a"], ["b"], ["b2", "d"]] == [keys(one.lease(52.0, 99.0, 9)) for _ in range(3)]


def test_what_is_given_back_has_had_no_attempt(one: Backlog, two: Backlog) -> None:
    one.add(changes("a"), 1.0)
    one.give_back(one.lease(2.0, 60.0, 9))

    (item,) = two.lease(3.0, 60.0, 9)
    one.give_back([item])

    assert (0, 0) == (item.attempts, two.state(4.0).pending), "only its owner gives it back"


def test_removals_are_held_and_counted_over_all_processes(one: Backlog, two: Backlog) -> None:
    one.add([Change("a", gone=True), Change("b", gone=True), Change("c")], 1.0)
    one.prepared(1.0, 40)
    a, b, c = one.lease(2.0, 60.0, 9)
    assert (2, 40) == two.removed_since(0.0, 3.0), "those in another's hands may go at any moment"
    one.settle([a, c], 4.0)
    one.hold([b])

    assert (1, 40) == two.removed_since(0.0, 5.0)
    assert (0, 40) == two.removed_since(4.5, 5.0)
    assert () == two.lease(5.0, 60.0, 9)
    assert (0, 0, 0, 1, 0, 2) == counts(two.state(5.0))
    assert 1 == two.retry(6.0)
    assert ["b"] == keys(two.lease(6.0, 60.0, 9))


def test_failures_and_the_end_are_told_once(one: Backlog, two: Backlog) -> None:
    one.add(changes("a"), 1.0)
    assert (False, False) == one.tell_once(one.state(1.0))
    (a,) = one.lease(2.0, 60.0, 9)
    one.fail({a: "no"}, {a: 3.0})
    assert (True, False) == one.tell_once(one.state(3.0))
    assert (False, False) == two.tell_once(two.state(3.0))
    one.settle(one.lease(4.0, 60.0, 9), 5.0)

    assert (False, True) == two.tell_once(two.state(6.0))
    assert (False, False) == one.tell_once(one.state(6.0))
    one.add(changes("b"), 7.0)
    assert (False, False) == one.tell_once(one.state(7.0))
    one.settle(one.lease(8.0, 60.0, 9), 9.0)
    assert (False, True) == one.tell_once(one.state(10.0))


def test_the_rate_is_that_of_the_last_minutes(one: Backlog) -> None:
    one.add(changes(*(f"k{number:03}" for number in range(110))), 0.0)
    one.settle(one.lease(1.0, 60.0, 10), 2.0)
    now = LATELY + 100.0
    one.settle(one.lease(now - 50.0, now, 50), now - 50.0)

    state = one.state(now)

    assert (1.0, 50.0) == (state.rate, state.remaining_seconds)


def test_what_is_done_is_forgotten_when_it_is_old(one: Backlog) -> None:
    one.add(changes("a", "b"), 1.0)
    one.settle(one.lease(2.0, 60.0, 1), 2.0)
    one.settle(one.lease(8.0, 60.0, 1), 9.0)

    assert 1 == one.purge([ItemState.DONE], 10.0, before=5.0)
    assert ["b"] == keys(one.items(ALL, 10.0))


def test_real_time_leaves_alone_what_is_in_work(one: Backlog, database: Database) -> None:
    one.add(changes("a", "b"), 1.0)
    one.lease(2.0, 60.0, 1)
    dirty = DirtyKeys(database, PAIR)

    assert ["b"] == keys(dirty.take(3.0, 9))
    one.settle(one.lease(3.0, 60.0, 9), 4.0)
    assert (1, 1) == (dirty.state().count, one.state(5.0).done)


def test_odd_keys_are_kept_as_they_are(one: Backlog) -> None:
    odd = ["a'b", 'a"b', "a:b", "a%b", "é ü", "a\nb", "a\\b", "", "\u2028", "x" * 1024]
    one.add(changes(*odd), 1.0)

    taken = one.lease(2.0, 60.0, 100)

    assert sorted(odd, key=str.encode) == keys(taken)
    one.settle(taken, 3.0)
    assert len(odd) == one.state(4.0).done


def test_many_workers_take_each_item_once(database: Database) -> None:
    Backlog(database, PAIR).add(changes(*(f"{number:04}" for number in range(600))), 0.0)
    taken, lock = Counter[str](), threading.Lock()

    def work(name: str) -> None:
        mine = Backlog(database, PAIR, name)
        while items := mine.lease(1.0, 60.0, 7):
            with lock:
                taken.update(keys(items))
            mine.settle(items, 2.0)

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (600, {1}) == (len(taken), set(taken.values()))
    assert (0, 0, 0, 0, 0, 600) == counts(Backlog(database, PAIR).state(3.0))
