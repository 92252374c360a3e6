"""What a digest is made of: the runs of a day, and how each job stands beside what its schedule promises."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from mcmirror.config import Configuration, Schedule
from mcmirror.engine.trigger import NEVER
from mcmirror.model.job import Job
from mcmirror.model.record import Record
from mcmirror.service.job_statistics import seconds
from mcmirror.service.jobs import next_start, trigger
from mcmirror.store.pauses import Pauses

if TYPE_CHECKING:
    from mcmirror.notify.digest import Outlook
    from mcmirror.store.database import Database
    from mcmirror.store.runs import Runs

PAGE = 500
DAYS_RUNS = 20_000
"""Runs of a day that a digest reads."""
PATIENCE = 900.0
"""Seconds after its time within which a run that is due has either succeeded or is at it."""


class DigestSource:
    """Implements ``notify.digest.History``."""

    def __init__(
        self,
        database: "Database",
        runs: "Runs",
        configuration: Callable[[], Configuration],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._runs = runs
        self._pauses = Pauses(database)
        self._configuration = configuration
        self._began = now()

    def since(self, moment: datetime) -> Iterator[Record]:
        """Every run that began then or later, the newest first; raises LookupError when the state cannot be read."""
        before, number = "", 0
        while number < DAYS_RUNS:
            page = self._runs.runs(before=before, limit=PAGE)
            self._check()
            for record in page:
                if datetime.fromisoformat(record.started) < moment:
                    return
                yield record
            if len(page) < PAGE:
                return
            number, before = number + len(page), page[-1].id

    def outlooks(self, jobs: Iterable[str], now: float) -> "Mapping[str, Outlook]":
        """How each of these jobs stands; raises LookupError when the state cannot be read."""
        from mcmirror.notify.digest import Outlook

        configuration, names = self._configuration(), set(jobs)
        found = [job for job in configuration.jobs.values() if job.name in names]
        last, success = self._runs.latest(found)
        going_on = {(one.job, one.source, one.target): seconds(one.started) for one in self._runs.going_on()}
        paused = self._pauses.read()
        self._check()
        outlooks = {}
        for job in found:
            schedule = configuration.schedules.get(job.name) or Schedule()
            record, running = last.get(job.name), going_on.get((job.name, str(job.source), str(job.target)), 0.0)
            succeeded = seconds(success[job.name].finished) if job.name in success else 0.0
            due, late = promise(job, schedule, succeeded or self._began, now)
            outlooks[job.name] = Outlook(
                last=record,
                last_success=succeeded,
                due=due,
                # A run that is at it is what was promised; max_age asks for more.
                late=late and (not running or bool(schedule.max_age)),
                next_run=next_start(job, schedule, record, now, running),
                running=bool(running),
                paused=configuration.paused or "" in paused or job.name in paused,
            )
        return outlooks

    def _check(self) -> None:
        if self._database.warning:
            raise LookupError(self._database.warning)


def promise(job: Job, schedule: Schedule, since: float, now: float) -> tuple[float, bool]:
    """When a job that succeeded then, or is known since then, has to succeed again, 0 for never; and if it is late."""
    if schedule.max_age:
        due = since + schedule.max_age
        return due, due < now
    due = trigger(job, schedule).next_after(since, since)
    return (0.0, False) if due == NEVER else (due, due + schedule.jitter + PATIENCE < now)
