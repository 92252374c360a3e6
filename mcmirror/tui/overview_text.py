"""The text of the overview: columns, totals, and the details of the selected job."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content

from mcmirror.messages.job_state import BY_HAND, Group, group, waiting_text
from mcmirror.messages.text_style import cells
from mcmirror.messages.verdict import verdict
from mcmirror.model import backlog as backlogs
from mcmirror.model.plan import Count
from mcmirror.model.realtime import ailment, summary
from mcmirror.model.state import JobState, State, ailments
from mcmirror.model.wording import harmless, objects, shown_bytes, shown_count, shown_seconds, three_parts
from mcmirror.tui.bucket import HINT, missing
from mcmirror.tui.formatting import (
    BAD,
    BOLD,
    BUSY,
    DIM,
    GOOD,
    WARN,
    fitted,
    job_look,
    moment,
    pair,
    shares,
    trigger,
)
from mcmirror.tui.run_text import progress, steps

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from mcmirror.tui.app import Dashboard
    from mcmirror.tui.source import View

STATE, SUCCESS, NEXT = 11, 9, 6
"""Columns of what changes all the time: they stay as wide as they are, and STATE is as wide at least."""
WIDE = 110
"""Columns from which on a job's pair and numbers fit beside its name."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths; 0 leaves a column out."""

    job: int
    mirror: int
    state: int = STATE
    success: int = SUCCESS
    next: int = NEXT
    last: int = 0
    trigger: int = 0
    runs: int = 0

    @classmethod
    def of(cls, width: int, view: View, state: int = STATE) -> Columns:
        """What fits so many columns: what is empty gets none, and the rest goes to what is long."""
        jobs = view.state.jobs if view.state else ()
        past = max((len(view.pasts.get(job.name, ())) for job in jobs), default=0)
        runs = min(past, 8 if width < WIDE else 12)
        runs = max(runs, len("RUNS")) if runs and (width >= WIDE or _ample(jobs, width - state)) else 0
        last = max(map(len, map(str, map(last_run, jobs))), default=0) if width >= WIDE else 0
        last = max(last, len("LAST RUN")) if last else 0
        fixed = [state, SUCCESS, NEXT, *filter(None, (last, runs))]
        named = width >= WIDE + 40 and any(job.trigger != BY_HAND for job in jobs)
        room = width - sum(fixed) - len(fixed) - 1 - named
        job, mirror, begun = named_columns(jobs, room, triggers=named)
        return cls(job, mirror, state, last=last, trigger=begun, runs=runs)


def _ample(jobs: Sequence[JobState], width: int) -> bool:
    """Whether names and places leave room for a picture."""
    room = width - SUCCESS - NEXT - len("RUNS") * 2 - 5
    return sum(named_columns(jobs, 10_000, triggers=False)) <= room


