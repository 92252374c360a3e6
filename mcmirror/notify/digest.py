"""A day in one message: what ran, what came of it, and what is wrong."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from mcmirror.model.delivery import Decision, Known
from mcmirror.model.plan import Count
from mcmirror.model.record import Record
from mcmirror.model.report import Status
from mcmirror.model.streak import FAILURES, Streak
from mcmirror.model.wording import harmless, objects, shown_bytes, shown_seconds, three_parts
from mcmirror.notify.listener import Listener
from mcmirror.notify.message import Desk, Message, Occasion, shown_moment
from mcmirror.notify.rules import Judge, telling

JOBS = 60
"""Jobs with a line of their own; those that are not well come first."""
DAY = timedelta(days=1)


class History(Protocol):
    """The runs of the past."""

    def since(self, moment: datetime) -> Iterable[Record]:
        """Every run that began then or later, in any order; it may be cut off when there are too many.

        Raises LookupError when that cannot be known now.
        """

    def outlooks(self, jobs: Iterable[str], now: float) -> "Mapping[str, Outlook]":
        """How each of these jobs stands; LookupError as above."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """How a job stands, and what its schedule promises. Times are seconds since the epoch, 0 where there is none."""

    last: Record | None = None
    """The newest run that has ended, however long ago."""
    last_success: float = 0.0
    """When the last success had ended."""
    due: float = 0.0
    """When it should have succeeded again, or shall: as its ``max_age`` says, else as its schedule does."""
    late: bool = False
    """Whether that has passed, and nothing excuses it."""
    next_run: float = 0.0
    running: bool = False
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A job's day."""

    job: str
    runs: int
    verdicts: Mapping[str, int]
    copied: Count
    removed: int
    outlook: Outlook

    @property
    def failed(self) -> Record | None:
        """The last run, if people have to hear of it."""
        last = self.outlook.last
        return last if last and last.report and last.report.status in FAILURES else None

    @property
    def well(self) -> bool:
        """Whether nobody has to look at it."""
        return self.outlook.paused or not (self.failed or self.outlook.late)


def due(listener: Listener, now: datetime) -> date:
    """The day whose digest is the latest that should have been told: of two 08:00 in a night of autumn the first."""
    zone = ZoneInfo(listener.timezone or "UTC")
    hour, _, minute = listener.digest.partition(":")
    today = now.astimezone(zone).date()
    moment = datetime(today.year, today.month, today.day, int(hour), int(minute), tzinfo=zone)
    return today if now >= moment.astimezone(UTC) else today - timedelta(days=1)


def remembered_as(desk: Desk) -> str:
    """The name under which the last digest is kept."""
    return f"{desk.service} digest".strip()


def digested(listener: Listener, desk: Desk, now: datetime, message: "Message") -> Judge:
    """Return what decides whether the day's digest is still to be told; the first of all is only remembered."""
    job, day = remembered_as(desk), due(listener, now).isoformat()

    def judge(known: Known) -> Decision:
        last = known.streaks[job].since
        if last >= day:
            return Decision()
        after = {job: Streak(status=Occasion.DIGEST.value, since=day)}
        if not last:
            return Decision(after)
        return Decision(after, (telling(listener, message, desk, job, name=day),), frozenset({Occasion.DIGEST.value}))

    return judge


def lines(jobs: Iterable[str], records: Iterable[Record], outlooks: Mapping[str, Outlook]) -> tuple[Line, ...]:
    """A line a job, those that are not well first. ``records`` are those of the day."""
    by_job: dict[str, list[Record]] = {job: [] for job in jobs}
    for record in records:
        if record.job in by_job and record.report is not None:
            by_job[record.job].append(record)
    found = []
    for job, runs in by_job.items():
        verdicts: dict[str, int] = {}
        copied, removed = Count(), 0
        for record in runs:
            verdicts[record.status] = verdicts.get(record.status, 0) + 1
            if record.report is not None:
                done = record.report.tally.done
                copied = Count(copied.objects + done.objects, copied.bytes + done.bytes)
                removed += record.report.tally.removed.objects
        found.append(Line(job, len(runs), verdicts, copied, removed, outlooks.get(job, Outlook())))
    return tuple(sorted(found, key=lambda line: (line.well, line.job)))


def message(found: Iterable[Line], desk: Desk, now: datetime, zone: str = "UTC") -> Message:
    """Put the lines into words; times are those of ``zone``."""
    shown = tuple(found)
    ill = [line for line in shown if not line.well]
    runs = sum(line.runs for line in shown)
    state = f"{len(ill):,} of {len(shown):,} jobs not well" if ill else "all well"
    if not shown:
        state = "there is no job"
    runs_text = "1 run" if runs == 1 else f"{runs:,} runs"
    title = f"{harmless(desk.service) or 'mcmirror'}: 24 hours, {runs_text}, {state}"
    clock = _Clock(zone)
    facts = [(harmless(line.job), _line(line, now, clock)) for line in shown[:JOBS]]
    if len(shown) > JOBS:
        rest = shown[JOBS:]
        facts.append(("and more", f"{len(rest):,} jobs, {sum(line.runs for line in rest):,} runs"))
    problems = []
    for line in ill:
        report = line.failed.report if line.failed else None
        if report and report.problems:
            what, why, remedy = three_parts(report.problems[0])
            problems.append((f"{harmless(line.job)}: {what}", why, remedy))
    return Message("", Occasion.DIGEST, title, tuple(facts), tuple(problems), moments=tuple(clock.shown))


class _Clock:
    """Writes times down, and remembers them."""

    def __init__(self, zone: str) -> None:
        self._zone = zone
        self.shown = dict[tuple[str, int], None]()

    def __call__(self, seconds: float) -> str:
        moment = shown_moment(seconds, self._zone)
        self.shown[moment] = None
        return moment[0]


def _line(line: Line, now: datetime, clock: _Clock) -> str:
    outlook, failed = line.outlook, line.failed
    parts = [", ".join(f"{number:,} {verdict}" for verdict, number in sorted(line.verdicts.items(), key=_bad_first))]
    if not line.runs:
        parts = [f"0 runs, the last one {failed.status} {clock(_ended(failed))}" if failed else "0 runs"]
    if line.copied.objects:
        parts.append(f"{objects(line.copied.objects)}, {shown_bytes(line.copied.bytes)} copied")
    if line.removed:
        parts.append(f"{line.removed:,} removed")
    age = shown_seconds(max(0.0, now.timestamp() - outlook.last_success))
    last = f"last success {clock(outlook.last_success)} ({age} ago)"
    parts.append(last if outlook.last_success else "no success yet")
    if outlook.late and not outlook.paused:
        parts.append(f"the next was due {clock(outlook.due)}")
    if outlook.running:
        parts.append("running")
    if outlook.paused:
        parts.append("paused")
    elif outlook.next_run:
        parts.append(f"next run {clock(outlook.next_run)}")
    return ("" if line.well else "⚠ ") + "; ".join(parts)


def _ended(record: Record) -> float:
    return datetime.fromisoformat(record.finished or record.started).timestamp()


def _bad_first(item: tuple[str, int]) -> tuple[bool, str]:
    return item[0] == Status.SUCCEEDED.value, item[0]
