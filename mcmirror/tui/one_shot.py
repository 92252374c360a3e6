"""A source of `mcmirror run --tui`: these jobs, once, as the command without a screen would run them."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from mcmirror.model.event import RunFinished
from mcmirror.model.problem import Category, Problem, Trouble
from mcmirror.model.record import Cause, Record
from mcmirror.model.state import JobState, State
from mcmirror.model.wording import shown_seconds
from mcmirror.tui.fold import Fold
from mcmirror.tui.source import Refusal, View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from mcmirror.model.event import Event, Observer
    from mcmirror.model.groups import Groups
    from mcmirror.model.job import Job
    from mcmirror.model.record import Outcome
    from mcmirror.model.report import RunReport
    from mcmirror.model.stop import Stop

LAST = 5.0
"""Seconds for tidying up after the grace is over and mc was killed."""


class OneShot:
    """Implements ``source.Source``. The key of a run is the name of its job."""

    edits: Path | None = None

    def __init__(
        self,
        jobs: Sequence[Job],
        run: Callable[[Sequence[Observer]], tuple[RunReport, ...]],
        stop: Stop,
        grace: float,
    ) -> None:
        """``run`` runs them all and returns their reports; it is called once, by another thread."""
        self.fold = Fold()
        self.number = 0
        self.reports: tuple[RunReport, ...] = ()
        """Complete once all have ended."""
        self.error: Exception | None = None
        """What ended them instead."""
        self._run, self._stop, self._grace = run, stop, grace
        self._began = time.time()
        self._jobs = {
            job.name: JobState(
                job.name, str(job.source), str(job.target), "this run", dry_run=job.options.dry_run, run=job.name,
                phase="queued",
            )
            for job in jobs
        }  # fmt: skip
        self._thread = threading.Thread(target=self._work, name="run", daemon=True)
        self._begun = False

    @property
    def where(self) -> str:
        """What is looked at."""
        return "mcmirror run"

    @property
    def over(self) -> bool:
        """Whether all have ended."""
        return self._begun and not self._thread.is_alive()

    def start(self) -> None:
        """Run."""
        if not self._begun:
            self._begun = True
            self._thread.start()

    def _work(self) -> None:
        try:
            self.reports = self._run([self._hear])
        except Exception as error:  # noqa: BLE001  said by the command, when the screen has gone
            self.error = error
        for name, job in self._jobs.items():
            if job.run:
                self._jobs[name] = replace(job, run="", phase="")
        self.number += 1

    def _hear(self, event: Event) -> None:
        self.fold.hear(event.job, event)
        job = self._jobs.get(event.job)
        if job is None:
            return
        if isinstance(event, RunFinished):
            now, report = time.time(), event.report
            finished = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(now))
            record = Record(
                job.name, job.name, report.source, report.target, Cause.HAND, report.started,
                finished=finished, report=report,
            )  # fmt: skip
            success = now if record.succeeded else 0.0
            job = replace(job, run="", phase="", last=record, last_success=success)
        elif type(event).__name__ in {"RunStarted", "Waiting"}:
            job = replace(job, phase="waiting" if type(event).__name__ == "Waiting" else "")
        else:
            return
        self._jobs[event.job] = job
        self.number += 1

    def close(self, signal: int = 0) -> None:
        """Stop politely what runs, and wait for it as long as the grace time; then mc is killed."""
        if not self._begun:
            return
        if self._thread.is_alive():
            self._stop.request(signal or 2)
        self._thread.join(self._grace)
        if self._thread.is_alive():
            from mcmirror.movers.mc.process import kill_children

            kill_children()
            self._thread.join(LAST)
        if self._thread.is_alive():
            what = f"the run did not end within {shown_seconds(self._grace)}, and was left"
            why, remedy = "a server or a disk does not answer", "mcmirror history shows how far it was; run it again"
            self.error = Trouble(Problem(Category.STALLED, what, why, remedy))

    def view(self) -> View:
        """What there is."""
        now = time.time()
        note = "all have ended: q leaves, with the exit code of the run" if self.over else ""
        return View(State(now, self._began, now, jobs=tuple(self._jobs.values())), note=note)

    def ours(self) -> tuple[str, ...]:
        """What is under way."""
        return tuple(job.name for job in self._jobs.values() if job.run)

    def live(self, job: str) -> str:
        """Its run."""
        return job

    def reload(self) -> None:
        """Nothing is written from here."""

    def trigger(self, job: str, max_delete: int | None = None, plan: str = "", *, create_target: bool = False) -> str:
        """Each runs once."""
        del max_delete, plan, create_target
        raise _only_once(job)

    def plan(self, job: str) -> str:
        """Not beside a run."""
        raise _only_once(job)

    def groups(self, key: str) -> Groups:
        """There is no plan here."""
        raise _only_once(key)

    def verify(self, job: str) -> str:
        """Not beside a run."""
        raise _only_once(job)

    def cancel(self, key: str) -> None:
        """Stop them all: they are one command."""
        del key
        self._stop.request(2)
        for job in self.ours():
            self.fold.mark_cancelling(job)

    def pause(self, job: str = "") -> None:
        """Nothing begins by itself here."""
        raise _only_once(job)

    def resume(self, job: str = "") -> None:
        """Nothing begins by itself here."""
        raise _only_once(job)

    def runs(self, **_: object) -> tuple[Record, ...]:
        """Not from here."""
        raise _only_once("")

    def run(self, run: str) -> Record:
        """Not from here."""
        raise _only_once(run)

    def fates(self, run: str) -> Iterator[tuple[Outcome, str]]:
        """Not from here."""
        raise _only_once(run)


def _only_once(job: str) -> Refusal:
    why = f"this is mcmirror run, and runs {job} once" if job else "this is mcmirror run, and runs its jobs once"
    return Refusal("that is not to be had here", why, "leave, and open mcmirror tui")
