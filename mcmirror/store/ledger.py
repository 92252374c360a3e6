"""Who was told of what and what is still to be sent, as questions to one database; each within its transaction."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mcmirror.model.delivery import Decision, Delivery, Known
from mcmirror.model.state import NotifierState
from mcmirror.model.streak import Streak
from mcmirror.store import leases, streak_table
from mcmirror.store.database import sql

if TYPE_CHECKING:
    from sqlalchemy import Connection

Judge = Callable[[Known], Decision]


def ask(connection: "Connection", statement: str, **values: Any) -> Any:
    """One statement with named values."""
    from sqlalchemy import text

    return connection.execute(text(statement), values)


def begin(connection: "Connection", listener: str, run: str, now: float) -> bool:
    """Whether nobody has told this listener that the run begins; from now on it is told."""
    return bool(
        ask(
            connection,
            "INSERT INTO told (run, listener, at, ended, thread) VALUES (:run, :listener, :now, 0, '')"
            " ON CONFLICT DO NOTHING",
            run=run, listener=listener, now=now,
        ).rowcount
    )  # fmt: skip


def end(connection: "Connection", listener: str, run: str, now: float) -> bool:
    """Whether nobody has told this listener that the run has ended; from now on it is told."""
    begin(connection, listener, run, now)
    return bool(
        ask(
            connection,
            "UPDATE told SET ended = 1, at = :now WHERE run = :run AND listener = :listener AND ended = 0",
            run=run, listener=listener, now=now,
        ).rowcount
    )  # fmt: skip


def in_turn(connection: "Connection", listener: str) -> None:
    """Let nobody else decide about this listener until the transaction ends; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        ask(connection, "SELECT pg_advisory_xact_lock(hashtext(:name))", name=f"mcmirror told {listener}")


def decide(  # noqa: PLR0913  a decision has many sides
    connection: "Connection",
    listener: str,
    runs: Sequence[str],
    jobs: Sequence[str],
    judge: Judge,
    *,
    now: float,
    before: dict[str, Streak] | None = None,
) -> Decision | None:
    """Claim, read, judge, write; None when this listener was told of all these runs. ``before``: what else is known."""
    in_turn(connection, listener)
    claimed = frozenset(run for run in runs if end(connection, listener, run, now))
    if runs and not claimed:
        return None
    streaks = {**dict.fromkeys(jobs, Streak()), **(before or {}), **streak_table.read(connection, listener, jobs)}
    decision = judge(Known(claimed, streaks, streak_table.failing(connection, listener)))
    record(connection, listener, decision, now)
    return decision


def record(connection: "Connection", listener: str, decision: Decision, now: float) -> None:
    """Write a decision down."""
    streak_table.write(connection, listener, decision.streaks)
    for delivery in decision.deliveries:
        if decision.replaces:
            values = {"listener": listener, "job": delivery.job, "now": now, "kinds": sorted(decision.replaces)}
            connection.execute(sql(_REPLACED, "kinds"), values)
        put(connection, delivery, now)


def put(connection: "Connection", delivery: Delivery, now: float) -> None:
    """Add one to the end of the queue, unless it is there."""
    ask(
        connection,
        "INSERT INTO outbox (id, number, listener, job, run, kind, payload, created, due, lease, attempts)"
        " SELECT :id, COALESCE(MAX(number), 0) + 1, :listener, :job, :run, :kind, :payload, :created, :now, 0,"
        " :attempts FROM outbox WHERE true ON CONFLICT (id) DO NOTHING",
        id=delivery.id, listener=delivery.listener, job=delivery.job, run=delivery.run, kind=delivery.kind,
        payload=json.dumps(delivery.payload), created=delivery.created or now, now=now, attempts=delivery.attempts,
    )  # fmt: skip


_REPLACED = """DELETE FROM outbox WHERE listener = :listener AND job = :job AND kind IN :kinds AND lease <= :now
    AND EXISTS (
        SELECT 1 FROM outbox e WHERE e.listener = outbox.listener AND e.job = outbox.job
        AND e.number <= outbox.number AND e.attempts > 0)
    AND NOT EXISTS (
        SELECT 1 FROM outbox e WHERE e.listener = outbox.listener AND e.job = outbox.job
        AND e.number > outbox.number AND e.kind NOT IN :kinds)"""
"""What is late, or behind something late, and not before something that stays."""
_FIRST = """NOT EXISTS (
    SELECT 1 FROM outbox e WHERE e.listener = o.listener AND e.job = o.job
    AND (e.number < o.number OR (e.number = o.number AND e.id < o.id)))"""
_DUE = f"""SELECT o.listener, MIN(CASE WHEN o.due > o.lease THEN o.due ELSE o.lease END)
    FROM outbox o WHERE {_FIRST} GROUP BY o.listener"""  # noqa: S608  ours
