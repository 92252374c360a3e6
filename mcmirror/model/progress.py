"""The one fold of a run's events: ``ProgressTracker`` takes events in, ``Progress`` is its snapshot."""

from collections import deque
from dataclasses import dataclass, field, replace
from itertools import islice

from mcmirror.model import event as events
from mcmirror.model.event import Event, Phase
from mcmirror.model.plan import Count, Plan
from mcmirror.model.problem import Problem
from mcmirror.model.report import RunReport

OBJECT = 64 * 1024
"""Bytes that take about as long as beginning an object does."""
WINDOW = 10.0
"""Seconds over which rate and time left are averaged."""
STEP = 0.25
"""Least seconds between two samples."""
PROBLEMS = 200
"""Different problems that are kept."""
SHOWN = 20
"""Different problems in a snapshot."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Snapshot of a run, a plan or a verification, for a subscriber that joins late; later events continue it."""

    job: str
    source: str = ""
    """Empty until it has begun."""
    target: str = ""
    dry_run: bool = False
    waiting: str = ""
    """The target that another run writes to."""
    phase: Phase | None = None
    phases: tuple[tuple[Phase, float], ...] = ()
    """Those that have begun, each with the seconds that it took so far."""
    listed: tuple[int, int] = (0, 0)
    """Objects seen in the listing under way, source and target."""
    plan: Plan | None = field(default=None)
    """Without its differences; None until it stands, and with assurance off."""
    total: Count = Count()
    """To be copied; before another attempt the objects that are left, whose bytes are not known."""
    announced: Count = Count()
    """Copies that have begun in this phase: mc says so before it copies."""
    moved: int = 0
    """Bytes that mc has written in this phase; -1 where the system does not count them."""
    removed: int = 0
    """Objects."""
    attempt: int = 1
    problems: tuple[Problem, ...] = ()
    """The first different ones."""


