"""The jobs: what is mirrored where and when; written into mcmirror.toml, and begun by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from mcmirror.config import ConfigError
from mcmirror.model.wording import harmless
from mcmirror.tui.config_editor import JOB, ConfigEditor, why_not
from mcmirror.tui.editing import WRITES, edit, remove
from mcmirror.tui.formatting import BOLD, BUSY, DIM, WARN, column, fitted, job_look, pair, trigger, widest
from mcmirror.tui.job_room import JobRoom
from mcmirror.tui.overview_text import named_columns, when
from mcmirror.tui.source import Refusal

if TYPE_CHECKING:
    from textual.widgets import OptionList

    from mcmirror.model.state import JobState
    from mcmirror.tui.form import Form
    from mcmirror.tui.rows import Row
    from mcmirror.tui.source import View

STATE = 11
"""Columns, at least."""


class Jobs(JobRoom):
    """One line a job, by name; below it what is written of the selected one."""

    NAME = "Jobs"
    EMPTY = "There is no job yet: a adds one."
    DETAIL = "40%"
    MOST = 12
    ABOUT = (
        "What is mirrored where, and when. a adds a job, e changes the selected one, u makes another like it; what is"
        " written goes into mcmirror.toml, whose comments and order stay, and holds at once. r runs a job now, P shows"
        " what a run would do (a dry run), v whether the copy is true, p lets it not begin by itself for a while."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add", "Add", tooltip="a new job in mcmirror.toml"),
        Binding("e", "edit", "Edit", tooltip="change the selected one"),
        Binding("u", "copy", "Duplicate", tooltip="a new one like the selected one", show=False),
        Binding("r", "run", "Run", tooltip="run it now"),
        Binding("P", "plan", "Plan", key_display="P", tooltip="a dry run: what a run would do"),
        Binding("v", "verify", "Verify", tooltip="is the copy true? lists both sides, writes nothing"),
        Binding("p", "pause", "Pause", tooltip="let it not begin by itself, or let it go on"),
        Binding("b", "bucket", "Make bucket", tooltip="make the target's bucket that is missing, and run", show=False),
        Binding("x,delete", "remove", "Remove", key_display="x", tooltip="take it out of mcmirror.toml; asks"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._sheet: ConfigEditor | None = None
        self._wrong = ""
        self._written = ""
        """The job that the cursor goes to once it is there."""

    def on_screen_resume(self) -> None:
        """Look again: the file may have changed."""
        super().on_screen_resume()
        self._look()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what can be done here."""
        refused = action in WRITES and why_not(self.dashboard.source)
        return not refused and super().check_action(action, parameters)

    def _look(self) -> None:
        path = self.dashboard.source.edits
        if path is None:
            return

        def look() -> tuple[ConfigEditor | None, str]:
            try:
                return ConfigEditor.read(path), ""
            except ConfigError as error:
                return None, str(error.mistakes[0])

        def seen(found: tuple[ConfigEditor | None, str]) -> None:
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
        self.fill("sum", Content("\n").join(lines))
        states = {job.name: _state(job) for job in jobs}
        wide = widest(states.values(), STATE)
        name, places, begun = named_columns(jobs, self.room - 1 - wide - 3, triggers=True)
        heads = (fitted("JOB", name), fitted("SOURCE → TARGET", places), fitted("STATE", wide), "TRIGGER")
        self.fill("heads", Content(" ".join(heads) if jobs else ""))
        rows = [self._row(job, name, places, column(states[job.name], wide), begun) for job in jobs]
        self.rows.put(rows, "There is no job." if reason else "")
        if self._written and any(job.name == self._written for job in jobs):
            self.rows.choose(self._written)
            self._written = ""
        self._detail(view)

    def _row(self, job: JobState, name: int, places: int, state: Content, begun: int) -> Row:
        cells = [
            Content.styled(fitted(job.name, name), BOLD),
            Content(pair(job.source, job.target, places)),
            state,
            Content.styled(fitted(trigger(job), begun), DIM),
        ]
        return (job.name, Content(" ").join(cells))

    def _detail(self, view: View) -> None:
        job = self.selected()
        self.entitle("below", job.name if job else "")
        self.fill("detail", self._described(job, view) if job else Content(""))

    def _described(self, job: JobState, view: View) -> Content:
        lines = [
            Content(pair(job.source, job.target, self.room - 1).rstrip()),
            Content.assemble(("runs  ", DIM), when(job, view, self.dashboard.now, self.dashboard.zone)),
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
        """Enter, or a click: show its run, as everywhere."""
        if job := self.selected():
            self.dashboard.open_run(job.name)

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

    def _edit(self, name: str = "", like: str = "") -> None:
        def opened(sheet: ConfigEditor) -> Form:
            from mcmirror.tui.jobs_form import form

            return form(sheet, name, like)

        def written(new: str, sheet: ConfigEditor) -> None:
            self._sheet, self._written = sheet, new

        edit(self.dashboard, JOB, name, opened, written)

    def action_remove(self) -> None:
        """Take it out of the file; asks."""
        job = self.selected()
        if job is None:
            return
        name, running = job.name, bool(job.run)

        def refuse(_: ConfigEditor) -> None:
            if running:
                raise Refusal(f"{name} is under way", "", "cancel the run first, or wait for its end")

        remove(
            self.dashboard,
            "job",
            name,
            "Its past runs stay in the history; no object is touched.",
            refuse=refuse,
            drop=lambda sheet: sheet.drop(JOB, name),
            done=self._look,
        )


def _toml(value: object) -> str:
    """A value as the file has it, in one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value) if isinstance(value, int | float) else f'"{value}"'


def _state(job: JobState) -> Content:
    """What it does, or what its last run came to."""
    if job.run:
        return Content.styled("▶ under way", BUSY)
    return Content.styled("‖ paused", WARN) if job.paused else job_look(job).content
