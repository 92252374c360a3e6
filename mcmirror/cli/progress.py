"""The arithmetic of a run's progress, done once for every screen."""

from collections import deque
from dataclasses import dataclass, field

from mcmirror.model import event as events
from mcmirror.model.event import Event, Phase
from mcmirror.model.plan import Count, Plan
from mcmirror.model.progress import Progress

OBJECT = 64 * 1024
"""Bytes that take about as long as beginning an object does."""
WINDOW = 10.0
"""Seconds over which rate and time left are averaged."""


@dataclass(slots=True)
class Track:
    """Where one job is. Fed with its events; times are seconds of a monotonic clock."""

    job: str
    source: str = ""
    target: str = ""
    dry_run: bool = False
    phase: Phase | None = None
    listed: tuple[int, int] = (0, 0)
    """Objects seen in the listing under way, source and target."""
    plan: Plan | None = None
    total: Count = Count()
    announced: Count = Count()
    """Copies begun: mc says so before it copies."""
    moved: int = 0
    removed: int = 0
    key: str = ""
    problems: int = 0
    samples: deque[tuple[float, int, float]] = field(default_factory=deque)

    def see(self, event: Event, now: float) -> None:  # noqa: C901  a case an event
        """Take in what happened."""
        match event:
            case events.RunStarted():
                self.source, self.target, self.dry_run = event.source, event.target, event.dry_run
            case events.PhaseStarted():
                self._begin(event.phase)
            case events.Listed():
                self.listed = (event.source_objects, event.target_objects)
            case events.Planned():
                self.plan, self.total = event.plan, event.plan.copies
            case events.CopyStarted():
                self.announced += Count(1, event.size)
                self.key = event.key
            case events.Moved():
                self.moved = event.bytes
                self._sample(now)
            case events.Removed():
                self.removed += 1
                self.key = event.key
            case events.ProblemFound():
                self.problems += 1
            case events.Retrying():
                # Bytes of what is left are not known; objects are.
                self.total = Count(event.remaining, 0)
                self._begin(self.phase)
            case (
                events.Waiting()
                | events.TargetCreated()
                | events.Noted()
                | events.Verified()
                | events.StillMissing()
                | events.Vanished()
                | events.McSaid()
                | events.RunFinished()
            ):
                pass

    def resume(self, progress: Progress) -> None:
        """Be where a run is by now that was not heard from its beginning, or not for a while."""
        self._begin(progress.phase)
        self.source, self.target, self.dry_run = progress.source, progress.target, progress.dry_run
        self.listed, self.plan, self.total = progress.listed, progress.plan, progress.total
        self.announced, self.moved, self.removed = progress.announced, progress.moved, progress.removed
        self.problems = len(progress.problems)

    def _begin(self, phase: Phase | None) -> None:
        self.phase = phase
        self.listed = (0, 0)
        self.announced, self.moved, self.key = Count(), 0, ""
        self.samples.clear()

    def _sample(self, now: float) -> None:
        self.samples.append((now, self.bytes, self.fraction))
        while len(self.samples) > 2 and now - self.samples[0][0] > WINDOW:
            self.samples.popleft()

    @property
    def bytes(self) -> int:
        """Bytes copied: never more than were announced, for the counters hold headers too."""
        return self.announced.bytes if self.moved < 0 else min(self.moved, self.announced.bytes)

    @property
    def fraction(self) -> float:
        """How much of the copying is done, 0 to 1, in bytes, where each object costs some bytes of its own."""
        if not self.total.objects:
            return 0.0
        whole = self.total.bytes + self.total.objects * OBJECT
        done = (self.bytes if self.total.bytes else 0) + self.announced.objects * OBJECT
        return min(1.0, done / whole)

    def rate(self, now: float) -> float:
        """Bytes a second of late; 0 when not known."""
        if not self.samples:
            return 0.0
        began, done, _ = self.samples[0]
        return max(0.0, (self.bytes - done) / (now - began)) if now - began >= 0.5 else 0.0

    def seconds_left(self, now: float) -> float | None:
        """Return seconds until the copying ends at the present pace; None when not known."""
        if not self.samples:
            return None
        began, _, done = self.samples[0]
        gained = self.fraction - done
        if now - began < 1.0 or gained <= 0:
            return None
        return (1 - self.fraction) * (now - began) / gained
