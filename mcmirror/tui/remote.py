"""A source over the API of a running `mcmirror serve`: it comes back by itself, and says since when it is stale."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mcmirror.tui.client import Away, Client, messages, part
from mcmirror.tui.fold import PLAN, RUN, VERIFY, Fold
from mcmirror.tui.recent_runs import RecentRuns
from mcmirror.tui.remote_inspections import RemoteInspections
from mcmirror.tui.source import Refusal, View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from mcmirror.model.groups import Groups
    from mcmirror.model.record import Fate, Record
    from mcmirror.model.state import State

LOOK = 1.0
"""Seconds between two questions for the state."""
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before the next attempt, growing while none succeeds."""
LEAVING = 2.0
"""Seconds for threads to end; they are left to themselves after that."""


class RemoteSource:
    """Implements ``source.Source``. The server does not notice when it goes away."""

    edits: Path | None = None

    def __init__(self, client: Client, *, clock: Callable[[], float] = time.time, look: float = LOOK) -> None:
        self.fold = Fold()
        self.number = 0
        self._client, self._clock, self._every = client, clock, look
        self._inspections = RemoteInspections(client, self.fold)
        self._view = View(note=f"Asking {client.address} ...")
        self._pasts = RecentRuns()
        self._learned = False
        self._last = ""
        """The number of the last event that was heard."""
        self._wake = threading.Event()
        self._back = threading.Event()
        self._closing = threading.Event()
        self._answered = 0.0
        self._threads: list[threading.Thread] = []

    @property
    def where(self) -> str:
        """The server's address."""
        return self._client.address

    def start(self) -> None:
        """Begin to ask."""
        for work in (self._poll, self._listen):
            thread = threading.Thread(target=work, name=f"attached-{work.__name__}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def close(self, signal: int = 0) -> None:
        """Go away."""
        del signal
        self._closing.set()
        self._wake.set()
        self._back.set()
        self._client.hang_up()
        for thread in self._threads:
            thread.join(LEAVING)

    # The state, each second.

    def _poll(self) -> None:
        failures = 0
        while not self._closing.is_set():
            try:
                self._look()
            except (Away, Refusal) as trouble:
                self._trouble(str(trouble) if isinstance(trouble, Away) else _told(trouble))
                pause = PAUSES[min(failures, len(PAUSES) - 1)]
                failures += 1
            else:
                if failures:
                    self._back.set()
                failures, pause = 0, self._every
            self._wake.wait(pause)
            self._wake.clear()

    def _look(self) -> None:
        from mcmirror.codec.documents import decode
        from mcmirror.model.state import State

        try:
            state = decode(State, self._client.ask("GET", "/status"))
        except ValueError:
            raise Away("what answers is no mcmirror serve, or one of another version") from None
        if not self._learned:
            self._pasts.learn(self._records(limit=500))
            self._learned = True
        for job in state.jobs:
            if job.last is not None:
                self._pasts.enter(job.last)
        self._end_unheard(state)
        self._answered = self._clock()
        self._show(View(state, note="attached", pasts=self._pasts.known))

    def _end_unheard(self, state: State) -> None:
        """Runs that ended while nobody listened, and inspections, whose end is always looked up."""
        from mcmirror.model.event import RunFinished

        under_way = {job.run for job in state.jobs if job.run}
        for key, job, verb in self.fold.unfinished():
            if verb != RUN:
                self._inspections.follow(key, job, verb)
                continue
            if key in under_way:
                continue
            try:
                record = self.run(key)
            except Refusal:
                self.fold.forget(job)
                continue
            if record.report is not None:
                self.fold.hear(key, RunFinished(job, record.report))

    def _trouble(self, why: str) -> None:
        before = self._view
        since = (before.stale_since or self._answered) if before.state else 0.0
        why = why if before.state else f"{why}: {self._client.address}; trying again by itself"
        self._show(View(before.state, since, why, "attached", pasts=before.pasts))

    def _show(self, view: View) -> None:
        self._view = view
        self.number += 1

    # The events, as they come.

    def _listen(self) -> None:
        failures = 0
        while not self._closing.is_set():
            try:
                for data in self._stream():
                    failures = 0
                    if data:
                        self._heard(data)
                    if self._closing.is_set():
                        return
            except (Away, Refusal):
                pass
            pause = PAUSES[min(failures, len(PAUSES) - 1)]
            failures += 1
            # The state is asked for more often: when that is back, so are we.
            self._back.wait(pause)
            self._back.clear()

    def _stream(self) -> Iterator[str]:
        lines = self._client.lines("/events", **({"Last-Event-ID": self._last} if self._last else {}))
        for number, data in messages(lines):
            self._last = number or self._last
            yield data

    def _heard(self, data: str) -> None:
        from mcmirror.codec.documents import decode
        from mcmirror.codec.events import event_of
        from mcmirror.model.progress import Progress

        try:
            document: Any = json.loads(data)
            key, verb = str(document.get("inspection") or document.get("run", "")), document.get("verb", RUN)
            if verb != RUN and not self.fold.knows(key):
                return
            if document["event"] == "under_way":
                self.fold.join(key, verb, decode(Progress, document, job=document["job"]))
                return
            event = event_of(document)
        except (ValueError, KeyError):
            return
        if verb != RUN and document["event"] == "run_finished":
            self._wake.set()
            return
        if event is None:
            return
        left_out, moved = int(document.get("left_out", 0)), int(document.get("bytes", 0))
        if left_out or moved:
            self.fold.copies(key, left_out, moved)
        self.fold.hear(key, event)
        if document["event"] in {"run_finished", "run_started"}:
            self._wake.set()

    def view(self) -> View:
        """What there is."""
        return self._view

    def ours(self) -> tuple[str, ...]:
        """Nothing ends with us."""
        return ()

    def live(self, job: str) -> str:
        """What goes on, or last did."""
        state = self._view.state
        under_way = next((one.run for one in state.jobs if one.name == job), "") if state else ""
        return under_way or self.fold.last(job)

    # What is asked of it.

    def _ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        with self._asking():
            return self._client.ask(method, path, body)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except Away as away:
            raise Refusal(
                f"{self._client.address} could not be asked", str(away), "try again when it is back"
            ) from None

    def reload(self) -> None:
        """Nothing is written from here."""

    def trigger(self, job: str, max_delete: int | None = None, plan: str = "", *, create_target: bool = False) -> str:
        """Run it now."""
        given = {"max_delete": max_delete, "plan": plan or None, "create_target": create_target or None}
        body = {name: value for name, value in given.items() if value is not None} or None
        key = str(self._ask("POST", f"/jobs/{part(job)}/run", body)["run"])
        self._wake.set()
        return key

    def plan(self, job: str) -> str:
        """What would a run do."""
        return self._inspect(job, PLAN)

    def groups(self, key: str) -> Groups:
        """The same by prefix."""
        with self._asking():
            return self._inspections.groups(key)

    def verify(self, job: str) -> str:
        """Is the copy true."""
        return self._inspect(job, VERIFY)

    def _inspect(self, job: str, verb: str) -> str:
        with self._asking():
            key = self._inspections.begin(job, verb)
        self._wake.set()
        return key

    def cancel(self, key: str) -> None:
        """Stop it politely."""
        seen = self.fold.look(key)
        with self._asking():
            if seen is None or seen.verb == RUN:
                self._client.ask("POST", f"/runs/{part(key)}/cancel")
            else:
                self._inspections.cancel(key, seen.verb)
        self.fold.mark_cancelling(key)
        self._wake.set()

    def pause(self, job: str = "") -> None:
        """Not by schedule."""
        self._ask("POST", f"/jobs/{part(job)}/pause" if job else "/pause")
        self._wake.set()

    def resume(self, job: str = "") -> None:
        """By schedule again."""
        self._ask("POST", f"/jobs/{part(job)}/resume" if job else "/resume")
        self._wake.set()

    def runs(self, *, job: str = "", status: str = "", before: str = "", limit: int = 50) -> tuple[Record, ...]:
        """Runs of the past."""
        try:
            return self._records(job=job, status=status, before=before, limit=limit)
        except Away as away:
            raise Refusal("the runs could not be read", str(away), "try again when the server is back") from None

    def _records(self, **query: object) -> tuple[Record, ...]:
        from mcmirror.codec.documents import decode
        from mcmirror.model.record import Record

        try:
            return tuple(decode(Record, one) for one in self._client.ask("GET", "/runs", **query)["runs"])
        except (ValueError, KeyError, TypeError):
            raise Away("what answers is no mcmirror serve, or one of another version") from None

    def run(self, run: str) -> Record:
        """One of them."""
        from mcmirror.codec.documents import decode
        from mcmirror.model.record import Record

        try:
            return decode(Record, {"cause": "api", "started": "", **self._ask("GET", f"/runs/{part(run)}")})
        except ValueError as error:
            raise Refusal(f"the run {run} could not be read", str(error), "") from None

    def fates(self, run: str) -> Iterator[tuple[Fate, str]]:
        """What became of each object."""
        from mcmirror.model.record import Fate

        try:
            for line in self._client.lines(f"/runs/{part(run)}?fates=1"):
                document = json.loads(line)
                if "fate" in document:
                    yield Fate(document["fate"]), document["key"]
        except (Away, ValueError) as error:
            raise Refusal("the objects of the run could not be read to the end", str(error), "try again") from None


def _told(refusal: Refusal) -> str:
    return ", ".join(filter(None, (refusal.what, refusal.why))) + (f": {refusal.remedy}" if refusal.remedy else "")
