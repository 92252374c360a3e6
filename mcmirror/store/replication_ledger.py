"""What ``replicate apply`` made on servers, so that ``remove`` takes away this and nothing else."""

import time

from mcmirror.messages.error_lookup import problem
from mcmirror.model.problem import Category, Trouble
from mcmirror.model.replication_steps import Action, Made
from mcmirror.store.database import Database, Unusable, sql

_KEY = "replication = :name AND action = :action AND place = :place AND server = :server AND detail = :detail"


class ReplicationLedger:
    """Reads and writes the state; raises Trouble while that cannot be done. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def made(self, name: str) -> tuple[Made, ...]:
        """What was made or adopted for a replication, in the order in which it was."""
        query = "SELECT action, place, server, detail FROM replication_made WHERE replication = :name ORDER BY made"
        try:
            rows = self._database.look(query, name=name)
        except Unusable as error:
            raise _trouble(error) from None
        return tuple(Made(Action(action), place, server, detail) for action, place, server, detail in rows)

    def add(self, name: str, made: Made) -> None:
        """Remember it, before it is made."""
        self._write(
            "INSERT INTO replication_made (replication, action, place, server, detail, made) "
            "VALUES (:name, :action, :place, :server, :detail, :now) "
            "ON CONFLICT (replication, action, place, server, detail) DO NOTHING",
            name,
            made,
        )

    def drop(self, name: str, made: Made) -> None:
        """Forget it: it was not made, or it is gone."""
        self._write(f"DELETE FROM replication_made WHERE {_KEY}", name, made)  # noqa: S608  our own text

    def _write(self, statement: str, name: str, made: Made) -> None:
        action, place, server, detail = made.key
        values = {"name": name, "action": action, "place": place, "server": server, "detail": detail}
        try:
            with self._database.begin() as connection:
                connection.execute(sql(statement), {**values, "now": time.time()} if ":now" in statement else values)
        except Unusable as error:
            raise _trouble(error) from None


def _trouble(error: Unusable) -> Trouble:
    what = "the state, which remembers what was made on servers, cannot be used"
    remedy = "Make it usable, or name another one: `state` in [settings]. Nothing more was changed."
    return Trouble(problem(Category.SYSTEM, what, str(error), remedy=remedy))
