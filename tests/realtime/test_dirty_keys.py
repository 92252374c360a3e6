"""The set of dirty keys: each once, none lost, and another mark is never taken for the one that was settled."""

from pathlib import Path

import pytest

from mcmirror.model.change import Change
from mcmirror.store.database import Database, Unusable
from mcmirror.store.dirty_keys import DirtyKeys


@pytest.fixture
def dirty(database: Database) -> DirtyKeys:
    return DirtyKeys(database, "job src/a dst/b")


def marks(*keys: str) -> list[Change]:
    return [Change(key) for key in keys]


def test_a_key_is_marked_once_and_comes_in_the_order_of_its_age(dirty: DirtyKeys) -> None:
    dirty.mark(marks("b", "a"), 10.0)
    dirty.mark([*marks("c"), Change("a", gone=True)], 11.0)

    taken = dirty.take(20.0, 10)

    assert ["b", "a", "c"] == [one.key for one in taken]
    assert [False, True, False] == [one.gone for one in taken]
    assert [10.0, 10.0, 11.0] == [one.since for one in taken]
    assert (3, 10.0) == (dirty.state().count, dirty.state().oldest)
    assert ["b"] == [one.key for one in dirty.take(20.0, 1)]


def test_what_is_marked_again_meanwhile_stays(dirty: DirtyKeys) -> None:
    dirty.mark(marks("a", "b"), 10.0)
    taken = dirty.take(20.0, 10)
    dirty.mark(marks("a"), 15.0)

    dirty.settle(taken)

    assert [("a", 15.0)] == [(one.key, one.since) for one in dirty.take(20.0, 10)]
    dirty.settle(dirty.take(20.0, 10))
    assert 0 == dirty.state().count


def test_a_key_that_failed_waits_and_another_event_ends_the_wait(dirty: DirtyKeys) -> None:
    dirty.mark(marks("a", "b"), 10.0)
    a, b = dirty.take(20.0, 10)

    dirty.fail({a: "403 Forbidden", b: "500"}, {a: 100.0, b: 100.0})

    assert () == dirty.take(99.0, 10)
    state = dirty.state()
    assert (2, 2, 100.0) == (state.count, state.failing, state.due)
    dirty.mark(marks("b"), 50.0)
    (again,) = dirty.take(50.0, 10)
    assert ("b", 0, 10.0) == (again.key, again.attempts, again.since)
    assert [1] == [one.attempts for one in dirty.take(100.0, 10) if one.key == "a"]


def test_what_is_held_waits_for_a_release_or_another_mark(dirty: DirtyKeys) -> None:
    dirty.mark(marks("a", "b"), 10.0)
    dirty.hold(dirty.take(20.0, 10))

    assert () == dirty.take(1e9, 10)
    assert (2, 0.0) == (dirty.state().held, dirty.state().due)
    dirty.mark(marks("a"), 30.0)
    assert ["a"] == [one.key for one in dirty.take(30.0, 10)]
    dirty.release(40.0)
    assert ["a", "b"] == sorted(one.key for one in dirty.take(40.0, 10))


def test_odd_keys_and_many_are_kept_as_they_are(dirty: DirtyKeys) -> None:
    keys = ["a'b", "é", "x\n y", "%25", "日本", *(f"k{number:05}" for number in range(2000))]

    dirty.mark(marks(*keys), 1.0)

    assert set(keys) == {one.key for one in dirty.take(1.0, 5000)}


def test_another_pair_has_its_own(database: Database, dirty: DirtyKeys) -> None:
    dirty.mark(marks("a"), 1.0)

    assert () == DirtyKeys(database, "job src/other dst/b").take(2.0, 10)


def test_a_state_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(Unusable):
        DirtyKeys(Database(f"sqlite:///{tmp_path / 'file' / 'state.db'}"), "p").mark(marks("a"), 1.0)
