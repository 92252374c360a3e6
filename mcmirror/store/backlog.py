"""The backlog of a pair with leases: each item is worked on by one process at a time; kill -9 loses none."""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from mcmirror.model.backlog import Action, BacklogState, Item, ItemState
from mcmirror.model.change import Change
from mcmirror.model.dirty import Dirty
from mcmirror.store.database import Database, sql

if TYPE_CHECKING:
    from sqlalchemy import Connection

BATCH = 500
"""Rows of one statement."""
LATELY = 300.0
"""Seconds over which the rate is measured."""
OPEN, DONE, DEAD = 0, 1, 2

_ADD = (
    "INSERT INTO backlog (job, key, number, gone, since, marked, due, attempts, held, error, state, lease, owner,"
    " finished) VALUES (:job, :key, :number, :gone, :now, :now, :now, 0, 0, '', 0, 0, '', 0)"
    " ON CONFLICT (job, key) DO UPDATE SET number = excluded.number, gone = excluded.gone, since = excluded.since,"
    " marked = excluded.marked, due = excluded.due, attempts = 0, held = 0, error = '', state = 0, lease = 0,"
    " owner = '', finished = 0, alone = 0 WHERE backlog.state = 1"
)
_FIRST = (
    "SELECT key FROM backlog WHERE job = :job AND state = 0 AND held = 0 AND due <= :now AND lease <= :now"
    " ORDER BY due, key LIMIT 1"
)
_RANGE = (
    "SELECT key, number, gone, since, attempts, alone FROM backlog WHERE job = :job AND state = 0 AND held = 0"
    " AND due <= :now AND lease <= :now AND key >= :first ORDER BY key LIMIT :limit"
)
_TAKE = "UPDATE backlog SET lease = :until, owner = :owner, attempts = attempts + 1 WHERE job = :job AND key IN :keys"
_RENEW = "UPDATE backlog SET lease = :until WHERE job = :job AND owner = :owner AND state = 0 AND lease > 0"
_MINE = "job = :job AND key = :key AND number = :number"
_SETTLE = (
    "UPDATE backlog SET state = 1, finished = :now, lease = 0, owner = '', error = '', due = :now, held = 0"
    " WHERE job = :job AND key = :key AND number = :number AND state <> 1"
)
_FAIL = (
    f"UPDATE backlog SET lease = 0, owner = '', due = :due, error = :error, alone = :alone WHERE {_MINE} AND state = 0"  # noqa: S608
)
_BURY = f"UPDATE backlog SET lease = 0, owner = '', state = 2, error = :error WHERE {_MINE} AND state = 0"  # noqa: S608
_HOLD = f"UPDATE backlog SET lease = 0, owner = '', held = 1 WHERE {_MINE} AND state = 0"  # noqa: S608
_GIVE_BACK = (
    "UPDATE backlog SET lease = 0, owner = '', attempts = CASE WHEN attempts > 0 THEN attempts - 1 ELSE 0 END"
    " WHERE job = :job AND key = :key AND number = :number AND state = 0 AND owner = :owner"
)
_RELEASE = "UPDATE backlog SET lease = 0, owner = '' WHERE job = :job AND key = :key AND owner = :owner"
_COUNT = (
    "SELECT state, COUNT(*) AS number, SUM(CASE WHEN lease > :now THEN 1 ELSE 0 END) AS leased, SUM(held) AS held,"
    " SUM(CASE WHEN attempts > 0 AND lease <= :now AND held = 0 THEN 1 ELSE 0 END) AS failed,"
    " MIN(since) AS oldest, MIN(CASE WHEN held = 0 AND lease <= :now THEN due END) AS due, MAX(error) AS error"
    " FROM backlog WHERE job = :job AND state <> 1 GROUP BY state"
)
_DONE = "SELECT COUNT(*) FROM backlog WHERE job = :job AND state = 1"
_LATELY = "SELECT COUNT(*), MIN(finished) FROM backlog WHERE job = :job AND state = 1 AND finished > :since"
_REMOVED = (
    "SELECT COUNT(*) FROM backlog WHERE job = :job AND gone = 1 AND (state = 1 AND finished > :since"
    " OR state = 0 AND lease > :now AND owner <> :owner)"
)
WHERE = {
    ItemState.PENDING: "state = 0 AND held = 0 AND lease <= :now AND attempts = 0",
    ItemState.LEASED: "state = 0 AND held = 0 AND lease > :now",
    ItemState.FAILED: "state = 0 AND held = 0 AND lease <= :now AND attempts > 0",
    ItemState.HELD: "state = 0 AND held = 1",
    ItemState.DEAD: "state = 2",
    ItemState.DONE: "state = 1",
}
"""Which rows these are; ``:now`` is a moment."""
_ITEMS = (
    "SELECT key, gone, state, held, attempts, since, due, lease, owner, error, finished FROM backlog"
    " WHERE job = :job AND key > :after AND ({where}) ORDER BY key LIMIT :limit"
)
_KNOWN = (
    "INSERT INTO backlog_set (job, prepared, target_objects, told_failures, told_done) VALUES (:job, 0, 0, 0, 0)"
    " ON CONFLICT (job) DO NOTHING"
)
_SET = (
    "INSERT INTO backlog_set (job, prepared, target_objects, told_failures, told_done)"
    " VALUES (:job, :prepared, :objects, 0, 0) ON CONFLICT (job) DO UPDATE SET prepared = excluded.prepared,"
    " target_objects = excluded.target_objects, told_done = 0"
)


