"""Turns events into the lines of a server's log: text for people, fields for programs."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mcmirror.codec.documents import encode
from mcmirror.messages.events import event_text
from mcmirror.messages.problems import by_category
from mcmirror.messages.progress import progress_text
from mcmirror.messages.verdict import Tone, verdict
from mcmirror.model import event as events
from mcmirror.model.event import Event, Phase
from mcmirror.model.problem import Category, Problem
from mcmirror.model.progress import ProgressTracker
from mcmirror.model.report import RunReport, Status
from mcmirror.model.wording import (
    harmless,
    printable,
    shown_seconds,
)

INTERVAL = 30.0
"""Seconds between two lines about the progress of one job."""
NAMED = 10
"""Keys and problems of a report that a line names; history knows all."""
OK, BAD, ODD = "✓", "✗", "!"
_TONES = {Tone.GOOD: (OK, "info"), Tone.PENDING: ("", "info"), Tone.WARNING: (ODD, "warning"), Tone.BAD: (BAD, "error")}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing to say."""

    level: str
    """debug, info, warning or error."""
    event: str
    """For machines."""
    text: str
    """For people, without the job's name; on one line."""
    mark: str = ""
    more: tuple[str, ...] = ()
    """Lines that belong to it: why, and what to do."""
    job: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    quiet: bool = False
    """Whether only machines want it."""


@dataclass(slots=True)
class _Track:
    """A run under way."""

    progress: ProgressTracker
    spoken: float
    """When the last line about its progress was written."""
    again: bool = False
    """Whether the next attempt has yet to begin."""
    told: set[Category] = field(default_factory=set)