_HELD = "SELECT held FROM notifier WHERE name = :listener"
_NEXT = f"""SELECT o.id, o.job, o.run, o.kind, o.payload, o.created, o.attempts FROM outbox o
    WHERE o.listener = :listener AND o.due <= :now AND o.lease <= :now AND {_FIRST}
    AND COALESCE(({_HELD}), 0) <= :now
    ORDER BY o.attempts, o.number LIMIT 1"""  # noqa: S608  ours


def due(connection: "Connection") -> dict[str, float]:
    """By listener: when the next of its deliveries may be tried."""
    holds = dict(ask(connection, "SELECT name, held FROM notifier WHERE held > 0").all())
    return {name: max(float(moment), holds.get(name, 0.0)) for name, moment in ask(connection, _DUE)}


def take(connection: "Connection", listener: str, now: float, lease: float) -> Delivery | None:
    """The next that may be tried, ours for ``lease`` seconds; those tried least come first."""
    row = ask(connection, _NEXT, listener=listener, now=now).first()
    if row is None:
        return None
    if not leases.claim(connection, "outbox", row.id, now, now + lease):
        return None
    thread = ask(
        connection, "SELECT thread FROM told WHERE run = :run AND listener = :listener", run=row.run, listener=listener
    ).scalar()
    payload = json.loads(row.payload)
    return Delivery(
        row.id, listener, row.job, row.run, row.kind, payload, row.created, row.attempts, thread=thread or ""
    )


def arrived(connection: "Connection", delivery: Delivery, thread: str, now: float) -> None:
    """It is there: forget it, remember where, and let what waits for this listener go."""
    ask(connection, "DELETE FROM outbox WHERE id = :id", id=delivery.id)
    if thread:
        ask(
            connection,
            "UPDATE told SET thread = :thread WHERE run = :run AND listener = :listener",
            thread=thread, run=delivery.run, listener=delivery.listener,
        )  # fmt: skip
    tally(connection, delivery.listener, "failures = 0, error = ''")
    hurry(connection, [delivery.listener], now)


def hold(connection: "Connection", listener: str, until: float, error: str) -> None:
    """Send this listener nothing before that moment: its service asks for it."""
    change = "held = CASE WHEN held > :until THEN held ELSE :until END, error = :error"
    tally(connection, listener, change, until=until, error=error)


def held(connection: "Connection", listener: str) -> float:
    """Until when this listener is sent nothing, in seconds since the epoch; in the past, or 0, when nothing is."""
    return float(ask(connection, _HELD, listener=listener).scalar() or 0.0)


def failed(connection: "Connection", delivery: Delivery, due: float, error: str) -> None:
    """It is to be tried again, not before ``due``."""
    leases.postpone(connection, "outbox", delivery.id, due)
    tally(connection, delivery.listener, "failures = failures + 1, error = :error", error=error)


def given_up(connection: "Connection", delivery: Delivery, error: str) -> None:
    """It is not tried any more."""
    ask(connection, "DELETE FROM outbox WHERE id = :id", id=delivery.id)
    change = "failures = failures + 1, given_up = given_up + 1, error = :error"
    tally(connection, delivery.listener, change, error=error)


def tally(connection: "Connection", listener: str, change: str, **values: Any) -> None:
    """Change what is counted of a listener."""
    ask(
        connection,
        "INSERT INTO notifier (name, failures, given_up, error) VALUES (:name, 0, 0, '') ON CONFLICT DO NOTHING",
        name=listener,
    )
    ask(connection, f"UPDATE notifier SET {change} WHERE name = :name", name=listener, **values)  # noqa: S608  ours


def hurry(connection: "Connection", listeners: Iterable[str], now: float) -> None:
    """Let what waits for these be tried at once."""
    for listener in listeners:
        ask(
            connection, "UPDATE outbox SET due = :now WHERE listener = :listener AND due > :now",
            listener=listener, now=now,
        )  # fmt: skip


def states(connection: "Connection") -> dict[str, NotifierState]:
    """Every listener that something is known of."""
    waiting = dict(ask(connection, "SELECT listener, COUNT(*) FROM outbox GROUP BY listener").all())
    known = {row.name: row for row in ask(connection, "SELECT name, failures, given_up, error FROM notifier")}
    return {
        name: NotifierState(
            name,
            waiting.get(name, 0),
            known[name].failures if name in known else 0,
            known[name].given_up if name in known else 0,
            known[name].error if name in known else "",
        )
        for name in {**waiting, **known}
    }


LONGEST = 30 * 86400.0
"""Seconds after which a run that was begun is not waited for any more."""


def prune(connection: "Connection", before: float) -> None:
    """Forget who was told what so long ago that nobody can ask again."""
    ask(
        connection,
        "DELETE FROM told WHERE ((ended = 1 AND at < :before) OR at < :long_before) AND NOT EXISTS"
        " (SELECT 1 FROM outbox WHERE outbox.run = told.run AND outbox.listener = told.listener)",
        before=before, long_before=before - LONGEST,
    )  # fmt: skip