def pair_name(job: str, source: object, target: object) -> str:
    """The name of a job's set."""
    return f"{job} {source} {target}"


def sets(database: Database) -> frozenset[str]:
    """The names of the pairs that have, or had, a backlog. Raises Unusable."""
    return frozenset(job for (job,) in database.look("SELECT job FROM backlog_set"))


class Backlog:
    """The items of one pair. Thread-safe; each method raises Unusable when the state cannot be used."""

    def __init__(self, database: Database, pair: str, owner: str = "") -> None:
        """``pair`` names the job and its places; ``owner`` is who takes leases, another one in each process."""
        self._database = database
        self._pair = pair
        self._owner = owner

    def add(self, changes: Iterable[Change], now: float) -> int:
        """Put in what is not open or dead already, and return how many that were."""
        added, number = 0, time.time_ns()
        given = {"job": self._pair, "now": now, "number": number}
        rows = [{**given, "key": one.key, "gone": int(one.gone)} for one in changes]
        for start in range(0, len(rows), BATCH):
            with self._database.begin() as connection:
                connection.execute(sql(_KNOWN), {"job": self._pair})
                added += connection.execute(sql(_ADD), rows[start : start + BATCH]).rowcount
        return added

    def lease(self, now: float, until: float, limit: int) -> tuple[Dirty, ...]:
        """Take up to ``limit`` items that are due until then: a range of keys in order, from the longest waiting on.

        Each counts as an attempt: an item that kills its process ends as dead.
        """
        given = {"job": self._pair, "now": now}
        with self._database.begin() as connection:
            first = connection.execute(sql(_FIRST), given).scalar()
            if first is None:
                return ()
            skip = " FOR UPDATE SKIP LOCKED" if connection.dialect.name == "postgresql" else ""
            rows = connection.execute(sql(_RANGE + skip), {**given, "first": first, "limit": limit}).all()
            rows = rows[:1] if rows and rows[0].alone else list(takewhile(lambda row: not row.alone, rows))
            if rows:
                taken = {"job": self._pair, "until": until, "owner": self._owner, "keys": [row.key for row in rows]}
                connection.execute(sql(_TAKE, "keys"), taken)
        return tuple(Dirty(row.key, row.number, bool(row.gone), row.since, row.attempts) for row in rows)

    def renew(self, until: float) -> int:
        """Keep what this owner has until then; return how many items that are."""
        with self._database.begin() as connection:
            given = {"job": self._pair, "owner": self._owner, "until": until}
            return connection.execute(sql(_RENEW), given).rowcount

    def settle(self, items: Iterable[Dirty], now: float) -> int:
        """These are done, but for those that were put in again meanwhile: they are open. Return how many are done."""
        rows = [{**self._row(one), "now": now} for one in items]
        done = self._change(_SETTLE, rows)
        self._change(_RELEASE, [{**row, "owner": self._owner} for row in rows])
        return done

    def fail(self, failed: Mapping[Dirty, str], due: Mapping[Dirty, float], *, alone: bool = False) -> None:
        """Try these again when they are due, each with the reason; what has no time is dead.

        ``alone``: each in a batch of its own, as nobody knows which of them made the batch fail.
        """
        given = {"alone": int(alone)}
        later = [
            {**self._row(one), **given, "due": due[one], "error": why} for one, why in failed.items() if one in due
        ]
        self._change(_FAIL, later)
        self._change(_BURY, [{**self._row(one), "error": why} for one, why in failed.items() if one not in due])
        self._change(_RELEASE, [{**self._row(one), "owner": self._owner} for one in failed])

    def hold(self, items: Iterable[Dirty]) -> None:
        """Leave these removals alone until ``retry``."""
        self._change(_HOLD, [self._row(one) for one in items])

    def give_back(self, items: Iterable[Dirty]) -> None:
        """Nothing was decided about these: the attempt does not count."""
        self._change(_GIVE_BACK, [{**self._row(one), "owner": self._owner} for one in items])

    def state(self, now: float) -> BacklogState:
        """Count them."""
        given = {"job": self._pair, "now": now}
        with self._database.read() as connection:
            rows = {row.state: row for row in connection.execute(sql(_COUNT), given)}
            done = connection.execute(sql(_DONE), given).scalar_one()
            lately, first = connection.execute(sql(_LATELY), {**given, "since": now - LATELY}).one()
            known = connection.execute(sql("SELECT prepared FROM backlog_set WHERE job = :job"), given).scalar()
        here, dead = rows.get(OPEN), rows.get(DEAD)
        leased, failed, held = (here.leased, here.failed, here.held) if here else (0, 0, 0)
        return BacklogState(
            pending=(here.number if here else 0) - leased - failed - held,
            leased=leased,
            failed=failed,
            held=held,
            dead=dead.number if dead else 0,
            done=done,
            oldest=(here.oldest if here else 0.0) or 0.0,
            due=(here.due if here else 0.0) or 0.0,
            error=(dead.error if dead else "") or (here.error if here else "") or "",
            rate=lately / max(1.0, now - first) if lately else 0.0,
            prepared=known or 0.0,
        )

    def items(self, states: Collection[ItemState], now: float, *, after: str = "", limit: int = 50) -> tuple[Item, ...]:
        """Items in these states by key, from behind ``after`` on."""
        statement = _ITEMS.format(where=_any(states))
        given = {"job": self._pair, "now": now, "after": after, "limit": limit}
        with self._database.read() as connection:
            return tuple(_item(row, now) for row in connection.execute(sql(statement), given))

    def elsewhere(self, job: str) -> dict[str, int]:
        """Open items of a job of this name between other places, by the name of their set."""
        statement = (
            "SELECT job, COUNT(*) FROM backlog WHERE state = 0 AND job <> :job AND substr(job, 1, :length) = :start"
            " GROUP BY job ORDER BY job"
        )
        given = {"job": self._pair, "start": f"{job} ", "length": len(job) + 1}
        with self._database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(sql(statement), given)}

    def retry(self, now: float, keys: Sequence[str] = ()) -> int:
        """Try again now what failed, was given up or held: these keys, or all; return how many items that are."""
        statement = (
            "UPDATE backlog SET state = 0, due = :now, attempts = 0, held = 0 WHERE job = :job AND state <> 1"
            " AND lease <= :now AND (held = 1 OR state = 2 OR attempts > 0)"
        )
        return self._each(statement, {"now": now}, keys)

    def purge(self, states: Collection[ItemState], now: float, before: float | None = None) -> int:
        """Forget items in these states, those that ended before then; return how many."""
        statement = f"DELETE FROM backlog WHERE job = :job AND ({_any(states)})"  # noqa: S608  ours
        given = {"now": now}
        if before is not None:
            statement += " AND finished < :before"
            given["before"] = before
        return self._each(statement, given, ())

    def prepared(self, now: float, target_objects: int) -> None:
        """All that differs is in; the target held so many objects."""
        with self._database.begin() as connection:
            connection.execute(sql(_SET), {"job": self._pair, "prepared": now, "objects": target_objects})

    def removed_since(self, since: float, now: float) -> tuple[int, int]:
        """How many removals were done since then, or are in others' hands; and how many objects the target held."""
        given = {"job": self._pair, "since": since, "now": now, "owner": self._owner}
        with self._database.read() as connection:
            removed = connection.execute(sql(_REMOVED), given).scalar_one()
            known = connection.execute(sql("SELECT target_objects FROM backlog_set WHERE job = :job"), given).scalar()
        return removed, known or 0

    def tell_once(self, state: BacklogState) -> tuple[bool, bool]:
        """Whether failures, and whether the end, are to be told now: each once, by one process."""
        with self._database.begin() as connection:
            connection.execute(sql(_KNOWN), {"job": self._pair})
            failures = _turn(connection, self._pair, "told_failures", wanted=bool(state.dead or state.failed))
            finished = _turn(connection, self._pair, "told_done", wanted=not state.open)
        return failures, finished

    def _each(self, statement: str, given: Mapping[str, Any], keys: Sequence[str]) -> int:
        given = {"job": self._pair, **given}
        if not keys:
            with self._database.begin() as connection:
                return connection.execute(sql(statement), given).rowcount
        changed = 0
        for start in range(0, len(keys), BATCH):
            with self._database.begin() as connection:
                some = {**given, "keys": list(keys[start : start + BATCH])}
                changed += connection.execute(sql(f"{statement} AND key IN :keys", "keys"), some).rowcount
        return changed

    def _change(self, statement: str, rows: Sequence[Mapping[str, object]]) -> int:
        changed = 0
        for start in range(0, len(rows), BATCH):
            with self._database.begin() as connection:
                # In one order, so that two processes never wait for each other.
                some = sorted(rows[start : start + BATCH], key=lambda row: str(row["key"]))
                changed += connection.execute(sql(statement), some).rowcount
        return changed

    def _row(self, one: Dirty) -> dict[str, object]:
        return {"job": self._pair, "key": one.key, "number": one.number}


def _any(states: Collection[ItemState]) -> str:
    return " OR ".join(f"({WHERE[state]})" for state in states) or "0 = 1"


def _turn(connection: "Connection", pair: str, column: str, *, wanted: bool) -> bool:
    """Set a mark and return whether this call did; take it back when it is not wanted."""
    statement = f"UPDATE backlog_set SET {column} = :to WHERE job = :job AND {column} <> :to"  # noqa: S608  ours
    return bool(connection.execute(sql(statement), {"job": pair, "to": int(wanted)}).rowcount) and wanted


def item_state(row: Any, now: float) -> ItemState:
    """Where the item of a row stands."""
    if row.state == DONE:
        return ItemState.DONE
    if row.state == DEAD:
        return ItemState.DEAD
    if row.held:
        return ItemState.HELD
    if row.lease > now:
        return ItemState.LEASED
    return ItemState.FAILED if row.attempts else ItemState.PENDING


def _item(row: Any, now: float) -> Item:
    state = item_state(row, now)
    action = Action.REMOVE if row.gone else Action.COPY
    owner = row.owner if state is ItemState.LEASED else ""
    return Item(row.key, action, state, row.attempts, row.since, row.due, row.lease, owner, row.error, row.finished)
