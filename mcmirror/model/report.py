"""What a run came to: one value, rendered many ways."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from mcmirror.model.cost import Requests
from mcmirror.model.plan import Count
from mcmirror.model.problem import Category, Problem


class Status(StrEnum):
    """The verdict."""

    SUCCEEDED = "succeeded"
    """Every object in scope is on the target, equal; but for those left because overwrite is off, unless ``strict``."""
    PARTIAL = "partial"
    """Some planned objects did not arrive; each is named."""
    FAILED = "failed"
    """Nothing could be decided or done."""
    REFUSED = "refused"
    """The guard stopped it before any write."""
    CANCELLED = "cancelled"
    """Ctrl-C or SIGTERM."""
    SKIPPED = "skipped"
    """Another run holds the target's lock."""
    INTERRUPTED = "interrupted"
    """The process died in mid-run (kill -9, power): nobody reached a verdict."""


class ExitCode(IntEnum):
    """What the process says; a published API."""

    SUCCEEDED = 0
    FAILED = 1
    USAGE = 2
    PARTIAL = 3
    REFUSED = 4
    DIFFERENCES = 10
    """``plan --exit-code`` found something to do."""
    LOCKED = 75
    SIGINT = 130
    SIGTERM = 143

    @classmethod
    def worst(cls, codes: Iterable["ExitCode"]) -> "ExitCode":
        """The one to end with when several jobs ran."""
        return max(codes, key=_SEVERITY.index, default=cls.SUCCEEDED)


_SEVERITY = (
    ExitCode.SUCCEEDED,
    ExitCode.DIFFERENCES,
    ExitCode.LOCKED,
    ExitCode.PARTIAL,
    ExitCode.REFUSED,
    ExitCode.FAILED,
    ExitCode.USAGE,
    ExitCode.SIGINT,
    ExitCode.SIGTERM,
)

EXIT_CODES = {
    Status.SUCCEEDED: ExitCode.SUCCEEDED,
    Status.PARTIAL: ExitCode.PARTIAL,
    Status.FAILED: ExitCode.FAILED,
    Status.REFUSED: ExitCode.REFUSED,
    Status.SKIPPED: ExitCode.LOCKED,
    Status.CANCELLED: ExitCode.SIGINT,
    Status.INTERRUPTED: ExitCode.FAILED,
}


@dataclass(frozen=True, slots=True)
class Remaining:
    """An object that should be on the target and is not, or should be gone and is not."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Tally:
    """The run in numbers."""

    planned: Count = Count()
    """To be copied."""
    done: Count = Count()
    """Copied, and seen on the target afterwards (with assurance off: announced by mc)."""
    to_remove: Count = Count()
    removed: Count = Count()
    kept: Count = Count()
    """Different, left alone because overwrite is off."""
    extraneous: Count = Count()
    """On the target only, left alone because remove is off."""
    equal: Count = Count()
    """Needed nothing."""
    remaining: Count = Count()
    unproven: Count = Count()
    """Of equal and done: those whose ETags prove nothing about the content."""
    read: Count = Count()
    """Read on both sides by ``verify --content`` and found the same."""
    excluded: Count = Count()
    vanished: Count = Count()
    """Planned, and gone from the source before they could be copied."""


@dataclass(frozen=True, slots=True)
class RunReport:
    """One run, complete."""

    job: str
    source: str
    target: str
    status: Status
    verified: bool
    """Whether a listing of both sides stands behind the verdict."""
    dry_run: bool = False
    signal: int = 0
    """The signal that cancelled it."""
    started: str = ""
    """UTC, RFC 3339."""
    seconds: float = 0.0
    """Of an interrupted run: until the last sign of life that its process gave. See ``lasted``."""
    phases: dict[str, float] = field(default_factory=dict)
    """Seconds by phase."""
    tally: Tally = field(default_factory=Tally)
    problems: tuple[Problem, ...] = ()
    remaining: tuple[Remaining, ...] = ()
    """By name, the first NAMED of them; ``tally.remaining`` counts all."""
    removed: tuple[str, ...] = ()
    """By name, the first NAMED of them."""
    requests: Requests = field(default_factory=Requests)
    attempts: int = 1
    notes: tuple[str, ...] = ()
    """What is good to know and no problem: what the copies cannot hold, what is not copied."""
    created: str = ""
    """The target's bucket, ``alias/bucket``, if the run made it."""
    failures: int = field(default=0, compare=False)
    """Failures of the job in a row, this run included; 0 after a success, or if not known. Not kept in documents."""

    @property
    def lasted(self) -> float | None:
        """How long it took, in seconds; None when nobody knows: killed before it gave a sign of life."""
        unseen = self.status is Status.INTERRUPTED and self.seconds < SIGN_OF_LIFE
        return None if unseen else self.seconds

    @property
    def why(self) -> str:
        """What decided a verdict that is no success, the message of a problem; empty when none is known."""
        if not self.problems:
            return ""
        if self.status is Status.PARTIAL or self.verified:
            # Of the problems of single objects, the kind that most of them have.
            kinds = Counter(one.category for one in self.problems)
            most = max(kinds, key=kinds.__getitem__)
            return next(one.message for one in self.problems if one.category is most)
        return self.problems[-1].message

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of this run alone."""
        if self.status is Status.CANCELLED and self.signal == 15:
            return ExitCode.SIGTERM
        if self.status is Status.FAILED and {one.category for one in self.problems} == {Category.CONFIGURATION}:
            return ExitCode.USAGE
        return EXIT_CODES[self.status]


SIGN_OF_LIFE = 1.0
"""Seconds between two signs of life of a run; what was seen of it before the first is its beginning alone."""
ABSENT = "not on the target"
"""Why most objects remain."""
STILL_THERE = "still on the target"
"""Why a removal remains."""
OTHER_METADATA = "other metadata of the same content"
"""Why an object remains that a listing shows as equal."""
NAMED = 1000
"""How many keys a report names; the event stream names all."""
