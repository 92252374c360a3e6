"""How runs get from the inbox into the database, and who is handed the news."""

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from mcmirror.model.record import Record, interrupted
from mcmirror.store import outcomes
from mcmirror.store.database import Database, Unusable, sql
from mcmirror.store.inbox import Ended, Inbox
from mcmirror.store.rows import enter, keep_fates, timestamp, unpacked

if TYPE_CHECKING:
    from sqlalchemy import Connection

STALE = 300.0
"""Seconds without a beat after which a run of another machine counts as killed."""
BATCH = 50
"""Runs taken in by one transaction."""
NEWS = 86400.0
"""Seconds after which the end of a run is nobody's news any more."""
LEASE = 60.0
"""Seconds for whoever was handed a record, before it is handed out again."""
HANDLED = 20.0
"""Seconds after which a record that was handed out counts as handled."""


class Intake:
    """For any number of threads and processes; what cannot be done now is done by the next call."""

    def __init__(
        self, database: Database, inbox: Inbox, *, stale: float = STALE, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._inbox = inbox
        self._stale = stale
        self._monotonic = monotonic
        self._handed: dict[str, float] = {}
        self.warning = ""
        """Why what has ended cannot be taken in; empty when all of it is in."""

    def absorb(self) -> None:
        """Take in what has ended; count runs of other machines that have fallen silent as killed."""
        self._inbox.retry()
        try:
            batch = list[Ended]()
            for ended in self._inbox.pending():
                batch.append(ended)
                if len(batch) == BATCH:
                    self._enter(batch)
                    batch.clear()
            if batch:
                self._enter(batch)
            self._bury()
        except Unusable as error:
            self.warning = str(error)
        else:
            self.warning = ""

    def take_in(self) -> tuple[Record, ...]:
        """``absorb``, and return what has newly ended in whatever process, killed runs among them, the oldest first.

        Each record is returned to one caller. When that is killed before it calls again, somebody else gets it.
        """
        self.absorb()
        moment = self._monotonic()
        try:
            with self._database.begin() as connection:
                now = self._database.now(connection)
                self._acknowledge(connection, moment - HANDLED)
                rows = connection.execute(
                    sql(
                        "SELECT id, record FROM run WHERE told = 0 AND finished > :since AND handed < :leased"
                        " ORDER BY started, id LIMIT 500"
                    ),
                    {"since": now - NEWS, "leased": now - LEASE},
                ).all()
                lease = sql("UPDATE run SET handed = :now WHERE id = :id AND handed < :leased")
                found = [
                    row
                    for row in rows
                    if row.id not in self._handed
                    and connection.execute(lease, {"now": now, "id": row.id, "leased": now - LEASE}).rowcount
                ]
        except Unusable:
            return ()
        self._handed.update((row.id, moment) for row in found)
        return tuple(record for record in (unpacked(row.record) for row in found) if record)

    def beat(self) -> None:
        """Say that what runs on this machine is alive."""
        live = self._inbox.live()
        if not live:
            return
        try:
            with self._database.begin() as connection:
                now = self._database.now(connection)
                for record in live:
                    enter(connection, record, now)
        except Unusable:
            return

    def leave(self, run: str) -> None:
        """This one, which was handed out, is for somebody else."""
        self._handed.pop(run, None)

    def close(self) -> None:
        """Say that what was handed out is handled."""
        if not self._handed:
            return
        try:
            with self._database.begin() as connection:
                self._acknowledge(connection, self._monotonic())
        except Unusable:
            return

    def _enter(self, batch: Iterable[Ended]) -> None:
        with self._database.begin() as connection:
            now = self._database.now(connection)
            for ended in batch:
                if enter(connection, ended.record, now) and ended.fates is not None:
                    keep_fates(connection, ended.record.id, outcomes.chunks(ended.fates))
        # Not before the database has it for certain.
        for ended in batch:
            self._inbox.taken(ended.record.id)

    def _bury(self) -> None:
        with self._database.read() as connection:
            limit = self._database.now(connection) - self._stale
            rows = connection.execute(
                sql("SELECT id, beat, record FROM run WHERE finished = 0 AND beat < :limit"), {"limit": limit}
            ).all()
        if not rows:
            return
        live = {record.id for record in self._inbox.live()}
        with self._database.begin() as connection:
            for row in rows:
                record = unpacked(row.record)
                if record is None or row.id in live:
                    continue
                same = sql("SELECT 1 FROM run WHERE id = :id AND finished = 0 AND beat = :beat")
                if connection.execute(same, {"id": row.id, "beat": row.beat}).first():
                    enter(connection, interrupted(record, timestamp(row.beat)), row.beat, assumed=True)

    def _acknowledge(self, connection: "Connection", before: float) -> None:
        handled = [run for run, moment in list(self._handed.items()) if moment <= before]
        if handled:
            connection.execute(sql("UPDATE run SET told = 1 WHERE id IN :ids", "ids"), {"ids": handled})
            for run in handled:
                self._handed.pop(run, None)
