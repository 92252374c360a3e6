"""Keys of many folders that hold nothing else are copied as whole folders, and no others are."""

import uuid
from collections.abc import Generator
from pathlib import PurePosixPath

from mcmirror.engine.context import Context, Named
from mcmirror.engine.run import run
from mcmirror.model.event import Event, RunFinished
from mcmirror.model.job import Job, MirrorOptions
from mcmirror.model.location import Location
from mcmirror.model.report import RunReport, Status
from mcmirror.model.stop import Stop
from mcmirror.movers.mc.keys import ends_with_identifier
from mcmirror.movers.memory import MemoryMover, Store
from mcmirror.movers.protocol import Folders, Keys, Shard
from tests.test_worlds import Journal, Memory

ITEMS = [f"item/{uuid.UUID(int=number * 7919 << 64, version=4)}" for number in range(1, 41)]


class Recorder(MemoryMover):
    """Accepts the folders that mc accepts, and keeps what it was asked to copy."""

    shards: list[Shard]

    def accepts(self, shard: Shard) -> bool:
        if isinstance(shard, Folders) and not all(map(ends_with_identifier, shard.folders)):
            return False
        return super().accepts(shard)

    def copy(self, shard: Shard) -> Generator[Event, None, None]:
        self.shards.append(shard)
        yield from super().copy(shard)


def copied(source: Store, target: Store, keys: list[str], *, overwrite: bool = True) -> tuple[list[Shard], RunReport]:
    """Run a job for these keys."""
    job = Job("j", Location("src", "a"), Location("dst", "b"), MirrorOptions(overwrite=overwrite), retries=0)
    mover = Recorder(job, source, target)
    mover.shards = []
    context = Context(
        job=job, mover=mover, aliases={}, memory=Memory(), journal=Journal(), stop=Stop(),
        named=Named(tuple(sorted(keys))),
    )  # fmt: skip
    *_, last = run(context)
    assert isinstance(last, RunFinished)
    return mover.shards, last.report


def folders(shards: list[Shard]) -> set[str]:
    return {folder for shard in shards if isinstance(shard, Folders) for folder in shard.folders}


def filled(*keys: str) -> Store:
    store = Store()
    for key in keys:
        store.put(key, key.encode())
    return store


def test_many_folders_that_hold_nothing_else_are_copied_whole() -> None:
    keys = [f"{item}/name.jpg" for item in ITEMS]
    source, target = filled(*keys, f"{ITEMS[3]}/more", f"{ITEMS[4]}/sub/more", "other"), Store()

    shards, report = copied(source, target, keys)

    assert Status.SUCCEEDED is report.status
    assert set(keys) == target.objects.keys()
    assert {*ITEMS} - {ITEMS[3], ITEMS[4]} == folders(shards)
    named = {key for shard in shards if isinstance(shard, Keys) for key in shard.keys}
    assert {f"{ITEMS[3]}/name.jpg", f"{ITEMS[4]}/name.jpg"} == named


def test_folders_by_other_names_and_without_overwrite_are_not() -> None:
    plain = [f"user/{number}/photo" for number in range(40)]
    keys = [f"{item}/name.jpg" for item in ITEMS]
    target = Store()

    assert set() == folders(copied(filled(*plain), target, plain)[0])
    assert set() == folders(copied(filled(*keys), target, keys, overwrite=False)[0])
    assert {*plain, *keys} == target.objects.keys()


def test_an_object_that_cannot_be_read_keeps_no_other_from_arriving() -> None:
    keys = [f"{item}/name.jpg" for item in ITEMS]
    source, target = filled(*keys), Store()
    source.unreadable.add(keys[7])

    _, report = copied(source, target, keys)

    assert Status.PARTIAL is report.status or Status.FAILED is report.status
    assert set(keys) - {keys[7]} == target.objects.keys()
    assert [keys[7]] == [one.key for one in report.remaining]


def test_which_names_are_identifiers() -> None:
    for name in ("507f1f77bcf86cd799439011", "01ARZ3NDEKTSV4RRFFQ69G5FAV", PurePosixPath(ITEMS[0]).name):
        assert ends_with_identifier(f"a/{name}")
    for name in ("2026-11-29", "photos", "12345678", "507f1f77bcf86cd79943901", "01ARZ3NDEKTSV4RRFFQ69G5FAV2"):
        assert not ends_with_identifier(f"a/{name}")
