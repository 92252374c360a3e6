"""One run: what it does, how far it is, what went wrong and what to do about it; afterwards, what it came to."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Sparkline, Static

from mcmirror.messages.report_text import report_lines
from mcmirror.messages.text_style import Style
from mcmirror.model.event import Phase
from mcmirror.model.wording import harmless, three_parts
from mcmirror.tui.bucket import HINT, missing, offer
from mcmirror.tui.fold import PLAN, RUN, VERIFY, Seen
from mcmirror.tui.formatting import BAD, DIM, clock, report_look
from mcmirror.tui.frame import Room
from mcmirror.tui.rows import Row, Rows
from mcmirror.tui.run_text import ago, keys, logged, nothing, progress, steps, what

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from mcmirror.model.problem import Problem
    from mcmirror.model.report import RunReport
    from mcmirror.model.state import JobState
    from mcmirror.tui.source import View

TITLES = {RUN: "Run", PLAN: "Plan", VERIFY: "Verify"}


class RunRoom(Room):
    """What goes on with a job, or what its last run came to."""

    NAME = "Run"
    ABOUT = (
        "One run from its steps to its verdict. The bar is reckoned from the plan: so many objects and bytes were to be"
        " copied. A problem shows at once; Enter on it says what it means and what to do. After the end the whole"
        " report stands below."
    )
    DEFAULT_CSS = """
    RunRoom Static { padding: 0 1; height: auto; }
    RunRoom #pace { height: 2; padding: 0 1; }
    RunRoom #pace > .sparkline--max-color { color: $text-primary; }
    RunRoom #pace > .sparkline--min-color { color: $text-primary 60%; }
    RunRoom #problems { height: auto; max-height: 6; }
    RunRoom #story { height: 1fr; scrollbar-size-vertical: 1; }
    RunRoom .off { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("c", "cancel", "Cancel", tooltip="stop this run politely; asks once"),
        Binding("r", "run", "Run", tooltip="run the job (again)"),
        Binding("P", "plan", "Plan", key_display="P", tooltip="what a run would do, and what it would remove"),
        Binding("v", "verify", "Verify", tooltip="is the copy true? lists both sides, writes nothing"),
        Binding("b", "bucket", "Make bucket", tooltip="make the target's bucket that is missing, and run", show=False),
    ]

    def __init__(self, job: str, verb: str = RUN) -> None:
        super().__init__()
        self.job, self.verb = job, verb
        self._problems: dict[str, Problem] = {}
        self._told: object = None
        self._cancels: bool | None = None

    @property
    def title_shown(self) -> str:
        """Verb and job."""
        return f"{TITLES[self.verb]} {self.job}"

    def body(self) -> ComposeResult:
        """What, steps, progress, pace, problems, story."""
        yield Static(id="what")
        yield Static(id="steps")
        yield Static(id="progress")
        yield Sparkline([], id="pace")
        yield Static(id="keys")
        yield Static(id="problem-head")
        yield Rows(id="problems")
        with VerticalScroll(id="story", classes="panel", can_focus=True):
            yield Static(id="log")

    def seen(self) -> Seen | None:
        """The run, as far as it was heard of."""
        source = self.dashboard.source
        key = source.live(self.job) if self.verb == RUN else source.fold.last(self.job, self.verb)
        return source.fold.look(key) if key else None

    def show(self, view: View) -> None:
        """Paint."""
        state = view.state
        job = next((job for job in state.jobs if job.name == self.job), None) if state else None
        seen = self.seen()
        report = self._report(seen, job)
        about = what(self.job, job, seen, report, self.verb)
        if report is not None and job and job.last and job.last.report == report:
            about += Content.styled(f"  {ago(job.last.finished, self.dashboard.now)}", DIM)
        self._static("what", about)
        self._static("steps", steps(seen) if seen else Content(""))
        going = seen is not None and not seen.over
        if self._cancels != (cancels := bool(self._key())):
            self._cancels = cancels
            self.refresh_bindings()
        self._static("progress", progress(seen, self.app.size.width - 2) if seen and going else Content(""))
        pace = self.query_one("#pace", Sparkline)
        pace.set_class(not (seen and going and seen.track.phase is Phase.MIRROR and seen.paces), "off")
        if seen and seen.paces:
            width = self.app.size.width - 2
            # The newest on the right, as time goes.
            pace.data = [*[0.0] * (width - len(seen.paces)), *seen.paces[-width:]]
        self._static("keys", keys(seen, self.app.size.width - 4) if seen and going else Content(""))
        self._show_problems(seen, report)
        self._story(seen, report, job, view)

    def _report(self, seen: Seen | None, job: JobState | None) -> RunReport | None:
        """What it came to, or what the last one did."""
        return seen.report if seen else job.last.report if job and job.last and not job.run else None

    def _static(self, name: str, content: Content) -> None:
        widget = self.query_one(f"#{name}", Static)
        widget.set_class(not content.plain, "off")
        widget.update(content)

    def _show_problems(self, seen: Seen | None, report: RunReport | None) -> None:
        found: dict[Problem, int] = dict(seen.problems) if seen else {}
        if not found and report is not None:
            for problem in report.problems:
                found[problem] = found.get(problem, 0) + 1
        self._problems = {str(number): problem for number, problem in enumerate(found)}
        rows: list[Row] = []
        for (key, problem), times in zip(self._problems.items(), found.values(), strict=True):
            many = f"  ({times} times)" if times > 1 else ""
            rows.append((key, Content.styled(f"✗ {three_parts(problem)[0]}{many}", BAD)))
        lists = self.query_one(Rows)
        lists.set_class(not rows, "off")
        lists.put(rows)
        first = next(iter(self._problems.values()), None)
        head = Content("")
        if first is not None:
            remedy = HINT if missing(report) else three_parts(first)[2]
            number = f"{len(rows)} {'problem' if len(rows) == 1 else 'problems'}, Enter explains"
            head = Content.assemble((number, f"{BAD} bold"), ("  do: ", DIM), remedy)
        self._static("problem-head", head)

    def _story(self, seen: Seen | None, report: RunReport | None, job: JobState | None, view: View) -> None:
        told = (
            seen.log[-1:] if seen else None,
            report,
            seen.key if seen else "",
            self.app.size.width,
            bool(view.state),
        )
        if told == self._told:
            return
        self._told = told
        width, zone = self.room - 1, self.dashboard.zone
        self.entitle("story", "What it came to" if report is not None else "What it says")
        parts: list[Content] = []
        if report is not None:
            plan = seen.track.plan if seen else None
            style = Style(width=width)
            words = report_lines(
                report, plan, self.verb, f"mcmirror run {harmless(self.job)}", style, more="H names them all"
            )
            look = report_look(report, self.verb)
            parts += [Content.styled(words[0], f"{look.style} bold"), *map(Content, words[1:])]
        if seen:
            parts += [Content("")] if parts else []
            parts += [logged(line, clock(line.time, zone)) for line in seen.log]
        if not parts:
            parts.append(Content.styled(nothing(job, view), DIM))
        self.query_one("#log", Static).update(Content("\n").join(parts))
        story = self.query_one("#story", VerticalScroll)
        if seen and not seen.over:
            story.scroll_end(animate=False)
        else:
            story.scroll_home(animate=False)

    # What keys do.

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Say what a problem means."""
        problem = self._problems.get(event.option_id or "")
        if problem is not None:
            from mcmirror.tui.dialogs import Text
            from mcmirror.tui.problem_text import explained

            self.dashboard.push_screen(Text(f"Problem: {problem.category.value}", explained(problem)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What has ended cannot be cancelled."""
        if action == "cancel" and self.is_mounted:
            return bool(self._key())
        return super().check_action(action, parameters)

    def _key(self) -> str:
        """What is under way here; empty for nothing."""
        seen = self.seen()
        job = next((job for job in self._jobs() if job.name == self.job), None)
        elsewhere = job.run if job and self.verb == RUN and seen is None else ""
        return seen.key if seen and not seen.over else elsewhere

    def action_back(self) -> None:
        """Where we came from."""
        self.app.pop_screen()

    def action_cancel(self) -> None:
        """Stop it, after one question."""
        key = self._key()
        from mcmirror.tui.dialogs import Question

        source = self.dashboard.source

        def answered(yes: bool | None) -> None:
            if yes:
                self.dashboard.ask(lambda: source.cancel(key), lambda _: self.dashboard.tell("mc is asked to stop"))

        text = "mc is stopped politely. What has arrived stays; the next run takes up what is missing."
        self.dashboard.push_screen(
            Question(f"Cancel this {TITLES[self.verb].lower()} of {harmless(self.job)}?", text, "Cancel the run"),
            answered,
        )

    def action_bucket(self) -> None:
        """Make the bucket that was missing, and run."""
        job = next((job for job in self._jobs() if job.name == self.job), None)
        offer(self.dashboard, self.job, self._report(self.seen(), job))

    def _jobs(self) -> tuple[JobState, ...]:
        state = self.dashboard.source.view().state
        return state.jobs if state else ()

    def action_run(self) -> None:
        """Run it (again), and stay here."""
        if self.verb != RUN:
            self.app.pop_screen()
            self.dashboard.run_job(self.job)
            return
        self.dashboard.run_job(self.job, open_it=False)

    def action_plan(self) -> None:
        """What would a run do."""
        self.dashboard.open_plan(self.job)

    def action_verify(self) -> None:
        """Is the copy true."""
        source, job = self.dashboard.source, self.job

        def begun(key: str) -> None:
            self.dashboard.pursue(key)
            if self.verb != VERIFY:
                self.dashboard.open_run(job, VERIFY)

        self.dashboard.ask(lambda: source.verify(job), begun)
