"""Runs that agents take: who owns each by a lease, which attempt counts, and what comes back."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcmirror.model.agent import AgentProcess
from mcmirror.store.database import Database, sql
from mcmirror.store.rows import column

if TYPE_CHECKING:
    from sqlalchemy import Connection

RUN, PROBE = "run", "probe"
SENT, RUNNING, REFUSED = "sent", "running", "refused"
FORGET = 86400.0
"""Seconds after which a process that was seen no more is forgotten."""

_DEAD = "watched < :now AND (state <> 'running' OR lease < :now)"
_OURS = "id = :id AND attempt = :attempt AND owner = :owner AND state = 'running'"


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task to be stored."""

    id: str
    agent: str
    kind: str
    job: str
    target: str
    """What it writes to, in a form that is the same for all; empty when it writes nothing."""
    master: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Claimed:
    """A task that somebody owns from now on."""

    id: str
    attempt: int
    kind: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Standing:
    """How an attempt stands, for its owner."""

    held: bool
    """Whether it is still the owner."""
    cancelled: bool = False
    signal: int = 0


@dataclass(frozen=True, slots=True)
class TaskRow:
    """How a task stands, for its master."""

    attempt: int
    state: str
    owner: str
    left: float
    """Seconds until the lease ends; negative when it has ended."""
    waiting: float
    """Seconds since it was sent."""


