"""What was run: by job and verdict, the newest first; one run in full, or two side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from mcmirror.messages.record_text import CAUSES
from mcmirror.messages.text_style import cells
from mcmirror.model.record import RUNNING, Record
from mcmirror.model.report import Status
from mcmirror.model.wording import harmless, shown_bytes, shown_seconds
from mcmirror.tui.formatting import BOLD, BUSY, DIM, WARN, begun, column, fitted, report_look, status_look
from mcmirror.tui.list_room import ListRoom

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.widgets import OptionList

    from mcmirror.tui.rows import Row
    from mcmirror.tui.source import View

PAGE = 100
"""Runs that are asked for at once."""
VERDICTS = ("", "failed", "partial", "refused", "interrupted", "cancelled", "skipped", "succeeded", RUNNING)
assert set(VERDICTS) == {"", RUNNING, *Status}  # noqa: S101
OLDER = "\0older"
WIDE = 110
"""Columns of a screen from which on all is shown."""


class History(ListRoom):
    """One line a run."""

    NAME = "History"
    EMPTY = "There is no such run."
    FILTER = "the job's name, or its beginning"
    ABOUT = (
        "What was run, the newest first. Enter shows a run in full: its report, and what became of each object. f walks"
        " through the verdicts, / asks for a job. Space marks a run; m on another one then shows both side by side."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "verdict(1)", "Verdict", tooltip="only runs that ended so; F goes back"),
        Binding("F", "verdict(-1)", show=False),
        Binding("slash", "filter", "Filter", key_display="/", tooltip="only runs of a job; Esc: all"),
        Binding("space", "mark", "Mark", tooltip="remember this run for a comparison"),
        Binding("m", "compare", "Compare", tooltip="the marked run and this one side by side"),
        Binding("l", "refresh", "Refresh"),
        Binding("escape", "back", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.verdict = self.marked = ""
        self._records: tuple[Record, ...] | None = None
        self._more = False
        self._asked = 0
        self._seen: dict[str, tuple[str, str]] = {}

    def on_screen_resume(self) -> None:
        """There may be newer runs."""
        super().on_screen_resume()
        self.action_refresh()

    def action_refresh(self) -> None:
        """Ask for the newest runs."""
        self._ask("")

    def _ask(self, before: str) -> None:
        source, verdict, job = self.dashboard.source, self.verdict, self._exact()
        self._asked += 1
        number = self._asked

        def come(records: tuple[Record, ...]) -> None:
            if number != self._asked:
                return
            self._more = len(records) == PAGE
            self._records = (*(self._records or ()), *records) if before else records

        self.dashboard.ask(lambda: source.runs(job=job, status=verdict, before=before, limit=PAGE), come)

    def _exact(self) -> str:
        """The job that is meant, when there is no doubt; else all are asked for, and sieved here."""
        state, wanted = self.dashboard.source.view().state, self.wanted
        names = [one.name for one in state.jobs] if state else []
        alike = [name for name in names if name.lower().startswith(wanted.lower())]
        return "" if not wanted else wanted if wanted in names else alike[0] if len(alike) == 1 else ""

    def _ended(self) -> dict[str, tuple[str, str]]:
        """What goes on and what came last, by job: when that changes there is something new."""
        state = self.dashboard.source.view().state
        return {job.name: (job.run, job.last.id if job.last else "") for job in state.jobs} if state else {}

    # What is shown.

    def show(self, view: View) -> None:  # noqa: ARG002  the records are asked for
        """Paint the runs; ask for them when one began or ended."""
        seen = self._ended()
        if self._seen and seen != self._seen and not self._deep():
            self.action_refresh()
        self._seen = seen
        if self._records is None:
            self.fill("sum", Content.styled("Reading ...", DIM))
            return
        shown = self._shown()
        parts = [(f"{len(shown):,}{'+' if self._more else ''} {'run' if len(shown) == 1 else 'runs'}", BOLD)]
        parts += [(f"only {self.verdict}", WARN)] if self.verdict else []
        parts += [(f"job {harmless(self.wanted)}", WARN)] if self.wanted else []
        parts += [(f"marked: {self._marked_text()}", BUSY)] if self.marked else []
        self.fill("sum", Content("   ").join(Content.styled(*part) for part in parts))
        widths = self._widths(shown)
        names = ("STARTED", "JOB", "VERDICT", "TOOK", "COPIED", "REMOVED", "BEGUN BY")
        heads = [fitted(name, width) for name, width in zip(names, widths, strict=True) if width]
        self.fill("heads", Content("  " + " ".join(heads) if shown else ""))
        rows = [self._row(record, widths) for record in shown]
        if self._more:
            rows.append((OLDER, Content.styled("  older runs: Enter", DIM)))
        self.rows.put(rows)

    def _deep(self) -> bool:
        """Whether somebody reads far below, and should not be thrown back to the newest."""
        return len(self._records or ()) > PAGE

    def _shown(self) -> list[Record]:
        wanted = self.wanted.lower()
        return [record for record in self._records or () if record.job.lower().startswith(wanted)]

    def _marked_text(self) -> str:
        record = next((one for one in self._records or () if one.id == self.marked), None)
        return f"{harmless(record.job)} {begun(record, self.dashboard.zone)}" if record else self.marked

    def _row(self, record: Record, widths: tuple[int, ...]) -> Row:
        report = record.report
        look = report_look(report) if report else status_look(record.status)
        gone = report.tally.removed.objects if report else 0
        parts = [
            Content(fitted(begun(record, self.dashboard.zone), widths[0])),
            Content.styled(fitted(record.job, widths[1]), BOLD),
            column(look.content, widths[2]),
            Content(fitted(shown_seconds(report.lasted) if report else "", widths[3])),
        ]
        if widths[4]:
            parts.append(Content(fitted(_copied(record), widths[4])))
        if widths[5]:
            parts.append(Content(fitted(f"{gone:,}" if gone else "", widths[5])))
        if widths[6]:
            parts.append(Content.styled(fitted(CAUSES[record.cause], widths[6]), DIM))
        mark = Content.styled("* " if record.id == self.marked else "  ", BUSY)
        return (record.id, Content.assemble(mark, Content(" ").join(parts)))

    def _widths(self, shown: Sequence[Record]) -> tuple[int, ...]:
        """Started, job, verdict, took, copied, removed, begun by; 0 leaves one out that is empty."""
        copied = max((len(_copied(record)) for record in shown), default=0)
        removed = any(record.report and record.report.tally.removed.objects for record in shown)
        wide = self.app.size.width >= WIDE
        others = [16, 15, 9, max(copied, 6) if copied else 0, 9 if wide and removed else 0, 14 if wide else 0]
        room = self.room - 3 - sum(others) - sum(map(bool, others))
        job = max((cells(harmless(record.job)) for record in shown), default=0)
        return others[0], max(3, min(job, room)), *others[1:]

    def _current(self) -> Record | None:
        current = self.rows.current
        return next((record for record in self._records or () if record.id == current), None)

    # What keys do.

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Show the run, or the older ones."""
        if event.option_id == OLDER and self._records:
            self._ask(self._records[-1].id)
        elif record := self._current():
            from mcmirror.tui.history_run import RecordRoom

            self.dashboard.push_screen(RecordRoom(record))

    def action_verdict(self, by: int) -> None:
        """Only runs that ended in the next way."""
        self.verdict = VERDICTS[(VERDICTS.index(self.verdict) + by) % len(VERDICTS)]
        self.action_refresh()

    def action_mark(self) -> None:
        """Remember this run, or forget it."""
        if record := self._current():
            self.marked = "" if self.marked == record.id else record.id
            self.dashboard.paint()

    def action_compare(self) -> None:
        """The marked run and this one."""
        record, marked = self._current(), self.marked
        if record is None or not marked or marked == record.id:
            self.dashboard.tell("Space marks a run; then m on another one shows both side by side.")
            return
        source, ids = self.dashboard.source, sorted((marked, record.id))

        def opened(two: tuple[Record, Record]) -> None:
            from mcmirror.tui.history_compare import CompareRoom

            self.dashboard.push_screen(CompareRoom(*two))

        self.dashboard.ask(lambda: (source.run(ids[0]), source.run(ids[1])), opened)

    def filtered(self) -> None:
        """Ask for the runs that fit."""
        self.action_refresh()

    def action_back(self) -> None:
        """All again."""
        super().action_back()
        self.verdict = ""
        self.action_refresh()


def _copied(record: Record) -> str:
    done = record.report.tally.done if record.report else None
    return f"{done.objects:,} obj {shown_bytes(done.bytes)}" if done and done.objects else ""
