"""Shows what `mcmirror serve` and `mcmirror run` in other processes do with the same jobs."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from mcmirror.messages.job_state import BY_HAND

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcmirror.model.record import Record
    from mcmirror.model.state import JobState, State
    from mcmirror.service.assembly import Rooms
    from mcmirror.store.presence import Server
    from mcmirror.store.runs import Key, Standing

LOOK = 2.0
"""Seconds between two looks at the state's files and rows."""


class OtherProcesses:
    """For one thread."""

    def __init__(self, rooms: Rooms, *, schedules: bool, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rooms, self._schedules, self._monotonic = rooms, schedules, monotonic
        self._looked = float("-inf")
        self._going_on: dict[Key, Record] = {}
        self._standings: dict[Key, Standing] = {}
        self._records: dict[Key, Record] = {}
        self._server: Server | None = None
        self._dues: dict[str, tuple[str, float]] = {}

    def seen(self, state: State) -> tuple[State, str, bool]:
        """The state with what others do, a note on who keeps the schedules, and whether anybody does."""
        if self._monotonic() - self._looked >= LOOK:
            self._looked = self._monotonic()
            runs = self._rooms.runs
            self._going_on = {(one.job, one.source, one.target): one for one in runs.going_on()}
            self._standings = runs.standings()
            self._server = None if self._schedules else self._rooms.presence.see()
        kept = self._schedules or self._server is not None
        jobs = tuple(self._job(job, state.now) for job in state.jobs)
        return replace(state, jobs=jobs), self._note(jobs), kept

    def _note(self, jobs: tuple[JobState, ...]) -> str:
        if self._schedules:
            return "schedules run here"
        if self._server is not None:
            return f"schedules: mcmirror serve, process {self._server.pid}"
        if any(job.trigger != BY_HAND for job in jobs):
            return "schedules do not run: mcmirror serve keeps them"
        return ""

    def _job(self, job: JobState, now: float) -> JobState:
        key = (job.name, job.source, job.target)
        standing = self._standings.get(key)
        if standing is not None and (job.last is None or standing.run != job.last.id):
            job = self._newer(job, key, standing)
        elsewhere = self._going_on.get(key)
        if not job.run and elsewhere is not None and (job.last is None or elsewhere.id != job.last.id):
            job = replace(job, run=elsewhere.id, phase="elsewhere")
        if self._server is not None and not job.paused:
            job = replace(job, next_run=self._next(job, now))
        return job

    def _newer(self, job: JobState, key: Key, standing: Standing) -> JobState:
        record = self._records.get(key)
        if record is None or record.id != standing.run:
            record = self._rooms.runs.get(standing.run)
            if record is None or record.report is None:
                return job
            self._records[key] = record
        if job.last is not None and job.last.started > record.started:
            return job
        success = max(job.last_success, standing.succeeded)
        overdue = success + job.max_age if success else job.overdue_since
        return replace(job, last=record, last_success=success, overdue_since=overdue)

    def _next(self, job: JobState, now: float) -> float:
        """When the other server begins it: it counts from what we both remember."""
        from mcmirror.service.jobs import next_start

        run = job.last.id if job.last else ""
        known, due = self._dues.get(job.name, ("", 0.0))
        if known == run and due > now:
            return due
        configuration = self._rooms.server.service.configuration
        found, schedule = configuration.jobs.get(job.name), configuration.schedules.get(job.name)
        if found is None or schedule is None:
            return 0.0
        due = next_start(found, schedule, job.last, now)
        self._dues[job.name] = (run, due)
        return due
