"""The application: one source, some screens, and what they share."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.content import Content

from mcmirror.model.redact import redact
from mcmirror.model.wording import harmless
from mcmirror.tui.bucket import missing, offer
from mcmirror.tui.frame import EVERYWHERE, ROOMS, Room
from mcmirror.tui.secrets import Redacting
from mcmirror.tui.shutdown import Shutdown
from mcmirror.tui.source import Refusal, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import tzinfo

    from textual.driver import Driver
    from textual.screen import Screen

T = TypeVar("T")

FRAMES = 0.1
"""Seconds between two pictures, at least."""
DARK, LIGHT = "textual-dark", "textual-light"
LISTED = 200
"""Jobs that the command palette names."""


class Dashboard(App[int]):
    """Ends with an exit code."""

    TITLE = "mcmirror"
    CSS = "Screen { layers: base; } Toast { max-width: 76; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(place.key, f"room('{place.name}')", place.name, show=False) for place in EVERYWHERE),
        Binding("question_mark,f1", "help", "Help", key_display="?"),
        Binding("q,ctrl+q,ctrl+c", "quit", "Quit", key_display="q"),
        Binding("d", "light", "Light or dark", show=False),
    ]

    def __init__(
        self,
        source: Source,
        *,
        clock: Callable[[], float] = time.time,
        zone: tzinfo | None = None,
        begin: Callable[[Dashboard], None] | None = None,
        light: bool = False,
    ) -> None:
        """``begin`` is called once the overview is there; ``zone`` is that of the times shown, local without it."""
        super().__init__()
        self.source, self.clock, self.zone = source, clock, zone
        self._begin = begin
        self._said, self._seen, self._when = -1, (-1, -1), 0.0
        self._rooms: dict[str, Room] = {}
        self._filters.append(Redacting(redact))
        self._leaving = False
        self._pursued: set[str] = set()
        self.ending = Shutdown(source.close)
        self.failure: Exception | None = None
        """A mistake of ours that ended it; the command says it, without what Textual would show of our variables."""
        self.theme = LIGHT if light else DARK

    def on_mount(self) -> None:
        """Show the overview first, and only then look for what is in it."""
        self.action_room(ROOMS[0].name)
        self.set_interval(FRAMES, self._tick)
        if not self.is_headless:
            # A browser's driver has one of its own.
            asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
            self.ending.obey(self.told)
        self.call_after_refresh(self._started)

    def get_driver_class(self) -> type[Driver]:
        """Return Textual's own, but on a terminal, which may go away."""
        from textual.drivers.linux_driver import LinuxDriver

        from mcmirror.tui.terminal import Terminal

        found = super().get_driver_class()
        return Terminal if found is LinuxDriver else found

    def told(self, code: int) -> None:
        """Leave without a question; another thread says so."""
        self.call_later(self.leave, code)

    def _fatal_error(self) -> None:
        self.failure = self._exception
        self._close_messages_no_wait()

    def _started(self) -> None:
        self.source.start()
        if self._begin is not None:
            self._begin(self)

    def _tick(self) -> None:
        said, seen = self.source.fold.number, (self.source.number, int(self.clock()))
        moment = time.monotonic()
        room = next((screen for screen in reversed(self.screen_stack) if isinstance(screen, Room)), None)
        fresh = said != self._said and moment - self._when >= (room.EVERY if room else FRAMES)
        if seen != self._seen or fresh:
            self._said, self._seen, self._when = said, seen, moment
            self.paint()

    def pursue(self, key: str) -> None:
        """Look after what was begun here until it ends: it may lack a bucket that can be made."""
        self._pursued.add(key)

    def _see_to(self) -> None:
        """Offer what what has ended lacks, where no question is open."""
        for key in tuple(self._pursued):
            seen = self.source.fold.look(key)
            if seen is None:
                continue  # its first event is still on its way
            if seen.over and not missing(seen.report):
                self._pursued.discard(key)
            elif seen.over and isinstance(self.screen, Room):
                self._pursued.discard(key)
                offer(self, seen.job, seen.report)

    def paint(self) -> None:
        """Paint the screen that is on top, or shows behind a question."""
        self._see_to()
        for screen in reversed(self.screen_stack):
            if isinstance(screen, Room):
                if screen.is_mounted:
                    screen.paint(self.source.view())
                return

    @property
    def now(self) -> float:
        """The time that ages are reckoned from: that of the state when it is stale."""
        return self.clock()

    # From one screen to another.

    def action_room(self, name: str) -> None:
        """Open a room by its name."""
        place = next(place for place in EVERYWHERE if place.name == name)
        if name not in self._rooms:
            module, _, kind = place.where.partition(":")
            self._rooms[name] = getattr(import_module(module), kind)()
            # Installed, it outlives being left: the next visit finds it as it was.
            self.install_screen(self._rooms[name], name)
        while len(self.screen_stack) > 2:
            self.pop_screen()
        if len(self.screen_stack) == 1:
            self.push_screen(self._rooms[name])
        elif self.screen is not self._rooms[name]:
            self.switch_screen(self._rooms[name])

    def open_run(self, job: str, verb: str = "run") -> None:
        """Show what goes on with a job, or what its last run came to; not twice one above the other."""
        from mcmirror.tui.run import RunRoom

        if isinstance(self.screen, RunRoom) and (self.screen.job, self.screen.verb) == (job, verb):
            self.paint()
        else:
            self.push_screen(RunRoom(job, verb))

    def open_plan(self, job: str) -> None:
        """Show what a run of the job would do."""
        from mcmirror.tui.plan import PlanRoom

        self.push_screen(PlanRoom(job))

    # What screens ask for.

    def ask(self, work: Callable[[], T], then: Callable[[T], object] = lambda _: None) -> None:
        """Do something that may wait, in a thread; then go on with its result. A refusal is shown."""

        def done(result: T | None, refusal: Refusal | None) -> None:
            if refusal is not None:
                self.refuse(refusal)
            else:
                then(result)  # type: ignore[arg-type]  # it is a T when nothing was refused
            self.paint()

        def run() -> None:
            result, refusal = None, None
            try:
                result = work()
            except Refusal as found:
                refusal = found
            except Exception as error:  # noqa: BLE001  the dashboard goes on
                refusal = Refusal(
                    "mcmirror met something it does not know how to handle",
                    f"{type(error).__name__}: {error}",
                    "report it; the dashboard goes on",
                )
            if self.is_running and not self._leaving:
                self.call_from_thread(done, result, refusal)

        self.run_worker(run, thread=True, group="ask", exit_on_error=False)

    def refuse(self, refusal: Refusal) -> None:
        """Say why something is not to be had."""
        lines = [f"why: {refusal.why}" if refusal.why else "", f"do:  {refusal.remedy}" if refusal.remedy else ""]
        text = "\n".join(harmless(line) for line in lines if line)
        self.notify(text or " ", title=harmless(refusal.what), severity="error", timeout=12, markup=False)

    def tell(self, text: str) -> None:
        """Say something that needs no answer."""
        self.notify(harmless(text), timeout=4, markup=False)

    def run_job(self, job: str, *, open_it: bool = True) -> None:
        """Run a job now, and show it."""

        def begun(key: str) -> None:
            self.pursue(key)
            if open_it:
                self.open_run(job)

        self.ask(lambda: self.source.trigger(job), begun)

    # Help, palette, end.

    def action_help(self) -> None:
        """Say what this screen is and what its keys do."""
        from mcmirror.tui.help import help_text

        if isinstance(self.screen, Room):
            from mcmirror.tui.dialogs import Text

            self.push_screen(Text(f"Help: {self.screen.NAME}", help_text(self.screen)))

    def action_light(self) -> None:
        """Light or dark."""
        self.theme = DARK if self.theme == LIGHT else LIGHT

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the palette offers: rooms, jobs, and Textual's own."""
        for place in EVERYWHERE:
            yield SystemCommand(
                place.name, f"Open the screen {place.name}", lambda name=place.name: self.action_room(name)
            )
        state = self.source.view().state
        for job in (state.jobs if state else ())[:LISTED]:
            name = harmless(job.name).replace("[", "\\[")
            yield SystemCommand(f"Run {name}", "Run this job now", lambda name=job.name: self.run_job(name))
            yield SystemCommand(f"Open {name}", "Its run, or its last one", lambda name=job.name: self.open_run(name))
            yield SystemCommand(f"Plan {name}", "What a run would do", lambda name=job.name: self.open_plan(name))
        yield SystemCommand("Light or dark", "The other one", self.action_light)
        yield SystemCommand("Help", "What this screen is and what its keys do", self.action_help)
        for command in super().get_system_commands(screen):
            if command.title in {"Theme", "Screenshot", "Keys"}:
                yield command
        yield SystemCommand("Quit", "Leave the dashboard", lambda: self.call_later(self.action_quit))

    async def action_quit(self) -> None:
        """Leave; asks when something would be lost."""
        from mcmirror.tui.dialogs import Question

        ours = self.source.ours()
        if self._leaving or isinstance(self.screen, Question):
            return
        if not ours:
            self.leave(0)
            return
        names = ", ".join(map(harmless, ours[:5])) + (f" and {len(ours) - 5} more" if len(ours) > 5 else "")
        what = "run goes on" if len(ours) == 1 else "runs go on"
        text = (
            f"Under way in this process: {names}. Leaving stops mc politely; what has arrived stays, and the next run"
            " takes up what is missing."
        )

        def answered(yes: bool | None) -> None:
            if yes:
                self.leave(0)

        self.push_screen(Question(f"{len(ours)} {what}. Stop and quit?", text, "Stop and quit", "No, stay"), answered)

    def leave(self, code: int) -> None:
        """Stop what is ours and end with this exit code."""
        if self._leaving:
            return
        self._leaving = True
        ours = self.source.ours()
        if ours:
            from mcmirror.tui.dialogs import Text

            said = f"Waiting for {len(ours)} {'run' if len(ours) == 1 else 'runs'} to end ..."
            self.push_screen(Text("Stopping", Content(said)))

        def close() -> None:
            self.ending.close(max(0, code - 128))
            self.call_later(self.exit, self.ending.code or code)

        # A worker would be waited for without an end.
        threading.Thread(target=close, name="leaving", daemon=True).start()


def dashboard(source: Source, **how: Any) -> Dashboard:
    """A dashboard over a source; the keywords are those of ``Dashboard``."""
    return Dashboard(source, **how)
