"""A run as a row, and what is kept of the newest runs of each job so that nobody has to search for them."""

import json
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mcmirror.codec.documents import decode, encode
from mcmirror.model.record import RUNNING, Record
from mcmirror.model.report import RunReport
from mcmirror.store.database import sql

if TYPE_CHECKING:
    from sqlalchemy import Connection

PART = 256 << 10
"""Bytes of fates in one row."""

_ENTER = """INSERT INTO run (id, job, source, target, cause, host, pid, status, started, finished, beat, assumed, told,
        handed, record)
    VALUES (:id, :job, :source, :target, :cause, :host, :pid, :status, :started, :finished, :beat, :assumed, 0, 0,
        :record)
    ON CONFLICT (id) DO UPDATE SET status = excluded.status, finished = excluded.finished, beat = excluded.beat,
        assumed = excluded.assumed, told = 0, handed = 0, record = excluded.record
    WHERE run.finished = 0 OR run.assumed = 1"""
"""A run that has ended stays as it is, unless its end was only assumed."""

_STAND = """INSERT INTO latest (job, source, target, run, status, started, finished, success, succeeded, source_objects)
    VALUES (:job, :source, :target, :id, :status, :started, :finished, :success, :succeeded, :source_objects)
    ON CONFLICT (job, source, target) DO UPDATE SET
        run = CASE WHEN excluded.started >= latest.started THEN excluded.run ELSE latest.run END,
        status = CASE WHEN excluded.started >= latest.started THEN excluded.status ELSE latest.status END,
        finished = CASE WHEN excluded.started >= latest.started THEN excluded.finished ELSE latest.finished END,
        started = CASE WHEN excluded.started >= latest.started THEN excluded.started ELSE latest.started END,
        success = CASE WHEN excluded.succeeded > latest.succeeded THEN excluded.success ELSE latest.success END,
        source_objects =
            CASE WHEN excluded.succeeded > latest.succeeded THEN excluded.source_objects ELSE latest.source_objects END,
        succeeded = CASE WHEN excluded.succeeded > latest.succeeded THEN excluded.succeeded ELSE latest.succeeded END"""


def enter(connection: "Connection", record: Record, beat: float, *, assumed: bool = False) -> bool:
    """Write a run down; False when its end stands already. A run that has ended becomes its job's latest."""
    row = _row(record, beat, assumed=assumed)
    if not connection.execute(sql(_ENTER), row).rowcount:
        return False
    if record.report is not None:
        connection.execute(sql(_STAND), row)
    return True


def keep_fates(connection: "Connection", run: str, chunks: Iterator[bytes]) -> None:
    """Keep what became of the objects of a run, in parts, as they are compressed."""
    connection.execute(sql("DELETE FROM run_fates WHERE run = :run"), {"run": run})
    for number, data in enumerate(_parts(chunks)):
        connection.execute(
            sql("INSERT INTO run_fates (run, part, data) VALUES (:run, :part, :data)"),
            {"run": run, "part": number, "data": data},
        )


def fate_part(connection: "Connection", run: str, number: int) -> bytes | None:
    """One part of what ``keep_fates`` kept; None after the last."""
    found = connection.execute(
        sql("SELECT data FROM run_fates WHERE run = :run AND part = :part"), {"run": run, "part": number}
    ).scalar()
    return None if found is None else bytes(found)


def unpacked(data: bytes) -> Record | None:
    """The record of a row; None when a later version has written what this one cannot read."""
    try:
        return decode(Record, json.loads(zlib.decompress(data)))
    except (ValueError, TypeError, zlib.error):
        return None


def source_objects(report: RunReport) -> int:
    """How many objects the source held within the job's filters."""
    tally = report.tally
    return tally.planned.objects + tally.equal.objects + tally.kept.objects


def epoch(text: str) -> float:
    """A record's time as seconds since the epoch; 0 for none."""
    return datetime.fromisoformat(text).timestamp() if text else 0.0


def timestamp(seconds: float) -> str:
    """The time as a record has it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def sortable(text: str) -> str:
    """A record's time so that text order is time order."""
    return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="milliseconds")


def column(text: str) -> str:
    """``text`` as every database takes it; a name of mcmirror's own kind stays as it is."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "")


def _row(record: Record, beat: float, *, assumed: bool) -> dict[str, Any]:
    report, finished = record.report, epoch(record.finished)
    return {
        "id": record.id,
        "job": column(record.job),
        "source": column(record.source),
        "target": column(record.target),
        "cause": record.cause.value,
        "host": column(record.host),
        "pid": record.pid,
        "status": RUNNING if report is None else report.status.value,
        "started": sortable(record.started),
        # 0 means that it runs.
        "finished": 0.0 if report is None else finished or epoch(record.started),
        "beat": beat,
        "assumed": int(assumed),
        "record": zlib.compress(json.dumps(encode(record)).encode()),
        "success": record.id if record.succeeded else "",
        "succeeded": finished if record.succeeded else 0.0,
        "source_objects": source_objects(report) if report and record.succeeded else 0,
    }


def _parts(chunks: Iterator[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for chunk in chunks:
        held += chunk
        if len(held) >= PART:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)
