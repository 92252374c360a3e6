"""How a job has been doing: the verdicts in a row, and how often somebody was told of them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from mcmirror.model.problem import Problem
from mcmirror.model.report import RunReport, Status

FAILURES = frozenset({Status.FAILED, Status.PARTIAL, Status.REFUSED, Status.SKIPPED, Status.INTERRUPTED})
"""What people have to hear of. Whoever cancelled a run knows."""
AT_LEAST_EVERY = timedelta(days=1)
"""A failure that lasts is told again after this time, whatever its number."""


@dataclass(frozen=True, slots=True)
class Streak:
    """What one listener knows of one job."""

    status: str = ""
    """Of the last run; empty when none is known."""
    since: str = ""
    """UTC, RFC 3339: the first of the failures in a row, or of the successes."""
    failures: int = 0
    """In a row; 0 after a success."""
    told: int = 0
    """Messages about them."""
    last_number: int = 0
    """Which failure in the row was told last."""
    last_time: str = ""
    """UTC, RFC 3339: when."""
    kinds: tuple[str, ...] = ()
    """The kinds of failure that were told, each once."""

    def after(self, report: RunReport, now: datetime) -> "Streak":
        """The streak with one more verdict; being told is another matter."""
        if report.status in FAILURES:
            since = self.since if self.failures else _text(now)
            return replace(self, status=report.status.value, since=since, failures=self.failures + 1)
        since = self.since if self.status and not self.failures else _text(now)
        return Streak(status=report.status.value, since=since)

    def due(self, report: RunReport, now: datetime) -> bool:
        """Whether this failure, already counted, is to be told: the 1st, 2nd, 4th, 8th, a new kind, once a day."""
        if self.failures >= 2 * self.last_number or kind(report) not in self.kinds:
            return True
        return now - datetime.fromisoformat(self.last_time) >= AT_LEAST_EVERY

    def heard(self, report: RunReport, now: datetime) -> "Streak":
        """The streak after the message about this failure arrived."""
        kinds = dict.fromkeys((*self.kinds, kind(report)))
        return replace(
            self, told=self.told + 1, last_number=self.failures, last_time=_text(now), kinds=tuple(kinds)[-20:]
        )


def kind(report: RunReport) -> str:
    """What makes two failures the same: the verdict and its causes, all trouble in transport being one."""
    return " ".join((report.status.value, *sorted(set(_causes(report.problems)))))


def _causes(problems: Iterable[Problem]) -> Iterable[str]:
    return ("transport" if problem.retryable else problem.category.value for problem in problems)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