@dataclass(slots=True)
class ProgressTracker:
    """Folds the events of one run into its progress. Times are seconds of a monotonic clock. Not thread-safe."""

    job: str
    source: str = ""
    target: str = ""
    dry_run: bool = False
    waiting: str = ""
    """The target that another run writes to."""
    phase: Phase | None = None
    listed: tuple[int, int] = (0, 0)
    """Objects seen in the listing under way, source and target."""
    plan: Plan | None = None
    """Without its differences, which hold a file open."""
    total: Count = Count()
    begun: int = 0
    """Copies that have begun in this phase, and their bytes."""
    begun_bytes: int = 0
    moved: int = 0
    """Bytes that mc has written in this phase; -1 if the system does not count them."""
    removed: int = 0
    key: str = ""
    """The last one."""
    attempt: int = 1
    problems: dict[Problem, int] = field(default_factory=dict)
    """Each with its number of occurrences."""
    found: int = 0
    """Number of all problems."""
    samples: deque[tuple[float, int, float]] = field(default_factory=deque)
    """Time, bytes and fraction."""
    phases: dict[Phase, float] = field(default_factory=dict)
    """Seconds of the phases that have begun; see ``spent``."""
    since: float = 0.0
    """When the phase began."""
    report: RunReport | None = None
    """None until the run has ended."""

    def see(self, event: Event, now: float) -> None:
        """Take an event in."""
        if isinstance(event, events.CopyStarted):
            # The frequent one: up to 100,000 a second.
            self.begun += 1
            self.begun_bytes += event.size
            self.key = event.key
        elif isinstance(event, events.Moved):
            self.moved = event.bytes
            self._sample(now)
        elif isinstance(event, events.Removed):
            self.removed += 1
            self.key = event.key
        else:
            self._see(event, now)

    def _see(self, event: Event, now: float) -> None:
        match event:
            case events.Waiting():
                self.waiting = event.target
            case events.RunStarted():
                self.source, self.target, self.dry_run, self.waiting = event.source, event.target, event.dry_run, ""
            case events.PhaseStarted():
                self._begin(event.phase, now)
            case events.Listed():
                self.listed = (event.source_objects, event.target_objects)
            case events.Planned():
                self.plan = replace(event.plan, differences=(), sample=())
                self.total = event.plan.copies
            case events.ProblemFound():
                self.found += 1
                if event.problem in self.problems or len(self.problems) < PROBLEMS:
                    self.problems[event.problem] = self.problems.get(event.problem, 0) + 1
            case events.Retrying():
                # Bytes of what is left are not known; objects are.
                self.total, self.attempt = Count(event.remaining, 0), event.attempt
                self._begin(self.phase, now)
            case events.RunFinished():
                self.phases = dict(self.spent(now))
                self.report = event.report
            case _:
                pass

    def resume(self, progress: Progress, now: float) -> None:
        """Continue from a snapshot."""
        self._begin(progress.phase, now)
        self.source, self.target, self.dry_run = progress.source, progress.target, progress.dry_run
        self.waiting, self.listed, self.plan = progress.waiting, progress.listed, progress.plan
        self.total, self.attempt = progress.total, progress.attempt
        self.begun, self.begun_bytes = progress.announced.objects, progress.announced.bytes
        self.moved, self.removed = progress.moved, progress.removed
        self.phases = dict(progress.phases)
        for problem in progress.problems:
            self.problems.setdefault(problem, 1)
        self.found = max(self.found, len(self.problems))

    def skip(self, copies: int, moved: int = 0) -> None:
        """Count copies whose events were left out; ``moved`` bytes belong to copies that have begun."""
        self.begun += copies
        self.begun_bytes = self.total.bytes or max(self.begun_bytes, moved)

    def copy(self) -> "ProgressTracker":
        """A copy that later events do not change."""
        return replace(self, samples=deque(self.samples), problems=dict(self.problems), phases=dict(self.phases))

    def progress(self, now: float) -> Progress:
        """The snapshot."""
        return Progress(
            job=self.job,
            source=self.source,
            target=self.target,
            dry_run=self.dry_run,
            waiting=self.waiting,
            phase=self.phase,
            phases=self.spent(now),
            listed=self.listed,
            plan=self.plan,
            total=self.total,
            announced=self.announced,
            moved=self.moved,
            removed=self.removed,
            attempt=self.attempt,
            problems=tuple(islice(self.problems, SHOWN)),
        )

    def spent(self, now: float) -> tuple[tuple[Phase, float], ...]:
        """The phases that have begun, each with its seconds."""
        going = self.phase if self.report is None else None
        return tuple(
            (phase, spent + (now - self.since if phase is going else 0.0)) for phase, spent in self.phases.items()
        )

    def _begin(self, phase: Phase | None, now: float) -> None:
        self.phases = dict(self.spent(now))
        if phase is not None:
            self.phases.setdefault(phase, 0.0)
        self.phase, self.since, self.waiting, self.listed = phase, now, "", (0, 0)
        self.begun = self.begun_bytes = self.moved = 0
        self.key = ""
        self.samples.clear()

    def _sample(self, now: float) -> None:
        if self.samples and now - self.samples[-1][0] < STEP:
            return
        self.samples.append((now, self.bytes, self.fraction))
        while len(self.samples) > 2 and now - self.samples[0][0] > WINDOW:
            self.samples.popleft()

    @property
    def announced(self) -> Count:
        """Copies that have begun in this phase: mc announces them before it copies."""
        return Count(self.begun, self.begun_bytes)

    @property
    def bytes(self) -> int:
        """Bytes copied: never more than were announced, because the counters include headers."""
        return self.begun_bytes if self.moved < 0 else min(self.moved, self.begun_bytes)

    @property
    def fraction(self) -> float:
        """How much of the copying is done, 0 to 1, in bytes; each object counts for some bytes more."""
        if not self.total.objects:
            return 0.0
        whole = self.total.bytes + self.total.objects * OBJECT
        done = (self.bytes if self.total.bytes else 0) + self.begun * OBJECT
        return min(1.0, done / whole)

    def rate(self, now: float) -> float:
        """Bytes a second of late; 0 if not known."""
        if not self.samples:
            return 0.0
        began, done, _ = self.samples[0]
        return max(0.0, (self.bytes - done) / (now - began)) if now - began >= 0.5 else 0.0

    def seconds_left(self, now: float) -> float | None:
        """Return seconds until the copying ends at the present pace; None if not known."""
        if not self.samples:
            return None
        began, _, done = self.samples[0]
        gained = self.fraction - done
        if now - began < 1.0 or gained <= 0:
            return None
        return (1 - self.fraction) * (now - began) / gained
