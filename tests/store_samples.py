"""Runs as the tests of the store make them."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mcmirror.model.plan import Count
from mcmirror.model.record import Cause, Record
from mcmirror.model.report import Remaining, RunReport, Status, Tally
from mcmirror.store.database import Database
from mcmirror.store.inbox import Inbox
from mcmirror.store.runs import Runs

NOW = datetime.now(UTC).replace(microsecond=0)


def when(ago: float) -> str:
    """So many seconds ago, as records have it."""
    return (NOW - timedelta(seconds=ago)).isoformat(timespec="milliseconds")


def begun(job: str = "photos", ago: float = 60.0, **fields: Any) -> Record:
    """A run that goes on."""
    moment = NOW - timedelta(seconds=ago)
    return Record(
        id=f"{moment:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}",
        job=job,
        source=f"src/{job}",
        target=f"dst/{job}",
        cause=Cause.SCHEDULE,
        started=when(ago),
        host="here",
        pid=4711,
        **fields,
    )


def ended(record: Record, status: Status = Status.SUCCEEDED, *, equal: int = 5, seconds: float = 10.0) -> Record:
    """The same run, ended."""
    finished = datetime.fromisoformat(record.started) + timedelta(seconds=seconds)
    report = RunReport(
        job=record.job,
        source=record.source,
        target=record.target,
        status=status,
        verified=status is Status.SUCCEEDED,
        started=record.started,
        seconds=seconds,
        tally=Tally(planned=Count(2, 20), done=Count(2, 20), equal=Count(equal, 50)),
        remaining=() if status is Status.SUCCEEDED else (Remaining("a\nb", "the server said no"),),
    )
    return replace(record, finished=finished.isoformat(timespec="milliseconds"), report=report)


def ran(inbox: Inbox, job: str = "photos", ago: float = 60.0, status: Status = Status.SUCCEEDED, **how: Any) -> Record:
    """Write down a run from its beginning to its end."""
    record = begun(job, ago)
    opened = inbox.open(record)
    done = ended(record, status, **how)
    opened.close(done)
    return done


def machine(folder: Path, state: str) -> tuple[Runs, Inbox, Database]:
    """A process with an inbox in this folder."""
    database, inbox = Database(state), Inbox(folder)
    return Runs(database, inbox), inbox, database
