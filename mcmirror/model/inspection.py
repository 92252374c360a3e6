"""A plan or a verification that a server makes when it is asked to: it looks at both sides and writes nothing."""

from dataclasses import dataclass

from mcmirror.model.groups import Groups
from mcmirror.model.plan import Plan
from mcmirror.model.progress import Progress
from mcmirror.model.report import RunReport

QUEUED, RUNNING, ENDED = "queued", "running", "ended"


@dataclass(frozen=True, slots=True)
class Inspection:
    """One of them at a moment. Times are seconds since the epoch, 0 where there is none."""

    id: str
    job: str
    verb: str
    """``plan`` or ``verify``."""
    source: str
    """The job's, without the prefix of a day."""
    target: str
    asked: float
    begun: float = 0.0
    ended: float = 0.0
    kept_until: float = 0.0
    """When the server forgets it, at the latest."""
    stopping: bool = False
    """Whether it was cancelled and has not ended yet."""
    progress: Progress | None = None
    """While it goes on."""
    plan: Plan | None = None
    """Once it has ended; with every difference."""
    groups: Groups | None = None
    """The same by prefix."""
    report: RunReport | None = None
    """Once it has ended."""

    @property
    def stage(self) -> str:
        """``queued``, ``running`` or ``ended``."""
        if self.report is not None:
            return ENDED
        return RUNNING if self.begun else QUEUED
