"""The items of a backlog: each once while it is open, in one process's hands at a time, and none lost."""

import threading
from collections import Counter

import pytest

from mcmirror.model.backlog import Action, BacklogState, ItemState
from mcmirror.model.change import Change
from mcmirror.model.job import MaxDelete
from mcmirror.store.backlog import LATELY, MOST_ATTEMPTS, Backlog
from mcmirror.store.database import Database

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


def test_nothing_is_put_in_twice_and_what_is_done_or_dead_may_come_again(one: Backlog) -> None:
    assert 2 == one.add(changes("a", "b", "a"), 1.0)
    assert 1 == one.add(changes("a", "b", "c"), 2.0)
    a, *others = one.lease(3.0, 60.0, 10)
    one.settle(others, 5.0)
    one.fail({a: "no"}, {})

    assert (0, 0, 0, 0, 1, 2) == counts(one.state(6.0))
    assert 2 == one.add(changes("a", "b"), 7.0)
    assert (2, 0, 0, 0, 0, 1) == counts(one.state(8.0))


def test_what_is_put_in_while_it_is_in_work_is_looked_at_again(one: Backlog, two: Backlog) -> None:
    one.add(changes("a"), 1.0)
    taken = one.lease(2.0, 60.0, 9)
    assert 1 == two.add([Change("a", gone=True)], 3.0)
    assert () == two.lease(3.0, 60.0, 9), "it has its owner"

    assert 0 == one.settle(taken, 4.0), "what was copied is perhaps what was there before"

    (item,) = two.items(ALL, 5.0)
    assert (Action.REMOVE, ItemState.FAILED) == (item.action, item.state)
    assert [True] == [one.gone for one in two.lease(5.0, 60.0, 9)]


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


def test_what_is_given_back_has_had_no_attempt_and_lets_others_go_first(one: Backlog, two: Backlog) -> None:
    one.add(changes("a", "b"), 1.0)
    (a,) = one.lease(2.0, 60.0, 1)
    one.give_back([a], 3.0)

    assert ["b"] == keys(two.lease(4.0, 60.0, 1))
    (a,) = two.lease(4.0, 60.0, 9)
    one.give_back([a], 5.0)

    assert (0, 0) == (a.attempts, two.state(5.0).pending), "only its owner gives it back"


def test_items_whose_process_dies_are_few_then_alone_and_at_last_dead(database: Database) -> None:
    workers = [Backlog(database, PAIR, f"w{number}") for number in range(3 * MOST_ATTEMPTS)]
    workers[0].add(changes(*"abcdefghijklmnopqrstuvwxyz"), 0.0)
    now, sizes = 0.0, list[int]()
    for worker in workers:
        now += 100.0
        taken = worker.lease(now, now + 60.0, 20)
        if "a" not in keys(taken):
            worker.settle(taken, now)  # this one has no poison in it
            continue
        sizes.append(len(taken))  # it dies
    state = workers[0].state(now + 100.0)

    assert [20, 20, 8, 3, 1, 1, 1, 1] == sizes
    assert MOST_ATTEMPTS == len(sizes)
    (dead,) = workers[0].items([ItemState.DEAD], now + 100.0)
    assert ("a", "its process ended 8 times while it worked on it") == (dead.key, dead.error)
    assert (0, 0) == (state.failed, state.leased)


def test_removals_are_reserved_for_all_processes_and_stay_spent_when_one_dies(one: Backlog, two: Backlog) -> None:
    one.add([Change(f"{number:02}", gone=True) for number in range(20)], 1.0)
    one.prepared(1.0, 40)
    limit = MaxDelete()
    first = one.reserve(6, limit, 2.0, 0.0)

    assert (6, 4) == (first.number, two.reserve(6, limit, 3.0, 0.0).number), "a quarter of 40; it dies"
    one.spend(first, 2)
    assert (4, 0) == (one.reserve(9, limit, 4.0, 0.0).number, two.reserve(9, limit, 4.0, 0.0).number)
    one.purge(ALL, 5.0)
    assert 0 == one.reserve(9, limit, 5.0, 0.0).number
    assert 9 == one.reserve(9, limit, 3700.0, 100.0).number
    assert 20 == two.reserve(20, MaxDelete(None, None), 3700.0, 100.0).number


def test_without_a_listing_a_share_is_of_nobody_knows_what(one: Backlog) -> None:
    one.add(changes("a"), 1.0)
    assert (10, 0) == (one.reserve(99, MaxDelete(), 2.0, 0.0).number, one.reserve(1, MaxDelete(0.0), 2.0, 0.0).number)


def test_what_is_held_waits_for_retry(one: Backlog) -> None:
    one.add(changes("a", "b"), 1.0)
    one.hold(one.lease(2.0, 60.0, 1))

    assert ["b"] == keys(one.lease(3.0, 60.0, 9))
    assert (0, 1, 0, 1, 0, 0) == counts(one.state(3.0))
    assert 1 == one.retry(4.0)
    assert ["a"] == keys(one.lease(4.0, 60.0, 9))


def test_failures_and_the_end_are_told_once(one: Backlog, two: Backlog) -> None:
    one.add(changes("a"), 1.0)
    assert (False, False) == one.tell_once(one.state(1.0))
    (a,) = one.lease(2.0, 60.0, 9)
    one.fail({a: "no"}, {a: 3.0})
    assert (True, False) == one.tell_once(one.state(3.0))
    assert (False, False) == two.tell_once(two.state(3.0))
    again = one.lease(4.0, 60.0, 9)
    assert (False, False) == two.tell_once(two.state(4.0)), "it is tried, and has failed before"
    one.settle(again, 5.0)
    assert (False, True) == two.tell_once(two.state(6.0))
    assert (False, False) == one.tell_once(one.state(6.0))
    one.add(changes("b"), 7.0)
    one.settle(one.lease(8.0, 60.0, 9), 9.0)
    assert (False, True) == one.tell_once(one.state(10.0))


def test_a_process_that_died_is_no_failure(one: Backlog) -> None:
    one.add(changes("a"), 1.0)
    one.lease(2.0, 60.0, 9)

    state = one.state(61.0)

    assert (1, 0, 0, 0, 0, 0) == counts(state)
    assert (False, False) == one.tell_once(state)


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


def test_many_rows_are_changed_in_pieces(one: Backlog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcmirror.store.backlog.PIECE", 3)
    one.add(changes(*"abcdefgh"), 1.0)
    one.fail(dict.fromkeys(one.lease(2.0, 60.0, 9), "no"), {})

    assert 8 == one.retry(3.0)
    assert 8 == one.purge([ItemState.PENDING], 4.0)
    assert () == one.items(ALL, 5.0)


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
