"""Which jobs are paused, beyond the life of a process."""

import threading
import time
from contextlib import suppress

from mcmirror.store.database import Database, Unusable, sql

BACKLOG = "\nbacklog"
"""The end of a name that stands for the backlog of a job; no job's name has a line's end."""


class Pauses:
    """The empty name stands for all jobs. While the database cannot be used they are kept in memory, and written later.

    For any number of threads.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._known = frozenset[str]()
        self._unwritten: dict[str, bool] = {}

    @property
    def warning(self) -> str:
        """Why they are kept in memory only; empty when they are not."""
        return self._database.warning if self._unwritten else ""

    def read(self) -> frozenset[str]:
        """Return the jobs."""
        return frozenset(name for name in self._all() if not name.endswith(BACKLOG))

    def backlogs(self) -> frozenset[str]:
        """Return the jobs whose backlog is paused."""
        return frozenset(name.removesuffix(BACKLOG) for name in self._all() if name.endswith(BACKLOG))

    def pause_backlog(self, job: str, *, wanted: bool) -> None:
        """Pause the backlog of a job, or let it go on."""
        (self.add if wanted else self.remove)(job + BACKLOG)

    def _all(self) -> frozenset[str]:
        with self._lock:
            self._write()
            with suppress(Unusable):
                self._known = frozenset(job for (job,) in self._database.look("SELECT job FROM pause"))
            paused = set(self._known)
            for job, wanted in self._unwritten.items():
                (paused.add if wanted else paused.discard)(job)
            return frozenset(paused)

    def add(self, job: str) -> None:
        """Pause a job."""
        with self._lock:
            self._unwritten[job] = True
            self._write()

    def remove(self, job: str) -> None:
        """Let a job go on."""
        with self._lock:
            self._unwritten[job] = False
            self._write()

    def _write(self) -> None:
        if not self._unwritten:
            return
        try:
            with self._database.begin() as connection:
                for job, wanted in self._unwritten.items():
                    connection.execute(sql("DELETE FROM pause WHERE job = :job"), {"job": job})
                    if wanted:
                        new = sql("INSERT INTO pause (job, since) VALUES (:job, :since) ON CONFLICT (job) DO NOTHING")
                        connection.execute(new, {"job": job, "since": time.time()})
        except Unusable:
            return
        self._known = frozenset(
            (self._known | {job for job, wanted in self._unwritten.items() if wanted})
            - {job for job, wanted in self._unwritten.items() if not wanted}
        )
        self._unwritten.clear()
