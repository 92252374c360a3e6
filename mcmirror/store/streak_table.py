"""How each job has been doing, as far as each listener heard: one streak a job and listener."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from mcmirror.model.streak import FAILURES, Streak

if TYPE_CHECKING:
    from sqlalchemy import Connection

_BATCH = 500


def read(connection: "Connection", listener: str, jobs: Iterable[str]) -> dict[str, Streak]:
    """The streaks that are known."""
    from sqlalchemy import bindparam, text

    wanted, found = list(jobs), dict[str, Streak]()
    query = text("SELECT job, streak FROM verdict WHERE listener = :listener AND job IN :jobs")
    query = query.bindparams(bindparam("jobs", expanding=True))
    for start in range(0, len(wanted), _BATCH):
        batch = wanted[start : start + _BATCH]
        for job, written in connection.execute(query, {"listener": listener, "jobs": batch}):
            found[job] = streak_of(written)
    return found


def failing(connection: "Connection", listener: str) -> frozenset[str]:
    """The jobs that were not well when this listener last heard of them."""
    from sqlalchemy import bindparam, text

    query = text("SELECT job FROM verdict WHERE listener = :listener AND status IN :bad")
    query = query.bindparams(bindparam("bad", expanding=True))
    bad = [status.value for status in FAILURES]
    return frozenset(connection.execute(query, {"listener": listener, "bad": bad}).scalars())


def write(connection: "Connection", listener: str, streaks: Mapping[str, Streak]) -> None:
    """Replace them."""
    from sqlalchemy import text

    for job, streak in streaks.items():
        row = {
            "job": job,
            "listener": listener,
            "status": streak.status,
            "since": streak.since,
            # All of it, so that a later version adds what it likes without a new column.
            "streak": json.dumps(asdict(streak)),
        }
        connection.execute(
            text(
                "INSERT INTO verdict (job, listener, status, since, streak)"
                " VALUES (:job, :listener, :status, :since, :streak)"
                " ON CONFLICT (job, listener) DO UPDATE SET"
                " status = excluded.status, since = excluded.since, streak = excluded.streak"
            ),
            row,
        )


def streak_of(written: str) -> Streak:
    """What was written, by this version or another; an empty streak when it cannot be read."""
    try:
        values = json.loads(written)
        known = {name: values[name] for name in Streak.__slots__ if name in values}
        return Streak(**{**known, "kinds": tuple(known.get("kinds", ()))})
    except (ValueError, TypeError):
        return Streak()
