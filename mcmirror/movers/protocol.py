"""What a mover is: the engine knows nothing of any mover but this.

A mover is made for one job and its two places. Nothing that it says of a copy or a removal is believed: the listings
afterwards decide.
"""

from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol

from mcmirror.model.attributes import Attributes
from mcmirror.model.change import Heard
from mcmirror.model.event import Event
from mcmirror.model.job import MirrorOptions
from mcmirror.model.location import Location
from mcmirror.model.plan import Entry
from mcmirror.model.problem import Problem

Entries = Generator[Entry | None, None, None]
"""Objects as they are listed; None is a tick of the clock."""


class Presence(Enum):
    """Whether an object is at a place."""

    ABSENT = "absent"
    THERE = "there"
    UNKNOWN = "unknown"
    """The place did not say, or it was not the place that answered."""


class Answer(NamedTuple):
    """What a place said when it was asked for one key."""

    presence: Presence
    entry: Entry | None = None
    """The object, where a HEAD and a listing by its name show the same."""
    said: str = ""
    """Its own words, ``403 Forbidden``."""
    code: str = ""
    """The S3 error code, where there is one."""
    etag: str = ""
    """What the HEAD said, where there was one."""


@dataclass(frozen=True, slots=True)
class Subtree:
    """Every object below a folder of the source that the job's filters leave, as far as the target lacks it."""

    folder: str = ""
    """With its slash; empty for the whole source."""
    flat: bool = False
    """Only the objects of the folder itself."""
    avoid: tuple[str, ...] = ()
    """Keys that are left out, at most ``Mover.most_named``."""


@dataclass(frozen=True, slots=True)
class KeyPrefix:
    """Every object whose key begins so, whether or not the target has it."""

    prefix: str


@dataclass(frozen=True, slots=True)
class Keys:
    """These objects of one folder, whatever the target has, and no others."""

    folder: str
    """With its slash."""
    keys: tuple[str, ...]
    """Whole keys, at most ``Mover.most_named``."""
    expires: str = ""
    """The header ``Expires`` of all of them; empty for none."""
    bare: bool = False
    """Without metadata and tags."""


@dataclass(frozen=True, slots=True)
class Folders:
    """Every object of these folders of one folder, whether or not the target has it."""

    parent: str
    """With its slash; empty for the whole place."""
    folders: tuple[str, ...]
    """Each with its parent and without its slash, at most ``Mover.most_named``."""


Shard = Subtree | KeyPrefix | Keys | Folders
"""What one process of a mover copies."""


class LeftOut(NamedTuple):
    """What is in a local folder, and in no listing that the mover makes of it."""

    entry: Entry
    """With the key that it would have."""
    why: str
    file: bool
    """Whether it is a file with content of its own, which somebody may miss."""


class Folder(Protocol):
    """A local folder that is mirrored from; ``left_out`` walks it once, and counts its empty folders."""

    empty: int
    """Folders without anything in them; no object stands for one."""
    first_empty: list[str]

    def left_out(self) -> Iterator[LeftOut]:
        """Walk the folder."""


class AttributeReader(Protocol):
    """Asks one place for the metadata and tags of its objects. Thread-safe."""

    def heads(self, keys: Sequence[str]) -> Iterator[tuple[str, Attributes | Problem]]:
        """One HEAD for each key, in their order; stops short when a stop is requested."""

    def tags(self, key: str) -> dict[str, str] | Problem:
        """The tags of one object."""

    def set_tags(self, key: str, tags: Mapping[str, str]) -> Problem | None:
        """Give one object these tags and no others."""

    def lists_metadata(self, key: str) -> bool:
        """Whether the mover finds tags by itself when it copies from here; ``key`` is there."""

    def keeps_versions(self) -> bool:
        """Whether the bucket has, or had, versioning; False too when it does not say."""


