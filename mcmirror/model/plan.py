"""What differs between two listings, and what follows from it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

UNREADABLE = "\ufffd"
"""What stands in a key for a byte of a file name that is no UTF-8."""


class Entry(NamedTuple):
    """One object of a listing. A tuple: a plan makes millions of them."""

    key: str
    """Relative to the place listed, exactly as stored."""
    size: int
    """Bytes."""
    etag: str
    """Without quotes; empty for a local file."""
    modified: str
    """UTC, RFC 3339 without the ``Z``, so that text order is time order."""

    @property
    def mark(self) -> str:
        """What tells this version of the object from another one."""
        return f"{self.etag} {self.modified}"

    @property
    def plain_md5(self) -> bool:
        """Whether the ETag can be an MD5 of the content (a multipart ETag, ``…-N``, cannot)."""
        return len(self.etag) == 32


class Reason(StrEnum):
    """Why a pair is not equal."""

    SIZE = "size"
    NEWER = "newer"
    """The source was written after the target."""
    CONTENT = "content"
    """Same size, source not newer, other MD5: drift, which ``mc mirror`` never repairs."""
    METADATA = "metadata"
    """Equal as a listing shows it, and other metadata or tags."""


class Missing(NamedTuple):
    """At the source only: to be copied."""

    source: Entry


class Changed(NamedTuple):
    """On both sides and different: to be copied over."""

    source: Entry
    target: Entry
    reason: Reason


class Extraneous(NamedTuple):
    """On the target only: to be removed when ``remove`` is on."""

    target: Entry
    why: str = ""
    """Why it was not removed; empty while that is not known."""


class Kept(NamedTuple):
    """Different, and left alone because ``overwrite`` is off."""

    source: Entry
    target: Entry
    reason: Reason


class Impossible(NamedTuple):
    """At the source, and mc cannot carry it to this target."""

    source: Entry
    why: str


Copy = Missing | Changed
"""What is to be copied."""

Difference = Missing | Changed | Extraneous | Kept | Impossible


@dataclass(frozen=True, slots=True)
class Count:
    """Objects and their bytes."""

    objects: int = 0
    bytes: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.objects + other.objects, self.bytes + other.bytes)

    def __sub__(self, other: "Count") -> "Count":
        return Count(self.objects - other.objects, self.bytes - other.bytes)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do. ``differences`` can be walked many times and comes in key order."""

    source: Count = Count()
    """All objects listed at the source, within the filters."""
    target: Count = Count()
    missing: Count = Count()
    changed: Count = Count()
    """Of these, bytes to be copied."""
    drifted: Count = Count()
    """Those of ``changed`` that mc would not see."""
    extraneous: Count = Count()
    kept: Count = Count()
    equal: Count = Count()
    unproven: Count = Count()
    """Those of ``equal`` whose ETags prove nothing about the content."""
    outdated: Count = Count()
    """Those of ``equal`` that mc would copy again, for by the clocks they are older than their source."""
    excluded: Count = Count()
    """Left out by exclude, newer-than or older-than."""
    impossible: Count = Count()
    """Keys that mc cannot carry; each is named among the differences."""
    differences: Iterable[Difference] = field(default=(), compare=False, repr=False)
    at_source: int = 0
    """Objects that the source listed, whatever the filters say of them."""
    sample: Iterable[Difference] = field(default=(), compare=False, repr=False)
    """Equal objects whose metadata is to be compared, as ``Changed``."""
    tag_calls: bool = False
    """Whether each copy's tags are carried by requests of their own."""
    asked: int = 0
    """Single keys that the target was asked for."""
    named: bool = False
    """Whether its keys were asked for one by one, and nothing was listed."""
    torn: tuple[Entry, ...] = ()
    """On the target only, and perhaps left by an mc that was killed; neither extraneous nor among the differences."""

    @property
    def copies(self) -> Count:
        """What has to be copied."""
        return self.missing + self.changed
