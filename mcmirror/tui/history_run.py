"""One run of the past in full: its report, and what became of each object."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from mcmirror.messages.text_style import Style
from mcmirror.model.record import Outcome
from mcmirror.model.wording import printable
from mcmirror.tui.formatting import BAD, BOLD, BUSY, DIM, GOOD, WARN, report_look
from mcmirror.tui.frame import Room

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.app import ComposeResult

    from mcmirror.model.record import Record
    from mcmirror.tui.source import View

MOST = 500
"""Objects of each fate that are named."""
STYLES = {
    Outcome.COPIED: GOOD,
    Outcome.REMOVED: WARN,
    Outcome.KEPT: WARN,
    Outcome.REMAINING: BAD,
    Outcome.VANISHED: DIM,
    Outcome.ANNOUNCED: "",
}


@dataclass(slots=True)
class Fates:
    """How many objects had each fate, and the first of each by name."""

    number: Counter[Outcome] = field(default_factory=Counter)
    first: dict[Outcome, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, fates: Iterable[tuple[Outcome, str]]) -> Fates:
        """Walk them all; a million takes a second or two."""
        found = cls()
        for fate, key in fates:
            found.number[fate] += 1
            named = found.first.setdefault(fate, [])
            if len(named) < MOST:
                named.append(key)
        return found


class RecordRoom(Room):
    """Report above, objects below."""

    NAME = "Past run"
    ABOUT = (
        "One run of the past: its report as the command line prints it, then what became of each object, the first"
        " of each kind by name. mcmirror history show RUN --all names every one of them."
    )
    DEFAULT_CSS = """
    RecordRoom #story { height: 1fr; padding: 0 1; }
    RecordRoom Static { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("o", "objects", "Objects", tooltip="objects of one fate, or of all again"),
        Binding("j", "job", "Job", tooltip="what goes on with this job now"),
    ]

    def __init__(self, record: Record) -> None:
        super().__init__()
        self.record = record
        self.fate: Outcome | None = None
        self._fates: Fates | None = None
        self._read = False

    @property
    def title_shown(self) -> str:
        """With the job."""
        return f"Past run of {self.record.job}"

    def body(self) -> ComposeResult:
        """The report and the objects."""
        with VerticalScroll(id="story", classes="panel", can_focus=True):
            yield Static(id="report")
            yield Static(id="fates")

    def on_mount(self) -> None:
        """Ask for the whole report, then for the objects."""
        super().on_mount()
        self.query_one("#story").focus()
        source, run = self.dashboard.source, self.record.id

        def whole(record: Record) -> None:
            self.record, self._read = record, True
            if record.report is not None:
                self.dashboard.ask(lambda: Fates.of(source.fates(run)), known)

        def known(fates: Fates) -> None:
            self._fates = fates

        self.dashboard.ask(lambda: source.run(run), whole)

    def show(self, view: View) -> None:  # noqa: ARG002  what is past stays as it is
        """Paint the report and the objects."""
        from mcmirror.messages.record_text import show_lines

        self.entitle("story", "Report and objects")
        first, *rest = show_lines(self.record, self.dashboard.zone, Style(width=self.room - 1))
        look = report_look(self.record.report) if self.record.report else None
        head = Content.styled(first, f"{look.style} bold" if look else f"{BUSY} bold")
        self.query_one("#report", Static).update(Content("\n").join([head, *map(Content, rest)]))
        self.query_one("#fates", Static).update(self._objects())

    def _objects(self) -> Content:
        if self._fates is None:
            return Content.styled("" if self.record.report is None else "\nReading what became of each object ...", DIM)
        if not self._fates.number:
            return Content.styled("\nNo object is remembered by name: nothing was to be done.", DIM)
        sums = "   ".join(f"{number:,} {fate.value}" for fate, number in self._fates.number.items())
        lines = [Content(""), Content.assemble(("objects     ", BOLD), sums)]
        for fate, keys in self._fates.first.items():
            if self.fate in {None, fate}:
                lines += [Content.assemble((f"  {fate.value:<10}", STYLES[fate]), printable(key)) for key in keys]
                if more := self._fates.number[fate] - len(keys):
                    lines.append(Content.styled(f"  and {more:,} more {fate.value}", DIM))
        return Content("\n").join(lines)

    def action_back(self) -> None:
        """Where we came from."""
        self.app.pop_screen()

    def action_objects(self) -> None:
        """Of the next fate, or all."""
        there: list[Outcome | None] = [None, *(self._fates.number if self._fates else ())]
        self.fate = there[(there.index(self.fate) + 1) % len(there)]
        self.dashboard.paint()

    def action_job(self) -> None:
        """What goes on with the job."""
        self.dashboard.open_run(self.record.job)
