"""What is to be told lies here until it has arrived; while the state cannot be used, in this process's memory."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mcmirror.model.delivery import Decision, Delivery
from mcmirror.model.state import NotifierState
from mcmirror.model.streak import Streak
from mcmirror.store import ledger, streak_table
from mcmirror.store.database import Database, Unusable
from mcmirror.store.migrations import STEPS, TYPES

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

LEASE = 90.0
"""Seconds for which a delivery belongs to whoever sends it; when they died, somebody else may."""
RETRIES = (10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0, 1280.0, 2560.0, 3600.0)
"""Seconds from a failed attempt to the next."""
GIVE_UP = 24 * 3600.0
"""Seconds after which a message is no news."""
THREADS = 1000
KEPT = 2 * 86400.0
"""Seconds for which it is known who was told of a run."""


class Outbox:
    """Every method may be called from any thread, and none raises because of the state."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._memory = _Memory()
        self._streaks = dict[tuple[str, str], Streak]()
        """By listener and job: those that this process met, for when the state cannot be read."""
        self._told = dict[tuple[str, str], None]()
        """Listeners and runs that were decided here: for when that cannot be read."""
        self._sent = set[str]()
        """What arrived and could not be crossed out."""
        self._threads = dict[tuple[str, str], str]()
        """By listener and run: for when the state cannot be read."""

    @property
    def warning(self) -> str:
        """Why what is to be told lies in memory; empty while it does not."""
        return self._database.warning

    @property
    def lost(self) -> int:
        """How many messages would be gone if this process ended now."""
        return self._memory.count()

    def begin(self, listener: str, run: str, decision: Decision, now: float) -> bool:
        """A run begins: write the decision down, unless that was told already."""

        def work(connection: "Connection") -> bool:
            new = ledger.begin(connection, listener, run, now)
            if new:
                ledger.record(connection, listener, decision, now)
            return new

        return bool(self._either(work))

    def decide(self, listener: str, runs: Sequence[str], jobs: Sequence[str], judge: ledger.Judge, now: float) -> bool:
        """Decide what this listener hears of runs that ended, once; False when it was told of all of them.

        Claim, streaks and messages are written together or not at all. ``judge`` may be asked twice.
        """
        new = [run for run in runs if (listener, run) not in self._told]
        if runs and not new:
            return False
        before: dict[str, Streak] | None = None

        def work(connection: "Connection") -> Decision | None:
            return ledger.decide(connection, listener, new, jobs, judge, now=now, before=before)

        try:
            decision = self._written(work)
        except Unusable:
            before = self._remembered(listener, jobs)
            decision = self._memory.do(work)
        self._told |= dict.fromkeys((listener, run) for run in new)
        while len(self._told) > THREADS:
            del self._told[next(iter(self._told))]
        if decision is None:
            return False
        self._streaks |= {(listener, job): streak for job, streak in decision.streaks.items()}
        return True

    def _remembered(self, listener: str, jobs: Sequence[str]) -> dict[str, Streak]:
        """What is known of them although nothing can be written."""
        found = dict[str, Streak]()
        with suppress(Unusable), self._database.read() as connection:
            found = streak_table.read(connection, listener, jobs)
        return found | {job: self._streaks[listener, job] for job in jobs if (listener, job) in self._streaks}

    def due(self) -> dict[str, float]:
        """By listener: when the next of its messages may be tried, in seconds since the epoch."""
        found = self._memory.do(ledger.due) if self._memory else {}
        if self._memory:
            with suppress(Unusable):
                self._written(lambda _: None)
        with suppress(Unusable), self._database.read() as connection:
            for listener, moment in ledger.due(connection).items():
                found[listener] = min(moment, found.get(listener, moment))
        return found

    def take(self, listener: str, now: float) -> Delivery | None:
        """The next message to be sent to this listener; nobody else gets it for LEASE seconds."""
        gone = set[str]()

        def work(connection: "Connection") -> Delivery | None:
            while (found := ledger.take(connection, listener, now, LEASE)) and found.id in self._sent:
                ledger.arrived(connection, found, "", now)
                gone.add(found.id)
            return found

        found: Delivery | None = None
        with suppress(Unusable):
            found = self._written(work)
            self._sent -= gone
        if found is None and self._memory:
            found = self._memory.do(work)
        if found is None or found.thread:
            return found
        return replace(found, thread=self._threads.get((listener, found.run), ""))

    def arrived(self, delivery: Delivery, thread: str, now: float) -> None:
        """It was delivered; ``thread`` is what a later message about the same run needs."""
        if thread:
            self._threads[delivery.listener, delivery.run] = thread
            while len(self._threads) > THREADS:
                del self._threads[next(iter(self._threads))]
        if not self._crossed_out(lambda connection: ledger.arrived(connection, delivery, thread, now), delivery):
            self._sent.add(delivery.id)

    def failed(self, delivery: Delivery, error: str, now: float, *, wait: float = 0.0, final: bool = False) -> None:
        """It was not delivered: it is tried again for a day; when ``final``, never.

        Nothing is sent to its listener, by whatever process, for ``wait`` seconds.
        """

        def work(connection: "Connection") -> None:
            if wait:
                ledger.hold(connection, delivery.listener, now + wait, error)
            if final or now - delivery.created >= GIVE_UP:
                ledger.given_up(connection, delivery, error)
                return
            pause = RETRIES[min(delivery.attempts, len(RETRIES) - 1)]
            ledger.failed(connection, delivery, now + pause, error)

        if not self._crossed_out(work, delivery) and wait:
            self._memory.do(lambda connection: ledger.hold(connection, delivery.listener, now + wait, error))

    def held(self, listener: str) -> float:
        """Until when nothing is sent to this listener, because its service asks for that; 0 when it does not."""
        found = float(self._memory.do(lambda connection: ledger.held(connection, listener))) if self._memory else 0.0
        with suppress(Unusable), self._database.read() as connection:
            found = max(found, ledger.held(connection, listener))
        return found

    def _crossed_out(self, work: "Callable[[Connection], None]", delivery: Delivery) -> bool:
        with self._memory.locked():
            if self._memory.holds(delivery.id):
                self._memory.do(work)
                return True
        try:
            self._written(work)
        except Unusable:
            return False
        return True

    def hurry(self, listeners: Iterable[str], now: float) -> None:
        """Let what waits for these be tried at once: perhaps what was wrong was mended."""
        names = tuple(listeners)
        self._either(lambda connection: ledger.hurry(connection, names, now))

    def states(self) -> dict[str, NotifierState]:
        """By listener: what it is owed and how it is doing."""
        found = self._memory.do(ledger.states) if self._memory else {}
        with suppress(Unusable), self._database.read() as connection:
            for name, state in ledger.states(connection).items():
                here = found.get(name, NotifierState(name))
                found[name] = NotifierState(
                    name,
                    state.waiting + here.waiting,
                    state.failures + here.failures,
                    state.given_up + here.given_up,
                    here.error or state.error,
                )
        return found

    def prune(self, now: float) -> None:
        """Forget what nobody can ask for any more."""
        self._either(lambda connection: ledger.prune(connection, now - KEPT))

    def close(self) -> None:
        """Let go of the state."""
        self._database.close()

    def _either(self, work: "Callable[[Connection], Any]") -> Any:
        try:
            return self._written(work)
        except Unusable:
            return self._memory.do(work)

    def _written(self, work: "Callable[[Connection], Any]") -> Any:
        """Do it in the state, after bringing there what waits in memory; raises Unusable."""
        if not self._memory:
            with self._database.begin() as connection:
                return work(connection)
        with self._memory.locked():
            rows = self._memory.rows()
            with self._database.begin() as connection:
                _restore(connection, rows)
                result = work(connection)
            self._memory.clear()
            return result


