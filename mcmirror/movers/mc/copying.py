"""A process of mc that copies, as events: what it says is kept as a problem, and believed of nothing."""

import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field

from mcmirror.messages.error_lookup import classify, outgrown, problem
from mcmirror.model.event import CopyStarted, Event, McSaid, Moved, ProblemFound, Removed
from mcmirror.model.job import Job
from mcmirror.model.location import Alias
from mcmirror.model.problem import Category, Problem
from mcmirror.model.stop import Stop
from mcmirror.movers.mc import decode
from mcmirror.movers.mc.process import TICK, Exit, Process

STOPPED = "context canceled"
"""What mc says of the objects that it was at when it was asked to stop."""
LINGER = 0.05
"""Seconds that an announcement may wait for the next ones."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """Turns the lines of a process that copies for one job into events."""

    job: Job
    aliases: Mapping[str, Alias]
    stop: Stop
    shown: Callable[[str], str] | None = None
    """Redacts a raw line that becomes an event; None: none do."""
    _below: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_below", self.job.target.child(""))

    def events(self, process: Process, folder: str, only: str = "") -> Generator[Event, None, None]:
        """Yield events until the process ends; ``folder`` names the place in a problem.

        ``only`` is the key that is meant where mc names none, of a process that has no other.
        """
        complaints, last_look = 0, 0.0
        for batch in process.lines():
            for raw in batch:
                if self.shown:
                    yield McSaid(self.job.name, self.shown(raw.decode(errors="replace")))
                event = self._event(decode.line(raw), only)
                if event is not None:
                    complaints += isinstance(event, ProblemFound)
                    yield event
            now = time.monotonic()
            if now - last_look >= TICK:
                last_look = now
                yield Moved(self.job.name, process.written())
        # Who asked for the end needs no reason for it, not even when a second signal had mc killed.
        found = None if self.stop.requested else self._end(process.exit, complaints, folder)
        if found:
            yield ProblemFound(self.job.name, found)

    def _event(self, line: decode.Line, only: str) -> Event | None:
        """What a line means; nothing when it is a summary, or says what the plan has counted as kept."""
        match line:
            case decode.Announced(_, path, size):
                return CopyStarted(self.job.name, path.removeprefix(self._below), size)
            case decode.Deleted(path):
                return Removed(self.job.name, path.removeprefix(self._below))
            case decode.Failure() if self.stop.requested and STOPPED in line.cause:
                return None
            case decode.Failure():
                found = self._problem(line, only)
                return None if found.category is Category.OVERWRITE_OFF else ProblemFound(self.job.name, found)
            case decode.Other():
                return None

    def _end(self, end: Exit, complaints: int, folder: str) -> Problem | None:
        """What the way mc ended says by itself."""
        if end.stopped:
            return None
        if end.stalled:
            cause = f"no byte was read, written or printed for {self.job.stall_timeout:g} s, and mc was stopped"
            return problem(Category.STALLED, "the copy stands still", cause, folder)
        if end.outgrown:
            return outgrown("the copy took too much memory", end.outgrown, folder)
        if end.code < 0:
            return problem(Category.MC_DIED, "mc was killed", f"signal {-end.code}")
        if end.code and not complaints:
            return classify("mc gave up", end.stderr.strip() or f"exit code {end.code}, without a word")
        return None

    def _problem(self, failure: decode.Failure, only: str) -> Problem:
        job = self.job
        key = failure.key or only
        for said in (failure.cause, failure.message):
            named = said.partition("`")[2].partition("`")[0]
            for place in (job.source, job.target):
                alias = self.aliases.get(place.alias)
                for start in (place.child(""), f"{alias.url.rstrip('/')}/{place.path}/" if alias else ""):
                    if start and named.startswith(start):
                        key = named.removeprefix(start)
        return classify(failure.message, failure.cause, failure.code, object=key)
