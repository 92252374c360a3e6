"""The backlog of a pair with leases: each item is worked on by one process at a time; kill -9 loses none."""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from mcmirror.model.backlog import Action, BacklogState, Item, ItemState
from mcmirror.model.change import Change
from mcmirror.model.dirty import Dirty
from mcmirror.model.job import FEW_DELETES, MaxDelete
from mcmirror.store.database import Database, sql

if TYPE_CHECKING:
    from sqlalchemy import Connection

BATCH = 500
"""Rows of one statement."""
PIECE = 5000
"""Rows that one statement changes of many."""
FEW = {1: 20, 2: 8, 3: 3}
"""Items of a batch whose process died with them, by their attempts; after more of them one."""
MOST_ATTEMPTS = 8
"""After which an item is dead."""
SHORTEST = 10.0
"""Seconds for which items done count at least in the rate."""
LATELY = 300.0
"""Seconds over which the rate is measured."""
OPEN, DONE, DEAD = 0, 1, 2
KIND = "backlog "
"""The beginning of the name of a set of items; dirty keys of real time have none."""

# What is in work is numbered anew: its owner may have copied what was there before. What is done or dead begins again.
_ADD = (
    "INSERT INTO backlog (job, key, number, gone, since, marked, due, attempts, held, error, state, lease, owner,"
    " finished) VALUES (:job, :key, :number, :gone, :now, :now, :now, 0, 0, '', 0, 0, '', 0)"
    " ON CONFLICT (job, key) DO UPDATE SET number = excluded.number, gone = excluded.gone, marked = excluded.marked,"
    " since = CASE WHEN backlog.state = 0 THEN backlog.since ELSE excluded.since END,"
    " due = CASE WHEN backlog.state = 0 THEN backlog.due ELSE excluded.due END,"
    " attempts = CASE WHEN backlog.state = 0 THEN backlog.attempts ELSE 0 END,"
    " error = CASE WHEN backlog.state = 0 THEN backlog.error ELSE '' END,"
    " lease = CASE WHEN backlog.state = 0 THEN backlog.lease ELSE 0 END,"
    " owner = CASE WHEN backlog.state = 0 THEN backlog.owner ELSE '' END,"
    " state = 0, held = 0, finished = 0, alone = 0 WHERE backlog.state <> 0 OR backlog.lease > :now"
)
_FREE = "job = :job AND state = 0 AND held = 0 AND due <= :now AND lease <= :now"
_FIRST = f"SELECT key FROM backlog WHERE {_FREE} ORDER BY due, key LIMIT 1"  # noqa: S608  ours
_RANGE = (
    "SELECT key, number, gone, since, attempts, alone, owner FROM backlog WHERE "  # noqa: S608  ours
    f"{_FREE} AND key >= :first ORDER BY key LIMIT :limit"
)
_TAKE = "UPDATE backlog SET lease = :until, owner = :owner, attempts = attempts + 1 WHERE job = :job AND key IN :keys"
_RENEW = "UPDATE backlog SET lease = :until WHERE job = :job AND owner = :owner AND state = 0 AND lease > 0"
_MINE = "job = :job AND key = :key AND number = :number"
_SETTLE = (
    "UPDATE backlog SET state = 1, finished = :now, lease = 0, owner = '', error = '', due = :now, held = 0, alone = 0"  # noqa: S608
    f" WHERE {_MINE} AND state <> 1"
)
_FAIL = (
    "UPDATE backlog SET lease = 0, owner = '', due = :due, error = :error, alone = :alone"  # noqa: S608  ours
    f" WHERE {_MINE} AND state = 0"
)
_BURY = f"UPDATE backlog SET lease = 0, owner = '', state = 2, error = :error WHERE {_MINE} AND state = 0"  # noqa: S608
_HOLD = f"UPDATE backlog SET lease = 0, owner = '', held = 1, attempts = 0 WHERE {_MINE} AND state = 0"  # noqa: S608
_GIVE_BACK = (
    "UPDATE backlog SET lease = 0, owner = '', due = :due, gone = CASE WHEN :gone = 1 THEN 1 ELSE gone END,"  # noqa: S608
    " attempts = CASE WHEN attempts > 0 THEN attempts - 1 ELSE 0 END"
    f" WHERE {_MINE} AND state = 0 AND owner = :owner"
)
_RELEASE = "UPDATE backlog SET lease = 0, owner = '' WHERE job = :job AND key = :key AND owner = :owner"
_OPEN = (
    "SELECT COUNT(*) AS number, SUM(CASE WHEN held = 0 AND lease > :now THEN 1 ELSE 0 END) AS leased,"
    " SUM(held) AS held,"
    " SUM(CASE WHEN held = 0 AND lease <= :now AND attempts > 0 AND owner = '' THEN 1 ELSE 0 END) AS failed,"
    " SUM(CASE WHEN error <> '' THEN 1 ELSE 0 END) AS troubled,"
    " MIN(since) AS oldest, MIN(CASE WHEN held = 0 AND lease <= :now THEN due END) AS due, MAX(error) AS error"
    " FROM backlog WHERE job = :job AND state = 0"
)
_DEAD = "SELECT COUNT(*) AS number, MAX(error) AS error FROM backlog WHERE job = :job AND state = 2"
_DONE = "SELECT COUNT(*) FROM backlog WHERE job = :job AND state = 1"
_LATELY = "SELECT COUNT(*), MIN(finished) FROM backlog WHERE job = :job AND state = 1 AND finished > :since"
WHERE = {
    ItemState.PENDING: "state = 0 AND held = 0 AND lease <= :now AND (attempts = 0 OR owner <> '')",
    ItemState.LEASED: "state = 0 AND held = 0 AND lease > :now",
    ItemState.FAILED: "state = 0 AND held = 0 AND lease <= :now AND attempts > 0 AND owner = ''",
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
    " target_objects = excluded.target_objects"
)
_NEWS = "UPDATE backlog_set SET told_done = 0 WHERE job = :job AND told_done <> 0"
_SPENT = "SELECT COALESCE(SUM(number), 0) FROM backlog_removal WHERE job = :job AND at > :since"
_RESERVE = "INSERT INTO backlog_removal (id, job, at, number) VALUES (:id, :job, :at, :number)"