class Narrator:
    """Turns events into lines. Not for several threads at once.

    ``attempts`` has for each job how often it tries at most. With ``sidecar`` the words are those that users of the
    S3_SYNC_* environment know, and look for.
    """

    def __init__(
        self, *, sidecar: bool = False, debug: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.attempts: Mapping[str, int] = {}
        self._sidecar = sidecar
        self._debug = debug
        self._clock = clock
        self._tracks: dict[str, _Track] = {}
        self._begun = False

    def hear(self, event: Event) -> Iterator[Line]:  # noqa: C901, PLR0912  a case an event
        """The lines of one event; most have none."""
        now = self._clock()
        track = self._tracks.setdefault(event.job, _Track(ProgressTracker(event.job), now))
        track.progress.see(event, now)
        match event:
            case events.RunStarted():
                yield from self._started(event)
            case events.Waiting():
                yield Line(
                    "info", "waiting", _capital(event_text(event)), ODD, job=event.job, fields={"target": event.target}
                )
            case events.PhaseStarted():
                yield from self._phase(event, track)
            case events.TargetCreated():
                yield self._created(event)
            case events.Planned():
                yield from self._planned(event, track)
            case events.ProblemFound():
                yield from _problem(event, track)
            case events.Noted():
                yield Line("info", "noted", event_text(event), job=event.job, fields={"text": event.text})
            case events.Retrying():
                yield from self._retrying(event, track)
            case events.CopyStarted() | events.Moved() | events.Removed() | events.Listed():
                yield from self._progress(event, track)
            case events.StillMissing() | events.Vanished():
                if self._debug:
                    name = "still_missing" if isinstance(event, events.StillMissing) else "vanished"
                    why = event.reason if isinstance(event, events.StillMissing) else "gone from the source"
                    yield Line(
                        "debug", name, event_text(event), job=event.job, fields={"key": event.key, "reason": why}
                    )
            case events.McSaid():
                if self._debug:
                    yield Line("debug", "mc_said", event_text(event), job=event.job,
                               fields={"text": event.text})  # fmt: skip
            case events.Verified():
                pass
            case events.RunFinished():
                del self._tracks[event.job]
                yield _finished(event, self._sidecar)

    def _started(self, event: events.RunStarted) -> Iterator[Line]:
        fields = {"source": event.source, "target": event.target, "dry_run": event.dry_run}
        if not self._sidecar:
            yield Line("info", "run_started", f"Starting: {event_text(event)}", job=event.job, fields=fields)
            return
        if not self._begun:
            self._begun = True
            yield Line("info", "first_run", "Performing initial sync...", job=event.job)
        yield Line("info", "run_started", self._attempt(event.job, 1), job=event.job, fields=fields)

    def _attempt(self, job: str, number: int) -> str:
        most = self.attempts.get(job, 0)
        return f"Starting sync (attempt {number}{f'/{most}' if most else ''})..."

    def _phase(self, event: events.PhaseStarted, track: _Track) -> Iterator[Line]:
        track.spoken = self._clock()
        if self._sidecar and track.again:
            yield Line("info", "attempt", self._attempt(event.job, track.progress.attempt), job=event.job)
        track.again = False
        quiet = not (self._sidecar and event.phase is Phase.PREFLIGHT)
        text = "Checking bucket accessibility..." if not quiet else event.phase.value
        yield Line("info", "phase_started", text, job=event.job, fields={"phase": event.phase.value}, quiet=quiet)

    def _created(self, event: events.TargetCreated) -> Line:
        name = harmless(event.bucket.partition("/")[2])
        text = f"Destination bucket created: {name}" if self._sidecar else _capital(event_text(event))
        return Line("info", "target_created", text, OK, job=event.job, fields={"bucket": event.bucket})

    def _planned(self, event: events.Planned, track: _Track) -> Iterator[Line]:
        plan = event.plan
        if self._sidecar:
            # Both were listed to their ends: this is known, not hoped.
            for side, place in (("Source", track.progress.source), ("Destination", track.progress.target)):
                bucket = harmless(place.partition("/")[2])
                yield Line("info", "accessible", f"{side} bucket accessible: {bucket}", OK, job=event.job,
                           fields={"place": place})  # fmt: skip
        counts = {name: encode(getattr(plan, name)) for name in ("source", "missing", "changed", "extraneous", "kept")}
        yield Line("info", "planned", event_text(event), job=event.job, fields=counts)

    def _retrying(self, event: events.Retrying, track: _Track) -> Iterator[Line]:
        track.again = True
        text = _capital(event_text(event, attempts=self.attempts.get(event.job, 0)))
        fields = {"attempt": event.attempt, "delay": round(event.delay, 3), "remaining": event.remaining}
        yield Line("warning", "retrying", text, ODD, job=event.job, fields=fields)

    def _progress(
        self, event: events.CopyStarted | events.Moved | events.Removed | events.Listed, track: _Track
    ) -> Iterator[Line]:
        if self._debug:
            match event:
                case events.CopyStarted():
                    fields = {"key": event.key, "size": event.size}
                    yield Line("debug", "copy_started", event_text(event), job=event.job, fields=fields)
                case events.Removed():
                    yield Line("debug", "removed", event_text(event), job=event.job, fields={"key": event.key})
                case _:
                    pass
        now = self._clock()
        if now - track.spoken >= INTERVAL:
            track.spoken = now
            yield _progress_line(track.progress, now)


def _progress_line(progress: ProgressTracker, now: float) -> Line:
    fields: dict[str, Any] = {"phase": (progress.phase or Phase.PREFLIGHT).value}
    if progress.phase is Phase.MIRROR:
        planned = encode(progress.total)
        fields |= {"begun": progress.begun, "moved": max(0, progress.moved), "planned": planned}
    elif progress.phase is Phase.REMOVE:
        fields["removed"] = progress.removed
    else:
        source, target = progress.listed
        fields |= {"source_objects": source, "target_objects": target}
    return Line("info", "progress", _capital(progress_text(progress, now)), job=progress.job, fields=fields)


def _problem(event: events.ProblemFound, track: _Track) -> Iterator[Line]:
    """What it is, once a category in people's log; why and what to do follow with the verdict."""
    found = event.problem
    quiet, level = found.category in track.told, "warning"
    track.told.add(found.category)
    yield Line(level, "problem_found", event_text(event), ODD, job=event.job, fields=encode(found),
               quiet=quiet)  # fmt: skip


def _finished(event: events.RunFinished, sidecar: bool) -> Line:
    report = event.report
    found = verdict(report)
    name = "Sync" if sidecar else "Run"
    if report.dry_run and report.status is Status.SUCCEEDED:
        text = _capital(found.text)
    elif found.tone is Tone.GOOD:
        text = f"{name} completed successfully; {found.text}"
    else:
        text = f"{name} {found.text}"
    took = f" ({shown_seconds(report.seconds)}{f', {report.attempts} attempts' if report.attempts > 1 else ''})"
    more = () if report.status is Status.SUCCEEDED else (*_three_parts(report.problems), *_remaining(report))
    mark, level = _TONES[found.tone]
    return Line(level, "run_finished", text + took, mark, more, report.job, _summary(report))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _three_parts(problems: tuple[Problem, ...]) -> Iterator[str]:
    for told in by_category(problems):
        yield told.counted
        yield from (f"  {label:<4} {text}" for label, text in (("why:", told.why), ("do:", told.remedy)) if text)


def _remaining(report: RunReport) -> Iterator[str]:
    for one in report.remaining[:NAMED]:
        yield f"remaining: {printable(one.key)}: {harmless(one.reason)}"
    if (rest := report.tally.remaining.objects - len(report.remaining[:NAMED])) > 0 and report.remaining:
        yield f"remaining: and {rest:,} more; mcmirror history show names them"


def _summary(report: RunReport) -> dict[str, Any]:
    """The report without its long lists."""
    tally = report.tally
    names = ("planned", "done", "removed", "kept", "equal", "remaining", "vanished")
    return {
        "status": report.status.value,
        "verified": report.verified,
        "dry_run": report.dry_run,
        "exit_code": int(report.exit_code),
        "seconds": round(report.seconds, 3),
        "attempts": report.attempts,
        "created": report.created or None,
        **{name: encode(getattr(tally, name)) for name in names},
        "problems": [encode(problem) for problem in report.problems[:NAMED]],
        "remaining_keys": [{"key": one.key, "reason": one.reason} for one in report.remaining[:NAMED]],
        "removed_keys": list(report.removed[:NAMED]),
    }