def named_columns(jobs: Sequence[JobState], room: int, *, triggers: bool) -> tuple[int, int, int]:
    """Widths of name, pair and trigger in so many columns: neither is short of what another has too much of."""
    places = [tuple(cells(harmless(text)) for text in (job.name, job.source, job.target)) for job in jobs]
    name, source, target = map(max, zip(*places, strict=True)) if places else (0, 0, 0)
    begun = max((cells(harmless(trigger(job))) for job in jobs), default=0) if triggers else 0
    source = max(source, len("SOURCE → TARGET") - 3 - target)
    wanted = (max(name, len("JOB")), source, target, max(begun, len("TRIGGER") * triggers))
    # A name is what a job is known by: it gets its share first.
    first = max(len("JOB"), min(wanted[0], (room - 3) // 2))
    left, right, last = shares(wanted[1:], room - 3 - first)
    first = min(wanted[0], room - 3 - left - right - last)
    return first, left + 3 + right, last


def heads(columns: Columns) -> Content:
    """The names of the columns."""
    names = (("JOB", columns.job), ("SOURCE → TARGET", columns.mirror), ("STATE", columns.state),
             ("SUCCESS", columns.success), ("NEXT", columns.next), ("LAST RUN", columns.last),
             ("TRIGGER", columns.trigger), ("RUNS", columns.runs))  # fmt: skip
    return Content(" ".join(fitted(name, width) for name, width in names if width))


_GROUPS = {
    Group.GOOD: ("✓ {} good", GOOD),
    Group.NEEDS_YOU: ("✗ {} need you", f"{BAD} bold"),
    Group.RUNNING: ("▶ {} running", f"{BUSY} bold"),
    Group.PAUSED: ("‖ {} paused", WARN),
    Group.NEVER_RAN: ("○ {} never ran", DIM),
    Group.OTHER: ("• {} without a result", WARN),
}


def totals(view: View, now: float, shown: str, width: int) -> Content:
    """What counts over all jobs, each in one group, and everything that is not as it should be, for so many columns."""
    state = view.state
    assert state is not None  # noqa: S101
    found = Counter(group(job, now, paused=state.paused) for job in state.jobs)
    total = len(state.jobs)
    parts: list[tuple[str, str]] = [(f"{total} {'job' if total == 1 else 'jobs'}", BOLD)]
    for one, (text, style) in _GROUPS.items():
        if number := found[one]:
            said = text.format(f"{number:,}")
            parts.append((said.replace("need you", "needs you") if number == 1 else said, style))
    parts += [("‖ all paused", WARN)] if state.paused else []
    copied = sum((done(job) for job in state.jobs), Count())
    rest = [f"last runs: {shown_count(copied)} copied" if copied.objects else "", shown]
    first = Content("  ").join(Content.styled(text, style) for text, style in parts)
    second = "  ·  ".join(filter(None, rest))
    note = harmless(view.note)
    # A note that does not fit has a line of its own.
    fits = cells(second) + 5 + cells(note) <= width
    between = "" if not note or not second else "  ·  " if fits else "\n"
    lines = [first, Content.styled(f"{second}{between}{note}", DIM)] if second or note else [first]
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
        return Content.styled("up to date" if job.last.succeeded else "nothing", DIM)
    return Content(f"{copied.objects:,} obj {shown_bytes(copied.bytes)}")


def when(job: JobState, view: View, now: float, zone: tzinfo | None) -> str:
    """Its trigger, and what comes of it."""
    said = harmless(trigger(job))
    if job.paused:
        return f"{said}, paused"
    if job.next_run:
        return f"{said}, next at {moment(job.next_run, now, zone)}"
    return said if job.trigger == BY_HAND or view.schedules else f"{said}, and nobody keeps the schedules here"


def detail(job: JobState, view: View, now: float, dashboard: Dashboard, width: int) -> Content:
    """The selected job in full, for so many columns: what it does now first, then what it came to before."""
    head = Content.assemble(pair(job.source, job.target, width).rstrip(), ("  dry run" if job.dry_run else "", WARN))
    allowed = f" (at most {shown_seconds(job.max_age)})" if job.max_age else ""
    success = f"{shown_seconds(now - job.last_success)} ago{allowed}" if job.last_success else f"none yet{allowed}"
    lines = [
        head,
        *_now_lines(job, dashboard, width),
        *_realtime_lines(job),
        *_backlog_lines(job),
        Content.assemble(
            ("success  ", DIM),
            (success, f"{BAD} bold" if job.stale(now) else ""),
            ("   trigger  ", DIM),
            when(job, view, now, dashboard.zone),
        ),
        *_last_lines(job),
    ]
    # What is to be done may take the rest; all before it keeps to its line.
    *short, last = lines
    return Content("\n").join([*(line.truncate(width, ellipsis=True) for line in short), last])


def _now_lines(job: JobState, dashboard: Dashboard, width: int) -> list[Content]:
    """How far its run is."""
    if not job.run:
        return []
    seen = dashboard.source.fold.look(job.run)
    if seen is None or seen.over:
        elsewhere = " in another process" if job.phase == "elsewhere" else ""
        return [Content.styled(f"▶ {waiting_text(job.phase) or 'under way'}{elsewhere}", f"{BUSY} bold")]
    if seen.waiting:
        return [Content.styled(f"▶ waits: another run writes to {harmless(seen.waiting)}", f"{WARN} bold")]
    told = [line for line in progress(seen, width).split("\n") if line.plain]
    # Where there are few lines, the bar says enough.
    return [steps(seen), *told] if width >= WIDE or not told else told


def _realtime_lines(job: JobState) -> list[Content]:
    """How it follows its source."""
    state = job.realtime
    if state is None:
        return []
    wrong = ailment("", state).removeprefix(": ")
    counts = f"  {state.events:,} events, {state.batches:,} batches, {state.gaps:,} gaps"
    counts += f", longest lag {shown_seconds(state.longest_lag)}"
    style = f"{BAD} bold" if state.red else ""
    lines = [Content.assemble(("events   ", DIM), (summary(state), style), (counts, DIM))]
    return [*lines, Content.styled(f"         {harmless(wrong)}", BAD)] if wrong else lines


def _backlog_lines(job: JobState) -> list[Content]:
    """What waits of its backlog."""
    state = job.backlog
    if state is None:
        return []
    wrong = backlogs.ailment("", state).removeprefix(": ")
    lines = [Content.assemble(("backlog  ", DIM), backlogs.summary(state).removeprefix("backlog: "))]
    return [*lines, Content.styled(f"         {harmless(wrong)}", BAD)] if wrong else lines


def _last_lines(job: JobState) -> list[Content]:
    record = job.last
    if record is None or record.report is None:
        if job.run:
            return [Content.styled("This is its first run.", DIM)]
        return [Content.styled("It has not run yet: r runs it now, P shows what a run would do.", DIM)]
    report = record.report
    found = verdict(report)
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
        # What the line above has said already is not said twice.
        label, said = ("why", why) if why and what in found.sentence else ("problem", what)
        lines.append(Content.assemble((f"{label:<9}", DIM), (f"{said}{more}", BAD)))
        lines.append(Content.assemble(("do       ", DIM), HINT if missing(report) else remedy or why))
    return lines
