"""When a job is to begin: pure questions about times, which are seconds since the epoch."""

import math
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

NEVER = math.inf

_NAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


@dataclass(frozen=True, slots=True)
class Manual:
    """Only when somebody asks."""

    def next_after(self, now: float, last: float) -> float:
        """Never."""
        del now, last
        return NEVER

    def __str__(self) -> str:
        return "by hand"


@dataclass(frozen=True, slots=True)
class Cron:
    """Five fields as cron has them, or ``@daily`` and the like, by the clock of a time zone.

    On the night when clocks go forward, what falls into the missing hour begins right after it; on the night when they
    go back, a fixed time begins once and what is hourly begins every hour (as Debian's cron does, and cronsim).
    """

    expression: str
    timezone: str = "UTC"

    def next_after(self, now: float, last: float) -> float:
        """The next time after ``now``; ``last`` does not matter."""
        del last
        from cronsim import CronSim, CronSimError

        expression = _NAMES.get(self.expression, self.expression)
        try:
            return next(CronSim(expression, datetime.fromtimestamp(now, ZoneInfo(self.timezone)))).timestamp()
        except (CronSimError, StopIteration):
            return NEVER

    def __str__(self) -> str:
        return f"cron {self.expression} ({self.timezone})"


@dataclass(frozen=True, slots=True)
class Interval:
    """Every so many seconds from start to start; what comes too late is left out, never piled up."""

    seconds: float
    gap: bool = False
    """From the end of a run to the start of the next one."""

    def next_after(self, now: float, last: float) -> float:
        """The next time after ``now`` on the grid that ``last`` lies on; at once when there was none."""
        if not last:
            return now
        # A clock that was put back must not silence a job.
        last = min(last, now)
        if self.gap:
            return max(now, last + self.seconds)
        return last + self.seconds * (math.floor((now - last) / self.seconds) + 1)

    def __str__(self) -> str:
        return f"{_span(self.seconds)} after each run" if self.gap else f"every {_span(self.seconds)}"


@dataclass(frozen=True, slots=True)
class Following:
    """In real time: events tell what changes, and a full run every so many seconds heals what they lost."""

    seconds: float

    def next_after(self, now: float, last: float) -> float:
        """The next full run that no event asks for."""
        base = min(last or now, now)
        return base + self.seconds * (math.floor((now - base) / self.seconds) + 1)

    def __str__(self) -> str:
        return f"real time, in full every {_span(self.seconds)}"


Trigger = Manual | Cron | Interval | Following


def _span(seconds: float) -> str:
    """``1d12h``, ``30m``, ``90s``."""
    left, parts = seconds, list[str]()
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if left >= size:
            parts.append(f"{int(left // size)}{unit}")
            left %= size
    return "".join(parts) + (f"{left:g}s" if left or not parts else "")


def trigger_of(cron: str, every: float, *, gap: bool = False, timezone: str = "UTC", realtime: bool = False) -> Trigger:
    """The trigger that a job's configuration describes."""
    if realtime:
        return Following(every)
    if cron:
        return Cron(cron, timezone)
    return Interval(every, gap) if every else Manual()
