"""A run as it is remembered, from the moment it begins."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from mcmirror.model.report import RunReport, Status

RUNNING = "running"
"""In place of a verdict while there is none."""


class Cause(StrEnum):
    """What made a run begin."""

    HAND = "hand"
    """A command."""
    SCHEDULE = "schedule"
    START = "start"
    """``serve`` began."""
    CATCH_UP = "catch-up"
    """A time that passed while nobody was there."""
    API = "api"


@dataclass(frozen=True, slots=True)
class Record:
    """One run. Written when it begins and again when it ends; the id never changes."""

    id: str
    """Sorts by time: see ``run_id``."""
    job: str
    source: str
    """The job's, without the prefix of a day."""
    target: str
    cause: Cause
    started: str
    """UTC, RFC 3339, milliseconds."""
    host: str = ""
    pid: int = 0
    finished: str = ""
    """UTC; empty while it runs."""
    report: RunReport | None = None
    """None while it runs."""
    max_delete: int | None = None
    """How many objects it may remove, when somebody released the guard for it alone; None: as the job has it."""

    @property
    def status(self) -> str:
        """The verdict, or ``running``."""
        return self.report.status.value if self.report else RUNNING

    @property
    def succeeded(self) -> bool:
        """Whether it ended well."""
        return self.report is not None and self.report.status is Status.SUCCEEDED


class Outcome(StrEnum):
    """What became of an object in a run."""

    COPIED = "copied"
    REMOVED = "removed"
    KEPT = "kept"
    """Different, and left because overwrite is off."""
    REMAINING = "remaining"
    """Should have been copied or removed, and was not."""
    VANISHED = "vanished"
    """Gone from the source before it could be copied."""
    ANNOUNCED = "announced"
    """mc said that it copies it; with assurance off nobody looked."""


def interrupted(record: Record, seen: str) -> Record:
    """The record of a run whose process died; ``seen`` is when that last gave a sign of life."""
    lasted = datetime.fromisoformat(seen) - datetime.fromisoformat(record.started)
    report = RunReport(
        record.job,
        record.source,
        record.target,
        Status.INTERRUPTED,
        verified=False,
        started=record.started,
        seconds=round(max(0.0, lasted.total_seconds()), 3),
    )
    return replace(record, finished=seen, report=report)


def run_id(now: datetime) -> str:
    """A new id: the time in UTC and four random bytes, ``20261121T020000-9f86d081``."""
    return f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