class Tasks:
    """The tasks of a state. Thread-safe; each method raises Unusable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def close(self) -> None:
        """Let go of the database; the next use opens it again."""
        self._database.close()

    # The master's side.

    def put(self, task: NewTask, watch: float) -> bool:
        """Store a task and send its first attempt; False while another one writes to the same target.

        It is nobody's when its master does not ``watch`` it for so many seconds. A task on the target that is nobody's
        is removed; if an agent still works on it, that is cancelled first.
        """
        with self._database.begin() as connection:
            now = self._database.now(connection)
            if task.target:
                about = {"target": column(task.target), "now": now}
                _remove(connection, f"target = :target AND {_DEAD}", about)
                orphan = "UPDATE task SET cancelled = 1 WHERE target = :target AND watched < :now AND cancelled = 0"
                connection.execute(sql(orphan), about)
            values = {
                "id": task.id,
                "agent": task.agent,
                "kind": task.kind,
                "job": column(task.job),
                "target": column(task.target) or None,
                "master": task.master,
                "now": now,
                "watched": now + watch,
                "body": task.body,
            }
            return bool(connection.execute(sql(_PUT), values).rowcount)

    def again(self, task: str, attempt: int, body: bytes) -> bool:
        """Send the next attempt in place of one that nobody owns; False when somebody does."""
        with self._database.begin() as connection:
            now = self._database.now(connection)
            values = {"id": task, "attempt": attempt, "now": now, "body": body}
            if not connection.execute(sql(_AGAIN), values).rowcount:
                return False
            connection.execute(sql("DELETE FROM task_message WHERE task = :id"), {"id": task})
            return True

    def watch(self, master: str, seconds: float) -> None:
        """Say for so long that the master of these tasks is there."""
        with self._database.begin() as connection:
            values = {"master": master, "watched": self._database.now(connection) + seconds}
            connection.execute(sql("UPDATE task SET watched = :watched WHERE master = :master"), values)

    def look(self, task: str) -> TaskRow | None:
        """How it stands; None when it is gone."""
        with self._database.read() as connection:
            now = self._database.now(connection)
            query = "SELECT attempt, state, owner, lease, sent FROM task WHERE id = :id"
            row = connection.execute(sql(query), {"id": task}).one_or_none()
        return None if row is None else TaskRow(row.attempt, row.state, row.owner, row.lease - now, now - row.sent)

    def cancel(self, task: str, signal: int) -> bool:
        """Ask its owner to end it; True when nobody owns it, and then nobody will."""
        with self._database.begin() as connection:
            if _remove(connection, "id = :id AND state <> 'running'", {"id": task}):
                return True
            values = {"id": task, "signal": signal + 1}
            connection.execute(sql("UPDATE task SET cancelled = :signal WHERE id = :id"), values)
            return False

    def remove(self, task: str) -> None:
        """Forget a task and what was said of it."""
        with self._database.begin() as connection:
            _remove(connection, "id = :id", {"id": task})

    def abandon(self, task: str) -> None:
        """Its master goes: an owner ends it, and it is removed when nobody works on it any more."""
        with self._database.begin() as connection:
            _remove(connection, "id = :id AND state <> 'running'", {"id": task})
            gone = "UPDATE task SET watched = 0, cancelled = CASE WHEN cancelled = 0 THEN 1 ELSE cancelled END"
            connection.execute(sql(f"{gone} WHERE id = :id"), {"id": task})

    def messages(self, task: str, attempt: int, after: int, most: int) -> list[tuple[int, bytes]]:
        """What was said of the attempt, in order."""
        query = "SELECT number, body FROM task_message WHERE task = :id AND attempt = :attempt AND number > :after"
        values = {"id": task, "attempt": attempt, "after": after, "most": most}
        found = self._database.look(f"{query} ORDER BY number LIMIT :most", **values)
        return [(int(number), bytes(body)) for number, body in found]

    def heard(self, task: str, attempt: int, number: int) -> None:
        """Forget what was said up to this number."""
        statement = "DELETE FROM task_message WHERE task = :id AND attempt = :attempt AND number <= :number"
        with self._database.begin() as connection:
            connection.execute(sql(statement), {"id": task, "attempt": attempt, "number": number})

    def tidy(self) -> None:
        """Remove what is nobody's, and processes that were not seen for a day."""
        with self._database.begin() as connection:
            now = self._database.now(connection)
            _remove(connection, _DEAD, {"now": now})
            orphan = "UPDATE task SET cancelled = 1 WHERE watched < :now AND cancelled = 0"
            connection.execute(sql(orphan), {"now": now})
            connection.execute(sql("DELETE FROM agent WHERE seen < :before"), {"before": now - FORGET})

    def drop_probes(self, agent: str) -> None:
        """Take back the probes that nobody has taken."""
        with self._database.begin() as connection:
            _remove(connection, "agent = :agent AND kind = 'probe'", {"agent": agent})

    def processes(self) -> dict[str, tuple[AgentProcess, ...]]:
        """By agent: its processes, the one that was seen last first."""
        columns = "instance, host, pid, version, capacity, running, started, seen"
        found = dict[str, list[AgentProcess]]()
        for name, *rest in self._database.look(f"SELECT name, {columns} FROM agent ORDER BY seen DESC, instance"):  # noqa: S608
            found.setdefault(str(name), []).append(AgentProcess(*rest))
        return {name: tuple(processes) for name, processes in found.items()}

    def numbers(self) -> dict[str, tuple[int, int]]:
        """By agent: how many runs wait, and how many are under way."""
        found = dict[str, tuple[int, int]]()
        query = "SELECT agent, state, count(*) FROM task WHERE kind = 'run' GROUP BY agent, state"
        for agent, state, number in self._database.look(query):
            waiting, running = found.get(agent, (0, 0))
            found[agent] = (waiting, running + number) if state == RUNNING else (waiting + number, running)
        return found

    # The agent's side, or the master's in its place.

    def enter(self, agent: str, process: AgentProcess) -> None:
        """It has just shown that it takes work."""
        with self._database.begin() as connection:
            _enter(connection, agent, process, self._database.now(connection))

    def claim(self, agent: str, process: AgentProcess, lease: float) -> Claimed | None:
        """Take the oldest task that waits, for ``lease`` seconds; a probe is answered by that."""
        waiting = "SELECT 1 FROM task WHERE agent = :agent AND state = 'sent' LIMIT 1"
        if not self._database.look(waiting, agent=agent):
            return None
        with self._database.begin() as connection:
            now = self._database.now(connection)
            values = {"agent": agent, "now": now}
            row = connection.execute(sql(_NEXT + _skipping(connection)), values).one_or_none()
            if row is None:
                return None
            _enter(connection, agent, process, now)
            if row.kind == PROBE:
                _remove(connection, "id = :id", {"id": row.id})
            else:
                values |= {"id": row.id, "owner": process.instance, "lease": now + lease}
                connection.execute(
                    sql("UPDATE task SET state = 'running', owner = :owner, lease = :lease WHERE id = :id"), values
                )
            return Claimed(row.id, row.attempt, row.kind, bytes(row.body))

    def begin(self, task: str, attempt: int, owner: str, lease: float) -> bool:
        """Give the attempt to this owner; False when it is not to be begun, or another one has it."""
        with self._database.begin() as connection:
            values = {"id": task, "attempt": attempt, "owner": owner, "lease": self._database.now(connection) + lease}
            statement = "UPDATE task SET state = 'running', owner = :owner, lease = :lease"
            free = "(state = 'sent' OR (state = 'running' AND owner = :owner))"
            wanted = f"id = :id AND attempt = :attempt AND cancelled = 0 AND {free}"
            return bool(connection.execute(sql(f"{statement} WHERE {wanted}"), values).rowcount)

    def take_probe(self, probe: str) -> bool:
        """Whether this probe was under way; it is no more."""
        with self._database.begin() as connection:
            return bool(_remove(connection, "id = :id AND kind = 'probe'", {"id": probe}))

    def renew(self, task: str, attempt: int, owner: str, lease: float) -> Standing:
        """Hold the attempt for so long again; one whose master is gone is cancelled."""
        with self._database.begin() as connection:
            now = self._database.now(connection)
            ours = {"id": task, "attempt": attempt, "owner": owner}
            statement = f"UPDATE task SET lease = :lease WHERE {_OURS}"  # noqa: S608  ours
            if not connection.execute(sql(statement), {**ours, "lease": now + lease}).rowcount:
                return Standing(held=False)
            row = connection.execute(sql("SELECT cancelled, watched FROM task WHERE id = :id"), {"id": task}).one()
            orphan = row.watched < now
        return Standing(held=True, cancelled=bool(row.cancelled) or orphan, signal=max(0, row.cancelled - 1))

    def say(self, task: str, attempt: int, owner: str, number: int, body: bytes) -> bool:
        """Store a message of the owner; False when it is the owner no more."""
        with self._database.begin() as connection:
            values = {"id": task, "attempt": attempt, "owner": owner, "number": number, "body": body}
            statement = "INSERT INTO task_message (task, attempt, number, body)"
            chosen = f"SELECT id, attempt, :number, :body FROM task WHERE {_OURS}"  # noqa: S608  ours
            stored = f"{statement} {chosen} ON CONFLICT DO NOTHING"
            if connection.execute(sql(stored), values).rowcount:
                return True
            query = f"SELECT count(*) FROM task WHERE {_OURS}"  # noqa: S608  ours
            ours = {"id": task, "attempt": attempt, "owner": owner}
            return bool(connection.execute(sql(query), ours).scalar_one())

    def end(self, task: str, attempt: int, owner: str) -> None:
        """The owner works on it no more, and what it said stands; a task whose master is gone is removed."""
        with self._database.begin() as connection:
            now = self._database.now(connection)
            ours = {"id": task, "attempt": attempt, "owner": owner}
            connection.execute(sql(f"UPDATE task SET lease = 0 WHERE {_OURS}"), ours)  # noqa: S608  ours
            _remove(connection, f"id = :id AND {_DEAD}", {"id": task, "now": now})

    def refuse(self, task: str, attempt: int) -> None:
        """Nobody here can read it."""
        statement = "UPDATE task SET state = 'refused', owner = '', lease = 0 WHERE id = :id AND attempt = :attempt"
        with self._database.begin() as connection:
            connection.execute(sql(statement), {"id": task, "attempt": attempt})


