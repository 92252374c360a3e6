"""What every mover promises: one suite over mc, with servers of two makes, and the mover in memory."""

import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Protocol

import pytest

from mcmirror.model.attributes import Attributes
from mcmirror.model.change import Change, Connected, Heard
from mcmirror.model.event import CopyStarted, Event, Moved, ProblemFound
from mcmirror.model.job import Job, MirrorOptions
from mcmirror.model.location import Alias, Location, Secret
from mcmirror.model.plan import Entry
from mcmirror.model.problem import Category, ListingBroken, Trouble
from mcmirror.movers.mc.mover import McMover
from mcmirror.movers.mc.session import Session
from mcmirror.movers.memory import MemoryMover, Store
from mcmirror.movers.protocol import Folders, KeyPrefix, Keys, Mover, Presence, Shard, Subtree
from tests.servers.s3 import Bucket, S3Server

IDENTIFIER = "0b1f6f1c-3c55-4c0c-9a4e-6a3f0f7a1d2e"
TREE = {
    "a/b": b"22", "a/c/d": b"333", "ab": b"4444", "b/é ü": b"5", "b/f": b"", "z": b"zz",
}  # fmt: skip


class Place(Protocol):
    """One side, looked at and changed by another hand than the mover's."""

    def put(self, objects: Mapping[str, bytes]) -> None: ...
    def delete(self, *keys: str) -> None: ...
    def contents(self) -> Mapping[str, str]: ...


class Ground:
    """A job, its two places, and a mover for it."""

    def __init__(
        self, job: Job, source: Place, target: Place, mover: Callable[[Job], Mover], kind: str = "memory"
    ) -> None:
        self.job, self.source, self.target, self.kind = job, source, target, kind
        self._mover = mover

    def mover(self, **options: object) -> Mover:
        """A mover under these options."""
        return self._mover(replace(self.job, options=replace(MirrorOptions(overwrite=True), **options)))  # type: ignore[arg-type]

    def copied(self, shard: Shard, **options: object) -> list[Event]:
        """Copy a shard to its end."""
        mover = self.mover(**options)
        assert mover.accepts(shard)
        return list(mover.copy(shard))


