"""What runs say, folded as it comes: a hundred thousand events a second end in a few hundred values a run.

Called by the threads that run the engine, or read a stream; screens look at frozen copies ten times a second.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from mcmirror.cli.progress import Track
from mcmirror.messages.events import event_text
from mcmirror.messages.plan import plan_text
from mcmirror.messages.verdict import PLAN, RUN, VERIFY
from mcmirror.model import event as events
from mcmirror.model.event import Event, Phase
from mcmirror.model.plan import Count
from mcmirror.model.problem import Problem
from mcmirror.model.progress import Progress
from mcmirror.model.report import RunReport, Status
from mcmirror.model.wording import harmless

__all__ = ["PLAN", "RUN", "VERIFY", "Fold", "Line", "Seen"]

KEYS = 12
"""Keys in work that are kept."""
LINES = 300
"""Lines of a run's log that are kept."""
PROBLEMS = 200
"""Different problems that are kept."""
PACES = 240
"""Rates that are kept for the plot."""
STEP = 0.25
"""Seconds between two of them; also between two looks at the bytes moved."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a run's log."""

    time: float
    """Seconds since the epoch."""
    mark: str
    """``phase``, ``info``, ``problem``, ``good`` or ``bad``."""
    text: str
    """Harmless."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A run at a moment."""

    key: str
    job: str
    verb: str
    track: Track
    """A copy: nobody changes it."""
    now: float = 0.0
    """By the track's clock."""
    phases: tuple[tuple[Phase, float], ...] = ()
    """Those that have begun, each with the seconds that it took so far."""
    keys: tuple[str, ...] = ()
    """As stored; the newest last."""
    log: tuple[Line, ...] = ()
    problems: tuple[tuple[Problem, int], ...] = ()
    """Each with how often."""
    paces: tuple[float, ...] = ()
    """Bytes a second, the newest last."""
    report: RunReport | None = None
    """None while it goes on."""
    waiting: str = ""
    """The target that another run writes to."""
    joined: bool = False
    """Whether its beginning was not seen."""
    cancelling: bool = False

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.report is not None


@dataclass(slots=True)
class _Live:
    key: str
    job: str
    verb: str
    track: Track
    joined: bool
    phases: dict[Phase, float] = field(default_factory=dict)
    since: float = 0.0
    """When the phase began."""
    keys: deque[str] = field(default_factory=lambda: deque(maxlen=KEYS))
    log: deque[Line] = field(default_factory=lambda: deque(maxlen=LINES))
    problems: dict[Problem, int] = field(default_factory=dict)
    paces: deque[float] = field(default_factory=lambda: deque(maxlen=PACES))
    sampled: tuple[float, int] = (0.0, 0)
    report: RunReport | None = None
    waiting: str = ""
    cancelling: bool = False
    objects: int = 0
    """Copies that were announced and are not in ``track`` yet."""
    bytes: int = 0

    def settle(self) -> None:
        """Enter them."""
        if self.objects:
            self.track.announced += Count(self.objects, self.bytes)
            self.track.key = self.keys[-1]
            self.objects = self.bytes = 0

    def join(self, progress: Progress, now: float) -> None:
        """Be where it is by now."""
        self.settle()
        self.track.resume(progress)
        self.phases, self.since, self.sampled = dict(progress.phases), now, (0.0, 0)
        self.waiting = progress.waiting
        for problem in progress.problems:
            self.problems.setdefault(problem, 1)


