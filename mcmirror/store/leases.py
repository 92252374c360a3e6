"""Rows that are worked on by one process at a time, and tried again later: ``id``, ``due``, ``lease``, ``attempts``."""

from typing import TYPE_CHECKING

from mcmirror.store.database import sql

if TYPE_CHECKING:
    from sqlalchemy import Connection


def claim(connection: "Connection", table: str, row: str, now: float, until: float) -> bool:
    """Take a row until then; False when somebody else has it."""
    statement = f"UPDATE {table} SET lease = :until WHERE id = :id AND lease <= :now"  # noqa: S608  ours
    return bool(connection.execute(sql(statement), {"id": row, "now": now, "until": until}).rowcount)


def postpone(connection: "Connection", table: str, row: str, due: float) -> None:
    """Give a row back after an attempt that failed; it is tried again then."""
    statement = f"UPDATE {table} SET attempts = attempts + 1, due = :due, lease = 0 WHERE id = :id"  # noqa: S608
    connection.execute(sql(statement), {"id": row, "due": due})
