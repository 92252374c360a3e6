"""The one door to the state's database, SQLite or PostgreSQL. Trouble is a warning, and it comes back by itself.

SQLAlchemy is loaded with the first question.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcmirror.store.paths import database_file, private, private_file, url
from mcmirror.store.trouble import explained

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, TextClause

PATIENCE = 5
"""Seconds for a database that is busy or far away."""
LIMIT = 30.0
"""Seconds that a transaction on a server may take before its connection is cut: a frozen server must not hold a run."""
PAUSES = (2.0, 5.0, 10.0, 30.0, 60.0)
"""Seconds in which an unusable database is not asked again, growing while it stays unusable."""


class Unusable(Exception):
    """The state cannot be used at the moment; the text says it for people, in three parts and without a password."""


class Database:
    """Opened at the first use, by any thread; after trouble it is tried again, at growing distances."""

    def __init__(self, state: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """``state`` is a URL as configured."""
        self.state = state
        self.warning = ""
        """Why the state cannot be used, for people; empty while it can, or is not known yet."""
        self._clock = clock
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._file = database_file(state)
        self._seen: tuple[int, int] | None = None
        self._failures = 0
        self._not_before = 0.0

    def now(self, connection: "Connection") -> float:
        """Seconds since the epoch, by one clock for all who use the database."""
        if self.on_server:
            return float(connection.execute(sql("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
        return time.time()

    @property
    def on_server(self) -> bool:
        """Whether other machines may use it too."""
        return self._file is None

    @contextmanager
    def begin(self) -> "Iterator[Connection]":
        """A transaction that may write, committed at the end of the block; raises Unusable at either end."""
        with self._transaction(write=True) as connection:
            yield connection

    @contextmanager
    def read(self) -> "Iterator[Connection]":
        """A transaction that only reads: no writer holds it up. Raises Unusable."""
        with self._transaction(write=False) as connection:
            yield connection

    def look(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """Rows of one question, none where there is no file yet; raises Unusable.

        A file that is not open yet is asked without SQLAlchemy: that is quick.
        """
        if self._engine is None and self._file is not None and self._clock() >= self._not_before:
            found = self._glance(self._file, query, values)
            if found is not None:
                return found
        with self.read() as connection:
            return [tuple(row) for row in connection.execute(sql(query), values)]

    def _glance(self, file: Path, query: str, values: dict[str, Any]) -> list[tuple[Any, ...]] | None:
        """Ask the file directly; None when it has to be migrated first."""
        import sqlite3

        from mcmirror.store.migrations import STEPS

        try:
            file.stat()
        except FileNotFoundError:
            return []
        except OSError as error:
            # Nothing is known then; that is not to know that nothing has happened.
            raise self._failed(error) from None
        try:
            with closing(
                sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=PATIENCE)
            ) as connection:
                tables = "SELECT count(*) FROM sqlite_master WHERE name = 'mcmirror_schema'"
                if not connection.execute(tables).fetchone()[0]:
                    return None
                if connection.execute("SELECT version FROM mcmirror_schema").fetchone() != (len(STEPS),):
                    return None
                found = connection.execute(query, values).fetchall()
                self._failures, self.warning = 0, ""
                return found
        except sqlite3.Error as error:
            raise self._failed(error) from None

    def close(self) -> None:
        """Let go of every connection; the next use opens it again."""
        with self._lock:
            self._dispose()

    @contextmanager
    def _transaction(self, *, write: bool) -> "Iterator[Connection]":
        engine = self._opened()
        from sqlalchemy.exc import SQLAlchemyError

        try:
            with self._begun(engine, write=write) as connection:
                yield connection
        except (SQLAlchemyError, UnicodeError) as error:
            raise self._failed(error) from None
        with self._lock:
            # One that began before the trouble of another says nothing about now.
            if self._engine is engine:
                self._failures, self.warning = 0, ""

    @contextmanager
    def _begun(self, engine: "Engine", *, write: bool) -> "Iterator[Connection]":
        from sqlalchemy.exc import DBAPIError

        with self._watched() as watch:
            try:
                connection = _connected(engine, watch, write=write)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                # It lay in the pool and died with its server; a fresh one tells whether that is back.
                connection = _connected(engine, watch, write=write)
            with connection:
                yield connection
                connection.commit()

    @contextmanager
    def _watched(self) -> "Iterator[Callable[[Connection], None]]":
        """Cut a connection to a server that takes too long: a frozen one keeps every other promise."""
        if not self.on_server:
            yield lambda _: None
            return
        watched = list[Any]()

        def cut() -> None:
            with suppress(OSError, IndexError), socket.socket(fileno=os.dup(watched[-1].fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)

        def watch(connection: "Connection") -> None:
            watched.append(connection.connection.driver_connection)

        timer = threading.Timer(LIMIT, cut)
        timer.daemon = True
        timer.start()
        try:
            yield watch
        finally:
            timer.cancel()

    def _opened(self) -> "Engine":
        with self._lock:
            if self._engine is not None:
                if self._same_file():
                    return self._engine
                self._dispose()
            if self._clock() < self._not_before:
                raise Unusable(self.warning)
            try:
                self._engine = self._open()
            except Exception as error:  # noqa: BLE001  whatever it is, no run ends of it
                raise self._noted(error) from None
            return self._engine

    def _open(self) -> "Engine":
        """Open and migrate it; raises whatever goes wrong."""
        from sqlalchemy import create_engine, event

        from mcmirror.store.migrations import migrate

        if self._file is not None:
            private(self._file.parent)
            private_file(self._file)
            engine = create_engine(url(self.state), connect_args={"timeout": PATIENCE}, pool_use_lifo=True)
            event.listen(engine, "connect", _sqlite_connected)
            event.listen(engine, "begin", _sqlite_begin)
        else:
            how = {"connect_timeout": PATIENCE, "prepare_threshold": None, "application_name": "mcmirror"}
            engine = create_engine(url(self.state), connect_args=how, pool_timeout=PATIENCE)
            event.listen(engine, "begin", _server_begin)
        try:
            migrate(lambda *, write: self._begun(engine, write=write))
        except BaseException:
            engine.dispose()
            raise
        self._seen = self._identity()
        return engine

    def _identity(self) -> tuple[int, int] | None:
        if self._file is None:
            return None
        try:
            found = self._file.stat()
        except OSError:
            return (0, 0)
        return found.st_dev, found.st_ino

    def _same_file(self) -> bool:
        """Whether the path still leads to the file that is open: what goes into another one would be lost."""
        return self._identity() == self._seen

    def _failed(self, error: Exception) -> Unusable:
        with self._lock:
            return self._noted(error)

    def _noted(self, error: Exception) -> Unusable:
        self._dispose()
        self._not_before = self._clock() + PAUSES[min(self._failures, len(PAUSES) - 1)]
        self._failures += 1
        self.warning = explained(error, self.state)
        return Unusable(self.warning)

    def _dispose(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None


@cache
def sql(statement: str, *lists: str) -> "TextClause":
    """A statement with ``:names``, for ``execute``; ``lists`` are the names that stand for several values."""
    from sqlalchemy import bindparam, text

    return text(statement).bindparams(*(bindparam(name, expanding=True) for name in lists))


def _connected(engine: "Engine", watch: "Callable[[Connection], None]", *, write: bool) -> "Connection":
    """A connection in a transaction."""
    connection = engine.connect().execution_options(mcmirror_write=write)
    try:
        watch(connection)
        connection.begin()
    except BaseException:
        connection.close()
        raise
    return connection


def _sqlite_connected(connection: Any, _: object) -> None:
    # Python's driver would begin transactions by its own rules.
    connection.isolation_level = None
    _write_ahead(connection)
    # A log that grew once is cut when it is written back.
    connection.execute("PRAGMA journal_size_limit=4194304")
    # Each connection of the pool would keep 2 MB of a file that the system keeps in memory anyway.
    connection.execute("PRAGMA cache_size=-256")


def _write_ahead(connection: Any) -> None:
    """Turn the write-ahead log on; SQLite does not wait there for others who open the same new file."""
    from sqlite3 import OperationalError

    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _sqlite_begin(connection: "Connection") -> None:
    # A reader that turns writer could not wait for another writer.
    write = connection.get_execution_options().get("mcmirror_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _server_begin(connection: "Connection") -> None:
    connection.exec_driver_sql(
        f"SET LOCAL lock_timeout = '{PATIENCE}s'; SET LOCAL statement_timeout = '{PATIENCE * 2}s'"
    )
