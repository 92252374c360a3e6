"""The schema, as the steps that lead to it: each is frozen once released, and a change is a further step."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from mcmirror.store.trouble import Newer

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection

ADVISORY = 0x6D636D6972726F72
"""The lock that migrating processes take in turns on a server: "mcmirror" as a number."""

STEPS: Sequence[tuple[str, ...]] = (
    (  # 1: what part 1 had, without a version
        """CREATE TABLE IF NOT EXISTS incomparable (
            pair TEXT NOT NULL, key TEXT NOT NULL, source_etag TEXT NOT NULL, target_etag TEXT NOT NULL,
            PRIMARY KEY (pair, key))""",
        """CREATE TABLE IF NOT EXISTS verdict (
            job TEXT NOT NULL, listener TEXT NOT NULL, status TEXT NOT NULL, since TEXT NOT NULL, streak TEXT NOT NULL,
            PRIMARY KEY (job, listener))""",
    ),
    (  # 2: runs
        """CREATE TABLE run (
            id {word} PRIMARY KEY,
            job {word} NOT NULL, source {word} NOT NULL, target {word} NOT NULL,
            cause {word} NOT NULL, host {word} NOT NULL, pid BIGINT NOT NULL,
            status {word} NOT NULL,
            started {word} NOT NULL,
            finished DOUBLE PRECISION NOT NULL,
            beat DOUBLE PRECISION NOT NULL,
            assumed INTEGER NOT NULL,
            told INTEGER NOT NULL,
            handed DOUBLE PRECISION NOT NULL,
            record {blob} NOT NULL)""",
        "CREATE INDEX run_started ON run (started, id)",
        "CREATE INDEX run_job ON run (job, started, id)",
        "CREATE INDEX run_status ON run (status, started, id)",
        "CREATE INDEX run_open ON run (beat) WHERE finished = 0",
        "CREATE INDEX run_untold ON run (finished) WHERE told = 0",
        """CREATE TABLE run_fates (
            run {word} NOT NULL, part INTEGER NOT NULL, data {blob} NOT NULL, PRIMARY KEY (run, part))""",
        """CREATE TABLE latest (
            job {word} NOT NULL, source {word} NOT NULL, target {word} NOT NULL,
            run {word} NOT NULL, status {word} NOT NULL, started {word} NOT NULL, finished DOUBLE PRECISION NOT NULL,
            success {word} NOT NULL, succeeded DOUBLE PRECISION NOT NULL, source_objects BIGINT NOT NULL,
            PRIMARY KEY (job, source, target))""",
        "CREATE TABLE pause (job {word} PRIMARY KEY, since DOUBLE PRECISION NOT NULL)",
    ),
    (  # 3: who is told
        """CREATE TABLE told (
            run {word} NOT NULL, listener {word} NOT NULL,
            at DOUBLE PRECISION NOT NULL, ended INTEGER NOT NULL, thread {word} NOT NULL,
            PRIMARY KEY (run, listener))""",
        "CREATE INDEX told_at ON told (at)",
        """CREATE TABLE outbox (
            id {word} PRIMARY KEY, number BIGINT NOT NULL,
            listener {word} NOT NULL, job {word} NOT NULL, run {word} NOT NULL, kind {word} NOT NULL,
            payload {word} NOT NULL, created DOUBLE PRECISION NOT NULL,
            due DOUBLE PRECISION NOT NULL, lease DOUBLE PRECISION NOT NULL, attempts INTEGER NOT NULL)""",
        "CREATE INDEX outbox_listener ON outbox (listener, job, number)",
        """CREATE TABLE notifier (
            name {word} PRIMARY KEY, failures BIGINT NOT NULL, given_up BIGINT NOT NULL, error {word} NOT NULL)""",
    ),
    (  # 4: until when nobody is to be told anything
        "ALTER TABLE notifier ADD COLUMN held DOUBLE PRECISION NOT NULL DEFAULT 0",
    ),
    (  # copies that count as equal unread; the columns hold marks, an ETag and a time
        "ALTER TABLE incomparable ADD COLUMN assumed INTEGER NOT NULL DEFAULT 0",
    ),
    (  # what `replicate apply` made on servers
        """CREATE TABLE replication_made (
            replication {word} NOT NULL, action {word} NOT NULL, place {word} NOT NULL, server {word} NOT NULL,
            detail {word} NOT NULL, made DOUBLE PRECISION NOT NULL,
            PRIMARY KEY (replication, action, place, server, detail))""",
    ),
    (  # events that relays hand on: those that wait or were given up, those that were seen, and sums
        """CREATE TABLE relay_event (
            number {serial}, id {word} NOT NULL UNIQUE, relay {word} NOT NULL,
            subject {word} NOT NULL, rank {word} NOT NULL, name {word} NOT NULL, payload {word} NOT NULL,
            created DOUBLE PRECISION NOT NULL, due DOUBLE PRECISION NOT NULL, lease DOUBLE PRECISION NOT NULL,
            attempts INTEGER NOT NULL, dead INTEGER NOT NULL, error {word} NOT NULL)""",
        "CREATE INDEX relay_event_subject ON relay_event (relay, subject, rank, number) WHERE dead = 0",
        "CREATE INDEX relay_event_number ON relay_event (relay, number) WHERE dead = 0",
        "CREATE TABLE relay_seen (id {word} PRIMARY KEY, at DOUBLE PRECISION NOT NULL)",
        "CREATE INDEX relay_seen_at ON relay_seen (at)",
        """CREATE TABLE relay (
            name {word} PRIMARY KEY, delivered BIGINT NOT NULL, pending BIGINT NOT NULL, repeated BIGINT NOT NULL,
            failures BIGINT NOT NULL, error {word} NOT NULL)""",
    ),
    (  # keys that may have changed
        """CREATE TABLE backlog (
            job {word} NOT NULL, key {word} NOT NULL, number BIGINT NOT NULL, gone INTEGER NOT NULL,
            since DOUBLE PRECISION NOT NULL, marked DOUBLE PRECISION NOT NULL, due DOUBLE PRECISION NOT NULL,
            attempts INTEGER NOT NULL, held INTEGER NOT NULL, error {word} NOT NULL,
            PRIMARY KEY (job, key))""",
        "CREATE INDEX backlog_due ON backlog (job, held, due)",
    ),
    (  # the same keys as a backlog: done and dead ones are kept, processes take leases
        "ALTER TABLE backlog ADD COLUMN state INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE backlog ADD COLUMN lease DOUBLE PRECISION NOT NULL DEFAULT 0",
        "ALTER TABLE backlog ADD COLUMN owner {word} NOT NULL DEFAULT ''",
        "ALTER TABLE backlog ADD COLUMN finished DOUBLE PRECISION NOT NULL DEFAULT 0",
        "ALTER TABLE backlog ADD COLUMN alone INTEGER NOT NULL DEFAULT 0",
        "DROP INDEX backlog_due",
        "CREATE INDEX backlog_waiting ON backlog (job, due, key) WHERE state = 0 AND held = 0",
        "CREATE INDEX backlog_leased ON backlog (job, owner) WHERE lease > 0",
        "CREATE INDEX backlog_dead ON backlog (job, key) WHERE state = 2",
        """CREATE TABLE backlog_removal (
            id {word} PRIMARY KEY, job {word} NOT NULL, at DOUBLE PRECISION NOT NULL, number BIGINT NOT NULL)""",
        "CREATE INDEX backlog_removal_at ON backlog_removal (job, at)",
        "CREATE INDEX backlog_open ON backlog (job, key) WHERE state = 0",
        "CREATE INDEX backlog_done ON backlog (job, finished) WHERE state = 1",
        """CREATE TABLE backlog_set (
            job {word} PRIMARY KEY, prepared DOUBLE PRECISION NOT NULL, target_objects BIGINT NOT NULL,
            told_failures INTEGER NOT NULL, told_done INTEGER NOT NULL)""",
    ),
    (  # runs that agents take, what they say of them, and the processes of agents
        """CREATE TABLE task (
            id {word} PRIMARY KEY, agent {word} NOT NULL, kind {word} NOT NULL, job {word} NOT NULL,
            target {word} UNIQUE, master {word} NOT NULL, watched DOUBLE PRECISION NOT NULL,
            attempt INTEGER NOT NULL, state {word} NOT NULL, owner {word} NOT NULL, lease DOUBLE PRECISION NOT NULL,
            cancelled INTEGER NOT NULL, created DOUBLE PRECISION NOT NULL, sent DOUBLE PRECISION NOT NULL,
            body {blob} NOT NULL)""",
        "CREATE INDEX task_agent ON task (agent, state, created)",
        """CREATE TABLE task_message (
            task {word} NOT NULL, attempt INTEGER NOT NULL, number BIGINT NOT NULL, body {blob} NOT NULL,
            PRIMARY KEY (task, attempt, number))""",
        """CREATE TABLE agent (
            name {word} NOT NULL, instance {word} NOT NULL, host {word} NOT NULL, pid BIGINT NOT NULL,
            version {word} NOT NULL, capacity INTEGER NOT NULL, running INTEGER NOT NULL,
            started DOUBLE PRECISION NOT NULL, seen DOUBLE PRECISION NOT NULL, PRIMARY KEY (name, instance))""",
    ),
)
"""The statements of each step; ``{word}`` is a text that sorts by its bytes, ``{blob}`` bytes, ``{serial}`` the
number of a row, which grows."""

TYPES = {
    "sqlite": {"word": "TEXT", "blob": "BLOB", "serial": "INTEGER PRIMARY KEY AUTOINCREMENT"},
    "postgresql": {
        "word": 'TEXT COLLATE "C"',
        "blob": "BYTEA",
        "serial": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    },
}
"""What each of these is, by dialect."""


class Begin(Protocol):
    """Begins a transaction."""

    def __call__(self, *, write: bool) -> "AbstractContextManager[Connection]":
        """Committed at the end of the block."""


def migrate(begin: Begin, steps: Sequence[tuple[str, ...]] = STEPS) -> None:
    """Bring the database to this version; raises Newer when it is beyond. Processes that do so at once take turns."""
    with begin(write=False) as connection:
        found = _version(connection)
    if found < len(steps):
        with begin(write=True) as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY})")
            found = _version(connection)
            _carry_out(connection, found, steps)
    if found > len(steps):
        raise Newer(found, len(steps))


def _carry_out(connection: "Connection", found: int, steps: Sequence[tuple[str, ...]]) -> None:
    if found >= len(steps):
        return
    execute: Callable[[str], object] = connection.exec_driver_sql
    if found < 0:
        execute("CREATE TABLE mcmirror_schema (version INTEGER NOT NULL)")
        execute("INSERT INTO mcmirror_schema (version) VALUES (0)")
    types = TYPES[connection.dialect.name]
    for step in steps[max(found, 0) :]:
        for statement in step:
            execute(statement.format(**types))
    execute(f"UPDATE mcmirror_schema SET version = {len(steps)}")  # noqa: S608  a number of ours


def _version(connection: "Connection") -> int:
    """How many steps were taken; -1 when nothing says so, as in a new database or one of part 1."""
    from sqlalchemy import inspect

    if not inspect(connection).has_table("mcmirror_schema"):
        return -1
    return int(connection.exec_driver_sql("SELECT version FROM mcmirror_schema").scalar_one())
