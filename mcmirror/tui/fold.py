"""What runs say, folded as it comes: a hundred thousand events a second end in a few hundred values a run.

Called by the threads that run the engine, or read a stream; screens look at frozen copies ten times a second.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from mcmirror.messages.events import event_text
from mcmirror.messages.plan import plan_text
from mcmirror.messages.verdict import PLAN, RUN, VERIFY
from mcmirror.model import event as events
from mcmirror.model.event import Event, Phase
from mcmirror.model.problem import Problem
from mcmirror.model.progress import Progress, ProgressTracker
from mcmirror.model.report import RunReport, Status
from mcmirror.model.wording import harmless

__all__ = ["PLAN", "RUN", "VERIFY", "Fold", "Line", "Seen"]

KEYS = 12
"""Keys in work that are kept."""
LINES = 300
"""Lines of a run's log that are kept."""
PACES = 240
"""Rates that are kept for the plot."""


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
    track: ProgressTracker
    """A copy: nobody changes it."""
    now: float = 0.0
    """By the track's clock."""
    keys: tuple[str, ...] = ()
    """As stored; the newest last."""
    log: tuple[Line, ...] = ()
    paces: tuple[float, ...] = ()
    """Bytes a second, the newest last."""
    joined: bool = False
    """Whether its beginning was not seen."""
    cancelling: bool = False

    @property
    def report(self) -> RunReport | None:
        """None while it goes on."""
        return self.track.report

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.report is not None

    @property
    def phases(self) -> tuple[tuple[Phase, float], ...]:
        """Those that have begun, each with its seconds."""
        return self.track.spent(self.now)

    @property
    def problems(self) -> tuple[tuple[Problem, int], ...]:
        """Each with its number of occurrences."""
        return tuple(self.track.problems.items())

    @property
    def waiting(self) -> str:
        """The target that another run writes to."""
        return self.track.waiting


@dataclass(slots=True)
class _Live:
    key: str
    verb: str
    track: ProgressTracker
    joined: bool
    keys: deque[str] = field(default_factory=lambda: deque(maxlen=KEYS))
    log: deque[Line] = field(default_factory=lambda: deque(maxlen=LINES))
    paces: deque[float] = field(default_factory=lambda: deque(maxlen=PACES))
    cancelling: bool = False


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
            if live.track.report is not None:
                return
            live.track.resume(progress, self._monotonic())
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
        self._live[key] = _Live(key, verb, ProgressTracker(job), joined)
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
            if live.track.report is not None and isinstance(event, events.RunFinished):
                return  # looked up before it was heard
            self.number += 1
            if isinstance(event, events.CopyStarted):
                # A hundred thousand of these may come in a second: no more than what must be done.
                live.keys.append(event.key)
                live.track.see(event, 0.0)
            elif isinstance(event, events.Moved):
                _moved(live, event, self._monotonic())
            else:
                self._rarer(live, event, self._monotonic())

    def copies(self, key: str, left_out: int, moved: int = 0) -> None:
        """Hear that not every copy is named: so many were left out, and what has moved was announced by them."""
        with self._lock:
            live = self._live.get(key)
            if live is not None:
                live.track.skip(left_out, moved)

    def _rarer(self, live: _Live, event: Event, now: float) -> None:
        live.track.see(event, now)
        match event:
            case events.Removed():
                live.keys.append(event.key)
            case events.ProblemFound() if live.track.problems.get(event.problem, 0) > 1:
                pass
            case events.RunStarted() | events.Listed() | events.Noted() | events.McSaid():
                pass
            case _:
                self._say(live, _mark(event), event_text(event, live.verb))

    def _say(self, live: _Live, mark: str, text: str) -> None:
        live.log.append(Line(self._clock(), mark, text))

    def look(self, key: str) -> Seen | None:
        """A run as it is now; None when it is not known."""
        with self._lock:
            live = self._live.get(key)
            if live is None:
                return None
            return Seen(
                key=live.key,
                job=live.track.job,
                verb=live.verb,
                track=live.track.copy(),
                now=self._monotonic(),
                keys=tuple(live.keys),
                log=tuple(live.log),
                paces=tuple(live.paces),
                joined=live.joined,
                cancelling=live.cancelling,
            )

    def unfinished(self) -> list[tuple[str, str, str]]:
        """Key, job and verb of all whose end was not heard."""
        with self._lock:
            return [(one.key, one.track.job, one.verb) for one in self._live.values() if one.track.report is None]

    def glance(self, key: str) -> tuple[Phase | None, float]:
        """The phase of a run and how much of its copying is done, 0 to 1: what a line of the overview needs."""
        with self._lock:
            live = self._live.get(key)
            return (live.track.phase, live.track.fraction) if live else (None, 0.0)


def _moved(live: _Live, event: events.Moved, now: float) -> None:
    """Take in the bytes moved; with each new sample of the tracker, the rate since the one before."""
    before = live.track.samples[-1] if live.track.samples else None
    live.track.see(event, now)
    last = live.track.samples[-1]
    if before is not None and last is not before:
        live.paces.append(max(0, last[1] - before[1]) / (last[0] - before[0]))


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