class Probe(Protocol):
    """Single questions to servers, each answered by a problem or by none."""

    def buckets(self, alias: str, url: str) -> Problem | None:
        """List the buckets: the one question that needs no bucket."""

    def first_key(self, place: Location) -> str | Problem | None:
        """Return the first key at a place, None when there is none, or why it cannot be listed."""

    def read(self, object_: str) -> Problem | None:
        """Ask for an object, ``alias/bucket/key``."""

    def write(self, place: Location, name: str, text: str, options: MirrorOptions) -> Problem | None:
        """Write a small object, and see that it is there."""

    def remove(self, object_: str) -> Problem | None:
        """Remove an object."""


class Mover(Protocol):
    """Moves objects from a job's source to its target, and says what is at both. Thread-safe."""

    most_named: int
    """Keys that one process may be given."""

    @property
    def most_at_once(self) -> int:
        """Processes that copy small objects and fit into the memory that is allowed."""

    def busy(self) -> float:
        """Share of the machine's processor time that was used since the last call, 0 to 1."""

    def list(self, place: Location, *, closed_folders: bool = False) -> Entries:
        """Yield what a place lists, as it comes; keys are relative to the place.

        Raises ListingBroken when any page fails, when the listing goes round in a circle, and when a local folder does
        not exist. With ``closed_folders`` folders that may not be read are left out.
        """

    def stat(self, place: Location, keys: Sequence[str]) -> dict[str, Answer]:
        """Ask for each of these keys, a request a key; after a stop keys are left out."""

    def look(self, place: Location, keys: Sequence[str], gone: Collection[str] = ()) -> dict[str, Answer]:
        """Ask for each of these keys without any listing; after a stop keys are left out.

        ``gone`` are those that are probably absent: a mover may find that costly and ask for them apart.
        """

    def contents(self, place: Location, folders: Sequence[str], most: int) -> dict[str, set[str]] | None:
        """The keys of each of these folders, which end with a slash; None when there are more than ``most`` keys.

        A listing for each: what is not in it is not proven to be absent.
        """

    def watch(self, place: Location) -> Generator[Sequence[Heard], None, None]:
        """Yield what changes at a place as it happens; an empty batch is a tick of the clock.

        Of buckets only. Ends when the channel has ended; raises Trouble when the place tells no changes.
        """

    def accepts(self, shard: Shard) -> bool:
        """Whether the shard can be copied as it says under the job's options."""

    def copy(self, shard: Shard) -> Generator[Event, None, None]:
        """Copy it; ends when its process has ended, for whatever reason."""

    def remove(self, keys: Sequence[str]) -> Generator[Event, None, None]:
        """Remove these objects of the target; yields ProblemFound alone."""

    def read(self, place: Location, entries: Sequence[Entry]) -> tuple[str, ...] | str:
        """SHA-256 of each object; the reason when they could not all be read with the sizes that were listed."""

    def attributes(self, place: Location) -> AttributeReader:
        """What asks this place for metadata."""

    def uploads(self) -> Sequence[str] | None:
        """Keys of the target with multipart uploads that stand open, also after a stop; None when it does not tell."""

    def abort_uploads(self, keys: Sequence[str]) -> None:
        """End the open uploads of these keys, also after a stop."""

    def remove_partial(self, keys: Sequence[str]) -> None:
        """Remove these files of a local target, also after a stop."""

    def create_bucket(self, bucket: str) -> Problem | None:
        """Make ``alias/bucket``; why not, if it fails. That it was there already is none."""

    def mirror_unverified(self) -> Generator[Event, None, int]:
        """Mirror with every option of the job handed through, ``remove`` too; returns the exit code of the mover."""

    def excluded(self) -> Callable[[str], object] | None:
        """The test for keys that the job's ``exclude`` leaves out; None when nothing is."""

    def impossible(self, entry: Entry) -> str:
        """Say why an object cannot arrive at the target through this mover; empty when it can."""

    def not_removable(self, key: str) -> str:
        """Say why a key of the target is never handed to a removal; empty when it may be."""

    def folder(self, excluded: Callable[[str], object] | None) -> Folder:
        """What walks the job's source, a local folder, for what the listing leaves out."""
