"""Two runs side by side, in numbers."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from mcmirror.messages.record_text import CAUSES
from mcmirror.messages.text_style import cells
from mcmirror.model.report import Tally
from mcmirror.model.wording import harmless, shown_bytes, shown_count, shown_seconds
from mcmirror.tui.formatting import BOLD, DIM, WARN, begun, fitted, report_look, shares, status_look
from mcmirror.tui.frame import Room

if TYPE_CHECKING:
    from datetime import tzinfo

    from textual.app import ComposeResult

    from mcmirror.model.plan import Count
    from mcmirror.model.record import Record
    from mcmirror.model.report import RunReport
    from mcmirror.tui.source import View

LABEL = 14
WORDS = {
    "to_remove": "to remove",
    "done": "copied",
    "planned": "to copy",
    "extraneous": "extra",
    "unproven": "not proven",
}
Line = tuple[str, str, str, str]
"""Label, the earlier run, the later run, what changed."""


class CompareRoom(Room):
    """The earlier one on the left."""

    NAME = "Compare"
    ABOUT = "Two runs side by side, the earlier one on the left, and by how much they differ on the right."
    DEFAULT_CSS = """
    CompareRoom #story { height: 1fr; padding: 0 1; }
    CompareRoom Static { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", "Back")]

    def __init__(self, earlier: Record, later: Record) -> None:
        super().__init__()
        self.records = (earlier, later)

    def body(self) -> ComposeResult:
        """One table."""
        with VerticalScroll(id="story", classes="panel", can_focus=True):
            yield Static(id="table")

    def show(self, view: View) -> None:  # noqa: ARG002  what is past stays as it is
        """Paint the table."""
        self.entitle("story", "Earlier and later")
        found = compared(*self.records, self.dashboard.zone)
        before, after, differ = shares(
            [max(cells(harmless(line[at])) for line in found) for at in (1, 2, 3)], self.room - 1 - LABEL - 4
        )
        lines = [Content.styled(text, f"{WARN} bold") for text in unlike(*self.records)]
        for label, left, right, change in found:
            same = left == right
            lines.append(
                Content.assemble(
                    (fitted(label, LABEL), DIM),
                    (fitted(left, before), ""),
                    "  ",
                    (fitted(right, after), "" if same else BOLD),
                    "  ",
                    (fitted(change, differ), WARN if change else ""),
                )
            )
        self.query_one("#table", Static).update(Content("\n").join(lines))

    def action_back(self) -> None:
        """Where we came from."""
        self.app.pop_screen()


def unlike(earlier: Record, later: Record) -> list[str]:
    """What makes the numbers say little of each other."""
    if earlier.job != later.job:
        return [f"! Two different jobs: {harmless(earlier.job)} and {harmless(later.job)}.", ""]
    if (earlier.source, earlier.target) != (later.source, later.target):
        return ["! The same job, but of other places: see source and target.", ""]
    return []


def compared(earlier: Record, later: Record, zone: tzinfo | None) -> list[Line]:
    """Everything that can be said of both."""
    both = (earlier, later)
    words = [_words(record, zone) for record in both]
    lines: list[Line] = [(label, words[0][label], words[1][label], "") for label in words[0]]
    left, right = earlier.report, later.report
    if left is None or right is None:
        return lines
    took = [report.lasted for report in (left, right)]
    longer = "" if took[0] is None or took[1] is None else _seconds(took[1] - took[0])
    lines.append(("took", shown_seconds(took[0]), shown_seconds(took[1]), longer))
    for phase in dict.fromkeys((*left.phases, *right.phases)):
        before, after = left.phases.get(phase, 0.0), right.phases.get(phase, 0.0)
        lines.append((f"  {phase}", shown_seconds(before), shown_seconds(after), _seconds(after - before)))
    for item in fields(Tally):
        counts = (getattr(left.tally, item.name), getattr(right.tally, item.name))
        if any(count.objects for count in counts):
            label = WORDS.get(item.name, item.name)
            lines.append((label, _count(counts[0]), _count(counts[1]), _change(*counts)))
    requests = [sum(getattr(report.requests, one.name) for one in fields(report.requests)) for report in (left, right)]
    lines.append(("requests", f"{requests[0]:,}", f"{requests[1]:,}", _number(requests[1] - requests[0])))
    lines.append(("attempts", f"{left.attempts}", f"{right.attempts}", _number(right.attempts - left.attempts)))
    more = len(right.problems) - len(left.problems)
    lines.append(("problems", _problems(left), _problems(right), _number(more)))
    return lines


def _words(record: Record, zone: tzinfo | None) -> dict[str, str]:
    look = report_look(record.report) if record.report else status_look(record.status)
    return {
        "job": harmless(record.job),
        "begun": begun(record, zone),
        "begun by": CAUSES[record.cause],
        "verdict": f"{look.mark} {look.word}",
        "source": harmless(record.source),
        "target": harmless(record.target),
    }


def _problems(report: RunReport) -> str:
    return ", ".join(dict.fromkeys(one.category.value for one in report.problems)) or "none"


def _count(count: Count) -> str:
    return shown_count(count) if count.objects else "none"


def _change(before: Count, after: Count) -> str:
    objects, size = after.objects - before.objects, after.bytes - before.bytes
    parts = [f"{objects:+,}" if objects else "", f"{'+' if size > 0 else '-'}{shown_bytes(abs(size))}" if size else ""]
    return ", ".join(filter(None, parts))


def _number(change: float) -> str:
    return f"{change:+,}" if change else ""


def _seconds(change: float) -> str:
    return f"{'+' if change > 0 else '-'}{shown_seconds(abs(change))}" if abs(change) >= 0.05 else ""
