"""A mover whose two places are in memory: it shows the engine thousands of worlds in seconds, faults included.

It moves as mc does: a subtree is copied where the target lacks an object or has another one, a key prefix whole, keys
by name. It obeys ``overwrite`` and knows no other filter.
"""

import hashlib
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from mcmirror.messages.error_lookup import classify, problem
from mcmirror.model.attributes import Attributes
from mcmirror.model.change import Change, Connected, Heard
from mcmirror.model.event import CopyStarted, Event, Moved, ProblemFound
from mcmirror.model.job import Job
from mcmirror.model.key import folds
from mcmirror.model.location import Location
from mcmirror.model.plan import Entry
from mcmirror.model.problem import Category, ListingBroken, Problem
from mcmirror.movers.protocol import (
    Answer,
    Entries,
    Folder,
    Folders,
    KeyPrefix,
    Keys,
    LeftOut,
    Presence,
    Shard,
    Subtree,
)

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
DENIED = "Access Denied."


@dataclass(frozen=True, slots=True)
class Stored:
    """An object of a store."""

    content: bytes
    etag: str
    modified: str
    """As ``Entry.modified``."""


@dataclass
class Store:
    """The objects of one place, and how its server behaves. Not thread-safe beyond single operations."""

    objects: dict[str, Stored] = field(default_factory=dict)
    clock: float = 0.0
    """Seconds after the epoch of these tests; each write adds one."""
    plain_etags: bool = True
    """Whether its ETags are MD5s."""
    hidden: set[str] = field(default_factory=set)
    """Keys that its listing leaves out although they are there."""
    breaks_after: int | None = None
    """Objects after which a listing fails; None: never."""
    ends_after: int | None = None
    """Objects after which a listing ends as if it were whole; None: never."""
    unreadable: set[str] = field(default_factory=set)
    unwritable: set[str] = field(default_factory=set)
    losing: set[str] = field(default_factory=set)
    """Keys whose writes are acknowledged and lost."""
    spoiling: set[str] = field(default_factory=set)
    """Keys whose writes arrive with other bytes of the same size."""
    silent: bool = False
    """Whether a request for a single key gets no answer of S3."""
    silent_below: str | None = None
    """The same of keys that begin so."""
    down: bool = False
    """Whether nothing listens at its address."""
    tells: bool = True
    """Whether its channel of events is open."""
    changed: list[str] = field(default_factory=list)
    """Keys that were written or deleted, for the channel of events."""
    requests: int = 0
    on_request: Callable[[int], None] = lambda _: None
    """Called before each request with its number: the place of races."""

    def asked(self) -> None:
        """Count a request, and let happen what happens then."""
        self.requests += 1
        self.on_request(self.requests)

    def put(self, key: str, content: bytes) -> None:
        """Write an object as a client of the server does."""
        self.clock += 1
        sum_ = hashlib.md5(content, usedforsecurity=False).hexdigest()
        modified = (EPOCH + timedelta(seconds=self.clock)).strftime("%Y-%m-%dT%H:%M:%S.000001")
        self.objects[key] = Stored(content, sum_ if self.plain_etags else f"{sum_}-{int(self.clock)}", modified)
        self.changed.append(key)

    def delete(self, key: str) -> None:
        """Remove an object as a client of the server does."""
        if self.objects.pop(key, None) is not None:
            self.changed.append(key)

    def entry(self, key: str) -> Entry | None:
        """An object as a listing shows it."""
        stored = self.objects.get(key)
        return Entry(key, len(stored.content), stored.etag, stored.modified) if stored else None


