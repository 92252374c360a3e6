"""What people see on stderr while jobs run and when they end: live on a terminal, plain lines anywhere else."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self, TextIO

from mcmirror.cli.live import Display
from mcmirror.cli.live_lines import board_lines
from mcmirror.messages.events import event_text
from mcmirror.messages.progress import progress_text
from mcmirror.messages.report_text import pair, report_lines, summary_lines
from mcmirror.messages.text_style import Style
from mcmirror.messages.verdict import PLAN
from mcmirror.model import event as events
from mcmirror.model.event import Event, Phase
from mcmirror.model.progress import ProgressTracker
from mcmirror.model.report import RunReport, Status
from mcmirror.model.wording import harmless

if TYPE_CHECKING:
    from mcmirror.model.plan import Plan
    from mcmirror.model.problem import Category

PLAIN_INTERVAL = 5.0
"""Seconds between two progress lines where nothing can be redrawn."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How much is said, and in which words."""

    verb: str = "run"
    quiet: bool = False
    """Say nothing of a run that succeeds."""
    debug: bool = False
    """Show every line of mc."""
    jobs: int = 1
    again: Callable[[str], str] = field(default=lambda job: f"mcmirror run {job}")
    """The command that repeats a job by name."""
    redact: Callable[[str], str] = str


class Console:
    """An observer. Use as a context manager; events may come from several threads."""

    def __init__(
        self, stream: TextIO, style: Style, manner: Manner, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream
        self._style = style
        self._manner = manner
        self._clock = clock
        self._lock = threading.RLock()
        self._tracks: dict[str, ProgressTracker] = {}
        self._reports: list[RunReport] = []
        self._spoken: dict[str, float] = {}
        self._told: set[tuple[str, Category]] = set()
        self._display: Display | None = None
        self._muted = False

    def __enter__(self) -> Self:
        if self._style.moving and not self._manner.quiet:
            self._display = Display(self._stream, self._picture)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        if self._manner.jobs > 1 and self._reports and (not self._manner.quiet or self._failures()):
            self.say(["", *summary_lines(self._reports, self._style)])

    def close(self) -> None:
        """End what moves."""
        if self._display is not None:
            self._display.close()
            self._display = None

    def mute(self) -> None:
        """Say nothing more: nobody wants to know."""
        self._muted = True

    def _failures(self) -> bool:
        return any(report.status is not Status.SUCCEEDED for report in self._reports)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Keep the display off the terminal while something is written to stdout."""
        if self._display is None:
            yield
            return
        with self._display.away():
            yield

    def say(self, lines: Iterable[str]) -> None:
        """Print lines that stay; a stderr that is gone or full ends nothing."""
        if self._muted:
            return
        with self.aside(), suppress(OSError):
            for line in lines:
                self._stream.write(self._manner.redact(line) + "\n")
            self._stream.flush()

    def note(self, what: str, why: str, remedy: str) -> None:
        """Say in three parts what changes no verdict."""
        lines = (f"note: {what}", f"  why: {why}", f"  do:  {remedy}")
        self.say(self._style.paint(harmless(line), "yellow") for line in lines)

    def _picture(self, width: int) -> list[str]:
        style = Style(self._style.colour, self._style.symbols, width, moving=True)
        with self._lock:
            lines = board_lines(self._tracks.values(), len(self._reports), self._manner.jobs, self._clock(), style)
        return [self._manner.redact(line) for line in lines]

    def __call__(self, event: Event) -> None:
        """Take in an event and say what is worth a line."""
        now = self._clock()
        with self._lock:
            track = self._tracks.setdefault(event.job, ProgressTracker(event.job))
            track.see(event, now)
            if isinstance(event, events.RunFinished):
                del self._tracks[event.job]
                self._reports.append(event.report)
        # Outside the lock: printing waits for the display, and the display for the lock.
        self._speak(event, track, now)

    def _speak(self, event: Event, track: ProgressTracker, now: float) -> None:  # noqa: C901  a case an event
        match event:
            case events.McSaid() if self._manner.debug:
                self.say([self._style.paint(f"  {harmless(event.job)}: {event_text(event)}", "dim")])
            case events.RunFinished():
                self._finish(event.report, track.plan)
            case _ if self._manner.quiet:
                pass
            case events.ProblemFound():
                self._problem(event)
            case events.Retrying() | events.Waiting() | events.TargetCreated():
                self._line(event.job, event_text(event))
            case _ if self._style.moving:
                pass
            case events.RunStarted():
                dry = ", dry run" if event.dry_run else ""
                places = pair(event.source, event.target)
                name = "" if event.job == places else f"{self._style.paint(harmless(event.job), 'bold')}: "
                self.say([f"{name}{self._style.plain(harmless(places))}{dry}"])
            case events.PhaseStarted():
                self._phase(event)
            case events.Planned():
                self._line(event.job, event_text(event, self._manner.verb))
            case events.CopyStarted() | events.Moved() | events.Removed() | events.Listed():
                if now - self._spoken.get(event.job, now) >= PLAIN_INTERVAL:
                    self._spoken[event.job] = now
                    self._line(event.job, progress_text(track, now))
            case _:
                pass

    def _line(self, job: str, text: str) -> None:
        # A single job needs no name before each line.
        name = f"{self._style.paint(self._style.plain(harmless(job)), 'bold')}: " if self._manner.jobs > 1 else "  "
        self.say([name + text])

    def _phase(self, event: events.PhaseStarted) -> None:
        self._spoken[event.job] = self._clock()
        if event.phase is not Phase.GUARD:
            self._line(event.job, event_text(event))

    def _problem(self, event: events.ProblemFound) -> None:
        """Say at once what went wrong, once a category; why and what to do stand in the report."""
        kind = (event.job, event.problem.category)
        if kind not in self._told:
            self._told.add(kind)
            what = self._style.paint(event_text(event), "yellow")
            self._line(event.job, f"problem: {what}")

    def _finish(self, report: RunReport, plan: "Plan | None") -> None:
        again = self._manner.again(report.job)
        if self._manner.quiet and report.status is Status.SUCCEEDED:
            if report.tally.kept.objects and self._manner.verb != PLAN:
                # Exit code 0, and yet the sides differ: nobody shall take silence for a true copy.
                self.say(report_lines(report, plan, self._manner.verb, again, self._style)[:1])
            return
        if self._reports[:-1]:
            self.say([""])
        self.say(report_lines(report, plan, self._manner.verb, again, self._style))
