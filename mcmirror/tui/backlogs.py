"""The backlogs of the jobs: one line each, what waits, how fast it goes, how long it takes, and what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from mcmirror.model.backlog import BacklogState, ailment, summary
from mcmirror.model.wording import harmless, shown_seconds
from mcmirror.tui.formatting import BAD, BOLD, BUSY, DIM, GOOD, WARN, age, fitted, lines, pair
from mcmirror.tui.list_room import ListRoom

if TYPE_CHECKING:
    from textual.widgets import OptionList

    from mcmirror.model.state import JobState
    from mcmirror.tui.rows import Row
    from mcmirror.tui.source import View

COLUMNS = (
    ("TO DO", 9),
    ("IN WORK", 7),
    ("FAILED", 7),
    ("HELD", 6),
    ("GIVEN UP", 8),
    ("DONE", 9),
    ("A SECOND", 8),
    ("LEFT", 7),
)
"""Heads and widths of the numbers."""


class Backlogs(ListRoom):
    """One line a job."""

    NAME = "Backlog"
    EMPTY = "No job has a backlog: `mcmirror backlog prepare JOB` puts in what differs."
    FILTER = "the job's name, or its beginning"
    DETAIL = "35%"
    ABOUT = (
        "Keys of a job that wait to be made equal, worked off in batches by any number of `mcmirror backlog process`:"
        " how many, how fast it goes, how long the rest takes. `mcmirror backlog` fills it, lists it, pauses it, and"
        " tries again. / asks for a name."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", key_display="/", tooltip="only jobs of this name; Esc: all"),
        Binding("escape", "back", show=False),
    ]

    def show(self, view: View) -> None:
        """Paint all of it."""
        wanted = self.wanted.lower()
        found = {job.name: (job, job.backlog) for job in (view.state.jobs if view.state else ())
                 if job.backlog is not None and job.name.lower().startswith(wanted)}  # fmt: skip
        waiting = sum(state.to_do for _, state in found.values())
        dead = sum(state.dead for _, state in found.values())
        parts = [(f"{waiting:,} to do", BOLD), (f"{dead:,} given up", BAD if dead else DIM)]
        self.fill("sum", Content("   ").join(Content.styled(*part) for part in parts))
        name = max(map(len, found), default=0)
        width = max(10, self.room - 2 - name - sum(room + 1 for _, room in COLUMNS))
        heads = (fitted("NAME", name), fitted("FROM → TO", width))
        numbers = (fitted(word, room, right=True) for word, room in COLUMNS)
        self.fill("heads", Content(" ".join((*heads, *numbers)) if found else ""))
        self.rows.put([self._row(job, state, name, width) for job, state in found.values()])
        self.fill("detail", self._detail(found.get(self.rows.current)))

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Another one is selected."""
        super().on_option_list_option_highlighted(event)
        self.dashboard.paint()

    def _row(self, job: JobState, state: BacklogState, name: int, width: int) -> Row:
        left = age(state.remaining_seconds) if state.rate and not state.paused else "paused" if state.paused else ""
        rate = f"{state.rate:,.3g}" if state.rate else ""
        numbers = (state.to_do, state.leased, state.failed, state.held, state.dead, state.done, rate, left)
        styles = ("", BUSY, WARN, WARN, BAD, GOOD, "", "")
        parts = [Content.styled(fitted(job.name, name), BOLD), Content(pair(job.source, job.target, width))]
        for number, style, (_, room) in zip(numbers, styles, COLUMNS, strict=True):
            text = fitted(number if isinstance(number, str) else f"{number:,}", room, right=True)
            parts.append(Content.styled(text, style if number else DIM))
        return job.name, Content(" ").join(parts)

    def _detail(self, found: tuple[JobState, BacklogState] | None) -> Content:
        if found is None:
            return Content("")
        job, state = found
        told = [
            Content.styled(f"{harmless(job.name)}: {harmless(job.source)} → {harmless(job.target)}", BOLD),
            Content(summary(state).removeprefix("backlog: ")),
        ]
        now = self.dashboard.clock()
        told += [Content(f"the oldest waits for {shown_seconds(now - state.oldest)}")] if state.oldest else []
        told += [Content(f"prepared {shown_seconds(now - state.prepared)} ago")] if state.prepared else []
        if state.error and (state.failed or state.dead):
            told += [Content.styled(f"why: {harmless(state.error)}", WARN)]
            told += [Content(f"see: mcmirror backlog list {job.name}, and mcmirror backlog retry {job.name}")]
        if wrong := ailment("", state).removeprefix(": "):
            told += [Content.styled(harmless(wrong), BAD)]
        if state.pending and not state.leased and not state.paused:
            told += [Content(f"nothing works on it: mcmirror backlog process {job.name}")]
        return lines(*told)
