"""What a run says while it goes: one closed union of frozen values, read by observers."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from mcmirror.model.plan import Count, Plan
from mcmirror.model.problem import Problem
from mcmirror.model.report import RunReport


class Phase(StrEnum):
    """The steps of a run, in order."""

    PREFLIGHT = "preflight"
    PLAN = "plan"
    GUARD = "guard"
    MIRROR = "mirror"
    VERIFY = "verify"
    REMOVE = "remove"
    CLEAN = "clean"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Another run holds the target, or no agent has taken the run yet; this one waits before it begins."""

    job: str
    target: str
    agent: str = ""
    """The agent that has not taken it; empty: another run holds the target."""


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run begins."""

    job: str
    source: str
    target: str
    dry_run: bool


@dataclass(frozen=True, slots=True)
class PhaseStarted:
    """The next step begins."""

    job: str
    phase: Phase


@dataclass(frozen=True, slots=True)
class Listed:
    """Objects seen so far while both sides are listed."""

    job: str
    source_objects: int
    target_objects: int


@dataclass(frozen=True, slots=True)
class TargetCreated:
    """The target's bucket was missing, and the run made it, as the job says."""

    job: str
    bucket: str
    """``alias/bucket``."""


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan stands."""

    job: str
    plan: Plan


@dataclass(frozen=True, slots=True)
class CopyStarted:
    """mc announced a copy: that it begins, not that it succeeds."""

    job: str
    key: str
    size: int


@dataclass(frozen=True, slots=True)
class Moved:
    """Bytes written by mc so far in this phase, from its I/O counters; -1 where the system has none."""

    job: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Removed:
    """An object was removed from the target; the server confirmed it."""

    job: str
    key: str


@dataclass(frozen=True, slots=True)
class ProblemFound:
    """Something went wrong; the verdict comes later."""

    job: str
    problem: Problem


@dataclass(frozen=True, slots=True)
class Noted:
    """Something that is good to know and no problem; once a run."""

    job: str
    text: str


@dataclass(frozen=True, slots=True)
class Retrying:
    """What is still missing will be tried again after a pause."""

    job: str
    attempt: int
    delay: float
    """Seconds."""
    remaining: int


@dataclass(frozen=True, slots=True)
class Verified:
    """Both sides were listed again: so many planned objects arrived, so many did not."""

    job: str
    done: Count
    remaining: Count


@dataclass(frozen=True, slots=True)
class StillMissing:
    """A planned object that did not arrive, or a removal that did not happen."""

    job: str
    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Vanished:
    """A planned object that was gone from the source before it could be copied."""

    job: str
    key: str


@dataclass(frozen=True, slots=True)
class McSaid:
    """A raw line of mc or the argv it was started with, redacted: debug only."""

    job: str
    text: str


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The end; always the last event of a run."""

    job: str
    report: RunReport


Event = (
    Waiting
    | RunStarted
    | PhaseStarted
    | Listed
    | TargetCreated
    | Planned
    | CopyStarted
    | Moved
    | Removed
    | ProblemFound
    | Noted
    | Retrying
    | Verified
    | StillMissing
    | Vanished
    | McSaid
    | RunFinished
)

Observer = Callable[[Event], None]
