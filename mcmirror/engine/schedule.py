"""Which jobs begin when: a timetable that is asked for what is due, with whatever clock."""

import heapq
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mcmirror.engine.trigger import NEVER, Cron, Manual, Trigger
from mcmirror.model.record import Cause


@dataclass(frozen=True, slots=True)
class Line:
    """One job of the timetable."""

    job: str
    trigger: Trigger
    at_start: bool = False
    """Once when the timetable is new."""
    catch_up: bool = False
    """Once at the start when a time has passed meanwhile."""
    jitter: float = 0.0
    """Seconds by which a start may come later, so that not all come at once."""


class Timetable:
    """When each job is due next. Times are seconds since the epoch; not for several threads at once."""

    def __init__(
        self, lines: Iterable[Line], now: float, lasts: Mapping[str, float], *, dice: random.Random | None = None
    ) -> None:
        """``lasts`` has for each job when its last run began (with a gap: ended); jobs that never ran are not in it."""
        self._dice = dice or random.Random()  # noqa: S311  no secret
        self._lines: dict[str, Line] = {}
        self._lasts = dict(lasts)
        self._due: dict[str, tuple[float, Cause]] = {}
        self._heap: list[tuple[float, str]] = []
        for line in lines:
            self._lines[line.job] = line
            self._begin(line, now)

    @property
    def next(self) -> float:
        """When the next job is due; ``NEVER`` when none is."""
        while self._heap and self._due.get(self._heap[0][1], (NEVER,))[0] != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else NEVER

    def next_run(self, job: str) -> float:
        """When this job is due next; ``NEVER`` for one that waits for a hand, or for the end of its run."""
        return self._due.get(job, (NEVER, Cause.SCHEDULE))[0]

    def due(self, now: float) -> list[tuple[str, Cause]]:
        """Take out what is due, each job once however late it is, and set its next time."""
        found = []
        while self.next <= now:
            _, job = heapq.heappop(self._heap)
            _, cause = self._due.pop(job)
            found.append((job, cause))
            line = self._lines[job]
            if getattr(line.trigger, "gap", False):
                continue  # ``ended`` sets it
            self._lasts[job] = now if cause is not Cause.SCHEDULE else self._on_grid(line, now)
            self._set(line, now, self._lasts[job])
        return found

    def ended(self, job: str, now: float) -> None:
        """Hear that a run of the job has ended, or that the one that was due did not begin."""
        line = self._lines.get(job)
        if line is not None and getattr(line.trigger, "gap", False):
            self._lasts[job] = now
            self._set(line, now, now)

    def replace(self, lines: Iterable[Line], now: float) -> None:
        """Take over another configuration: a job whose line is the same keeps its time."""
        new = {line.job: line for line in lines}
        for job in self._lines.keys() - new.keys():
            self._due.pop(job, None)
        old, self._lines = self._lines, new
        for job, line in new.items():
            if job not in old:
                self._begin(line, now)
            elif line != old[job]:
                self._set(line, now, self._lasts.get(job, now))

    def put_right(self, now: float) -> None:
        """The clock was set: no job waits for a time that it would not have been given now."""
        for job, line in self._lines.items():
            time, cause = self._due.get(job, (NEVER, Cause.SCHEDULE))
            if time == NEVER or cause is not Cause.SCHEDULE:
                continue
            latest = line.trigger.next_after(now, min(self._lasts.get(job, now), now)) + line.jitter
            if time > latest:
                self._put(job, latest, cause)

    def _begin(self, line: Line, now: float) -> None:
        """The first time of a job: now, or what its trigger says."""
        last = self._lasts.get(line.job, 0.0)
        if line.at_start:
            self._put(line.job, now, Cause.START)
        elif line.catch_up and last and line.trigger.next_after(last, last) <= now:
            self._put(line.job, now, Cause.CATCH_UP)
        else:
            self._set(line, now, last)

    def _set(self, line: Line, now: float, last: float) -> None:
        time = line.trigger.next_after(now, last)
        if time != NEVER and line.jitter and time > now:
            time += self._dice.uniform(0, line.jitter)
        self._put(line.job, time, Cause.SCHEDULE)

    def _put(self, job: str, time: float, cause: Cause) -> None:
        self._due.pop(job, None)
        if time != NEVER:
            self._due[job] = (time, cause)
            heapq.heappush(self._heap, (time, job))

    def _on_grid(self, line: Line, now: float) -> float:
        """The time that this start stands for: a start that came late does not shift those after it."""
        last = self._lasts.get(line.job, 0.0)
        if not last or last > now or isinstance(line.trigger, Cron | Manual):
            return now
        seconds = line.trigger.seconds
        return last + seconds * ((now - last) // seconds)
