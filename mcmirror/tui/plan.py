"""What a run would do, before it does it: by prefix, with its cost and every removal; approve it, or leave."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widgets import Static

from mcmirror.messages.plan import copies_text, cost_text, left_text
from mcmirror.model.groups import REST, Group, Groups
from mcmirror.model.problem import Category, Problem
from mcmirror.model.report import RunReport, Status
from mcmirror.model.wording import harmless, objects, printable, shown_bytes, shown_count, three_parts
from mcmirror.tui.formatting import BAD, BOLD, BUSY, DIM, GOOD, WARN, fitted
from mcmirror.tui.frame import Room
from mcmirror.tui.rows import Row, Rows
from mcmirror.tui.run_text import progress, steps
from mcmirror.tui.source import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult

    from mcmirror.model.plan import Plan
    from mcmirror.tui.fold import Seen
    from mcmirror.tui.source import View

NUMBERS = 11
"""Columns of a number in the table of prefixes."""


class PlanRoom(Room):
    """Looks at both sides, and shows what would follow."""

    NAME = "Plan"
    ABOUT = (
        "What a run would do: objects and bytes by prefix, its cost in requests, and on the right (below, on a small"
        " screen) what it would remove. r approves it: the job runs now, and lists both sides again before it writes."
        " When the guard refuses, it says why, and R lets one run remove so many after the number was typed."
    )
    DEFAULT_CSS = """
    PlanRoom Static { padding: 0 1; height: auto; }
    PlanRoom #lists { height: 1fr; layout: vertical; }
    PlanRoom .side { height: 1fr; }
    PlanRoom .head { color: $text-muted; text-style: bold; }
    PlanRoom Rows { height: 1fr; }
    PlanRoom .off { display: none; }
    PlanRoom.wide #lists { layout: horizontal; }
    PlanRoom.wide #left { width: 3fr; }
    PlanRoom.wide #right { width: 2fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("r", "run", "Run", tooltip="approve the plan: run the job now"),
        Binding("R", "release", "Release", key_display="R",
                tooltip="let one run remove what the guard refused; the number has to be typed"),
        Binding("l", "refresh", "Refresh", tooltip="list both sides anew"),
        Binding("c", "cancel", "Cancel", tooltip="look no further", show=False),
    ]  # fmt: skip

    def __init__(self, job: str) -> None:
        super().__init__()
        self.job = job
        self._refusal: Refusal | None = None
        self._groups: Groups | None = None
        self._grouped = ""
        """The key of the plan that the groups are of, or are being made of."""
        self._key = ""

    @property
    def title_shown(self) -> str:
        """With the job."""
        return f"Plan {self.job}"

    def body(self) -> ComposeResult:
        """Summary, refusal, prefixes, removals."""
        yield Static(id="what")
        yield Static(id="sum")
        yield Static(id="refused")
        with Container(id="lists"):
            with Vertical(classes="side panel", id="left"):
                yield Static(id="groups-head", classes="head")
                yield Rows(id="groups")
            with Vertical(classes="side panel", id="right"):
                yield Static(id="removals-head", classes="head")
                yield Rows(id="removals")

    def on_mount(self) -> None:
        """Begin to look."""
        super().on_mount()
        self.action_refresh()

    def action_refresh(self) -> None:
        """Plan, unless one is being made."""
        seen = self._seen()
        if seen is not None and not seen.over:
            return
        source, job = self.dashboard.source, self.job
        self._refusal, self._groups = None, None

        def plan() -> tuple[str, Refusal | None]:
            try:
                return source.plan(job), None
            except Refusal as refusal:
                return "", refusal

        def begun(found: tuple[str, Refusal | None]) -> None:
            self._key, self._refusal = found
            if self._key:
                self.dashboard.pursue(self._key)

        self.dashboard.ask(plan, begun)

    def _seen(self) -> Seen | None:
        return self.dashboard.source.fold.look(self._key) if self._key else None

    # What is shown.

    def show(self, view: View) -> None:
        """Paint."""
        del view
        wide = self.app.size.width >= 110
        self.set_class(wide, "wide")
        seen = self._seen()
        report = seen.report if seen else None
        plan = seen.track.plan if seen else None
        if seen and report and plan and self._grouped != seen.key:
            self._group(seen.key)
        self._static("what", self._what(seen))
        self._static("sum", self._sum(seen, plan, report))
        self._static("refused", self._refused(report))
        self._lists(report)

    def _static(self, name: str, content: Content) -> None:
        widget = self.query_one(f"#{name}", Static)
        widget.set_class(not content.plain, "off")
        widget.update(content)

    def _group(self, key: str) -> None:
        self._grouped, source = key, self.dashboard.source

        def done(groups: Groups) -> None:
            if key == self._key:
                self._groups = groups

        self.dashboard.ask(lambda: source.groups(key), done)

    def _what(self, seen: Seen | None) -> Content:
        name = Content.styled(harmless(self.job), BOLD)
        if self._refusal is not None:
            return Content.assemble(name, ("  ✗ no plan", f"{BAD} bold"))
        if seen is None:
            return Content.assemble(name, ("  beginning ...", DIM))
        pair = f"  {harmless(seen.track.source)} → {harmless(seen.track.target)}  " if seen.track.source else "  "
        if seen.report is None:
            word, style = "▶ looking at both sides", BUSY
        elif seen.report.status is Status.REFUSED:
            word, style = "✗ a run would be refused", BAD
        elif seen.report.status is not Status.SUCCEEDED:
            word, style = f"✗ {seen.report.status.value}", BAD
        elif seen.report.tally.planned.objects or seen.report.tally.to_remove.objects:
            word, style = "• this is what a run would do; nothing is changed yet", WARN
        else:
            word, style = "✓ up to date: nothing to do", GOOD
        return Content.assemble(name, pair, (word, f"{style} bold"))

    def _sum(self, seen: Seen | None, plan: Plan | None, report: RunReport | None) -> Content:
        if seen is None:
            return Content("")
        if report is None or plan is None:
            return Content("\n").join([steps(seen), progress(seen, self.app.size.width - 2)])
        removals = report.tally.to_remove
        facts = [("copy   ", copies_text(plan) if plan.copies.objects else "nothing", "")]
        if removals.objects:
            facts.append(("remove ", shown_count(removals), f"{BAD} bold"))
        facts.append(("leave  ", left_text(plan, removing=bool(removals.objects)), ""))
        facts.append(("cost   ", cost_text(plan, report), DIM))
        return Content("\n").join(Content.assemble((label, DIM), (text, style)) for label, text, style in facts)

    def _refused(self, report: RunReport | None) -> Content:
        if self._refusal is not None:
            return _parts(self._refusal.what, self._refusal.why, self._refusal.remedy)
        problem = report.problems[0] if report and report.problems else None
        if problem is None:
            return Content("")
        told = _parts(*three_parts(problem))
        if report is not None and _releasable(report, problem):
            number = report.tally.to_remove.objects
            told = Content.assemble(
                told, (f"\nR      lets one run remove these {objects(number)}, once the number is typed", WARN)
            )
        return told

    def _lists(self, report: RunReport | None) -> None:
        groups = self._groups
        removing = bool(report and report.tally.to_remove.objects)
        self.query_one("#lists").set_class(groups is None, "off")
        self.query_one("#right").set_class(not removing, "off")
        if groups is None:
            return
        wide = self.has_class("wide")
        self.entitle("left", "By prefix")
        self.entitle("right", "Removals")
        width = (self.app.size.width * 3 // 5 if wide and removing else self.app.size.width) - 6
        name = max(12, width - 4 * (NUMBERS + 1))
        heads = " ".join(fitted(head, NUMBERS, right=True) for head in ("COPY", "BYTES", "REMOVE", "LEAVE"))
        under = f"PREFIX (below {printable(groups.prefix)})" if groups.prefix else "PREFIX"
        self._static("groups-head", Content(f"{fitted(under, name)} {heads}"))
        self.query_one("#groups", Rows).put([_group_row(group, name) for group in groups.groups])
        shown = len(groups.removals)
        more = f", the first {shown:,}" if shown < groups.removed.objects else ""
        would = "WOULD HAVE REMOVED" if report and report.status is Status.REFUSED else "WOULD REMOVE"
        self._static("removals-head", Content.styled(f"{would} {objects(groups.removed.objects)}{more}", BAD))
        rows = [
            (key, Content.assemble(("- ", BAD), printable(key), (f"  {shown_bytes(size)}", DIM)))
            for key, size in groups.removals
        ]
        self.query_one("#removals", Rows).put(rows)

    # What keys do.

    def action_back(self) -> None:
        """Leave everything as it is; a plan that is being made is not needed any more."""
        source = self.dashboard.source

        def stop(key: str) -> None:
            with suppress(Refusal):  # it has ended, or others want it
                source.cancel(key)

        self._stop(stop)
        self.app.pop_screen()

    def action_cancel(self) -> None:
        """Look no further."""
        self._stop(self.dashboard.source.cancel)

    def _stop(self, cancel: Callable[[str], None]) -> None:
        seen = self._seen()
        if seen is not None and not seen.over:
            key = seen.key
            self.dashboard.ask(lambda: cancel(key))

    def action_run(self) -> None:
        """Run it; removals are asked about once more."""
        seen = self._seen()
        report = seen.report if seen else None
        if report is None or report.status is not Status.SUCCEEDED:
            why = (
                "it is not there yet"
                if report is None and self._refusal is None
                else "there is none that can be carried out"
            )
            self.dashboard.tell(f"No plan to approve: {why}.")
            return
        removals = report.tally.to_remove
        if not removals.objects:
            self._run()
            return
        from mcmirror.tui.dialogs import Question

        text = f"It removes {shown_count(removals)} from {harmless(report.target)}; the screen behind this lists them."
        title = f"Run {harmless(self.job)} and remove {objects(removals.objects)}?"
        self.dashboard.push_screen(Question(title, text, "Run and remove"), lambda yes: self._run() if yes else None)

    def action_release(self) -> None:
        """Let one run remove what the guard refused."""
        seen = self._seen()
        report = seen.report if seen else None
        if report is None or not report.problems or not _releasable(report, report.problems[0]):
            self.dashboard.tell("There is nothing here that could be released.")
            return
        from mcmirror.tui.dialogs import NumberTyped

        number = report.tally.to_remove.objects
        text = (
            f"The guard refused because {three_parts(report.problems[0])[0]}.\n\nTo let this one run remove up to"
            f" {number} objects from {harmless(report.target)}, type the number {number}. The job's own limit stays as"
            " it is; a run that finds more than that to remove is refused again."
        )
        self.dashboard.push_screen(
            NumberTyped(f"Release the guard for one run of {harmless(self.job)}", text, number),
            lambda yes: self._run(number) if yes else None,
        )

    def _run(self, max_delete: int | None = None) -> None:
        source, job, agreed = self.dashboard.source, self.job, self._key

        def begun(key: str) -> None:
            self.dashboard.pursue(key)
            if self.is_current:
                self.app.pop_screen()
            self.dashboard.open_run(job)

        self.dashboard.ask(lambda: source.trigger(job, max_delete, agreed), begun)


def _releasable(report: RunReport, problem: Problem) -> bool:
    """Whether it is the number of removals alone that the guard minds: an empty source is released by nobody here."""
    wanted = problem.category is Category.TOO_MANY_DELETES
    return wanted and report.status is Status.REFUSED and bool(report.tally.to_remove.objects)


def _parts(what: str, why: str, remedy: str) -> Content:
    lines = [Content.styled(f"✗ {harmless(what)}", f"{BAD} bold")]
    lines += [Content.assemble(("  why: ", DIM), harmless(why))] if why else []
    lines += [Content.assemble(("  do:  ", DIM), harmless(remedy))] if remedy else []
    return Content("\n").join(lines)


def _group_row(group: Group, width: int) -> Row:
    copies = group.copy + group.replace
    name = "(no folder)" if not group.name else "(all others)" if group.name == REST else printable(group.name)
    left = group.kept + group.impossible
    numbers = (
        (f"{copies.objects:,}" if copies.objects else "", ""),
        (shown_bytes(copies.bytes) if copies.objects else "", ""),
        (f"{group.remove.objects:,}" if group.remove.objects else "", f"{BAD} bold"),
        (f"{left.objects:,}" if left.objects else "", DIM),
    )
    cells = [Content.styled(fitted(text, NUMBERS, right=True), style) for text, style in numbers]
    return (f"{group.name}\0", Content(" ").join([Content(fitted(name, width)), *cells]))
