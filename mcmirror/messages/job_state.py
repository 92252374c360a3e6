"""The words for the state of a job: what it does now, how its last run ended, and whether a person has to act."""

from enum import StrEnum

from mcmirror.messages.verdict import Tone, Verdict, verdict
from mcmirror.model.record import RUNNING
from mcmirror.model.report import Status
from mcmirror.model.state import JobState
from mcmirror.model.streak import FAILURES

BY_HAND = "by hand"
"""The trigger of a job that has neither a schedule nor an interval."""
NEVER_RAN = "never ran"
UNKNOWN = "unknown"
"""Instead of a verdict if the state could not be read."""
NEEDS_YOU = frozenset(FAILURES - {Status.SKIPPED})
"""Verdicts after which a person has to act."""


class Group(StrEnum):
    """Each job is counted in one group."""

    RUNNING = "running"
    NEEDS_YOU = "needs you"
    PAUSED = "paused"
    NEVER_RAN = NEVER_RAN
    GOOD = "good"
    OTHER = "other"


def group(job: JobState, now: float, *, paused: bool = False) -> Group:
    """The group of a job; ``paused`` is the pause of all jobs, which is displayed once."""
    late = job.stale(now) and not (job.paused or paused)
    if job.run:
        return Group.RUNNING
    late |= job.realtime is not None and job.realtime.red
    if late or (job.last is not None and job.last.status in NEEDS_YOU):
        return Group.NEEDS_YOU
    if job.paused and not paused:
        return Group.PAUSED
    if job.last is None:
        return Group.NEVER_RAN
    return Group.GOOD if job.last.succeeded else Group.OTHER


def state_word(*, running: bool, status: str, known: bool = True) -> str:
    """What the job does, or how its last run ended; ``status`` is empty before the first run."""
    return RUNNING if running else status or (NEVER_RAN if known else UNKNOWN)


def last_verdict(job: JobState) -> Verdict:
    """How the last run of the job ended."""
    if job.last is None:
        return Verdict("○", Tone.NONE, NEVER_RAN, "it has not run yet")
    return verdict(job.last.report) if job.last.report else status_verdict(job.last.status)


def status_verdict(status: str) -> Verdict:
    """The verdict of a run of which only the status is known."""
    if status == Status.SUCCEEDED:
        return Verdict("✓", Tone.GOOD, status, "")
    if status in NEEDS_YOU:
        return Verdict("✗", Tone.BAD, status, "")
    if status == RUNNING:
        return Verdict("▶", Tone.PENDING, status, "")
    return Verdict("✗" if status == Status.CANCELLED else "•", Tone.WARNING, status, "")


def waiting_text(phase: str) -> str:
    """What a job waits for whose run is under way; empty if it does not wait. ``phase`` is that of its state."""
    waits = {"queued": "waits for its turn", "waiting": "waits: another run writes to its target"}
    return waits.get(phase, "")
