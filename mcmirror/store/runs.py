"""The runs of the past and of now: files of this machine and rows of the database as one. Nothing here raises."""

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from mcmirror.model.job import Job
from mcmirror.model.record import Outcome, Record
from mcmirror.model.report import Status
from mcmirror.model.streak import FAILURES
from mcmirror.store import outcomes, retention
from mcmirror.store.database import Database, Unusable, sql
from mcmirror.store.inbox import Inbox
from mcmirror.store.intake import STALE, Intake
from mcmirror.store.rows import column, epoch, fate_part, sortable, source_objects, unpacked

_ID = re.compile(r"[\w-]+\Z", re.ASCII)

Key = tuple[str, str, str]
"""Job, source and target."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a job stands. Times are seconds since the epoch."""

    run: str
    """The newest run that has ended."""
    status: str
    started: float
    finished: float
    success: str = ""
    """The newest run that succeeded; empty when none did."""
    succeeded: float = 0.0
    """When that ended."""
    source_objects: int = 0
    """How many objects the source held then, within the job's filters."""


class Runs:
    """For any number of threads and processes. What cannot be remembered is a warning, and the inbox keeps it."""

    def __init__(
        self, database: Database, inbox: Inbox, *, stale: float = STALE, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """``stale`` is after how many seconds without a beat a run of another machine counts as killed."""
        self._database = database
        self._inbox = inbox
        self._intake = Intake(database, inbox, stale=stale, monotonic=monotonic)

    @property
    def warning(self) -> str:
        """Why nothing can be remembered right now; empty when all is well."""
        mine, files = self._database.warning or self._intake.warning, self._inbox.warning or self._inbox.unread
        return " ".join(filter(None, (mine, files)))

    @property
    def readable(self) -> bool:
        """Whether what was asked for last could be read; else no answer only means that it is not known."""
        return not (self._database.warning or self._inbox.unread)

    def absorb(self) -> None:
        """Take what has ended out of the inbox and into the database."""
        self._intake.absorb()

    def take_in(self) -> tuple[Record, ...]:
        """``absorb``, and return what has newly ended in whatever process, killed runs among them, the oldest first.

        Each record is returned to one caller. When that is killed before it calls again, somebody else gets it.
        """
        return self._intake.take_in()

    def beat(self) -> None:
        """Say that what runs on this machine is alive; to be called more often than once in five minutes."""
        self._intake.beat()

    def prune(self, keep_for: float, keep_runs: int) -> None:
        """Forget what is older than so many seconds, or beyond so many runs of a job: see ``retention``."""
        retention.prune(self._database, keep_for, keep_runs)

    def leave(self, run: str) -> None:
        """Say that this one, which was handed out, is for somebody else: they get it in a minute."""
        self._intake.leave(run)

    def close(self) -> None:
        """Say that what was handed out is handled; the database stays open."""
        self._intake.close()

    def runs(self, *, job: str = "", status: str = "", before: str = "", limit: int = 50) -> tuple[Record, ...]:
        """Runs, the newest first: of one job, with one verdict (or ``running``), before the run of that id."""
        files = self._files()
        edge = self._edge(before) if before else None
        found = [
            record
            for record in files.values()
            if (not job or record.job == job)
            and (not status or record.status == status)
            and (edge is None or _order(record) < edge)
        ]
        conditions = {
            "job = :job": bool(job),
            "status = :status": bool(status),
            "(started, id) < (:edge, :before)": edge is not None,
        }
        where = " AND ".join(["1 = 1", *(condition for condition, wanted in conditions.items() if wanted)])
        started, run = edge or ("", "")
        rows = self._rows(
            f"SELECT id, record FROM run WHERE {where} ORDER BY started DESC, id DESC LIMIT :limit",  # noqa: S608
            # Some of the rows may be superseded by files.
            {"job": column(job), "status": status, "edge": started, "before": run, "limit": limit + len(files)},
        )
        found += [record for row in rows if row.id not in files and (record := unpacked(row.record))]
        return tuple(sorted(found, key=_order, reverse=True)[:limit])

    def get(self, run: str) -> Record | None:
        """One run; None when there is none of that id."""
        if not _ID.match(run):
            return None
        found = self._inbox.get(run)
        if found is not None:
            return found
        rows = self._rows("SELECT record FROM run WHERE id = :id", {"id": run})
        return unpacked(rows[0].record) if rows else None

    def ids(self, prefix: str = "", limit: int = 10) -> tuple[str, ...]:
        """The ids that begin like this, the newest first."""
        if prefix and not _ID.match(prefix):
            return ()
        rows = self._rows(
            # "~" sorts behind whatever an id is made of.
            "SELECT id FROM run WHERE id >= :low AND id < :high ORDER BY id DESC LIMIT :limit",
            {"low": prefix, "high": f"{prefix}~", "limit": limit},
        )
        found = {row.id for row in rows} | {run for run in self._files() if run.startswith(prefix)}
        return tuple(sorted(found, reverse=True)[:limit])

    def fates(self, run: str) -> Iterator[tuple[Outcome, str]]:
        """What became of each object, streamed; nothing when that is not known, or not any more."""
        if not _ID.match(run):
            return
        named = False
        for found in outcomes.read(self._inbox.fates(run)):
            named = True
            yield found
        if not named:
            yield from outcomes.read(self._parts(run))

    def standings(self) -> dict[Key, Standing]:
        """How each job stands that ever ran; thousands of them in some milliseconds."""
        try:
            rows = self._database.look(
                "SELECT job, source, target, run, status, started, finished, success, succeeded, source_objects"
                " FROM latest"
            )
        except Unusable:
            rows = []
        found = {(row[0], row[1], row[2]): Standing(row[3], row[4], epoch(row[5]), *row[6:]) for row in rows}
        for record in self._files().values():
            key = (column(record.job), column(record.source), column(record.target))
            found.update(((key, one),) if (one := after(found.get(key), record)) else ())
        return found

    def going_on(self) -> tuple[Record, ...]:
        """What runs now, here and, as far as it says so, on other machines; the oldest first."""
        found = {record.id: record for record in self._inbox.live()}
        try:
            for (data,) in self._database.look("SELECT record FROM run WHERE finished = 0"):
                record = unpacked(data)
                if record is not None and record.host != os.uname().nodename:
                    found.setdefault(record.id, record)
        except Unusable:
            pass
        return tuple(sorted(found.values(), key=_order))

    def standing(self, job: str, source: str, target: str) -> Standing | None:
        """How one job stands; None when it never ran."""
        return self.standings().get((column(job), column(source), column(target)))

    def unproven_since(self, job: str) -> float:
        """When the first remembered run of a job began that has never succeeded, wherever it ran to; else 0."""
        if any(key[0] == column(job) and one.succeeded for key, one in self.standings().items()):
            return 0.0
        try:
            rows = self._database.look("SELECT min(started) FROM run WHERE job = :job", job=column(job))
        except Unusable:
            return 0.0
        begun = [epoch(record.started) for record in self._files().values() if record.job == job]
        return min([*begun, *(epoch(row[0]) for row in rows if row[0])], default=0.0)

    def failures(self, record: Record) -> int:
        """Number of failures in a row, at most 1,000, of the job before this run; cancelled runs do not count."""
        job = (column(record.job), column(record.source), column(record.target))
        try:
            rows = self._database.look(
                "SELECT started, id, status FROM run WHERE job = :job AND source = :source AND target = :target"
                " AND finished > 0 ORDER BY started DESC, id DESC LIMIT 1000",
                **dict(zip(("job", "source", "target"), job, strict=True)),
            )
        except Unusable:
            rows = []
        ended = {row[1]: (row[0], row[1], row[2]) for row in rows}
        for one in self._files().values():
            if one.report is not None and job == (column(one.job), column(one.source), column(one.target)):
                ended[one.id] = (*_order(one), one.status)
        statuses = [
            status
            for started, run, status in sorted(ended.values(), reverse=True)
            if status != Status.CANCELLED and (started, run) < _order(record)
        ]
        return sum(1 for _ in takewhile(FAILURES.__contains__, statuses))

    def latest(self, jobs: Sequence[Job]) -> tuple[dict[str, Record], dict[str, Record]]:
        """By the name of the job: the newest run that has ended, and the newest that succeeded."""
        standings, last, success = self.standings(), dict[str, str](), dict[str, str]()
        for job in jobs:
            found = standings.get((column(job.name), column(str(job.source)), column(str(job.target))))
            if found is not None:
                last[job.name], success[job.name] = found.run, found.success
        records = self._many({*last.values(), *success.values()} - {""})
        return (
            {job: records[run] for job, run in last.items() if run in records},
            {job: records[run] for job, run in success.items() if run in records},
        )

    def _files(self) -> dict[str, Record]:
        """Runs that are not in the database, or not as they are now."""
        found = {record.id: record for record in self._inbox.live()}
        found.update((ended.record.id, ended.record) for ended in self._inbox.pending())
        return found

    def _edge(self, run: str) -> tuple[str, str]:
        record = self.get(run)
        # Of a run that was forgotten, the id still says when it began.
        return _order(record) if record else (f"{run[:4]}-{run[4:6]}-{run[6:11]}:{run[11:13]}:{run[13:15]}", run)

    def _rows(self, query: str, values: dict[str, Any], *lists: str) -> Sequence[Any]:
        try:
            with self._database.read() as connection:
                return connection.execute(sql(query, *lists), values).all()
        except Unusable:
            return ()

    def _many(self, ids: Iterable[str]) -> dict[str, Record]:
        wanted = sorted(ids)
        found = dict[str, Record]()
        for start in range(0, len(wanted), 500):
            some = {"ids": wanted[start : start + 500]}
            rows = self._rows("SELECT id, record FROM run WHERE id IN :ids", some, "ids")
            found.update((row.id, record) for row in rows if (record := unpacked(row.record)))
        found.update((run, record) for run, record in self._files().items() if run in set(wanted))
        return found

    def _parts(self, run: str) -> Iterator[bytes]:
        number = 0
        while True:
            try:
                # One transaction a part: whoever reads slowly holds nobody up.
                with self._database.read() as connection:
                    part = fate_part(connection, run, number)
            except Unusable:
                return
            if part is None:
                return
            yield part
            number += 1


def after(standing: Standing | None, record: Record) -> Standing | None:
    """How a job stands with one more run; one that goes on changes nothing."""
    if record.report is None:
        return standing
    began, ended = epoch(record.started), epoch(record.finished)
    new = Standing(record.id, record.status, began, ended)
    if record.succeeded:
        new = Standing(record.id, record.status, began, ended, record.id, ended, source_objects(record.report))
    if standing is None:
        return new
    newest = new if new.started >= standing.started else standing
    success = new if new.succeeded > standing.succeeded else standing
    return Standing(
        newest.run,
        newest.status,
        newest.started,
        newest.finished,
        success.success,
        success.succeeded,
        success.source_objects,
    )


def _order(record: Record) -> tuple[str, str]:
    return sortable(record.started), record.id
