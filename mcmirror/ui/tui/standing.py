"""The overview's words: its columns, its totals, and the selected job in full."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content

from mcmirror.model.plan import Count
from mcmirror.model.state import JobState, State, ailments
from mcmirror.model.wording import harmless, objects, shown_bytes, shown_count, shown_seconds, three_parts
from mcmirror.ui.style import cells
from mcmirror.ui.tui.looks import BAD, BOLD, BUSY, DIM, GOOD, WARN, fitted, job_look, moment, needs_you
from mcmirror.ui.verdict import verdict

if TYPE_CHECKING:
    from datetime import tzinfo

    from mcmirror.ui.tui.source import View

WIDE = 110
"""Columns from which on a job's pair and numbers fit beside its name."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths; 0 leaves a column out."""

    job: int
    mirror: int
    state: int = 15
    success: int = 9
    next: int = 6
    last: int = 0
    runs: int = 8
    trigger: int = 0

    @classmethod
    def of(cls, width: int) -> Columns:
        """What fits a terminal of that width."""
        last, trigger = (20 if width >= WIDE else 0), (22 if width >= 150 else 0)
        runs = 8 if width < WIDE else 12
        fixed = 15 + 9 + 6 + runs + 3 + (last + 1 if last else 0) + (trigger + 1 if trigger else 0)
        room = max(24, width - 3 - fixed - 2)
        job = max(10, min(22, room * 36 // 100))
        return cls(job, room - job, last=last, trigger=trigger, runs=runs)


def heads(columns: Columns) -> Content:
    """The names of the columns."""
    names = (("JOB", columns.job), ("SOURCE → TARGET", columns.mirror), ("STATE", columns.state),
             ("SUCCESS", columns.success), ("NEXT", columns.next), ("LAST RUN", columns.last),
             ("TRIGGER", columns.trigger), ("RUNS", columns.runs))  # fmt: skip
    return Content(" ".join(fitted(name, width) for name, width in names if width))


def totals(view: View, now: float, shown: str, width: int) -> Content:
    """What counts over all jobs, and everything that is not as it should be, for so many columns."""
    state = view.state
    assert state is not None  # noqa: S101
    found = Counter[str]()
    for job in state.jobs:
        found["run"] += bool(job.run)
        found["paused"] += job.paused
        found["you"] += needs_you(job, now, paused=state.paused)
        found["good"] += bool(job.last and job.last.succeeded and not job.stale(now))
        found["never"] += job.last is None
    total = len(state.jobs)
    parts: list[tuple[str, str]] = [(f"{total} {'job' if total == 1 else 'jobs'}", BOLD)]
    parts += [(f"✓ {found['good']} good", GOOD)] if found["good"] else []
    need = "needs" if found["you"] == 1 else "need"
    parts += [(f"✗ {found['you']} {need} you", f"{BAD} bold")] if found["you"] else []
    parts += [(f"▶ {found['run']} running", f"{BUSY} bold")] if found["run"] else []
    parts += (
        [("‖ all paused", WARN)] if state.paused else [(f"‖ {found['paused']} paused", WARN)] if found["paused"] else []
    )
    parts += [(f"○ {found['never']} never ran", DIM)] if found["never"] else []
    copied = sum((done(job) for job in state.jobs), Count())
    rest = [f"last runs: {shown_count(copied)} copied" if copied.objects else "", shown]
    first = Content("  ").join(Content.styled(text, style) for text, style in parts)
    second = "  ·  ".join(filter(None, rest))
    note = harmless(view.note)
    # A note that does not fit has a line of its own.
    between = "" if not note else "  ·  " if cells(second) + 5 + cells(note) <= width else "\n"
    lines = [first, Content.styled(f"{second}{between}{note}", DIM)]
    return Content("\n").join([*lines, *_warnings(state)])


def _warnings(state: State) -> list[Content]:
    """At most three lines, so that the jobs stay on the screen; job's own are on their lines."""
    told = [text for text in ailments(state) if text.startswith("the scheduler")]
    told += [text for text in state.warnings if text]
    told += [
        f"{one.name}: {one.waiting:,} messages wait to be delivered: {one.error}"
        for one in state.notifiers
        if one.failures
    ]
    more = [f"and {len(told) - 2} more"] if len(told) > 3 else []
    return [Content.styled(f"! {harmless(text)}", WARN) for text in [*told[: 3 - len(more)], *more]]


def done(job: JobState) -> Count:
    """What its last run copied."""
    return job.last.report.tally.done if job.last and job.last.report else Count()


def last_run(job: JobState) -> Content:
    """What its last run copied, in a column."""
    copied = done(job)
    if job.last is None or job.last.report is None:
        return Content("")
    if not copied.objects:
        return Content.styled("nothing", DIM)
    return Content(f"{copied.objects:,} obj {shown_bytes(copied.bytes)}")


def when(job: JobState, view: View, now: float, zone: tzinfo | None) -> str:
    """Its trigger, and what comes of it."""
    said = harmless(job.trigger)
    if job.paused:
        return f"{said}, paused"
    if job.next_run:
        return f"{said}, next at {moment(job.next_run, now, zone)}"
    return said if job.trigger == "by hand" or view.schedules else f"{said}, and nobody keeps the schedules here"


def detail(job: JobState, view: View, now: float, dashboard: object) -> Content:
    """The selected job in full, in five lines."""
    zone = getattr(dashboard, "zone", None)
    head = Content.assemble(
        (harmless(job.name), BOLD),
        f"  {harmless(job.source)} → {harmless(job.target)}",
        ("  dry run" if job.dry_run else "", WARN),
    )
    allowed = f" (at most {shown_seconds(job.max_age)})" if job.max_age else ""
    success = f"{shown_seconds(now - job.last_success)} ago{allowed}" if job.last_success else f"none yet{allowed}"
    lines = [
        head,
        Content.assemble(
            ("success  ", DIM),
            (success, f"{BAD} bold" if job.stale(now) else ""),
            ("   trigger  ", DIM),
            when(job, view, now, zone),
        ),
        *_last_lines(job),
    ]
    width = getattr(dashboard, "size", None)
    room = (width.width if width else 80) - 3
    # What is to be done may take the rest; all before it keeps to its line.
    *short, last = lines
    return Content("\n").join([*(line.truncate(room, ellipsis=True) for line in short), last])


def _last_lines(job: JobState) -> list[Content]:
    record = job.last
    if record is None or record.report is None:
        return [Content.styled("It has not run yet: r runs it now, P shows what a run would do.", DIM)]
    report = record.report
    found = verdict(report, None, "run")
    tally = report.tally
    numbers = [f"copied {shown_count(tally.done)}" if tally.done.objects else ""]
    numbers += [f"removed {objects(tally.removed.objects)}" if tally.removed.objects else ""]
    numbers += [shown_seconds(report.lasted)] if report.lasted is not None else []
    style = job_look(job).style
    lines = [
        Content.assemble(
            ("last run ", DIM),
            (f"{found.mark} {found.word}", style),
            f": {found.sentence}",
            (f"  ({', '.join(filter(None, numbers))})", DIM),
        )
    ]
    if report.problems:
        what, why, remedy = three_parts(report.problems[0])
        more = f" (and {len(report.problems) - 1} more)" if len(report.problems) > 1 else ""
        lines.append(Content.assemble(("problem  ", DIM), (f"{what}{more}", BAD)))
        lines.append(Content.assemble(("do       ", DIM), remedy or why))
    return lines