def pair_name(job: str, source: object, target: object) -> str:
    """The name of a pair's dirty keys."""
    return f"{job} {source} {target}"


def backlog_name(job: str, source: object, target: object, prefix: str) -> str:
    """The name of a job's items; those of another place are others."""
    return f"{KIND}{pair_name(job, source, target)} {prefix}".rstrip()


def sets(database: Database) -> frozenset[str]:
    """The names of the backlogs that there are, or were. Raises Unusable."""
    return frozenset(job for (job,) in database.look("SELECT job FROM backlog_set"))


@dataclass(frozen=True, slots=True)
class Reservation:
    """Removals that a batch may make."""

    id: str
    number: int
    unlimited: bool = False

    @property
    def limit(self) -> MaxDelete:
        """As a limit of a run."""
        return MaxDelete(None, None) if self.unlimited else MaxDelete(None, self.number)


class Backlog:
    """The items of one pair. Thread-safe; each method raises Unusable when the state cannot be used."""

    def __init__(self, database: Database, pair: str, owner: str = "") -> None:
        """``pair`` names the job and its places; ``owner`` is who takes leases, another one in each process."""
        self._database = database
        self._pair = pair
        self._owner = owner

    def now(self) -> float:
        """Seconds since the epoch, by one clock for all who work on it."""
        with self._database.read() as connection:
            return self._database.now(connection)

    def add(self, changes: Iterable[Change], now: float) -> int:
        """Put in what does not wait already, and return how many that were.

        An item that is in work is looked at again afterwards; one that was given up begins anew.
        """
        added, number = 0, time.time_ns()
        given = {"job": self._pair, "now": now, "number": number}
        # In one order, so that two processes never wait for each other.
        wanted = sorted({one.key: one for one in changes}.items(), key=lambda item: item[0].encode(errors="replace"))
        rows = [{**given, "key": key, "gone": int(one.gone)} for key, one in wanted]
        for start in range(0, len(rows), BATCH):
            with self._database.begin() as connection:
                connection.execute(sql(_KNOWN), {"job": self._pair})
                connection.execute(sql(_NEWS), {"job": self._pair})
                added += connection.execute(sql(_ADD), rows[start : start + BATCH]).rowcount
        return added

    def lease(self, now: float, until: float, limit: int) -> tuple[Dirty, ...]:
        """Take up to ``limit`` items that are due until then: a range of keys in order, from the longest waiting on.

        Each counts as an attempt. Items whose process died with them are few in a batch, at last alone, and dead after
        MOST_ATTEMPTS.
        """
        given = {"job": self._pair, "now": now}
        with self._database.begin() as connection:
            skip = " FOR UPDATE SKIP LOCKED" if connection.dialect.name == "postgresql" else ""
            first = connection.execute(sql(_FIRST + skip), given).scalar()
            if first is None:
                return ()
            rows = connection.execute(sql(_RANGE + skip), {**given, "first": first, "limit": limit}).all()
            killers = [row for row in rows if row.owner and row.attempts >= MOST_ATTEMPTS]
            if killers:
                why = f"its process ended {MOST_ATTEMPTS} times while it worked on it"
                buried = [{"job": self._pair, "key": row.key, "number": row.number, "error": why} for row in killers]
                connection.execute(sql(_BURY), buried)
            chosen = _batch([row for row in rows if row not in killers])
            if chosen:
                taken = {"job": self._pair, "until": until, "owner": self._owner, "keys": [row.key for row in chosen]}
                connection.execute(sql(_TAKE, "keys"), taken)
        return tuple(Dirty(row.key, row.number, bool(row.gone), row.since, row.attempts) for row in chosen)

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

    def give_back(self, items: Iterable[Dirty], now: float, *, gone: bool = False) -> None:
        """Nothing was decided about these: the attempt does not count, and others have their turn first.

        ``gone``: they are to be removed, as it turned out.
        """
        given = {"owner": self._owner, "due": now, "gone": int(gone)}
        self._change(_GIVE_BACK, [{**self._row(one), **given} for one in items])

    def reserve(self, wanted: int, limit: MaxDelete, now: float, since: float) -> "Reservation":
        """How many of ``wanted`` removals may be made within ``limit``, which holds for all processes since then.

        They count as made until ``spend`` says how many were; those of a process that is killed stay counted.
        """
        made = Reservation(f"{self._owner} {time.time_ns()}", wanted if limit.unlimited else 0, limit.unlimited)
        if not wanted or limit.unlimited:
            return made
        with self._database.begin() as connection:
            given = {"job": self._pair}
            if connection.dialect.name == "postgresql":
                connection.execute(sql("SELECT 1 FROM backlog_set WHERE job = :job FOR UPDATE"), given)
            spent = int(connection.execute(sql(_SPENT), {**given, "since": since}).scalar_one())
            known = connection.execute(sql("SELECT target_objects FROM backlog_set WHERE job = :job"), given).scalar()
            bound = limit if known or limit.percent is None else MaxDelete(None, FEW_DELETES if limit.percent else 0)
            number = min(wanted, bound.left(spent, known or 0).number or 0)
            connection.execute(sql(_RESERVE), {"id": made.id, "job": self._pair, "at": now, "number": number})
        return replace(made, number=number)

    def spend(self, reservation: "Reservation", number: int) -> None:
        """So many of them were made."""
        if reservation.unlimited or number == reservation.number:
            return
        with self._database.begin() as connection:
            given = {"id": reservation.id, "number": number}
            connection.execute(sql("UPDATE backlog_removal SET number = :number WHERE id = :id"), given)

    def state(self, now: float) -> BacklogState:
        """Count them."""
        given = {"job": self._pair, "now": now}
        with self._database.read() as connection:
            here = connection.execute(sql(_OPEN), given).one()
            dead = connection.execute(sql(_DEAD), given).one()
            done = connection.execute(sql(_DONE), given).scalar_one()
            lately, first = connection.execute(sql(_LATELY), {**given, "since": now - LATELY}).one()
            known = connection.execute(sql("SELECT prepared FROM backlog_set WHERE job = :job"), given).scalar()
        leased, failed, held = here.leased or 0, here.failed or 0, here.held or 0
        return BacklogState(
            pending=here.number - leased - failed - held,
            leased=leased,
            failed=failed,
            held=held,
            dead=dead.number,
            done=done,
            troubled=(here.troubled or 0) + dead.number,
            oldest=here.oldest or 0.0,
            due=here.due or 0.0,
            error=dead.error or here.error or "",
            rate=lately / max(SHORTEST, now - first) if lately else 0.0,
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
        given = {"job": self._pair, "start": f"{KIND}{job} ", "length": len(f"{KIND}{job} ")}
        with self._database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(sql(statement), given)}

    def retry(self, now: float, keys: Sequence[str] = ()) -> int:
        """Try again now what failed, was given up or held: these keys, or all; return how many items that are."""
        where = "state <> 1 AND lease <= :now AND (held = 1 OR state = 2 OR attempts > 0 OR due > :now OR alone = 1)"
        change = "UPDATE backlog SET state = 0, due = :now, attempts = 0, held = 0, alone = 0"
        return self._each(change, where, {"now": now}, keys)

    def purge(self, states: Collection[ItemState], now: float, before: float | None = None) -> int:
        """Forget items in these states, those that ended before then; return how many."""
        where, given = f"({_any(states)})", {"now": now}
        if before is not None:
            where += " AND finished < :before"
            given["before"] = before
        return self._each("DELETE FROM backlog", where, given, ())

    def prepared(self, now: float, target_objects: int) -> None:
        """All that differs is in; the target held so many objects."""
        with self._database.begin() as connection:
            connection.execute(sql(_SET), {"job": self._pair, "prepared": now, "objects": target_objects})

    def tell_once(self, state: BacklogState) -> tuple[bool, bool]:
        """Whether failures, and whether the end, are to be told now: each once, by one process."""
        with self._database.begin() as connection:
            connection.execute(sql(_KNOWN), {"job": self._pair})
            failures = _turn(connection, self._pair, "told_failures", wanted=bool(state.troubled))
            finished = _turn(connection, self._pair, "told_done", wanted=not state.open)
        return failures, finished

    def _each(self, change: str, where: str, given: Mapping[str, Any], keys: Sequence[str]) -> int:
        """Change these keys, or all, in pieces: a write of a million rows would hold up all others."""
        given, changed = {"job": self._pair, **given}, 0
        if keys:
            for start in range(0, len(keys), BATCH):
                statement = f"{change} WHERE job = :job AND {where} AND key IN :keys"
                with self._database.begin() as connection:
                    named = {**given, "keys": list(keys[start : start + BATCH])}
                    changed += connection.execute(sql(statement, "keys"), named).rowcount
            return changed
        some = f"SELECT key FROM backlog WHERE job = :job AND {where} LIMIT {PIECE}"  # noqa: S608  ours
        while True:
            with self._database.begin() as connection:
                number = connection.execute(sql(f"{change} WHERE job = :job AND key IN ({some})"), given).rowcount
            changed += number
            if number < PIECE:
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


def _batch(rows: Sequence[Any]) -> Sequence[Any]:
    """The rows from the first on that go together: suspects alone, those whose process died fewer each time."""
    if not rows:
        return ()
    first = rows[0]
    if first.alone:
        return rows[:1]
    if first.owner:
        fewer = takewhile(lambda row: row.owner and not row.alone and row.attempts <= first.attempts, rows)
        return list(fewer)[: FEW.get(first.attempts, 1)]
    return list(takewhile(lambda row: not (row.alone or row.owner), rows))


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
    return ItemState.FAILED if row.attempts and not row.owner else ItemState.PENDING


def _item(row: Any, now: float) -> Item:
    state = item_state(row, now)
    action = Action.REMOVE if row.gone else Action.COPY
    owner = row.owner if state is ItemState.LEASED else ""
    return Item(row.key, action, state, row.attempts, row.since, row.due, row.lease, owner, row.error, row.finished)