_TABLES = {
    "verdict": ("job", "listener"),
    "told": ("run", "listener"),
    "outbox": ("id",),
    "notifier": ("name",),
}
_MERGED = {
    "thread": "thread = CASE WHEN excluded.thread = '' THEN told.thread ELSE excluded.thread END",
    "given_up": "given_up = notifier.given_up + excluded.given_up",
    "held": "held = CASE WHEN excluded.held > notifier.held THEN excluded.held ELSE notifier.held END",
}
_Rows = dict[str, list[dict[str, Any]]]


class _Memory:
    """The same tables for as long as the process lives; false while there is nothing in them."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._engine: Engine | None = None

    def __bool__(self) -> bool:
        return self._engine is not None

    @contextmanager
    def locked(self) -> Iterator[None]:
        with self._lock:
            yield

    def do(self, work: "Callable[[Connection], Any]") -> Any:
        from sqlalchemy import create_engine
        from sqlalchemy.pool import StaticPool

        with self._lock:
            if self._engine is None:
                how = {"check_same_thread": False}
                self._engine = create_engine("sqlite://", poolclass=StaticPool, connect_args=how)
                with self._engine.begin() as connection:
                    for statement in (statement for step in STEPS for statement in step):
                        connection.exec_driver_sql(statement.format(**TYPES["sqlite"]))
            with self._engine.begin() as connection:
                return work(connection)

    def rows(self) -> _Rows:
        """Everything in it."""

        def work(connection: "Connection") -> _Rows:
            query = "SELECT * FROM {}"
            return {
                table: [dict(row) for row in ledger.ask(connection, query.format(table)).mappings()]
                for table in _TABLES
            }

        found: _Rows = self.do(work)
        return found

    def holds(self, delivery: str) -> bool:
        found = "SELECT 1 FROM outbox WHERE id = :id"
        with self._lock:
            return bool(self) and bool(self.do(lambda connection: ledger.ask(connection, found, id=delivery).first()))

    def count(self) -> int:
        with self._lock:
            if not self:
                return 0
            return int(self.do(lambda connection: ledger.ask(connection, "SELECT COUNT(*) FROM outbox").scalar()))

    def clear(self) -> None:
        with self._lock:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None


def _restore(connection: "Connection", rows: _Rows) -> None:
    """What was decided meanwhile, into the state: it is the newer one, and the later in each queue."""
    last = int(ledger.ask(connection, "SELECT COALESCE(MAX(number), 0) FROM outbox").scalar())
    for row in rows["outbox"]:
        row["number"] += last
    for table, keys in _TABLES.items():
        for row in rows[table]:
            columns, values = ", ".join(row), ", ".join(f":{name}" for name in row)
            fresh = ", ".join(_MERGED.get(name, f"{name} = excluded.{name}") for name in row if name not in keys)
            ledger.ask(
                connection,
                f"INSERT INTO {table} ({columns}) VALUES ({values})"  # noqa: S608  names of ours
                f" ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {fresh}",
                **row,
            )