_PUT = (
    "INSERT INTO task (id, agent, kind, job, target, master, watched, attempt, state, owner, lease, cancelled, created,"
    " sent, body) VALUES (:id, :agent, :kind, :job, :target, :master, :watched, 1, 'sent', '', 0, 0, :now, :now, :body)"
    " ON CONFLICT DO NOTHING"
)
_AGAIN = (
    "UPDATE task SET attempt = attempt + 1, state = 'sent', owner = '', lease = 0, sent = :now, body = :body"
    " WHERE id = :id AND attempt = :attempt AND cancelled = 0 AND (state = 'sent' OR lease < :now)"
)
_NEXT = (
    "SELECT id, attempt, kind, body FROM task WHERE agent = :agent AND state = 'sent' AND watched >= :now"
    " ORDER BY created, id LIMIT 1"
)
_ENTER = (
    "INSERT INTO agent (name, instance, host, pid, version, capacity, running, started, seen)"
    " VALUES (:name, :instance, :host, :pid, :version, :capacity, :running, :started, :seen)"
    " ON CONFLICT (name, instance) DO UPDATE SET running = excluded.running, capacity = excluded.capacity,"
    " seen = excluded.seen"
)


def _skipping(connection: "Connection") -> str:
    """Others take others, where several may write at once."""
    return " FOR UPDATE SKIP LOCKED" if connection.dialect.name == "postgresql" else ""


def _enter(connection: "Connection", agent: str, process: AgentProcess, now: float) -> None:
    values: dict[str, Any] = {name: getattr(process, name) for name in AgentProcess.__dataclass_fields__}
    connection.execute(sql(_ENTER), {**values, "name": agent, "seen": now, "started": process.started or now})


def _remove(connection: "Connection", where: str, values: dict[str, Any]) -> int:
    """Remove tasks and what was said of them; how many there were."""
    said = f"DELETE FROM task_message WHERE task IN (SELECT id FROM task WHERE {where})"  # noqa: S608  ours
    connection.execute(sql(said), values)
    return connection.execute(sql(f"DELETE FROM task WHERE {where}"), values).rowcount  # noqa: S608  ours
