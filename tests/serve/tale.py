"""What somebody who hears of failures and recoveries is to have been told, worked out from the records."""

from collections.abc import Iterable
from datetime import UTC, datetime

from mcmirror.model.record import Record
from mcmirror.model.report import Status
from mcmirror.model.streak import FAILURES, Streak
from tests.serve.receiver import Receiver


def due(records: Iterable[Record]) -> list[tuple[str, str]]:
    """Occasion and run, in order; records of one job in whatever order."""
    streak, told = Streak(), list[tuple[str, str]]()
    for record in sorted(records, key=lambda record: (record.finished, record.id)):
        if record.report is None or record.report.status is Status.CANCELLED:
            continue
        now, before = datetime.fromisoformat(record.finished).astimezone(UTC), streak
        streak = streak.after(record.report, now)
        if record.report.status in FAILURES:
            if streak.due(record.report, now):
                streak = streak.heard(record.report, now)
                told.append(("failure", record.id))
        elif before.failures:
            told.append(("recovery", record.id))
    return told


def told(receiver: Receiver, job: str) -> list[tuple[str, str]]:
    """Occasion and run of what arrived, each delivery once."""
    return [(one.what[1], one.run) for one in receiver.once().values() if one.what[0] == job]
