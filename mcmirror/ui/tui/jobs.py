"""The jobs: what is mirrored where and when; written into mcmirror.toml, and begun by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static

from mcmirror.config import ConfigError
from mcmirror.model.wording import harmless
from mcmirror.ui.tui.job_room import JobRoom
from mcmirror.ui.tui.looks import BOLD, BUSY, DIM, WARN, column, fitted, job_look, moment, pair
from mcmirror.ui.tui.rows import Row, Rows
from mcmirror.ui.tui.sheet import JOB, Sheet, refusal, why_not
from mcmirror.ui.tui.source import Refusal

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from mcmirror.model.state import JobState
    from mcmirror.ui.tui.source import View

NAME, STATE, TRIGGER = 16, 14, 24
"""Columns."""


class Jobs(JobRoom):
    """One line a job, by name; below it what is written of the selected one."""

    NAME = "Jobs"
    ABOUT = (
        "What is mirrored where, and when. a adds a job, e changes the selected one, y makes another like it; what is"
        " written goes into mcmirror.toml, whose comments and order stay, and holds at once. r runs a job now, P shows"
        " what a run would do (a dry run), v whether the copy is true, p lets it not begin by itself for a while."
    )
    DEFAULT_CSS = """
    Jobs #sum { height: auto; padding: 0 1; }
    Jobs #heads { height: 1; padding: 0 1; color: $text-muted; text-style: bold; }
    Jobs #jobs { height: 1fr; min-height: 4; }
    Jobs #below { height: 10; background: $surface; padding: 0 1; }
    Jobs #detail { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add", "Add", tooltip="a new job in mcmirror.toml"),
        Binding("e", "edit", "Edit", tooltip="change the selected one"),
        Binding("y", "copy", "Copy", tooltip="a new one like the selected one", show=False),
        Binding("r", "run", "Run", tooltip="run it now"),
        Binding("P", "plan", "Plan", key_display="P", tooltip="a dry run: what a run would do"),
        Binding("v", "verify", "Verify", tooltip="is the copy true? lists both sides, writes nothing"),
        Binding("p", "pause", "Pause", tooltip="let it not begin by itself, or let it go on"),
        Binding("x,delete", "remove", "Remove", key_display="x", tooltip="take it out of mcmirror.toml; asks"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._sheet: Sheet | None = None
        self._wrong = ""
        self._wanted = ""
        """The job that the cursor goes to once it is there."""

    def body(self) -> ComposeResult:
        """Sum, heads, list, the selected one."""
        yield Static(id="sum")
        yield Static(id="heads")
        yield Rows(id="jobs", empty="There is no job yet: a adds one.")
        with VerticalScroll(id="below", can_focus=False):
            yield Static(id="detail")

    def on_mount(self) -> None:
        """The list has the keys."""
        super().on_mount()
        self.query_one(Rows).focus()

    def on_screen_resume(self) -> None:
        """Look again: the file may have changed."""
        super().on_screen_resume()
        self._look()

    def _look(self) -> None:
        path = self.dashboard.source.edits
        if path is None:
            return

        def look() -> tuple[Sheet | None, str]:
            try:
                return Sheet.read(path), ""
            except ConfigError as error:
                return None, str(error.mistakes[0])

        def seen(found: tuple[Sheet | None, str]) -> None:
            self._sheet, self._wrong = found

        self.dashboard.ask(look, seen)

    # What is shown.

    def show(self, view: View) -> None:
        """Paint the jobs."""
        jobs = sorted(view.state.jobs, key=lambda job: job.name.lower()) if view.state else []
        number = f"{len(jobs)} {'job' if len(jobs) == 1 else 'jobs'}"
        path = self.dashboard.source.edits
        lines = [Content.assemble((number, BOLD), (f"   {path.name}" if path else "", DIM))]
        if self._wrong:
            lines.append(Content.styled(f"! {harmless(self._wrong)}", WARN))
        if reason := why_not(self.dashboard.source):
            lines.append(Content.styled(reason, WARN))
        self.query_one("#sum", Static).update(Content("\n").join(lines))
        width = self.app.size.width - 3
        places = max(20, width - NAME - STATE - TRIGGER - 3)
        self.query_one("#heads", Static).update(
            Content(
                " ".join((fitted("JOB", NAME), fitted("SOURCE → TARGET", places), fitted("STATE", STATE), "TRIGGER"))
            )
        )
        rows = self.query_one(Rows)
        rows.put([self._row(job, places) for job in jobs])
        if self._wanted and any(job.name == self._wanted for job in jobs):
            rows.choose(self._wanted)
            self._wanted = ""
        self._detail(view)

    def _row(self, job: JobState, places: int) -> Row:
        look = job_look(job)
        state = Content.styled("▶ under way", BUSY) if job.run else look.content
        if job.paused and not job.run:
            state = Content.styled("‖ paused", WARN)
        cells = [
            Content.styled(fitted(job.name, NAME), BOLD),
            Content(pair(job.source, job.target, places)),
            column(state, STATE),
            Content.styled(fitted(job.trigger, TRIGGER), DIM),
        ]
        return (job.name, Content(" ").join(cells))

    def _detail(self, view: View) -> None:
        job = self.selected()
        self.query_one("#detail", Static).update(self._described(job, view) if job else Content(""))

    def _described(self, job: JobState, view: View) -> Content:
        when = harmless(job.trigger)
        if job.paused:
            when += ", paused"
        elif job.next_run:
            when += f", next at {moment(job.next_run, self.dashboard.now, self.dashboard.zone)}"
        elif job.trigger != "by hand" and not view.schedules:
            when += ", and nobody keeps the schedules here"
        lines = [
            Content.assemble((harmless(job.name), BOLD), f"  {harmless(job.source)} → {harmless(job.target)}"),
            Content.assemble(("runs  ", DIM), when),
        ]
        table = self._sheet.table(JOB, job.name) if self._sheet else {}
        said = [f"{key} = {_toml(value)}" for key, value in table.items() if key not in {"source", "target"}]
        if self._sheet is not None:
            text = harmless("   ".join(said)) or "only source and target; all else as in [defaults]"
            lines.append(Content.assemble(("written  ", DIM), text))
        return Content("\n").join(lines)

    def on_option_list_option_highlighted(self, _: OptionList.OptionHighlighted) -> None:
        """Another job is selected."""
        self._detail(self.dashboard.source.view())

    def on_option_list_option_selected(self, _: OptionList.OptionSelected) -> None:
        """Enter, or a click: change it where that can be done, else show its run."""
        if why_not(self.dashboard.source):
            if job := self.selected():
                self.dashboard.open_run(job.name)
        else:
            self.action_edit()

    # Changing.

    def action_add(self) -> None:
        """A new one."""
        self._edit()

    def action_copy(self) -> None:
        """A new one like the selected one."""
        if job := self.selected():
            self._edit(like=job.name)

    def action_edit(self) -> None:
        """Change the selected one."""
        if job := self.selected():
            self._edit(job.name)

    def _read(self) -> Sheet:
        """In a thread."""
        path = self.dashboard.source.edits
        if path is None:
            raise Refusal("nothing can be changed from here", why_not(self.dashboard.source))
        try:
            return Sheet.read(path)
        except ConfigError as error:
            raise refusal(error) from None

    def _edit(self, name: str = "", like: str = "") -> None:
        before = set(self._sheet.tables(JOB)) if self._sheet else set()

        def opened(sheet: Sheet) -> None:
            from mcmirror.ui.tui.jobs_form import form

            self.dashboard.push_screen(form(sheet, name, like), written)

        def written(yes: bool | None) -> None:
            if not yes:
                return
            self.dashboard.source.reload()

            def told(sheet: Sheet) -> None:
                self._sheet = sheet
                self._wanted = name or next((one for one in sheet.tables(JOB) if one not in before), "")
                self.dashboard.tell(f"{self._wanted} is written to {sheet.path.name}")

            self.dashboard.ask(self._read, told)

        self.dashboard.ask(self._read, opened)

    def action_remove(self) -> None:
        """Take it out of the file; asks."""
        job = self.selected()
        if job is None:
            return
        name, running = job.name, bool(job.run)

        def read() -> Sheet:
            sheet = self._read()
            if running:
                raise Refusal(f"{name} is under way", "", "cancel the run first, or wait for its end")
            return sheet

        def asked(sheet: Sheet) -> None:
            from mcmirror.ui.tui.dialogs import Question

            text = (
                f"{sheet.path.name} will not have it any more. Its past runs stay in the history; no object is touched."
            )
            self.dashboard.push_screen(
                Question(f"Remove the job {harmless(name)}?", text, "Remove"),
                lambda yes: self.dashboard.ask(lambda: dropped(sheet), gone) if yes else None,
            )

        def dropped(sheet: Sheet) -> None:
            try:
                sheet.drop(JOB, name)
            except ConfigError as error:
                raise refusal(error) from None

        def gone(_: None) -> None:
            self.dashboard.source.reload()
            self.dashboard.tell(f"{name} is removed")
            self._look()

        self.dashboard.ask(read, asked)


def _toml(value: object) -> str:
    """A value as the file has it, in one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value) if isinstance(value, int | float) else f'"{value}"'
