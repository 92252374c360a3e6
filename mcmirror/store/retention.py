"""Which runs are forgotten, a few at a time, so that nobody waits for it."""

from typing import TYPE_CHECKING, Any

from mcmirror.store.database import Database, Unusable, sql
from mcmirror.store.rows import timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

BATCH = 200

_FREE = "finished > 0 AND id NOT IN (SELECT run FROM latest) AND id NOT IN (SELECT success FROM latest)"
_OLD = f"SELECT id FROM run WHERE started < :limit AND {_FREE} ORDER BY id LIMIT {BATCH}"  # noqa: S608
_BEYOND = (
    f"SELECT id FROM run WHERE job = :job AND (started, id) < (:started, :run) AND {_FREE} ORDER BY id LIMIT {BATCH}"  # noqa: S608
)


_FORGOTTEN = (
    "DELETE FROM backlog WHERE state = 0 AND marked < :before AND job NOT IN (SELECT job FROM backlog_set)",
    "DELETE FROM backlog WHERE state = 1 AND finished < :before",
    "DELETE FROM backlog_removal WHERE at < :before",
)


def prune(database: Database, keep_for: float, keep_runs: int) -> None:
    """Forget what is older than so many seconds, or beyond so many runs of a job; 0: no limit.

    A job's newest run and its newest success stay, when they are old without what became of each object.
    """
    try:
        if keep_for:
            with database.read() as connection:
                limit = {"limit": timestamp(database.now(connection) - keep_for)}
            _forget(database, _OLD, limit)
            with database.begin() as connection:
                old = sql("DELETE FROM run_fates WHERE run IN (SELECT id FROM run WHERE started < :limit)")
                connection.execute(old, limit)
            with database.read() as connection:
                before = {"before": database.now(connection) - keep_for}
            # Changes of jobs that are no more, and items that are done: what waits is for somebody to decide.
            for statement in _FORGOTTEN:
                with database.begin() as connection:
                    connection.execute(sql(statement), before)
        if keep_runs:
            with database.read() as connection:
                jobs = connection.execute(sql("SELECT DISTINCT job FROM latest")).scalars().all()
            for job in jobs:
                _keep(database, job, keep_runs)
    except Unusable:
        return


def _keep(database: Database, job: str, number: int) -> None:
    last = sql("SELECT started, id FROM run WHERE job = :job ORDER BY started DESC, id DESC LIMIT 1 OFFSET :skip")
    with database.read() as connection:
        edge = connection.execute(last, {"job": job, "skip": number - 1}).first()
    if edge is not None:
        _forget(database, _BEYOND, {"job": job, "started": edge.started, "run": edge.id})


def _forget(database: Database, query: str, values: "Mapping[str, Any]") -> None:
    while True:
        with database.read() as connection:
            ids = connection.execute(sql(query), values).scalars().all()
        if not ids:
            return
        with database.begin() as connection:
            for table, column in (("run_fates", "run"), ("run", "id")):
                statement = sql(f"DELETE FROM {table} WHERE {column} IN :ids", "ids")  # noqa: S608  names of ours
                connection.execute(statement, {"ids": list(ids)})
