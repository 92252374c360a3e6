"""The first screen: what is mirrored where, whether it is true, what moves now, and what needs somebody."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, OptionList, Static

from mcmirror.model.plan import Count
from mcmirror.model.state import JobState, State, ailments
from mcmirror.model.wording import harmless, objects, shown_bytes, shown_count, shown_seconds, three_parts
from mcmirror.ui.progress import VERBS
from mcmirror.ui.tui.frame import Room
from mcmirror.ui.tui.looks import (
    BAD,
    BOLD,
    BUSY,
    DIM,
    GOOD,
    WARN,
    Look,
    age,
    column,
    fitted,
    job_look,
    moment,
    needs_you,
    sparkline,
    success_age,
)
from mcmirror.ui.tui.rows import Row, Rows
from mcmirror.ui.verdict import verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from textual.app import ComposeResult

    from mcmirror.ui.tui.source import View

SORTS: dict[str, str] = {
    "attention": "what needs you first",
    "name": "by name",
    "success": "oldest success first",
    "next": "next run first",
    "size": "largest last run first",
}


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
        last, trigger = (20 if width >= 110 else 0), (22 if width >= 150 else 0)
        runs = 8 if width < 110 else 12
        fixed = 15 + 9 + 6 + runs + 3 + (last + 1 if last else 0) + (trigger + 1 if trigger else 0)
        room = max(24, width - 3 - fixed - 2)
        job = max(10, min(22, room * 36 // 100))
        return cls(job, room - job, last=last, trigger=trigger, runs=runs)


class Overview(Room):
    """One line a job."""

    NAME = "Overview"
    ABOUT = (
        "One line a job. On the left what is mirrored where, then what its last run came to or what it is doing now,"
        " the age of the last success against what is allowed, when it runs next, and its last runs: as high as they"
        " were long, x where one failed. Below, the selected job in full."
    )
    DEFAULT_CSS = """
    Overview #totals { height: auto; padding: 0 1; }
    Overview #heads { height: 1; padding: 0 1; color: $text-muted; text-style: bold; }
    Overview #jobs { height: 1fr; padding: 0 1; }
    Overview #filter { display: none; height: 1; border: none; padding: 0 1; background: $panel; }
    Overview #filter.open { display: block; }
    Overview #detail { height: 6; padding: 0 1; background: $surface; border-top: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "run", "Run now", tooltip="run the selected job now"),
        Binding("p", "pause", "Pause", tooltip="pause the job, or let it go on; Ctrl+A all of them"),
        Binding("P", "plan", "Plan", key_display="P", tooltip="what a run would do, and what it would remove"),
        Binding("v", "verify", "Verify", tooltip="is the copy true? lists both sides, writes nothing"),
        Binding("slash", "filter", "Filter", key_display="/", tooltip="show only jobs that hold a text; Esc: all"),
        Binding("s", "sort", "Sort", tooltip="in another order"),
        Binding("escape", "unfilter", show=False),
        Binding("ctrl+a", "pause_all", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.sort = "attention"
        self.wanted = ""

    def body(self) -> ComposeResult:
        """Totals, heads, jobs, the selected one."""
        yield Static(id="totals")
        yield Static(id="heads")
        yield Rows(id="jobs", empty="Reading ...")
        yield Input(id="filter", placeholder="part of a name, a place or a state", compact=True)
        yield Static(id="detail")

    def on_mount(self) -> None:
        """The list has the keys."""
        super().on_mount()
        self.query_one(Rows).focus()

    # What is shown.

    def show(self, view: View) -> None:
        """Paint the jobs."""
        rows = self.query_one(Rows)
        if view.state is None:
            self.query_one("#totals", Static).update(Content.styled(harmless(view.note) or "Reading ...", DIM))
            rows.put(())
            return
        columns = Columns.of(self.app.size.width)
        now = self.dashboard.now
        jobs = self._ordered(self._filtered(view.state.jobs, now), view.state, now)
        self.query_one("#totals", Static).update(totals(view, now, self._shown_text(len(jobs), len(view.state.jobs))))
        self.query_one("#heads", Static).update(self._heads(columns))
        rows.put([self._row(job, view, columns, now) for job in jobs])
        self._detail(view, now)

    def _shown_text(self, shown: int, of: int) -> str:
        filtered = f"filter “{self.wanted}”: {shown} of {of} jobs  " if self.wanted else ""
        return f"{filtered}sorted: {SORTS[self.sort]}"

    def _filtered(self, jobs: Iterable[JobState], now: float) -> list[JobState]:
        wanted = self.wanted.lower()
        return [job for job in jobs if not wanted or wanted in self._words(job, now)]

    def _words(self, job: JobState, now: float) -> str:
        look = self._look(job)
        extra = ("stale late" if job.stale(now) else "", "paused" if job.paused else "")
        status = job.last.status if job.last else ""
        return " ".join((job.name, job.source, job.target, job.trigger, look.word, status, *extra)).lower()

    def _ordered(self, jobs: list[JobState], state: State, now: float) -> list[JobState]:
        def attention(job: JobState) -> tuple[bool, bool]:
            return (not needs_you(job, now, paused=state.paused), not job.run)

        orders: dict[str, Callable[[JobState], object]] = {
            "attention": attention,
            "name": lambda job: job.name.lower(),
            "success": lambda job: job.last_success,
            "next": lambda job: job.next_run or float("inf"),
            "size": lambda job: -(_done(job).bytes),
        }
        return sorted(jobs, key=orders[self.sort])  # type: ignore[arg-type]  # each sorts by what compares

    def _heads(self, columns: Columns) -> Content:
        names = (("JOB", columns.job), ("SOURCE → TARGET", columns.mirror), ("STATE", columns.state),
                 ("SUCCESS", columns.success), ("NEXT", columns.next), ("LAST RUN", columns.last),
                 ("TRIGGER", columns.trigger), ("RUNS", columns.runs))  # fmt: skip
        return Content(" ".join(fitted(name, width) for name, width in names if width))

    def _row(self, job: JobState, view: View, columns: Columns, now: float) -> Row:
        look = self._look(job)
        cells = [
            Content.styled(fitted(job.name, columns.job), BOLD),
            Content(fitted(f"{job.source} → {job.target}", columns.mirror)),
            column(look.content, columns.state),
            column(success_age(job, now), columns.success),
            column(self._next(job, view, now), columns.next),
        ]
        if columns.last:
            cells.append(column(_last(job), columns.last))
        if columns.trigger:
            cells.append(Content.styled(fitted(job.trigger, columns.trigger), DIM))
        cells.append(sparkline(view.pasts.get(job.name, ()), columns.runs))
        return (job.name, Content(" ").join(cells))

    def _look(self, job: JobState) -> Look:
        """What the job does, or what its last run came to."""
        if not job.run:
            found = job_look(job)
            return Look("‖", f"{found.mark} {found.word}", found.style) if job.paused else found
        phase, fraction = self.dashboard.source.fold.glance(job.run)
        if job.phase in {"queued", "waiting"}:
            return Look("▶", "waiting", WARN)
        known = phase.value if phase else job.phase
        word = next((verb for one, verb in VERBS.items() if one.value == known), known or "starting")
        return Look("▶", f"{word} {fraction:.0%}" if known == "mirror" and fraction else word, f"{BUSY} bold")

    def _next(self, job: JobState, view: View, now: float) -> Content:
        if job.run:
            return Content.styled("now", BUSY)
        if job.paused:
            return Content.styled("paused", WARN)
        if job.next_run:
            return Content(f"in {age(job.next_run - now)}")
        return Content.styled("—" if job.trigger != "by hand" else "hand", DIM)

    def _detail(self, view: View, now: float) -> None:
        job = self._selected(view)
        self.query_one("#detail", Static).update(
            detail(job, view, now, self.dashboard) if job else Content.styled("No job is shown.", DIM)
        )

    def _selected(self, view: View | None = None) -> JobState | None:
        state = (view or self.dashboard.source.view()).state
        current = self.query_one(Rows).current
        return next((job for job in state.jobs if job.name == current), None) if state else None

    # What keys do.

    def on_option_list_option_highlighted(self, _: OptionList.OptionHighlighted) -> None:
        """Another job is selected."""
        view = self.dashboard.source.view()
        if view.state is not None:
            self._detail(view, self.dashboard.now)

    def on_option_list_option_selected(self, _: OptionList.OptionSelected) -> None:
        """Enter, or a click."""
        self.action_open()

    def action_open(self) -> None:
        """Show the job's run."""
        if job := self._selected():
            self.dashboard.open_run(job.name)

    def action_run(self) -> None:
        """Run it now."""
        if job := self._selected():
            self.dashboard.run_job(job.name, open_it=False)

    def action_plan(self) -> None:
        """What would a run do."""
        if job := self._selected():
            self.dashboard.open_plan(job.name)

    def action_verify(self) -> None:
        """Is the copy true."""
        job = self._selected()
        if job is None:
            return
        name, source = job.name, self.dashboard.source
        self.dashboard.ask(lambda: source.verify(name), lambda _: self.dashboard.open_run(name, "verify"))

    def action_pause(self) -> None:
        """Pause it, or let it go on."""
        job = self._selected()
        if job is None:
            return
        name, source = job.name, self.dashboard.source
        if job.paused:
            self.dashboard.ask(lambda: source.resume(name), lambda _: self.dashboard.tell(f"{name} goes on"))
        else:
            self.dashboard.ask(
                lambda: source.pause(name), lambda _: self.dashboard.tell(f"{name} does not begin by itself any more")
            )

    def action_pause_all(self) -> None:
        """Pause all of them, or let them go on."""
        state, source = self.dashboard.source.view().state, self.dashboard.source
        if state is None:
            return
        if state.paused:
            self.dashboard.ask(source.resume, lambda _: self.dashboard.tell("all jobs go on"))
        else:
            self.dashboard.ask(source.pause, lambda _: self.dashboard.tell("no job begins by itself any more"))

    def action_sort(self) -> None:
        """The next order."""
        names = list(SORTS)
        self.sort = names[(names.index(self.sort) + 1) % len(names)]
        self.dashboard.paint()

    def action_filter(self) -> None:
        """Ask for a text."""
        box = self.query_one("#filter", Input)
        box.add_class("open")
        box.focus()

    def action_unfilter(self) -> None:
        """Show all again."""
        box = self.query_one("#filter", Input)
        box.value = ""
        box.remove_class("open")
        self.query_one(Rows).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """As one types."""
        self.wanted = event.value.strip()
        self.dashboard.paint()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep it, and go back to the list."""
        if not event.value.strip():
            self.action_unfilter()
        self.query_one(Rows).focus()


def totals(view: View, now: float, shown: str) -> Content:
    """What counts over all jobs, and everything that is not as it should be."""
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
    copied = sum((_done(job) for job in state.jobs), Count())
    rest = [f"last runs: {shown_count(copied)} copied" if copied.objects else "", shown, harmless(view.note)]
    first = Content("  ").join(Content.styled(text, style) for text, style in parts)
    lines = [first, Content.styled("  ·  ".join(filter(None, rest)), DIM)]
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


def _done(job: JobState) -> Count:
    return job.last.report.tally.done if job.last and job.last.report else Count()


def _last(job: JobState) -> Content:
    done = _done(job)
    if job.last is None or job.last.report is None:
        return Content("")
    return (
        Content(f"{done.objects:,} obj {shown_bytes(done.bytes)}") if done.objects else Content.styled("nothing", DIM)
    )


def detail(job: JobState, view: View, now: float, dashboard: object) -> Content:
    """The selected job in full, in five lines."""
    zone = getattr(dashboard, "zone", None)
    head = Content.assemble(
        (harmless(job.name), BOLD),
        f"  {harmless(job.source)} → {harmless(job.target)}",
        ("  dry run" if job.dry_run else "", WARN),
    )
    when = harmless(job.trigger)
    if job.paused:
        when += ", paused"
    elif job.next_run:
        when += f", next at {moment(job.next_run, now, zone)}"
    elif job.trigger != "by hand" and not view.schedules:
        when += ", and nobody keeps the schedules here"
    allowed = f" (at most {shown_seconds(job.max_age)})" if job.max_age else ""
    success = f"{shown_seconds(now - job.last_success)} ago{allowed}" if job.last_success else f"none yet{allowed}"
    lines = [
        head,
        Content.assemble(
            ("trigger  ", DIM), when, ("   last success  ", DIM), (success, f"{BAD} bold" if job.stale(now) else "")
        ),
        *_last_lines(job, now),
    ]
    return Content("\n").join(lines[:5])


def _last_lines(job: JobState, now: float) -> list[Content]:
    record = job.last
    if record is None or record.report is None:
        return [Content.styled("It has not run yet: r runs it now, P shows what a run would do.", DIM)]
    report = record.report
    found = verdict(report, None, "run")
    tally = report.tally
    numbers = [f"copied {shown_count(tally.done)}" if tally.done.objects else ""]
    numbers += [f"removed {objects(tally.removed.objects)}" if tally.removed.objects else ""]
    numbers += [f"{shown_seconds(report.seconds)}"]
    style = job_look(job).style
    lines = [
        Content.assemble(
            ("last run ", DIM),
            (f"{found.mark} {found.word}", style),
            f": {found.sentence}",
            (f"  ({', '.join(filter(None, numbers))})", DIM),
        )  # fmt: skip
    ]
    if report.problems:
        what, why, remedy = three_parts(report.problems[0])
        more = f" (and {len(report.problems) - 1} more)" if len(report.problems) > 1 else ""
        lines.append(Content.assemble(("problem  ", DIM), (f"{what}{more}", BAD)))
        lines.append(Content.assemble(("do       ", DIM), remedy or why))
    return lines
