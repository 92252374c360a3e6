"""How a replication stands: the versions of both buckets compared, and what the source's server says of the target."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from mcmirror.model.problem import Problem
from mcmirror.model.replication import Direction, Resync

NAMED = 200
"""Versions of each kind that are named."""


class Version(NamedTuple):
    """One version of an object, or a delete marker."""

    key: str
    id: str
    size: int
    etag: str
    modified: str
    """UTC, without a zone, as text that sorts by time."""
    marker: bool = False


class Gap(StrEnum):
    """How a version of one bucket is not in the other; the names are a published API (JSON)."""

    MISSING = "missing"
    """Not on the target."""
    DIFFERENT = "different"
    """On both sides with another size or another MD5."""
    EXTRA = "extra"
    """Only on the target."""


class ReplicationMark(StrEnum):
    """What the source's server has noted on a version."""

    PENDING = "pending"
    FAILED = "failed"
    COMPLETED = "completed"
    """Reported as replicated: one that is missing all the same is lost without a word."""
    REPLICA = "replica"
    """It came from another server, and is not sent on."""
    NONE = "none"
    """No rule has seen it: it was there before the rule, or the rule does not cover it."""
    UNKNOWN = "unknown"
    """It was not asked for."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many versions and delete markers, and their bytes."""

    versions: int = 0
    markers: int = 0
    bytes: int = 0

    @property
    def number(self) -> int:
        """Both together."""
        return self.versions + self.markers


@dataclass(frozen=True, slots=True)
class Found:
    """A version that is not in both buckets alike."""

    version: Version
    gap: Gap
    latest: bool
    """Whether it is the one that a plain GET answers with."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The versions of two buckets, compared by key and version ID."""

    source: Tally
    target: Tally
    missing: Tally
    different: Tally
    extra: Tally
    oldest: str = ""
    """When the oldest missing version was written; empty for none."""
    named: tuple[Found, ...] = ()
    """At most ``NAMED`` of each kind."""
    whole: bool = True
    """Both buckets were listed; else what is missing is what was written since the target went away."""


@dataclass(frozen=True, slots=True)
class DirectionStatus:
    """One direction at one moment."""

    direction: Direction
    rule: str = ""
    """The rule's ID; empty where there is none."""
    enabled: bool = False
    online: bool | None = None
    """Whether the source's server reaches the target's; None where it has not looked."""
    last_online: str = ""
    """When it last did."""
    comparison: Comparison | None = None
    """None where it was not asked for, or the buckets could not be listed."""
    marks: dict[ReplicationMark, int] = field(default_factory=dict)
    """The missing versions by what their server has noted on them."""
    lag: float | None = None
    """Age in seconds of the oldest version that is still to come; 0 when none is; None when that is not known."""
    problem: Problem | None = None
    """Why it could not be looked at in full."""

    @property
    def behind(self) -> int | None:
        """Versions and delete markers that are still to come; None when that is not known."""
        if self.comparison is None:
            return None
        return self.comparison.missing.number - self.marks.get(ReplicationMark.REPLICA, 0)

    @property
    def well(self) -> bool:
        """Whether the rule is at work and everything has arrived."""
        working = bool(self.rule) and self.enabled and self.online is not False and self.problem is None
        return working and not self.behind and not (self.comparison and self.comparison.different.number)


@dataclass(frozen=True, slots=True)
class ResyncOutcome:
    """A resync that has ended, and what the comparison afterwards shows."""

    direction: Direction
    resync: Resync
    status: DirectionStatus
