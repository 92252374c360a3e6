"""The events that relays hand on, in the state's database: stored once, leased, forgotten when delivered."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mcmirror.model.relay import NotStored, RelayedEvent, RelayState
from mcmirror.store import leases
from mcmirror.store.database import Database, Unusable, sql
from mcmirror.store.rows import column

if TYPE_CHECKING:
    from sqlalchemy import Connection

KEPT = 7 * 86400.0
"""Seconds for which it is known which events were seen."""

_COLUMNS = "id, relay, subject, rank, name, payload, created, attempts, error"
_FIRST = """NOT EXISTS (
    SELECT 1 FROM relay_event e WHERE e.relay = o.relay AND e.subject = o.subject AND e.dead = 0
    AND (e.rank < o.rank OR (e.rank = o.rank AND e.number < o.number)))"""
_NEXT = f"""SELECT {_COLUMNS} FROM relay_event o
    WHERE o.relay = :relay AND o.dead = 0 AND o.due <= :now AND o.lease <= :now AND {_FIRST}
    ORDER BY o.number LIMIT :most"""  # noqa: S608  ours
_DUE = f"""SELECT MIN(CASE WHEN o.due > o.lease THEN o.due ELSE o.lease END) FROM relay_event o
    WHERE o.relay = :relay AND o.dead = 0 AND {_FIRST}"""  # noqa: S608  ours
_STATES = """SELECT relay, SUM(1 - dead) AS waiting, SUM(dead) AS dead,
    MIN(CASE WHEN dead = 0 THEN created END) AS oldest FROM relay_event GROUP BY relay"""


class RelayQueue:
    """Every method may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writing = threading.Lock()
        """Threads of one process take turns here: SQLite lets those that wait for it starve."""
        self._sent = set[str]()
        """What was delivered and could not be forgotten: it is not sent again by this process."""

    def store(self, relay: str, events: Sequence[RelayedEvent], now: float, *, pending: int = 0) -> int:
        """Store what was not seen before, all or nothing; how many that was. Raises NotStored.

        ``pending`` is how many were dropped before.
        """
        try:
            with self._written() as connection:
                new = [event for event in events if _see(connection, event, now)]
                for event in new:
                    connection.execute(sql(_INSERT), _values(event, now))
                if pending or len(new) < len(events):
                    change = "pending = pending + :pending, repeated = repeated + :repeated"
                    _tally(connection, relay, change, pending=pending, repeated=len(events) - len(new))
        except Unusable as unusable:
            raise NotStored(str(unusable)) from None
        return len(new)

    def take(self, relay: str, now: float, lease: float, most: int) -> tuple[RelayedEvent, ...]:
        """The next of each subject, as many as that; nobody else gets them for ``lease`` seconds. Raises NotStored."""
        try:
            with self._written() as connection:
                found = _events(connection, _NEXT, relay=relay, now=now, most=most)
                for event in found:
                    if event.id in self._sent:
                        _forget(connection, event)
                ours = [event for event in found if event.id not in self._sent]
                taken = tuple(one for one in ours if leases.claim(connection, "relay_event", one.id, now, now + lease))
        except Unusable as unusable:
            raise NotStored(str(unusable)) from None
        self._sent -= {event.id for event in found}
        return taken

    def due(self, relay: str) -> float | None:
        """When the next one may be tried; None when nothing waits. Raises NotStored."""
        try:
            with self._database.read() as connection:
                found = connection.execute(sql(_DUE), {"relay": relay}).scalar()
        except Unusable as unusable:
            raise NotStored(str(unusable)) from None
        return None if found is None else float(found)

    def delivered(self, event: RelayedEvent) -> None:
        """It was handed on: forget it."""
        try:
            with self._written() as connection:
                _forget(connection, event)
        except Unusable:
            self._sent.add(event.id)

    def failed(self, event: RelayedEvent, due: float, error: str) -> None:
        """It is tried again then. When that cannot be written, it is when its lease is over."""
        self._noted(event, error, "due", due)

    def give_up(self, event: RelayedEvent, error: str) -> None:
        """It is tried no more until it is replayed."""
        self._noted(event, error, "dead", 1)

    def _noted(self, event: RelayedEvent, error: str, what: str, value: float) -> None:
        try:
            with self._written() as connection:
                if what == "due":
                    leases.postpone(connection, "relay_event", event.id, value)
                else:
                    statement = "UPDATE relay_event SET dead = 1, attempts = attempts + 1, error = :error, lease = 0"
                    connection.execute(sql(f"{statement} WHERE id = :id"), {"error": error, "id": event.id})
                _tally(connection, event.relay, "failures = failures + 1, error = :error", error=error)
        except Unusable:
            return

    def dead(self, relay: str) -> tuple[RelayedEvent, ...]:
        """What was given up, the oldest first. Raises Unusable."""
        query = f"SELECT {_COLUMNS} FROM relay_event WHERE relay = :relay AND dead = 1 ORDER BY number"  # noqa: S608
        with self._database.read() as connection:
            return tuple(_events(connection, query, relay=relay))

    def replay(self, relay: str, ids: Sequence[str], now: float) -> int:
        """Try these again, from the beginning; how many there were. Raises Unusable."""
        statement = "UPDATE relay_event SET dead = 0, attempts = 0, error = '', due = :now, lease = 0"
        statement += " WHERE relay = :relay AND dead = 1 AND id IN :ids"
        with self._written() as connection:
            values = {"relay": relay, "now": now, "ids": list(ids)}
            return connection.execute(sql(statement, "ids"), values).rowcount

    def states(self) -> dict[str, RelayState]:
        """Every relay that something is known of. Raises Unusable."""
        tally = "SELECT name, delivered, pending, repeated, failures, error FROM relay"
        found = dict[str, RelayState]()
        for name, delivered, pending, repeated, failures, error in self._database.look(tally):
            found[name] = RelayState(
                name, delivered=delivered, pending=pending, repeated=repeated, failures=failures, error=error
            )
        for name, waiting, dead, oldest in self._database.look(_STATES):
            known, since = found.get(name, RelayState(name)), float(oldest or 0.0)
            found[name] = replace(known, waiting=int(waiting), dead=int(dead), oldest=since)
        return found

    def prune(self, now: float) -> None:
        """Forget which events were seen long ago, but for those that are still here."""
        statement = "DELETE FROM relay_seen WHERE at < :before AND NOT EXISTS (SELECT 1 FROM relay_event e"
        statement += " WHERE e.id = relay_seen.id)"
        with suppress(Unusable), self._written() as connection:
            connection.execute(sql(statement), {"before": now - KEPT})

    @contextmanager
    def _written(self) -> "Iterator[Connection]":
        with self._writing, self._database.begin() as connection:
            yield connection


