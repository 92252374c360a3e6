"""What a server knows of its jobs' runs: the last ones, and sums since it began."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime

from mcmirror.model.record import Record
from mcmirror.model.report import RunReport
from mcmirror.model.state import Totals


class JobStatistics:
    """By job. Not for several threads at once."""

    def __init__(self, last: Mapping[str, Record], success: Mapping[str, Record]) -> None:
        """``last`` and ``success`` are each job's newest run that ended, and that ended well, from the state."""
        self.last = dict[str, Record]()
        self.success = dict[str, float]()
        self.totals = dict[str, Totals]()
        self.know(last, success)

    def know(
        self, last: Mapping[str, Record], success: Mapping[str, Record], same: Collection[str] = frozenset()
    ) -> None:
        """Learn of the past of these jobs, which may be other ones than before under their names.

        Of those that are the ``same`` nothing newer is forgotten: the state may be unreadable just now.
        """
        ended = {job: seconds(record.finished) for job, record in success.items()}
        kept = {job: record for job, record in self.last.items() if job in same}
        self.last = {**last, **{job: one for job, one in kept.items() if job not in last or last[job].id < one.id}}
        times = {job: time for job, time in self.success.items() if job in same}
        self.success = {job: max(times.get(job, 0.0), ended.get(job, 0.0)) for job in times.keys() | ended.keys()}

    def enter(self, record: Record) -> None:
        """Take in a run that has ended; each only once."""
        if record.report is None:
            return
        before = self.last.get(record.job)
        if before is None or before.id < record.id:
            self.last[record.job] = record
        if record.succeeded:
            self.success[record.job] = max(self.success.get(record.job, 0.0), seconds(record.finished))
        self.totals[record.job] = added(self.totals.get(record.job, Totals()), record.report)


def added(totals: Totals, report: RunReport) -> Totals:
    """The sums with one more run."""
    tally = report.tally
    counts = {"copied": tally.done, "removed": tally.removed, "kept": tally.kept, "remaining": tally.remaining}
    return replace(
        totals,
        runs=_more(totals.runs, [(report.status.value, 1)]),
        objects=_more(totals.objects, ((name, count.objects) for name, count in counts.items())),
        bytes=_more(totals.bytes, ((name, count.bytes) for name, count in counts.items())),
        problems=_more(totals.problems, ((problem.category.value, 1) for problem in report.problems)),
        requests=_more(totals.requests, asdict(report.requests).items()),
        retries=totals.retries + report.attempts - 1,
    )


def _more(sums: Mapping[str, int], items: Iterable[tuple[str, int]]) -> dict[str, int]:
    found = dict(sums)
    for name, number in items:
        found[name] = found.get(name, 0) + number
    return found


def seconds(text: str) -> float:
    """A record's time as seconds since the epoch; 0 for none."""
    return datetime.fromisoformat(text).timestamp() if text else 0.0
