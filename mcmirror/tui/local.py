"""A source that runs the engine in this process. Schedules run only when told so: `serve` may be at work beside it."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from mcmirror.tui.fold import PLAN, RUN, VERIFY, Fold
from mcmirror.tui.recent_runs import RecentRuns
from mcmirror.tui.source import Refusal, View, shared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mcmirror.model.event import Event
    from mcmirror.model.groups import Groups
    from mcmirror.model.record import Fate, Record
    from mcmirror.service import Service
    from mcmirror.service.assembly import Rooms
    from mcmirror.tui.other_processes import OtherProcesses

LOOK = 1.0
"""Seconds between two looks at the state."""
AGAIN = 3.0
"""Seconds after which a configuration that is wrong is read again."""
TELLING = 3.0
"""Seconds for messages that are due when we end."""
LAST = 5.0
"""Seconds for tidying up after the grace is over and mc was killed."""


class LocalSource:
    """Implements ``source.Source`` over a server of our own."""

    def __init__(
        self, load: Callable[[Service | None], Service], *, edits: Callable[[], Path | None], schedules: bool = False
    ) -> None:
        """``load`` reads the configuration, in place of a service; it raises ConfigError. Called by another thread."""
        self.fold = Fold()
        self.number = 0
        self._load, self._edits, self._schedules = load, edits, schedules
        self._view = View(note="Reading the configuration ...")
        self._pasts = RecentRuns()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._keys: dict[str, str] = {}
        self._rooms: Rooms | None = None
        self._beside: OtherProcesses | None = None
        self._threads: list[threading.Thread] = []

    @property
    def where(self) -> str:
        """What is looked at."""
        return "this process"

    @property
    def edits(self) -> Path | None:
        """The file that may be edited."""
        return self._edits()

    def start(self) -> None:
        """Begin: read the configuration, open the state, look at it."""
        logging.getLogger("mcmirror").addHandler(logging.NullHandler())
        logging.getLogger("mcmirror").propagate = False
        self._spawn(self._work, "dashboard")

    def _spawn(self, work: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        try:
            self._watch()
        except Exception as error:  # noqa: BLE001  the screen says it
            self._show(replace(self._view, trouble=f"the dashboard looks no more: {type(error).__name__}: {error}"))

    def _watch(self) -> None:
        service = self._loaded()
        if service is None:
            return
        from mcmirror.cli import errors
        from mcmirror.service.assembly import assemble
        from mcmirror.store.place import presence
        from mcmirror.store.presence import Presence
        from mcmirror.tui.other_processes import OtherProcesses

        # A configuration that is read later knows what those before it hid, and more.
        errors.redactors.append(lambda text: (self._rooms.server.service if self._rooms else service).redact(text))  # noqa: PLW0108  asked anew each time
        if self._schedules and Presence(presence(service.state)).see() is not None:
            # Whoever keeps them already goes on; twice would be once too often.
            self._schedules = False
        rooms = assemble(service, _silent, [self._hear], began=self._began, load=self._load, schedules=self._schedules)
        self._pasts.learn(rooms.runs.runs(limit=1000))
        self._beside = OtherProcesses(rooms, schedules=self._schedules)
        if self._closing.is_set():
            rooms.end(0)
            return
        rooms.begin()
        self._rooms = rooms
        self._spawn(rooms.server.serve, "server")
        while not self._closing.is_set():
            self._look(rooms, self._beside)
            self._wake.wait(LOOK)
            self._wake.clear()

    def _loaded(self) -> Service | None:
        """The configuration's service; while it is wrong, that is shown, and it is read again."""
        from mcmirror.config import ConfigError

        while not self._closing.is_set():
            try:
                return self._load(None)
            except ConfigError as error:
                told = " ".join(map(str, error.mistakes))
                self._show(View(trouble=f"{told} It is read again by itself.", note="There is nothing to show yet."))
            except OSError as error:
                self._show(View(trouble=f"{error}; it is tried again by itself", note="There is nothing to show yet."))
            self._wake.wait(AGAIN)
            self._wake.clear()
        return None

    def _look(self, rooms: Rooms, beside: OtherProcesses) -> None:
        state, note, kept = beside.seen(rooms.server.state())
        for job in state.jobs:
            if job.last is not None:
                self._pasts.enter(job.last)
        self._show(View(state, note=note, schedules=kept, pasts=self._pasts.known))

    def _show(self, view: View) -> None:
        self._view = view
        self.number += 1

    def reload(self) -> None:
        """Read the configuration again."""
        if self._rooms is not None:
            self._rooms.server.reload()
        self._wake.set()

    def refresh(self) -> None:
        """Look again at once."""
        self._wake.set()

    def _began(self, record: Record) -> None:
        self._keys[record.job] = record.id
        self.fold.begin(record.id, record.job)
        self._wake.set()

    def _hear(self, event: Event) -> None:
        self.fold.hear(self._keys[event.job], event)
        if type(event).__name__ in {"PhaseStarted", "RunFinished"}:
            self._wake.set()

    def close(self, signal: int = 0) -> None:
        """Stop what runs here, and wait for it; the grace of the configuration is kept."""
        self._closing.set()
        self._wake.set()
        rooms = self._rooms
        if rooms is not None:
            rooms.server.stop(signal)
            grace = rooms.server.service.configuration.settings.grace
            if not rooms.server.wait(grace):
                from mcmirror.cli.signals import kill_children

                kill_children()
                rooms.server.wait(LAST)
        for thread in list(self._threads):
            if thread is not threading.current_thread():
                thread.join(LAST)
        if rooms is not None:
            self._rooms = None
            rooms.end(TELLING)

    def view(self) -> View:
        """What there is."""
        return self._view

    def ours(self) -> tuple[str, ...]:
        """Runs of this process, and verifications: a plan is quickly made again."""
        rooms = self._rooms
        running = [job.name for job in rooms.server.state().jobs if job.run] if rooms else []
        looks = rooms.server.inspections.all() if rooms else ()
        running += [f"{one.job} (verify)" for one in looks if one.verb == VERIFY and one.report is None]
        return tuple(running)

    def live(self, job: str) -> str:
        """What goes on, or last did."""
        state = self._view.state
        under_way = next((one.run for one in state.jobs if one.name == job), "") if state else ""
        return under_way or self.fold.last(job)

    # What is asked of it.

    def _server(self) -> Rooms:
        if self._rooms is None:
            self._wake.set()
            raise Refusal("nothing can be run yet", self._view.trouble or "the configuration is being read", "")
        return self._rooms

    def _current(self) -> Rooms:
        """With the configuration as it is now: what somebody has changed is not done as it was before."""
        rooms = self._server()
        if wrong := rooms.server.renew():
            what = "the configuration is wrong, so nothing was begun"
            raise Refusal(what, wrong, "correct it and press the key again; the file is read each time")
        return rooms

    def trigger(self, job: str, max_delete: int | None = None, plan: str = "", *, create_target: bool = False) -> str:
        """Run it now."""
        from mcmirror.model.record import Cause

        server = self._current().server
        with _refusing():
            key = server.trigger(job, cause=Cause.HAND, max_delete=max_delete, create_target=create_target, plan=plan)
        self._wake.set()
        return key

    def plan(self, job: str) -> str:
        """What would a run do."""
        return self._inspect(job, PLAN)

    def groups(self, key: str) -> Groups:
        """The same by prefix."""
        with _refusing():
            found = self._server().server.inspections.get(key).groups
        if found is None:
            raise Refusal("there is no plan to show", "it has not come to its end", "l looks anew")
        return found

    def verify(self, job: str) -> str:
        """Is the copy true."""
        return self._inspect(job, VERIFY)

    def _inspect(self, job: str, verb: str) -> str:
        """Something that writes nothing: beside the queue."""
        from mcmirror.service import Verb

        server = self._current().server
        with _refusing():
            key = server.inspections.begin(job, Verb(verb), self._inspected)
        self.fold.expect(key, job, verb)
        return key

    def _inspected(self, key: str, verb: str, event: Event) -> None:
        self.fold.hear(key, event, verb)
        if type(event).__name__ == "RunFinished":
            self.number += 1

    def cancel(self, key: str) -> None:
        """Stop it politely."""
        seen = self.fold.look(key)
        server = self._server().server
        with _refusing():
            if seen is None or seen.verb == RUN:
                server.cancel(key)
            elif not server.inspections.cancel(key):
                raise shared(seen.verb)
        self.fold.mark_cancelling(key)
        self._wake.set()

    def pause(self, job: str = "") -> None:
        """Not by schedule."""
        with _refusing():
            self._server().server.pause(job)
        self._wake.set()

    def resume(self, job: str = "") -> None:
        """By schedule again."""
        with _refusing():
            self._server().server.resume(job)
        self._wake.set()

    def runs(self, *, job: str = "", status: str = "", before: str = "", limit: int = 50) -> tuple[Record, ...]:
        """Runs of the past."""
        return self._server().runs.runs(job=job, status=status, before=before, limit=limit)

    def run(self, run: str) -> Record:
        """One of them."""
        with _refusing():
            return self._server().server.run(run)

    def fates(self, run: str) -> Iterator[tuple[Fate, str]]:
        """What became of each object."""
        with _refusing():
            return self._server().server.fates(run)