class Fold:
    """All runs that were heard of; of those that have ended, the last one of each job and verb."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, clock: Callable[[], float] = time.time) -> None:
        self._monotonic, self._clock = monotonic, clock
        self._lock = threading.Lock()
        self._live: dict[str, _Live] = {}
        self._last: dict[tuple[str, str], str] = {}
        self.number = 0
        """Goes up with each event."""

    def begin(self, key: str, job: str, verb: str = RUN, *, joined: bool = False) -> None:
        """Expect events under this key; the job's run before it is forgotten."""
        with self._lock:
            self._begin(key, job, verb, joined=joined)

    def expect(self, key: str, job: str, verb: str) -> None:
        """Expect events under this key, some of which may have been heard."""
        with self._lock:
            if key not in self._live:
                self._begin(key, job, verb, joined=False)

    def knows(self, key: str) -> bool:
        """Whether something was heard, or is expected, under this key."""
        return key in self._live

    def join(self, key: str, verb: str, progress: Progress) -> None:
        """Take up in its middle what was not heard from its beginning, or not for a while."""
        with self._lock:
            live, new = self._live.get(key), False
            if live is None:
                live, new = self._begin(key, progress.job, verb, joined=False), True
            if live.report is not None:
                return
            live.join(progress, self._monotonic())
            self.number += 1
            if new:
                self._say(live, "info", "seen from here on: it had begun before")
                if progress.plan is not None:
                    self._say(live, "info", plan_text(progress.plan))
                for problem in progress.problems:
                    self._say(live, "problem", harmless(problem.message))

    def _begin(self, key: str, job: str, verb: str, *, joined: bool) -> _Live:
        self._live.pop(self._last.get((job, verb), ""), None)
        self._last[job, verb] = key
        self._live[key] = _Live(key, job, verb, Track(job), joined)
        self.number += 1
        return self._live[key]

    def last(self, job: str, verb: str = RUN) -> str:
        """The key of the job's newest run; empty for none."""
        return self._last.get((job, verb), "")

    def mark_cancelling(self, key: str) -> None:
        """A person asked it to stop."""
        with self._lock:
            if live := self._live.get(key):
                live.cancelling = True
                self.number += 1

    def forget(self, job: str, verb: str = RUN) -> None:
        """Let go of a run whose end will not be heard."""
        with self._lock:
            self._live.pop(self._last.pop((job, verb), ""), None)
            self.number += 1

    def hear(self, key: str, event: Event, verb: str = RUN) -> None:
        """Take in an event; ``verb`` tells what it is of when nothing was expected under this key."""
        with self._lock:
            live = self._live.get(key)
            if live is None:
                joined = not isinstance(event, events.RunStarted | events.Waiting)
                live = self._begin(key, event.job, verb, joined=joined)
            self.number += 1
            if isinstance(event, events.CopyStarted):
                # A hundred thousand of these may come in a second: no more than what must be done.
                live.keys.append(event.key)
                live.objects += 1
                live.bytes += event.size
            elif isinstance(event, events.Moved):
                self._moved(live, event, self._monotonic())
            else:
                live.settle()
                self._rarer(live, event, self._monotonic())

    def copies(self, key: str, left_out: int, moved: int = 0) -> None:
        """Hear that not every copy is named: so many were left out, and what has moved was announced by them."""
        with self._lock:
            live = self._live.get(key)
            if live is not None:
                live.settle()
                track = live.track
                known = track.total.bytes or max(track.announced.bytes, moved)
                track.announced = Count(track.announced.objects + left_out, known)

    def _moved(self, live: _Live, event: events.Moved, now: float) -> None:
        began, bytes_then = live.sampled
        if began and now - began < STEP:
            live.track.moved = event.bytes
            return
        live.settle()
        live.track.see(event, now)
        moved = live.track.bytes
        if began:
            live.paces.append(max(0, moved - bytes_then) / (now - began))
        live.sampled = (now, moved)

    def _rarer(self, live: _Live, event: Event, now: float) -> None:  # noqa: C901, PLR0912  a case an event
        if isinstance(event, events.PhaseStarted | events.RunFinished) and live.track.phase is not None:
            live.phases[live.track.phase] = live.phases.get(live.track.phase, 0.0) + now - live.since
        live.track.see(event, now)
        match event:
            case events.Waiting():
                live.waiting = event.target
            case events.RunStarted():
                live.waiting = ""
                return
            case events.PhaseStarted():
                live.phases.setdefault(event.phase, 0.0)
                live.since = now
                live.sampled = (0.0, 0)
                live.waiting = ""
            case events.Planned():
                # Its differences hold a file open.
                live.track.plan = replace(event.plan, differences=())
            case events.Removed():
                live.keys.append(event.key)
                return
            case events.ProblemFound():
                known = event.problem in live.problems
                if known or len(live.problems) < PROBLEMS:
                    live.problems[event.problem] = live.problems.get(event.problem, 0) + 1
                if known:
                    return
            case events.Retrying():
                live.sampled = (0.0, 0)
            case events.RunFinished():
                live.report = event.report
            case events.TargetCreated() | events.Verified() | events.StillMissing() | events.Vanished():
                pass
            case _:
                return
        self._say(live, _mark(event), event_text(event, live.verb))

    def _say(self, live: _Live, mark: str, text: str) -> None:
        live.log.append(Line(self._clock(), mark, text))

    def look(self, key: str) -> Seen | None:
        """A run as it is now; None when it is not known."""
        with self._lock:
            live = self._live.get(key)
            if live is None:
                return None
            live.settle()
            now, going = self._monotonic(), live.track.phase if live.report is None else None
            return Seen(
                key=live.key,
                job=live.job,
                verb=live.verb,
                track=replace(live.track, samples=deque(live.track.samples)),
                now=now,
                phases=tuple(
                    (phase, spent + (now - live.since if phase is going else 0.0))
                    for phase, spent in live.phases.items()
                ),
                keys=tuple(live.keys),
                log=tuple(live.log),
                problems=tuple(live.problems.items()),
                paces=tuple(live.paces),
                report=live.report,
                waiting=live.waiting,
                joined=live.joined,
                cancelling=live.cancelling,
            )

    def unfinished(self) -> list[tuple[str, str, str]]:
        """Key, job and verb of all whose end was not heard."""
        with self._lock:
            return [(live.key, live.job, live.verb) for live in self._live.values() if live.report is None]

    def glance(self, key: str) -> tuple[Phase | None, float]:
        """The phase of a run and how much of its copying is done, 0 to 1: what a line of the overview needs."""
        with self._lock:
            live = self._live.get(key)
            if live:
                live.settle()
            return (live.track.phase, live.track.fraction) if live else (None, 0.0)


def _mark(event: Event) -> str:
    match event:
        case events.PhaseStarted():
            return "phase"
        case events.ProblemFound():
            return "problem"
        case events.Verified():
            return "bad" if event.remaining.objects else "good"
        case events.StillMissing():
            return "bad"
        case events.RunFinished():
            return "good" if event.report.status is Status.SUCCEEDED else "bad"
        case _:
            return "info"