class MemoryPlace:
    """A store as another client sees it."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def put(self, objects: Mapping[str, bytes]) -> None:
        """Write."""
        for key, content in objects.items():
            self.store.put(key, content)

    def delete(self, *keys: str) -> None:
        """Remove."""
        for key in keys:
            self.store.delete(key)

    def contents(self) -> Mapping[str, str]:
        """Each key with the MD5 of its bytes."""
        return {key: _md5(one.content) for key, one in self.store.objects.items()}


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@pytest.fixture(params=["memory", "mc to MinIO", "mc to versitygw"])
def ground(request: pytest.FixtureRequest) -> Iterator[Ground]:
    """A ground of each kind."""
    if request.param == "memory":
        job = Job("j", Location("src", "here"), Location("dst", "there"), retries=0)
        places = MemoryPlace(Store()), MemoryPlace(Store())
        yield Ground(job, *places, lambda job: MemoryMover(job, places[0].store, places[1].store))
        return
    fixture: Callable[[str], Any] = request.getfixturevalue
    source, target = fixture("source"), fixture("gateway" if "versitygw" in request.param else "target")
    buckets = Bucket.make(source, "src"), Bucket.make(target, "dst")
    job = Job("j", Location.parse(buckets[0].location), Location.parse(buckets[1].location), retries=0)
    with ExitStack() as stack:
        session = stack.enter_context(Session(str(fixture("mc")), [_alias("src", source), _alias("dst", target)]))
        yield Ground(job, *buckets, lambda job: McMover(session, job), request.param)


def _alias(name: str, server: S3Server) -> Alias:
    return Alias(name, server.url, Secret(server.root.access_key), Secret(server.root.secret_key))


def listed(mover: Mover, place: Location) -> dict[str, Entry]:
    return {entry.key: entry for entry in mover.list(place) if entry is not None}


def begun(events: list[Event]) -> set[str]:
    return {event.key for event in events if isinstance(event, CopyStarted)}


def test_a_listing_has_every_object_with_its_size_and_nothing_else(ground: Ground) -> None:
    ground.source.put(TREE)

    found = listed(ground.mover(), ground.job.source)

    assert {key: len(content) for key, content in TREE.items()} == {key: one.size for key, one in found.items()}
    assert {key: _md5(content) for key, content in TREE.items()} == {key: one.etag for key, one in found.items()}
    assert sorted(found) == list(found)
    assert {"b", "c/d"} == listed(ground.mover(), ground.job.source.below("a")).keys()
    assert {} == listed(ground.mover(), ground.job.target)


def test_a_place_that_is_not_there_is_no_empty_place(ground: Ground) -> None:
    if isinstance(ground.source, MemoryPlace):
        ground.source.store.breaks_after = 0
        ground.source.put({"a": b""})
        place = ground.job.source
    else:
        place = Location(ground.job.source.alias, f"t{secrets.token_hex(6)}")

    with pytest.raises(ListingBroken):
        listed(ground.mover(), place)


def test_a_request_for_a_key_says_whether_it_is_there(ground: Ground) -> None:
    ground.source.put(TREE)
    mover = ground.mover()
    entries = listed(mover, ground.job.source)

    answers = mover.stat(ground.job.source, ["ab", "a/c", "absent", "b/é ü"])

    presences = {key: answer.presence for key, answer in answers.items()}
    assert presences == {
        "ab": Presence.THERE, "a/c": Presence.ABSENT, "absent": Presence.ABSENT, "b/é ü": Presence.THERE,
    }  # fmt: skip
    for key in ("ab", "b/é ü"):
        entry = answers[key].entry
        assert entry is not None
        assert (entries[key].size, entries[key].etag) == (entry.size, entry.etag)


def test_keys_are_asked_for_without_a_listing(ground: Ground) -> None:
    ground.source.put(TREE)
    mover = ground.mover()
    entries = listed(mover, ground.job.source)
    if isinstance(ground.source, MemoryPlace):
        ground.source.store.breaks_after = 0
    keys = ["z", "absent", "ab", "a/c", "gone", "b/é ü", "b/f"]

    answers = mover.look(ground.job.source, keys, gone=["gone"])

    there = {key for key, answer in answers.items() if answer.presence is Presence.THERE}
    assert {"z", "ab", "b/é ü", "b/f"} == there
    assert {"absent", "a/c", "gone"} == {key for key, one in answers.items() if one.presence is Presence.ABSENT}
    for key in there:
        entry = answers[key].entry
        assert entry is not None
        assert (entries[key].size, entries[key].etag) == (entry.size, entry.etag)


def test_a_bucket_that_is_gone_says_nothing_of_its_keys(ground: Ground) -> None:
    if isinstance(ground.target, MemoryPlace):
        ground.target.store.silent = True
        place = ground.job.target
    else:
        place = Location(ground.job.target.alias, f"t{secrets.token_hex(6)}")

    answers = ground.mover().look(place, ["a", "b/c"], gone=["a"])

    assert {"a": Presence.UNKNOWN, "b/c": Presence.UNKNOWN} == {key: one.presence for key, one in answers.items()}


def test_what_changes_is_heard_or_it_is_said_that_nothing_is(ground: Ground) -> None:
    mover = ground.mover()
    if "versitygw" in ground.kind:
        with pytest.raises(Trouble) as trouble:
            list(mover.watch(ground.job.target))
        assert trouble.value.problem.category is Category.EVENTS_UNSUPPORTED
    ground.source.put({"before": b"1"})
    heard = list[Heard]()
    channel = mover.watch(ground.job.source)
    for number, batch in enumerate(channel):
        heard += batch
        ground.source.put({f"d/é {number}": b"1"})  # the first may be written before anybody listens
        if any(isinstance(one, Change) for one in heard):
            break
    ground.source.put({"last": b"1"})
    ground.source.delete("last")
    for batch in channel:
        heard += batch
        if Change("last", gone=True) in heard:
            break
    channel.close()

    assert Connected() in heard
    assert any(isinstance(one, Change) and one.key.startswith("d/é ") and not one.gone for one in heard)


@pytest.mark.parametrize(
    ("shard", "arrive"),
    [
        (Subtree(), tuple(TREE)),
        (Subtree("a/"), ("a/b", "a/c/d")),
        (Subtree("a/", flat=True), ("a/b",)),
        (Subtree(avoid=("z", "b/é ü")), ("a/b", "a/c/d", "ab", "b/f")),
        (KeyPrefix("a"), ("a/b", "a/c/d", "ab")),
        (KeyPrefix("a/"), ("a/b", "a/c/d")),
        (KeyPrefix("b/é"), ("b/é ü",)),
        (Keys("b/", ("b/é ü",)), ("b/é ü",)),
        (Keys("", ("ab", "z")), ("ab", "z")),
        (Keys("a/", ("a/b",), bare=True), ("a/b",)),
    ],
    ids=str,
)
def test_a_shard_is_what_it_says(ground: Ground, shard: Shard, arrive: tuple[str, ...]) -> None:
    ground.source.put(TREE)

    events = ground.copied(shard)

    assert {key: _md5(TREE[key]) for key in arrive} == ground.target.contents()
    assert set(arrive) == begun(events)
    assert [] == [event for event in events if isinstance(event, ProblemFound)]
    assert all(isinstance(event, CopyStarted | Moved) for event in events)


def test_a_subtree_is_copied_where_the_target_lacks_an_object_and_keys_always(ground: Ground) -> None:
    ground.source.put({"same": b"1", "other": b"22", "new": b"3"})
    ground.copied(Subtree())
    ground.target.delete("new")
    ground.target.put({"other": b"longer"})

    # A server that knows times to the second makes some of its objects older than their source.
    assert {"new", "other"} == begun(ground.copied(Subtree())) - {"same"}
    assert {"same"} == begun(ground.copied(Keys("", ("same",))))
    assert ground.source.contents() == ground.target.contents()


def test_without_overwrite_nothing_is_replaced(ground: Ground) -> None:
    ground.source.put({"a": b"1", "b": b"2"})
    ground.target.put({"a": b"other"})

    events = ground.copied(Subtree(), overwrite=False)

    assert {"a": _md5(b"other"), "b": _md5(b"2")} == ground.target.contents()
    assert [] == [event for event in events if isinstance(event, ProblemFound)]
    assert not ground.mover(overwrite=False).accepts(KeyPrefix("a"))
    assert not ground.mover(overwrite=False).accepts(Folders("", (IDENTIFIER,)))


def test_folders_of_identifiers_are_copied_whole_and_no_others(ground: Ground) -> None:
    other = IDENTIFIER[:-1] + "0"
    tree = {f"i/{IDENTIFIER}/a": b"1", f"i/{IDENTIFIER}/b/c": b"2", f"i/{other}/d": b"3", "i/e": b"4"}
    ground.source.put({**tree, f"i/{other[:-2]}/f": b"5"})
    shard = Folders("i/", (f"i/{IDENTIFIER}", f"i/{other}"))

    assert ground.mover().accepts(shard)
    assert {*tree} - {"i/e"} == begun(ground.copied(shard)) == ground.target.contents().keys()


def test_the_contents_of_folders_are_listed_unless_they_are_too_many(ground: Ground) -> None:
    ground.source.put({"a/b": b"1", "a/c/d": b"2", "ab/e": b"3", "f": b"4"})
    mover, source = ground.mover(), ground.job.source

    expected = {"a/": {"a/b", "a/c/d"}, "ab/": {"ab/e"}, "none/": set[str]()}
    assert expected == mover.contents(source, ["a/", "ab/", "none/"], 9)
    assert mover.contents(source, ["a/", "ab/"], 2) is None


def test_a_key_that_is_gone_is_a_problem_with_its_name(ground: Ground) -> None:
    ground.source.put({"a": b"1"})

    events = ground.copied(Keys("", ("gone",)))

    (found,) = [event.problem for event in events if isinstance(event, ProblemFound)]
    assert "gone" == found.object
    assert found.category in {Category.OBJECT_VANISHED, Category.SOURCE_NOT_FOUND}
    assert {} == ground.target.contents()


def test_what_is_removed_is_gone_and_nothing_else(ground: Ground) -> None:
    ground.target.put({"a/b": b"1", "a/c": b"2", "ab": b"3", "odd\nkey": b"4"})

    assert [] == list(ground.mover().remove(["a/b", "odd\nkey", "never was there"]))
    assert {"a/c", "ab"} == ground.target.contents().keys()


def test_contents_are_read_and_a_wrong_size_is_said(ground: Ground) -> None:
    ground.source.put(TREE)
    mover = ground.mover()
    entries = listed(mover, ground.job.source)
    chosen = [entries[key] for key in ("a/b", "b/f", "b/é ü")]

    assert tuple(hashlib.sha256(TREE[one.key]).hexdigest() for one in chosen) == mover.read(ground.job.source, chosen)
    assert isinstance(mover.read(ground.job.source, [chosen[0]._replace(size=1)]), str)
    assert isinstance(mover.read(ground.job.source, [chosen[0]._replace(key="absent")]), str)


def test_attributes_are_those_of_the_object(ground: Ground) -> None:
    ground.source.put({"a": b"1", "b": b"22"})
    reader = ground.mover().attributes(ground.job.source)

    heads = dict(reader.heads(["a", "absent", "b"]))

    assert ["a", "absent", "b"] == list(heads)
    for key, size in (("a", 1), ("b", 2)):
        head = heads[key]
        assert isinstance(head, Attributes)
        assert (key, size) == (head.entry.key, head.entry.size)
    assert not isinstance(heads["absent"], Attributes)
    assert not reader.keeps_versions()


def test_no_upload_stands_open_after_a_copy(ground: Ground) -> None:
    ground.source.put({"large": bytes(20 << 20)})
    ground.copied(Subtree())

    uploads = ground.mover().uploads()
    assert uploads is not None
    assert not uploads


def test_a_mirror_without_a_verdict_says_how_the_program_ended(ground: Ground) -> None:
    ground.source.put({"a": b"1", "b/c": b"2"})

    steps, code = ground.mover().mirror_unverified(), None
    while code is None:
        try:
            next(steps)
        except StopIteration as end:
            code = end.value
    assert 0 == code
    assert ground.source.contents() == ground.target.contents()
