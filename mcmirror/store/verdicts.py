"""How each job has been doing and what its listeners were told; SQLAlchemy is loaded at the first question."""

import json
import threading
from dataclasses import asdict
from typing import Any

from mcmirror.model.streak import Streak
from mcmirror.store.place import SQLITE, folder, private, url

PATIENCE = 3
"""Seconds for a database that is busy or far away."""


class Verdicts:
    """One streak a job and listener, in the state. A state that fails is a warning, and nothing is known."""

    def __init__(self, state: str) -> None:
        self._state = state
        self._engine: Any = None
        self._table: Any = None
        self._lock = threading.Lock()
        self.warning = ""
        """Why nothing can be remembered, once that is known."""

    def read(self, job: str, listener: str) -> Streak:
        """The streak, or an empty one."""
        with self._lock:
            if not self._open():
                return Streak()
            from sqlalchemy import select
            from sqlalchemy.exc import SQLAlchemyError

            table = self._table
            query = select(table.c.streak).where(table.c.job == job, table.c.listener == listener)
            try:
                with self._engine.connect() as connection:
                    text = connection.execute(query).scalar()
            except SQLAlchemyError as error:
                self._give_up(error)
                return Streak()
        return _streak(text)

    def write(self, job: str, listener: str, streak: Streak) -> None:
        """Replace the streak."""
        with self._lock:
            if not self._open():
                return
            from sqlalchemy import delete, insert
            from sqlalchemy.exc import SQLAlchemyError

            table = self._table
            row = {
                "job": job,
                "listener": listener,
                "status": streak.status,
                "since": streak.since,
                "streak": json.dumps(asdict(streak)),
            }
            try:
                with self._engine.begin() as connection:
                    connection.execute(delete(table).where(table.c.job == job, table.c.listener == listener))
                    connection.execute(insert(table), row)
            except SQLAlchemyError as error:
                self._give_up(error)

    def close(self) -> None:
        """Let go of the database."""
        with self._lock:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None

    def _open(self) -> bool:
        if self._engine is not None:
            return True
        if self.warning:
            return False
        from sqlalchemy import Column, MetaData, Table, Text, create_engine
        from sqlalchemy.exc import SQLAlchemyError

        tables = MetaData()
        self._table = Table(
            "verdict",
            tables,
            Column("job", Text, primary_key=True),
            Column("listener", Text, primary_key=True),
            Column("status", Text, nullable=False),
            Column("since", Text, nullable=False),
            # All of it, so that a later version adds what it likes without a new column.
            Column("streak", Text, nullable=False),
        )
        patience = "timeout" if self._state.startswith(SQLITE) else "connect_timeout"
        try:
            private(folder(self._state))
            engine = create_engine(url(self._state), connect_args={patience: PATIENCE})
            tables.create_all(engine)
        except (OSError, SQLAlchemyError, ImportError) as error:
            self._give_up(error)
            return False
        self._engine = engine
        return True

    def _give_up(self, error: Exception) -> None:
        self._engine = None
        # A database's error comes with its statement and a link: the first line says it.
        self.warning = str(error).partition("\n")[0]


def _streak(text: str | None) -> Streak:
    """What was written, by this version or another; an empty streak when it cannot be read."""
    try:
        values = json.loads(text or "{}")
        known = {name: values[name] for name in Streak.__slots__ if name in values}
        return Streak(**{**known, "kinds": tuple(known.get("kinds", ()))})
    except (ValueError, TypeError):
        return Streak()
