"""One batch over places in memory: what each key comes to."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from mcmirror.engine.context import Context, Named
from mcmirror.engine.key_batch import Outcome, sync
from mcmirror.engine.run import run
from mcmirror.model.dirty import Dirty
from mcmirror.model.event import Event
from mcmirror.model.job import Job, MaxDelete, MirrorOptions
from mcmirror.model.location import Location
from mcmirror.model.stop import Stop
from mcmirror.movers.memory import MemoryMover, Store
from tests.test_worlds import Journal, Memory

JOB = Job("live", Location("src", "a"), Location("dst", "b"), MirrorOptions(overwrite=True, remove=True), retries=0)


class Ground:
    """Two stores and what is remembered of the pair."""

    def __init__(self) -> None:
        self.source, self.target, self.memory = Store(), Store(), Memory()
        self.source.breaks_after = self.target.breaks_after = 0  # nothing is listed
        self.job = JOB

    def sync(self, *keys: str, limit: MaxDelete | None = None, attempts: int = 0) -> Outcome:
        """Make a batch of these."""
        dirty = [Dirty(key, 1, key not in self.source.objects, 0.0, attempts) for key in keys]
        return sync(self._run, dirty, limit or MaxDelete(None, None))

    def _run(self, named: Named, limit: MaxDelete) -> Iterator[Event]:
        job = replace(self.job, max_delete=limit)
        mover = MemoryMover(job, self.source, self.target)
        yield from run(
            Context(job=job, mover=mover, aliases={}, memory=self.memory, journal=Journal(), stop=Stop(), named=named)
        )


@pytest.fixture
def ground() -> Ground:
    return Ground()


def keys(found: object) -> list[str]:
    return sorted(one.key for one in found)  # type: ignore[attr-defined]


def test_each_key_comes_to_what_it_is(ground: Ground) -> None:
    ground.source.put("new", b"1")
    ground.source.put("changed", b"22")
    ground.target.put("changed", b"33")
    ground.target.put("gone", b"4")
    ground.target.put("not asked for", b"5")

    outcome = ground.sync("new", "changed", "gone", "never was")

    assert ["changed", "gone", "never was", "new"] == keys(outcome.settled)
    assert (2, 1) == (outcome.copied.objects, outcome.removed)
    assert {"new", "changed", "not asked for"} == ground.target.objects.keys()
    assert b"22" == ground.target.objects["changed"].content


def test_a_copy_that_failed_is_not_verified_by_what_was_there_before(ground: Ground) -> None:
    ground.target.put("big", b"1")
    ground.source.plain_etags = ground.target.plain_etags = False
    ground.source.put("big", b"2")
    ground.source.clock = -100.0
    ground.source.put("big", b"2")
    ground.target.unwritable = {"big"}

    outcome = ground.sync("big")

    assert ["big"] == keys(outcome.failed)
    ground.target.unwritable = set()
    assert ["big"] == keys(ground.sync("big", attempts=1).settled)
    assert b"2" == ground.target.objects["big"].content


def test_a_lost_write_of_a_small_object_is_seen(ground: Ground) -> None:
    ground.source.put("a", b"new")
    ground.target.put("a", b"old")
    ground.target.losing = {"a"}

    outcome = ground.sync("a")

    assert ["a"] == keys(outcome.failed)


def test_a_copy_that_fails_holds_back_no_removal(ground: Ground) -> None:
    ground.source.put("denied", b"1")
    ground.source.unreadable = {"denied"}
    ground.target.put("gone", b"2")

    outcome = ground.sync("denied", "gone")

    assert (["gone"], ["denied"]) == (keys(outcome.settled), keys(outcome.failed))
    assert "gone" not in ground.target.objects


def test_more_removals_than_the_limit_are_held_and_the_rest_goes_on(ground: Ground) -> None:
    ground.source.put("new", b"1")
    for number in range(4):
        ground.target.put(f"gone{number}", b"x")

    outcome = ground.sync("new", *(f"gone{number}" for number in range(4)), limit=MaxDelete(None, 3))

    assert (["new"], 4, 0) == (keys(outcome.settled), len(outcome.held), outcome.removed)


def test_kept_keys_are_settled_though_the_job_is_strict(ground: Ground) -> None:
    ground.job = replace(JOB, strict=True, options=replace(JOB.options, overwrite=False))
    ground.source.put("kept", b"11")
    ground.target.put("kept", b"2")

    assert ["kept"] == keys(ground.sync("kept").settled)


def test_a_side_that_is_silent_decides_nothing(ground: Ground) -> None:
    ground.target.put("a", b"1")
    ground.target.put("b", b"1")
    ground.source.silent = True

    outcome = ground.sync("a", "b")

    assert outcome.trouble is not None
    assert ([], {}) == (outcome.settled, outcome.failed)
    assert {"a", "b"} == ground.target.objects.keys()
