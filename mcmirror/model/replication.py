"""Replication between two buckets that their servers keep: what is desired, and what the servers have set up."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from mcmirror.model.bucket_events import EventFilter, EventRule
from mcmirror.model.location import Location

RULE_PREFIX = "mcmirror-"
"""How the IDs of rules begin that mcmirror makes; the name of the replication follows."""
ENABLED = "Enabled"
HEALTH_CHECK = 60
"""Seconds between two looks of a server at the one that it replicates to, unless written."""


class Carried(StrEnum):
    """What a rule replicates besides new objects."""

    DELETE = "delete"
    """Removals of single versions, which nobody can undo."""
    DELETE_MARKER = "delete-marker"
    EXISTING_OBJECTS = "existing-objects"
    METADATA = "metadata"
    """Changes of metadata and tags that were made at a replica."""


@dataclass(frozen=True, slots=True)
class Direction:
    """From which bucket to which one."""

    source: Location
    target: Location

    def __str__(self) -> str:
        return f"{self.source} → {self.target}"


@dataclass(frozen=True, slots=True)
class WantedEvents:
    """Events that one of the buckets shall send."""

    side: str
    """``source`` or ``target``."""
    filter: EventFilter


@dataclass(frozen=True, slots=True)
class Replication:
    """What ``[replication.NAME]`` asks for."""

    name: str
    source: Location
    target: Location
    both_ways: bool = False
    replicate: frozenset[Carried] = frozenset({Carried.DELETE_MARKER, Carried.EXISTING_OBJECTS, Carried.METADATA})
    priority: int = 1
    bandwidth: int = 0
    """Bytes a second; 0: no limit."""
    synchronous: bool = False
    health_check: int = HEALTH_CHECK
    """Seconds between two looks of the source's server at the target's."""
    events: tuple[WantedEvents, ...] = ()
    check_every: float = 300.0
    """Seconds between two looks of ``serve``; 0: it does not look."""
    max_lag: float = 0.0
    """Seconds that the oldest version to come may be old; 0: any time."""

    @property
    def rule(self) -> str:
        """The ID of its rules."""
        return f"{RULE_PREFIX}{self.name}"

    def directions(self) -> Iterator[Direction]:
        """One, or both."""
        yield Direction(self.source, self.target)
        if self.both_ways:
            yield Direction(self.target, self.source)

    def place(self, events: WantedEvents) -> str:
        """The bucket that shall send them."""
        return str(self.source if events.side == "source" else self.target)

    @property
    def places(self) -> tuple[str, str]:
        """Both buckets, each ``alias/bucket``."""
        return str(self.source), str(self.target)


@dataclass(frozen=True, slots=True)
class Rule:
    """One replication rule of a bucket, as its server has it."""

    id: str
    enabled: bool
    priority: int
    replicate: frozenset[Carried]
    arn: str
    """Of its remote target."""
    filtered: bool = False
    """Only objects with a prefix or with tags are replicated."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A remote target of a bucket: where its server sends what a rule replicates."""

    arn: str
    url: str
    bucket: str
    access_key: str
    """Never shown."""
    bandwidth: int = 0
    synchronous: bool = False
    health_check: int = HEALTH_CHECK
    online: bool | None = None
    """None where its server has not looked yet."""
    last_online: str = ""
    """When its server last found it there; empty for never."""


@dataclass(frozen=True, slots=True)
class BucketState:
    """One bucket as its server describes it."""

    exists: bool = True
    versioning: str = ""
    """``Enabled``, ``Suspended``, or empty for never."""
    locked: bool = False
    """Created with object lock."""
    quota: int = 0
    """Bytes; 0: none, or the keys may not ask."""
    rules: tuple[Rule, ...] = ()
    remotes: tuple[Remote, ...] = ()
    events: tuple[EventRule, ...] = ()

    def remote(self, arn: str) -> Remote | None:
        """The remote target of an ARN."""
        return next((one for one in self.remotes if one.arn == arn), None)


@dataclass(frozen=True, slots=True)
class Server:
    """What a plan needs to know of an alias."""

    url: str
    access_key: str
    """Never shown."""
    region: str = ""
    path: str = "auto"
    """Where the bucket's name stands in an address."""


@dataclass(frozen=True, slots=True)
class Resync:
    """How far the server is with replicating everything again; its counters are not to be believed."""

    id: str
    arn: str
    status: str
    """``Pending``, ``Ongoing``, ``Completed``, ``Failed``, ``Canceled``, or empty."""
    replicated: int = 0
    failed: int = 0
