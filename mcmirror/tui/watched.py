"""A source over a `Control`: a server of this process and one over HTTP look the same to the screens."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from mcmirror.model.control import (
    Busy,
    Declined,
    Outdated,
    Stopping,
    Unanswered,
    UnderWay,
    UnknownInspection,
    UnknownJob,
    UnknownRun,
)
from mcmirror.model.event import Moved, Phase, PhaseStarted, Planned, RunFinished, RunStarted
from mcmirror.model.problem import Category, Problem
from mcmirror.model.report import RunReport, Status
from mcmirror.tui.fold import PLAN, RUN, VERIFY, Fold
from mcmirror.tui.recent_runs import RecentRuns
from mcmirror.tui.source import Refusal, View, shared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mcmirror.model.control import Control, Feed, Sent
    from mcmirror.model.groups import Groups
    from mcmirror.model.record import Outcome, Record
    from mcmirror.model.state import State

LOOK = 1.0
"""Seconds between two questions for the state."""
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before the next attempt, growing while none succeeds."""
LEAVING = 2.0
"""Seconds for threads to end; they are left to themselves after that."""
LEARNED = 500
"""Runs of the past that are read at the beginning."""


class Watched:
    """Implements ``source.Source`` but for what begins and ends it, which the classes below it add."""

    def __init__(self, note: str, *, clock: Callable[[], float] = time.time, look: float = LOOK) -> None:
        self.fold = Fold()
        self.number = 0
        self._control: Control | None = None
        """None until it is there."""
        self._clock, self._every = clock, look
        self._view = View(note=note)
        self._pasts = RecentRuns()
        self._learned = False
        self._wake = threading.Event()
        self._back = threading.Event()
        self._subscribed = threading.Event()
        self._closing = threading.Event()
        self._answered = 0.0
        self._failures = 0
        self._feed: Feed | None = None
        self._threads: list[threading.Thread] = []

    @property
    def where(self) -> str:
        """What is looked at."""
        raise NotImplementedError

    @property
    def edits(self) -> Path | None:
        """The configuration that may be edited from here."""
        return None

    def _spawn(self, work: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _leave(self, seconds: float) -> None:
        """End the threads, and wait so long for each."""
        self._closing.set()
        self._wake.set()
        self._back.set()
        if self._feed is not None:
            self._feed.close()
        for thread in list(self._threads):
            if thread is not threading.current_thread():
                thread.join(seconds)

    # The state, each second.

    def _watch(self, control: Control) -> None:
        """Look at it until we are left."""
        self._spawn(lambda: self._listen(control), "dashboard-events")
        self._subscribed.wait()
        self._control = control
        failures = 0
        while not self._closing.is_set():
            try:
                self._look(control)
            except (Unanswered, Declined) as trouble:
                self._trouble(str(trouble) if isinstance(trouble, Unanswered) else _in_words(*trouble.told))
                pause = PAUSES[min(failures, len(PAUSES) - 1)]
                failures += 1
            else:
                if failures:
                    self._back.set()
                failures, pause = 0, self._every
            self._wake.wait(pause)
            self._wake.clear()

    def _look(self, control: Control) -> None:
        state, note, kept = self._seen(control.state())
        if not self._learned:
            self._pasts.learn(control.runs(limit=LEARNED))
            self._learned = True
        for job in state.jobs:
            if job.last is not None:
                self._pasts.enter(job.last)
        self._end_unheard(control, state)
        self._answered = self._clock()
        self._show(View(state, note=note, schedules=kept, pasts=self._pasts.known))

    def _seen(self, state: State) -> tuple[State, str, bool]:
        """The state as it is shown, a note on it, and whether somebody keeps the schedules."""
        return state, "", True

    def _end_unheard(self, control: Control, state: State) -> None:
        """End runs whose end was not heard; the end of inspections is always looked up, for the plan comes with it."""
        under_way = {job.run for job in state.jobs if job.run}
        for key, job, verb in self.fold.unfinished():
            if verb != RUN:
                self._follow(control, key, job, verb)
            elif key not in under_way:
                try:
                    record = control.run(key)
                except Declined:
                    self.fold.forget(job)
                    continue
                if record.report is not None:
                    self.fold.hear(key, RunFinished(job, record.report))

    def _follow(self, control: Control, key: str, job: str, verb: str) -> None:
        """Look how far an inspection is."""
        seen = self.fold.look(key)
        unheard = seen is None or seen.track.phase is None
        try:
            found = control.inspections.get(key)
        except UnknownInspection:
            source, target = (seen.track.source, seen.track.target) if seen else ("", "")
            what, why = "the server does not know of this any more", "it was begun anew, or has made many others since"
            lost = Problem(Category.UNKNOWN, what, why, "Ask for it again.")
            report = RunReport(job, source, target, Status.INTERRUPTED, verified=False, problems=(lost,))
            self.fold.hear(key, RunFinished(job, report))
            return
        if found.report is None:
            if unheard and found.progress is not None:
                # It began before its events were expected.
                self.fold.join(key, verb, found.progress)
            return
        for phase in found.report.phases if unheard else ():
            self.fold.hear(key, PhaseStarted(job, Phase(phase)))
        if found.plan is not None and (seen is None or seen.track.plan is None):
            self.fold.hear(key, Planned(job, found.plan))
        self.fold.hear(key, RunFinished(job, found.report))

    def _trouble(self, why: str) -> None:
        before = self._view
        since = (before.stale_since or self._answered) if before.state else 0.0
        why = why if before.state else f"{why}: {self.where}; trying again by itself"
        self._show(View(before.state, since, why, before.note, pasts=before.pasts))

    def _show(self, view: View) -> None:
        self._view = view
        self.number += 1

    # The events, as they come.

    def _listen(self, control: Control) -> None:
        while not self._closing.is_set() and not control.ended:
            lost = False
            try:
                self._feed = control.subscribe()
                self._subscribed.set()
                lost = self._hear_all(control, self._feed)
            except (Unanswered, Declined):
                pass
            finally:
                self._subscribed.set()
                if self._feed is not None:
                    self._feed.close()
            if lost:
                continue  # what a new subscription begins with makes up for it
            pause = PAUSES[min(self._failures, len(PAUSES) - 1)]
            self._failures += 1
            # The state is asked for more often: when that is back, so are we.
            self._back.wait(pause)
            self._back.clear()

    def _hear_all(self, control: Control, feed: Feed) -> bool:
        """Hear events until some were lost, or we are left; whether some were."""
        while not self._closing.is_set() and not control.ended:
            sent = feed.next(LOOK)
            self._failures = 0
            if feed.lost:
                return True
            if isinstance(sent, UnderWay):
                if sent.verb == RUN or self.fold.knows(sent.run):
                    self.fold.join(sent.run, sent.verb, sent.progress)
            elif sent is not None:
                self._heard(sent, thinned=feed.thinned)
        return False

    def _heard(self, sent: Sent, *, thinned: bool) -> None:
        event = sent.event
        if sent.verb != RUN:
            if not self.fold.knows(sent.run):
                return
            if isinstance(event, RunFinished):
                self._wake.set()
                return
        moved = event.bytes if isinstance(event, Moved) else 0
        if thinned and (sent.left_out or moved):
            self.fold.copies(sent.run, sent.left_out, moved)
        self.fold.hear(sent.run, event)
        if isinstance(event, RunStarted | PhaseStarted | RunFinished):
            self._wake.set()

    def view(self) -> View:
        """What there is."""
        return self._view

    def live(self, job: str) -> str:
        """What goes on, or last did."""
        state = self._view.state
        under_way = next((one.run for one in state.jobs if one.name == job), "") if state else ""
        return under_way or self.fold.last(job)

    # What is asked of it.

    def _ready(self) -> Control:
        if self._control is None:
            self._wake.set()
            raise Refusal("nothing can be run yet", self._view.trouble or "the configuration is being read", "")
        return self._control

    def _current(self) -> Control:
        """With the configuration as it is now: what somebody has changed is not done as it was before."""
        control = self._ready()
        if wrong := control.renew():
            what = "the configuration is wrong, so nothing was begun"
            raise Refusal(what, wrong, "correct it and press the key again; the file is read each time")
        return control

    def trigger(self, job: str, max_delete: int | None = None, plan: str = "", *, create_target: bool = False) -> str:
        """Run it now."""
        from mcmirror.model.record import Cause

        with self._asking():
            key = self._current().trigger(
                job, max_delete=max_delete, create_target=create_target, plan=plan, cause=Cause.HAND
            )
        self._wake.set()
        return key

    def plan(self, job: str) -> str:
        """What would a run do."""
        return self._inspect(job, PLAN)

    def groups(self, key: str) -> Groups:
        """The same by prefix."""
        with self._asking():
            found = self._ready().inspections.get(key).groups
        if found is None:
            raise Refusal("there is no plan to show", "it has not come to its end", "l looks anew")
        return found

    def verify(self, job: str) -> str:
        """Is the copy true."""
        return self._inspect(job, VERIFY)

    def _inspect(self, job: str, verb: str) -> str:
        """Something that writes nothing: beside the queue."""
        from mcmirror.model.job import Verb

        with self._asking():
            key = self._current().inspections.begin(job, Verb(verb))
        self.fold.expect(key, job, verb)
        self._wake.set()
        return key

    def cancel(self, key: str) -> None:
        """Stop it politely."""
        seen, control = self.fold.look(key), self._ready()
        with self._asking():
            if seen is None or seen.verb == RUN:
                control.cancel(key)
            elif not control.inspections.cancel(key):
                raise shared(seen.verb)
        self.fold.mark_cancelling(key)
        self._wake.set()

    def pause(self, job: str = "") -> None:
        """Not by schedule."""
        with self._asking():
            self._ready().pause(job)
        self._wake.set()

    def resume(self, job: str = "") -> None:
        """By schedule again."""
        with self._asking():
            self._ready().resume(job)
        self._wake.set()

    def runs(self, *, job: str = "", status: str = "", before: str = "", limit: int = 50) -> tuple[Record, ...]:
        """Runs of the past."""
        with self._asking():
            return self._ready().runs(job=job, status=status, before=before, limit=limit)

    def run(self, run: str) -> Record:
        """One of them."""
        with self._asking():
            return self._ready().run(run)

    def fates(self, run: str) -> Iterator[tuple[Outcome, str]]:
        """What became of each object."""
        with self._asking():
            yield from self._ready().fates(run)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Why the server would not, in three parts."""
        try:
            yield
        except Unanswered as silent:
            raise Refusal(f"{self.where} could not be asked", str(silent), "try again when it is back") from None
        except Declined as declined:
            _refuse(declined)


def _refuse(declined: Declined) -> NoReturn:
    """In the server's own words, if it has some."""
    if declined.told[0]:
        raise Refusal(*declined.told) from None
    match declined:
        case Busy():
            what, why = "the job is at it already", f"run {declined.run} is under way or waits for its turn"
            remedy = "Enter shows it, c there cancels it"
        case UnknownJob():
            what, why = f"there is no job {declined}", "the configuration was changed meanwhile"
            remedy = "the overview shows those there are"
        case Outdated():
            what = f"{declined} is not any more what was planned"
            why = "its configuration says something else since then, or the plan is kept no longer"
            remedy = "plan it anew"
        case UnknownRun():
            what, why = "this run is not to be had here", f"{declined} has ended, or another process runs it"
            remedy = "stop it where it runs, or with --attach to its serve"
        case UnknownInspection():
            what, why = f"{declined} is not under way any more", "it has ended, or is kept no longer"
            remedy = ""
        case Stopping():
            what, why, remedy = "no more work is taken", "the dashboard is being left", ""
        case _:
            what, why, remedy = str(declined), "", ""
    raise Refusal(what, why, remedy) from None


def _in_words(what: str, why: str, remedy: str) -> str:
    return ", ".join(filter(None, (what, why))) + (f": {remedy}" if remedy else "")