class MemoryMover:
    """Moves the objects of one job between two stores."""

    most_named = 200
    most_at_once = 4

    def __init__(self, job: Job, source: Store, target: Store) -> None:
        self._job = job
        self._stores = {job.source: source, job.target: target}
        self.removals = list[str]()
        """Every key that was handed over to be removed."""

    @property
    def _source(self) -> Store:
        return self._stores[self._job.source]

    @property
    def _target(self) -> Store:
        return self._stores[self._job.target]

    def busy(self) -> float:
        """Nobody waits for a processor here."""
        return 1.0

    def list(self, place: Location, *, closed_folders: bool = False) -> Entries:  # noqa: ARG002
        """List what the store shows, in key order."""
        store, below = self._store(place)
        store.asked()
        for number, key in enumerate(sorted(key for key in store.objects if key.startswith(below))):
            if store.ends_after == number:
                return
            if store.breaks_after == number:
                raise ListingBroken(
                    problem(Category.CONNECTION_LOST, f"{place} could not be listed to the end", "EOF", str(place))
                )
            entry = store.entry(key)
            if entry is not None and key not in store.hidden:
                yield entry._replace(key=key.removeprefix(below))

    def stat(self, place: Location, keys: Sequence[str]) -> dict[str, Answer]:
        """Say of each key whether it is there."""
        store, below = self._store(place)
        return {key: self._answer(store, below, key) for key in keys}

    def look(self, place: Location, keys: Sequence[str], gone: Collection[str] = ()) -> dict[str, Answer]:
        """As ``stat``: nothing is listed here for it either."""
        del gone
        return self.stat(place, keys)

    def contents(self, place: Location, folders: Sequence[str], most: int) -> dict[str, set[str]] | None:
        """What the store lists there."""
        store, below = self._store(place)
        found = {
            folder: {
                key.removeprefix(below)
                for key in store.objects
                if key.startswith(below + folder) and key not in store.hidden
            }
            for folder in folders
        }
        return found if sum(map(len, found.values())) <= most else None

    def watch(self, place: Location) -> Generator[Sequence[Heard], None, None]:
        """Tell what was written since the last batch, until the store is closed to it."""
        store, below = self._store(place)
        yield [Connected()]
        while store.tells:
            changed, store.changed = store.changed, []
            yield [
                Change(key.removeprefix(below), gone=key not in store.objects)
                for key in changed
                if key.startswith(below)
            ]

    def accepts(self, shard: Shard) -> bool:
        """Key prefixes and folders are copied whole, which is no mirror without ``overwrite``."""
        return not isinstance(shard, KeyPrefix | Folders) or self._job.options.overwrite

    def copy(self, shard: Shard) -> Generator[Event, None, None]:
        """Copy object by object; goes on after one that fails."""
        total = 0
        for key in self._selected(shard):
            entry = self._source.entry(key)
            if entry is None:
                yield self._failed(key, "The specified key does not exist.", "NoSuchKey")
                continue
            yield CopyStarted(self._job.name, key, entry.size)
            refused = self._write(key)
            if refused:
                yield refused
            else:
                total += entry.size
            yield Moved(self._job.name, total)
            if refused and not self._job.options.skip_errors:
                return

    def remove(self, keys: Sequence[str]) -> Generator[Event, None, None]:
        """Remove them from the target."""
        for key in keys:
            self._target.asked()
            self.removals.append(key)
            if key in self._target.unwritable:
                yield self._failed(key, DENIED, "AccessDenied")
            else:
                self._target.objects.pop(key, None)

    def read(self, place: Location, entries: Sequence[Entry]) -> tuple[str, ...] | str:
        """SHA-256 of what is stored."""
        store, below = self._store(place)
        sums = tuple[str, ...]()
        for entry in entries:
            store.asked()
            stored = store.objects.get(below + entry.key)
            if stored is None:
                return "Object does not exist"
            if entry.key in store.unreadable:
                return DENIED
            if len(stored.content) != entry.size:
                return "it has another size than was listed"
            sums += (hashlib.sha256(stored.content).hexdigest(),)
        return sums

    def attributes(self, place: Location) -> "MemoryAttributes":
        """Objects here have no metadata."""
        return MemoryAttributes(*self._store(place))

    def uploads(self) -> Sequence[str]:
        """A write here is whole or nothing."""
        return ()

    def abort_uploads(self, keys: Sequence[str]) -> None:
        """There are none."""

    def remove_partial(self, keys: Sequence[str]) -> None:
        """There are none."""

    def create_bucket(self, bucket: str) -> Problem | None:
        """Every bucket is there."""
        del bucket
        return None

    def mirror_unverified(self) -> Generator[Event, None, int]:
        """Copy everything; the exit code is 1 when anything failed."""
        code = 0
        for event in self.copy(Subtree()):
            code = 1 if isinstance(event, ProblemFound) else code
            yield event
        return code

    def excluded(self) -> Callable[[str], object] | None:
        """There are no filters."""
        return None

    def impossible(self, entry: Entry) -> str:
        """Keys that are paths like mc's."""
        return "the key would be written under another name" if folds(entry.key) else ""

    def not_removable(self, key: str) -> str:
        """Keys that are paths like mc's."""
        return "it may be taken for another key" if folds(key) else ""

    def folder(self, excluded: Callable[[str], object] | None) -> Folder:
        """No place is a folder."""
        del excluded
        return NoFolder()

    def _store(self, place: Location) -> tuple[Store, str]:
        """The store of a place at or below one of the job's, and what its keys begin with there."""
        for root, store in self._stores.items():
            if place == root:
                return store, ""
            if place.alias == root.alias and place.path.startswith(f"{root.path}/"):
                return store, f"{place.path.removeprefix(f'{root.path}/')}/"
        raise KeyError(str(place))

    def _answer(self, store: Store, below: str, key: str) -> Answer:
        store.asked()
        if store.down:
            return Answer(Presence.UNKNOWN, said="dial tcp 127.0.0.1:9000: connect: connection refused")
        if store.silent or (store.silent_below is not None and key.startswith(store.silent_below)):
            return Answer(Presence.UNKNOWN, said="403 Forbidden", code="AccessDenied")
        entry = store.entry(below + key)
        if entry is None:
            return Answer(Presence.ABSENT)
        return Answer(Presence.THERE, entry._replace(key=key), etag=entry.etag)

    def _selected(self, shard: Shard) -> Iterator[str]:
        match shard:
            case Keys(_, keys):
                yield from keys
            case Folders(_, folders):
                beginnings = tuple(f"{folder}/" for folder in folders)
                yield from sorted(key for key in self._source.objects if key.startswith(beginnings) and not folds(key))
            case KeyPrefix(prefix):
                yield from sorted(key for key in self._source.objects if key.startswith(prefix) and not folds(key))
            case Subtree(folder, flat, avoid):
                for key in sorted(self._source.objects):
                    inside = key.startswith(folder) and not (flat and "/" in key.removeprefix(folder))
                    if inside and key not in avoid and not folds(key) and self._mirrors(key):
                        yield key

    def _mirrors(self, key: str) -> bool:
        """Whether ``mc mirror`` copies it: the target lacks it, or has another size or an older one."""
        source, target = self._source.entry(key), self._target.entry(key)
        if source is None or target is None:
            return source is not None
        return self._job.options.overwrite and (source.size != target.size or source.modified > target.modified)

    def _write(self, key: str) -> ProblemFound | None:
        self._source.asked()
        stored = self._source.objects.get(key)
        if stored is None:
            return self._failed(key, "The specified key does not exist.", "NoSuchKey")
        if key in self._source.unreadable or key in self._target.unwritable:
            return self._failed(key, DENIED, "AccessDenied")
        self._target.asked()
        if key in self._target.losing:
            return None
        content = stored.content
        if key in self._target.spoiling:
            content = bytes(byte ^ 1 for byte in content)
        self._target.put(key, content)
        return None

    def _failed(self, key: str, cause: str, code: str) -> ProblemFound:
        return ProblemFound(self._job.name, classify(f"Failed to copy `{key}`.", cause, code, object=key))


class MemoryAttributes:
    """What is asked of objects without metadata."""

    def __init__(self, store: Store, below: str) -> None:
        self._store = store
        self._below = below

    def heads(self, keys: Sequence[str]) -> Iterator[tuple[str, Attributes | Problem]]:
        """One answer for each key."""
        for key in keys:
            self._store.asked()
            entry = self._store.entry(self._below + key)
            if entry is None:
                yield key, problem(Category.OBJECT_VANISHED, f"{key} is gone", "NoSuchKey", key)
            else:
                yield key, Attributes(entry._replace(key=key), tag_count=0)

    def tags(self, key: str) -> dict[str, str] | Problem:
        """None."""
        del key
        return {}

    def set_tags(self, key: str, tags: Mapping[str, str]) -> Problem | None:
        """Nothing is kept, and nothing is refused."""
        del key, tags
        return None

    def lists_metadata(self, key: str) -> bool:
        """Tags are found where there are any."""
        del key
        return True

    def keeps_versions(self) -> bool:
        """No."""
        return False


class NoFolder:
    """A place that is no folder."""

    empty = 0
    first_empty: list[str] = []  # noqa: RUF012

    def left_out(self) -> Iterator[LeftOut]:
        """Nothing."""
        return iter(())
