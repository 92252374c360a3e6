"""Keys that may have changed at the source, each once, until both sides are seen to be equal; kill -9 loses none."""

import time
from collections.abc import Iterable, Mapping, Sequence

from mcmirror.model.change import Change
from mcmirror.model.dirty import Dirty, DirtyState
from mcmirror.store.database import Database, sql

BATCH = 500
"""Keys that one transaction marks."""

_MARK = (
    "INSERT INTO backlog (job, key, number, gone, since, marked, due, attempts, held, error)"
    " VALUES (:job, :key, :number, :gone, :now, :now, :now, 0, 0, '')"
    " ON CONFLICT (job, key) DO UPDATE SET gone = excluded.gone,"
    " number = CASE WHEN excluded.number > backlog.number THEN excluded.number ELSE backlog.number + 1 END,"
    " marked = excluded.marked, due = excluded.due, attempts = 0, held = 0, error = ''"
)
_TAKE = (
    "SELECT key, number, gone, since, attempts FROM backlog WHERE job = :job AND state = 0 AND held = 0"
    " AND due <= :now ORDER BY due, key LIMIT :limit"
)
_LOCK = "SELECT key FROM backlog WHERE job = :job AND key IN :keys ORDER BY key FOR UPDATE"
_SETTLE = "DELETE FROM backlog WHERE job = :job AND key = :key AND number = :number"
_SEEN = "UPDATE backlog SET since = marked WHERE job = :job AND key = :key"
_FAIL = (
    "UPDATE backlog SET attempts = attempts + 1, due = :due, error = :error"
    " WHERE job = :job AND key = :key AND number = :number"
)
_HOLD = "UPDATE backlog SET held = 1 WHERE job = :job AND key = :key AND number = :number"
_STATE = (
    "SELECT COUNT(*), MIN(since), SUM(CASE WHEN attempts > 0 THEN 1 ELSE 0 END), SUM(held),"
    " MIN(CASE WHEN held = 0 THEN due END), MAX(error) FROM backlog WHERE job = :job AND state = 0"
)


class DirtyKeys:
    """The dirty keys of one pair. Thread-safe; each method raises Unusable when the state cannot be used."""

    def __init__(self, database: Database, pair: str) -> None:
        """``pair`` names the job and its places: another pair of the same name is another set."""
        self._database = database
        self._pair = pair

    def mark(self, changes: Iterable[Change], now: float) -> None:
        """Mark keys; they are stored when this returns."""
        # A number never comes again, also after its row has gone: who looked before must not settle what came since.
        given = {"job": self._pair, "now": now, "number": time.time_ns()}
        rows = [{**given, "key": key, "gone": int(gone)} for key, gone in sorted({(c.key, c.gone) for c in changes})]
        for start in range(0, len(rows), BATCH):
            with self._database.begin() as connection:
                connection.execute(sql(_MARK), rows[start : start + BATCH])

    def take(self, now: float, limit: int) -> tuple[Dirty, ...]:
        """Return what is due, the longest waiting first; it stays until it is settled."""
        with self._database.read() as connection:
            rows = connection.execute(sql(_TAKE), {"job": self._pair, "now": now, "limit": limit}).all()
        return tuple(Dirty(row.key, row.number, bool(row.gone), row.since, row.attempts) for row in rows)

    def settle(self, keys: Iterable[Dirty]) -> None:
        """Forget these; one that was marked again meanwhile stays, and its age counts from then."""
        self._change((_SETTLE, _SEEN), [self._row(one) for one in keys])

    def fail(self, failed: Mapping[Dirty, str], due: Mapping[Dirty, float]) -> None:
        """Keep these for later, each with the reason."""
        self._change((_FAIL,), [{**self._row(one), "due": due[one], "error": why} for one, why in failed.items()])

    def hold(self, keys: Iterable[Dirty]) -> None:
        """Leave these alone until ``release`` or another mark."""
        self._change((_HOLD,), [self._row(one) for one in keys])

    def release(self, now: float) -> None:
        """Let what is held be looked at again."""
        statement = sql("UPDATE backlog SET held = 0, due = :now WHERE job = :job AND state = 0 AND held = 1")
        with self._database.begin() as connection:
            connection.execute(statement, {"job": self._pair, "now": now})

    def put_right(self, now: float) -> None:
        """The clock was set back: nothing waits for a time that it would not have been given now."""
        statement = sql("UPDATE backlog SET due = :now WHERE job = :job AND state = 0 AND due > :now")
        with self._database.begin() as connection:
            connection.execute(statement, {"job": self._pair, "now": now})

    def state(self) -> DirtyState:
        """Count them."""
        with self._database.read() as connection:
            count, oldest, failing, held, due, error = connection.execute(sql(_STATE), {"job": self._pair}).one()
        return DirtyState(count, oldest or 0.0, failing or 0, held or 0, due or 0.0, error or "")

    def _change(self, statements: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
        if not rows:
            return
        with self._database.begin() as connection:
            if connection.dialect.name == "postgresql":
                # All locks at once and in one order: marks take theirs in it, too.
                connection.execute(sql(_LOCK, "keys"), {"job": self._pair, "keys": [row["key"] for row in rows]})
            for statement in statements:
                connection.execute(sql(statement), list(rows))

    def _row(self, one: Dirty) -> dict[str, object]:
        return {"job": self._pair, "key": one.key, "number": one.number}
