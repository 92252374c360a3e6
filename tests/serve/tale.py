"""What somebody who hears of failures and recoveries is to have been told, worked out from the records."""

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import pairwise

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


def amiss(records: Iterable[Record], told: list[tuple[str, str]]) -> list[str]:
    """What is wrong with what was told of a job whose server was killed at any moment.

    One that is killed between being handed the end of a run and telling it leaves that to the next one, a minute
    later: it comes behind what was told meanwhile.
    """
    ended = sorted((one for one in records if one.report), key=lambda one: (one.finished, one.id))
    status = {one.id: one.report.status for one in ended if one.report}
    wrong = [f"{what} of {run}" for what, run in told if (status[run] in FAILURES) != (what == "failure")]
    occasions = ["recovery", *(what for what, _ in told)]
    wrong += [f"a second {one}" for one, other in pairwise(occasions) if one == other == "recovery"]
    outages, heard = [set[str]()], {run for what, run in told if what == "failure"}
    for one in ended:
        if status[one.id] in FAILURES:
            outages[-1].add(one.id)
        elif status[one.id] is not Status.CANCELLED and outages[-1]:
            outages.append(set())
    return wrong + [f"nothing of {sorted(outage)}" for outage in outages if outage and not outage & heard]


def told(receiver: Receiver, job: str) -> list[tuple[str, str]]:
    """Occasion and run of what arrived, each delivery once."""
    return [(one.what[1], one.run) for one in receiver.once().values() if one.what[0] == job]