def _silent(level: str, event: str, text: str, /, **fields: object) -> None:
    """The screen shows what the log would say."""


def _no_job(job: str) -> Refusal:
    return Refusal(
        f"there is no job {job}", "the configuration was changed meanwhile", "the overview shows those there are"
    )


@contextmanager
def _refusing() -> Iterator[None]:
    """Why the server would not, in three parts."""
    from mcmirror.service.control import Busy, Outdated, Stopping, UnknownInspection, UnknownJob, UnknownRun

    try:
        yield
    except Busy as busy:
        why = f"run {busy.run} is under way or waits for its turn"
        raise Refusal("the job is at it already", why, "Enter shows it, c there cancels it") from None
    except UnknownJob as unknown:
        raise _no_job(str(unknown)) from None
    except Outdated as changed:
        why = "its configuration says something else since then, or the plan is kept no longer"
        raise Refusal(f"{changed} is not any more what was planned", why, "plan it anew") from None
    except UnknownRun as unknown:
        why = f"{unknown} has ended, or another process runs it"
        raise Refusal(
            "this run is not to be had here", why, "stop it where it runs, or with --attach to its serve"
        ) from None
    except UnknownInspection as unknown:
        raise Refusal(f"{unknown} is not under way any more", "it has ended, or is kept no longer", "") from None
    except Stopping:
        raise Refusal("no more work is taken", "the dashboard is being left", "") from None