_INSERT = """INSERT INTO relay_event
    (id, relay, subject, rank, name, payload, created, due, lease, attempts, dead, error) VALUES
    (:id, :relay, :subject, :rank, :name, :payload, :now, :now, 0, 0, 0, '')"""


def _events(connection: "Connection", query: str, **values: Any) -> list[RelayedEvent]:
    return [RelayedEvent(**row) for row in connection.execute(sql(query), values).mappings()]


def _see(connection: "Connection", event: RelayedEvent, now: float) -> bool:
    """Whether it was not seen before; from now on it is."""
    statement = "INSERT INTO relay_seen (id, at) VALUES (:id, :now) ON CONFLICT DO NOTHING"
    return bool(connection.execute(sql(statement), {"id": event.id, "now": now}).rowcount)


def _values(event: RelayedEvent, now: float) -> dict[str, Any]:
    return {
        "id": event.id, "relay": event.relay, "subject": column(event.subject), "rank": column(event.rank),
        "name": column(event.name), "payload": event.payload, "now": now,
    }  # fmt: skip


def _forget(connection: "Connection", event: RelayedEvent) -> None:
    if connection.execute(sql("DELETE FROM relay_event WHERE id = :id"), {"id": event.id}).rowcount:
        _tally(connection, event.relay, "delivered = delivered + 1, failures = 0, error = ''")


def _tally(connection: "Connection", relay: str, change: str, **values: Any) -> None:
    """Change what is counted of a relay."""
    first = "INSERT INTO relay (name, delivered, pending, repeated, failures, error) VALUES (:relay, 0, 0, 0, 0, '')"
    connection.execute(sql(f"{first} ON CONFLICT DO NOTHING"), {"relay": relay})
    connection.execute(sql(f"UPDATE relay SET {change} WHERE name = :relay"), {"relay": relay, **values})  # noqa: S608
