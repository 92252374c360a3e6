"""The first screen: what is mirrored where, whether it is true, what moves now, and what needs somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.widgets import Static

from mcmirror.messages.events import PHASES
from mcmirror.messages.job_state import BY_HAND, Group, group
from mcmirror.model.wording import harmless
from mcmirror.tui.formatting import (
    BOLD,
    BUSY,
    DIM,
    WARN,
    Look,
    age,
    column,
    fitted,
    job_look,
    pair,
    sparkline,
    success_age,
    trigger,
    widest,
)
from mcmirror.tui.job_room import JobRoom
from mcmirror.tui.overview_text import STATE, WIDE, Columns, detail, done, heads, last_run, totals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from textual.app import ComposeResult
    from textual.widgets import OptionList

    from mcmirror.model.state import JobState, State
    from mcmirror.tui.rows import Row
    from mcmirror.tui.source import View

SORTS: dict[str, str] = {
    "attention": "what needs you first",
    "name": "by name",
    "success": "oldest success first",
    "next": "next run first",
    "size": "largest last run first",
}


OF_JOBS = frozenset({"run", "pause", "plan", "verify", "bucket", "filter", "sort", "pause_all"})
"""Actions that want a job."""
STEPS = (
    ("1  Name the two servers and their keys", "2", "a", "Connections"),
    ("2  Say what is mirrored where", "3", "a", "Jobs"),
    ("3  Run it, and see that it is verified", "1", "r", "Overview"),
)
"""What is to be done, the keys for it, and the screen of the first one."""
REST = "i on screen 2 imports connections, ? explains each screen, mcmirror init writes a file to start from."


def _step(step: tuple[str, str, str, str]) -> Content:
    text, first, then, room = step
    keys = Content.assemble((f" {first} ", "bold reverse"), "  then  ", (f" {then} ", "bold reverse"))
    return Content.assemble(fitted(text, 42), keys).stylize(f"@click=app.room('{room}')")


class Overview(JobRoom):
    """One line a job."""

    OPENS = False
    NAME = "Overview"
    EVERY = 0.5
    AUTO_FOCUS = "Rows"
    EMPTY = "Reading ..."
    FILTER = "part of a name, a place or a state"
    DETAIL = "34%"
    DEFAULT_CSS = """
    Overview #start { display: none; align: center middle; height: 1fr; }
    Overview #card { width: 66; max-width: 100%; height: auto; border: round $primary; padding: 1 2; link-style: none; }
    Overview.low #card { padding: 0 1; }
    Overview.begins #start { display: block; }
    Overview.begins #list, Overview.begins #below, Overview.begins #filter { display: none; }
    """
    ABOUT = (
        "One line a job. On the left what is mirrored where, then what its last run came to or what it is doing now,"
        " the age of the last success against what is allowed, when it runs next, and its last runs: as high as they"
        " were long, x where one failed. Below, the selected job in full."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "run", "Run", tooltip="run the selected job now"),
        Binding("p", "pause", "Pause", tooltip="pause the job, or let it go on; Ctrl+A all of them"),
        Binding("P", "plan", "Plan", key_display="P", tooltip="what a run would do, and what it would remove"),
        Binding("v", "verify", "Verify", tooltip="is the copy true? lists both sides, writes nothing"),
        Binding("b", "bucket", "Make bucket", tooltip="make the target's bucket that is missing, and run", show=False),
        Binding("slash", "filter", "Filter", key_display="/", tooltip="show only jobs that hold a text; Esc: all"),
        Binding("s", "sort", "Sort", tooltip="in another order"),
        Binding("escape", "back", show=False),
        Binding("ctrl+a", "pause_all", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.sort = "attention"

    # What is shown.

    def body(self) -> ComposeResult:
        """The card of who begins, and the list of who has begun."""
        yield from super().body()
        with Container(id="start"):
            yield Static(id="card")

    def show(self, view: View) -> None:
        """Paint the jobs."""
        rows = self.rows
        if view.state is None:
            self.fill("sum", Content.styled(harmless(view.note) or "Reading ...", DIM))
            rows.put(())
            return
        self._welcome(begins=not view.state.jobs and self.dashboard.source.edits is not None)
        state = widest((self._look(job).content for job in view.state.jobs), STATE)
        columns = Columns.of(self.room - 1, view, state)
        now = self.dashboard.now
        jobs = self._ordered(self._filtered(view.state.jobs, now), view.state, now)
        filtered = f"filter “{self.wanted}”: {len(jobs)} of {len(view.state.jobs)} jobs" if self.wanted else ""
        self.fill("sum", totals(view, now, filtered, self.app.size.width - 2))
        self.entitle("list", "Jobs", f"sorted: {SORTS[self.sort]}" if jobs else "")
        self.fill("heads", heads(columns) if jobs else Content(""))
        tall = self.app.size.width < WIDE and 2 * len(jobs) <= rows.size.height
        rows.put([self._row(job, view, columns, now, tall=tall) for job in jobs], empty=self._empty(view.state))
        self._detail(view, now)

    def _welcome(self, *, begins: bool) -> None:
        """Show the card of who begins, or the list."""
        if begins == self.has_class("begins"):
            return
        self.set_class(begins, "begins")
        self.refresh_bindings()
        self.rows.can_focus = not begins
        if begins:
            self.set_focus(None)
            card = self.query_one("#card", Static)
            card.border_title = "Three steps to the first mirror"
            card.update(Content("\n").join([*map(_step, STEPS), Content(""), Content.styled(REST, DIM)]))
        else:
            self.rows.focus()

    def _empty(self, state: State) -> str:
        """Why there is nothing, and what to do."""
        if state.jobs:
            return "No job fits the filter; Esc shows all of them."
        if self.dashboard.source.edits is None:
            return "There are no jobs."
        return ""

    def _filtered(self, jobs: Iterable[JobState], now: float) -> list[JobState]:
        wanted = self.wanted.lower()
        return [job for job in jobs if not wanted or wanted in self._words(job, now)]

    def _words(self, job: JobState, now: float) -> str:
        look = self._look(job)
        extra = ("stale late" if job.stale(now) else "", "paused" if job.paused else "", group(job, now))
        status = job.last.status if job.last else ""
        return " ".join((job.name, job.source, job.target, trigger(job), look.word, status, *extra)).lower()

    def _ordered(self, jobs: list[JobState], state: State, now: float) -> list[JobState]:
        def attention(job: JobState) -> int:
            return {Group.NEEDS_YOU: 0, Group.RUNNING: 1}.get(group(job, now, paused=state.paused), 2)

        orders: dict[str, Callable[[JobState], object]] = {
            "attention": attention,
            "name": lambda job: job.name.lower(),
            "success": lambda job: job.last_success,
            "next": lambda job: job.next_run or float("inf"),
            "size": lambda job: -(done(job).bytes),
        }
        return sorted(jobs, key=orders[self.sort])  # type: ignore[arg-type]  # each sorts by what compares

    def _row(self, job: JobState, view: View, columns: Columns, now: float, *, tall: bool) -> Row:
        look = self._look(job)
        cells = [
            *(
                [Content.styled(fitted(job.name, columns.job + 1 + columns.mirror), BOLD)]
                if tall
                else [
                    Content.styled(fitted(job.name, columns.job), BOLD),
                    Content(pair(job.source, job.target, columns.mirror)),
                ]
            ),
            column(look.content, columns.state),
            column(success_age(job, now), columns.success),
            column(self._next(job, now), columns.next),
        ]
        if columns.last:
            cells.append(column(last_run(job), columns.last))
        if columns.trigger:
            cells.append(Content.styled(fitted(trigger(job), columns.trigger), DIM))
        if columns.runs:
            cells.append(sparkline(view.pasts.get(job.name, ()), columns.runs))
        line = Content(" ").join(cells)
        if tall:
            # Where there is room, each pair stands on a line of its own.
            where = pair(job.source, job.target, self.room - 4)
            line = Content("\n").join([line, Content.assemble("  ", (where, ""))])
        return (job.name, line)

    def _look(self, job: JobState) -> Look:
        """What the job does, or what its last run came to."""
        if not job.run:
            found = job_look(job)
            return Look("‖", f"{found.mark} {found.word}", found.style) if job.paused else found
        phase, fraction = self.dashboard.source.fold.glance(job.run)
        if job.phase in {"queued", "waiting"}:
            return Look("▶", "waiting", WARN)
        known = phase.value if phase else job.phase
        word = next((verb for one, verb in PHASES.items() if one.value == known), known or "starting")
        return Look("▶", f"{word} {fraction:.0%}" if known == "mirror" and fraction else word, f"{BUSY} bold")

    def _next(self, job: JobState, now: float) -> Content:
        if job.run:
            return Content.styled("now", BUSY)
        if job.paused:
            return Content.styled("paused", WARN)
        if job.next_run:
            return Content(f"in {age(job.next_run - now)}")
        return Content.styled("—" if job.trigger != BY_HAND else "manual", DIM)

    def _detail(self, view: View, now: float) -> None:
        job = self.selected(view)
        nothing = Content.styled("No job is shown.", DIM)
        self.entitle("below", job.name if job else "")
        self.fill("detail", detail(job, view, now, self.dashboard, self.room - 1) if job else nothing)

    # What keys do.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a job there is nothing to run, to sort or to open."""
        if action in OF_JOBS and self.has_class("begins"):
            return False
        return super().check_action(action, parameters)

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
        if job := self.selected():
            self.dashboard.open_run(job.name)

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
