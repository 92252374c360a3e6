"""Dispatches the messages about runs: decides once, and delivers with one thread for each listener."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Protocol

from mcmirror.model.delivery import Decision, Delivery, Known
from mcmirror.model.record import Record
from mcmirror.model.state import NotifierState
from mcmirror.model.wording import shown_seconds
from mcmirror.notify import digest, rules
from mcmirror.notify.listener import Audience, Listener
from mcmirror.notify.message import Desk, NotTold
from mcmirror.notify.rules import Judge, Notice
from mcmirror.notify.webhook import Pings
from mcmirror.notify.worker import REMEDY, Worker

OLD = 24 * 3600.0
"""Seconds after which the end of a run is no news: it was found in an inbox that nobody had emptied."""
LOOK = 30.0
"""Seconds between two looks for what other processes left."""
_LOG = logging.getLogger(__name__)


class Outbox(Protocol):
    """Where messages lie until they have arrived; ``store.outbox``."""

    @property
    def warning(self) -> str:
        """Why they lie in memory."""

    @property
    def lost(self) -> int:
        """How many would be gone if this process ended now."""

    def begin(self, listener: str, run: str, decision: Decision, now: float) -> bool:
        """A run begins: write the decision down, unless that was told already."""

    def decide(
        self, listener: str, runs: Sequence[str], jobs: Sequence[str], judge: Callable[[Known], Decision], now: float
    ) -> bool:
        """Decide what is told of runs that ended, once."""

    def due(self) -> dict[str, float]:
        """By listener: when its next message may be tried."""

    def take(self, listener: str, now: float) -> Delivery | None:
        """The next message."""

    def arrived(self, delivery: Delivery, thread: str, now: float) -> None:
        """It was delivered."""

    def failed(self, delivery: Delivery, error: str, now: float, *, wait: float = 0.0, final: bool = False) -> None:
        """It was not delivered."""

    def held(self, listener: str) -> float:
        """Until when nothing is sent to this listener, because its service asks for that."""

    def hurry(self, listeners: Iterable[str], now: float) -> None:
        """Let what waits be tried at once, where no service asks for time."""

    def states(self) -> dict[str, NotifierState]:
        """By listener: what it is owed."""

    def prune(self, now: float) -> None:
        """Forget what is old."""


@dataclass(slots=True)
class _Together:
    """The jobs of one command: to a check they are one run."""

    jobs: frozenset[str]
    rid: str = ""
    begun: frozenset[str] = frozenset()
    """The ids of its runs: what an earlier process left untold is no part of it."""
    ended: tuple[Record, ...] = ()


class Dispatcher:
    """Who is told, for the life of a process. No method raises, and none waits for a service."""

    def __init__(  # noqa: PLR0913  each from another hand
        self,
        audience: Audience,
        outbox: Outbox,
        desk: Desk,
        *,
        together: Iterable[str] = (),
        history: digest.History | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``together`` are the jobs that a check hears of as one run; ``history`` is what digests are made of."""
        self._audience = audience
        self._outbox = outbox
        self._desk = desk
        self._history = history
        self._now = now
        names = frozenset(together)
        self._together = {one.name: _Together(names & one.jobs.keys()) for one in audience.listeners}
        self._lock = threading.Lock()
        self._postmen: dict[str, _Postman] = {}
        self._digests = Worker(self._watch_digests, "digests")
        self._digested = dict[str, date]()
        self._ended = threading.Event()

    def begun(self, record: Record) -> None:
        """A run begins."""
        for listener in self._hearing(record):
            jobs: Sequence[str] = ()
            if (together := self._one_run(listener)) is not None:
                with self._lock:
                    first, together.begun = not together.begun, together.begun | {record.id}
                    together.rid = together.rid or record.id
                if not first:
                    continue
                jobs = sorted(together.jobs)
            if "start" not in listener.on:
                continue
            decision = rules.begun(listener, record, self._desk, jobs)
            if self._outbox.begin(listener.name, record.id, decision, self._now()):
                self._wake(listener)

    def finished(self, record: Record) -> None:
        """A run has ended, here or elsewhere; whoever was told of it is not told again."""
        now = self._now()
        if record.report is None or record.report.dry_run:
            return
        if now - datetime.fromisoformat(record.finished or record.started).timestamp() > OLD:
            return
        for listener in self._hearing(record):
            records: tuple[Record, ...] = (record,)
            rid = ""
            if (together := self._one_run(listener)) is not None and record.id in together.begun:
                with self._lock:
                    together.ended = (*together.ended, record)
                    if {one.job for one in together.ended} != together.jobs:
                        continue
                    records, rid = together.ended, together.rid
                    together.ended, together.rid, together.begun = (), "", frozenset()
            judge = rules.ended(listener, records, self._desk, datetime.fromtimestamp(now, UTC), rid)
            self._decide(listener, [one.id for one in records], [listener.key(one) for one in records], judge)

    def notice(self, notice: Notice) -> None:
        """Something happened that is no run; every listener that hears of failures hears of it."""
        job = notice.remembered_as(self._desk)
        for listener in self._audience.listeners:
            judge = rules.noticed(listener, notice, self._desk, datetime.fromtimestamp(self._now(), UTC))
            self._decide(listener, (), [job], judge)

    def start(self) -> None:
        """Deliver from now on, also what earlier processes left, and tell digests."""
        for listener in self._audience.listeners:
            self._wake(listener)
        if self._history is not None:
            self._digests.ensure()

    def revive(self) -> None:
        """Start every thread again that has died."""
        with self._lock:
            postmen = tuple(self._postmen.values())
        for postman in postmen:
            postman.revive()
        if self._digests.started and not self._ended.is_set():
            self._digests.ensure()

    def replace(self, audience: Audience, desk: Desk) -> None:
        """Tell others, or the same ones elsewhere; what waits for them is tried at once."""
        with self._lock:
            gone, self._postmen = self._postmen, {}
        for postman in gone.values():
            postman.end()
        self._audience, self._desk = audience, desk
        self._together = {}
        self._outbox.hurry([one.name for one in audience.listeners], self._now())
        self.start()

    def stop(self, seconds: Callable[[], float]) -> tuple[NotTold, ...]:
        """Wait until everything has been tried, for ``seconds()`` at most; return what did not arrive."""
        self._ended.set()
        begun = time.monotonic()
        with self._lock:
            postmen = tuple(self._postmen.values())
        for postman in postmen:
            postman.last_round()
        for postman in postmen:
            while not postman.join(0.05) and time.monotonic() - begun < seconds():
                pass
        failed = [*self._audience.failed.values(), *(one for one in map(self._left, postmen) if one is not None)]
        if self._outbox.warning:
            remedy = "Make the state's folder writable, or name another: state = ... under [settings]."
            if self._outbox.lost:
                failed.append(NotTold("what was not told is lost", self._outbox.warning, remedy))
            else:
                failed.append(NotTold("who was told what is not remembered", self._outbox.warning, remedy))
        return tuple(failed)

    def state(self) -> tuple[NotifierState, ...]:
        """Each notifier and what it still owes."""
        known = self._outbox.states()
        with self._lock:
            amiss = {name: postman.amiss for name, postman in self._postmen.items()}
        found = [
            replace(state, error=state.error or amiss.get(state.name, ""))
            for state in (known.get(one.name, NotifierState(one.name)) for one in self._audience.listeners)
        ]
        if self._digests.died is not None:
            found.append(NotifierState("digests", error=self._digests.died.why))
        found += [NotifierState(name, error=f"{one.what}: {one.why}") for name, one in self._audience.failed.items()]
        return tuple(found)

    def _hearing(self, record: Record) -> list[Listener]:
        return [one for one in self._audience.listeners if record.job in one.jobs]

    def _one_run(self, listener: Listener) -> _Together | None:
        """What a check hears of as one run, if anything."""
        together = self._together.get(listener.name)
        return together if together and together.jobs and isinstance(listener.channel, Pings) else None

    def _decide(self, listener: Listener, runs: Sequence[str], jobs: Sequence[str], judge: Judge) -> None:
        if self._outbox.decide(listener.name, runs, jobs, judge, self._now()):
            self._wake(listener)

    def _wake(self, listener: Listener) -> None:
        with self._lock:
            postman = self._postmen.get(listener.name)
            if postman is None:
                postman = self._postmen[listener.name] = _Postman(listener, self._outbox, self._now)
        postman.wake()

    def _left(self, postman: "_Postman") -> NotTold | None:
        """What did not arrive at a listener, if anything."""
        if postman.error is not None:
            error = postman.error
            times = f", {postman.lost} times" if postman.lost > 1 else ""
            return NotTold(f"{postman.name}: {error.what}{times}", error.why, error.remedy)
        if postman.amiss:
            return NotTold(f"{postman.name}: not everything was told", postman.amiss, REMEDY)
        if postman.busy:
            why = "its service was too slow, and the run is over"
            remedy = "Look whether the service is up. It is tried again by the next run. What the run did stands."
            return NotTold(f"{postman.name}: not everything was told", why, remedy)
        return None

    def _watch_digests(self) -> None:
        while not self._ended.wait(LOOK):
            try:
                self.tell_digests()
                self._outbox.prune(self._now())
                self._digests.forgive()
            except Exception as error:  # noqa: BLE001  a mistake of ours ends no digest but this one
                _LOG.warning("no digest could be told: an unexpected %s", type(error).__name__)

    def tell_digests(self) -> None:
        """Tell the digests that are due."""
        now = datetime.fromtimestamp(self._now(), UTC)
        for listener in self._audience.listeners:
            if listener.digest and not isinstance(listener.channel, Pings):
                day = digest.due(listener, now)
                if self._history is None or self._digested.get(listener.name) == day:
                    continue
                with suppress(LookupError):  # a digest that knows nothing would say that nothing ran; later, then
                    self._tell_digest(listener, self._history, now)
                    self._digested[listener.name] = day

    def _tell_digest(self, listener: Listener, history: digest.History, now: datetime) -> None:
        # Read before it is decided: that holds a lock on the state.
        jobs = sorted(listener.jobs)
        lines = digest.lines(jobs, history.since(now - digest.DAY), history.outlooks(jobs, now.timestamp()))
        judge = digest.digested(listener, self._desk, now, digest.message(lines, self._desk, now, listener.timezone))
        self._decide(listener, (), [digest.remembered_as(self._desk)], judge)


class _Postman:
    """Delivers to one listener, in a thread of its own that no exit waits for."""

    def __init__(self, listener: Listener, outbox: Outbox, now: Callable[[], float]) -> None:
        self.name = listener.name
        self.error: NotTold | None = None
        """The first thing that went wrong since something arrived."""
        self.lost = 0
        self._listener = listener
        self._outbox = outbox
        self._now = now
        self._changed = threading.Condition()
        self._woken = False
        self._last = False
        self._gone = False
        self._worker = Worker(self._work, f"notify-{self.name}")
        self._unexpected = ""

    @property
    def busy(self) -> bool:
        """Whether it is still at it."""
        return self._worker.alive

    @property
    def amiss(self) -> str:
        """What is wrong with the delivering itself; empty when all is well."""
        died = self._worker.died
        return died.why if died is not None else self._unexpected

    def revive(self) -> None:
        """Start the thread again, unless it has ended because it was told to."""
        if self._worker.started and not (self._gone or self._last):
            self._worker.ensure()

    def wake(self) -> None:
        """There is something to be delivered."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()
        self._worker.ensure()

    def last_round(self) -> None:
        """Deliver what is due, and end."""
        with self._changed:
            died = self._worker.died is not None and not self._worker.alive
            self._last = self._woken = True
            self._changed.notify_all()
        if died:
            self._worker.ensure()

    def end(self) -> None:
        """End with the delivery under way."""
        with self._changed:
            self._gone = self._woken = True
            self._changed.notify_all()

    def join(self, seconds: float) -> bool:
        """Wait for the end, for a moment; whether it has come."""
        self._worker.join(seconds)
        return not self.busy

    def _work(self) -> None:
        while not self._gone:
            last = self._last  # before the look: what came after it is in the next one
            pause = LOOK
            try:
                delivery = self._outbox.take(self.name, self._now())
                if delivery is not None:
                    self._deliver(delivery)
                    continue
                due = self._outbox.due().get(self.name)
                self._unexpected = ""
                pause = LOOK if due is None else min(LOOK, max(0.05, due - self._now()))
                if last and due is not None:
                    self._say_held()
            except Exception as error:  # noqa: BLE001  what comes later is delivered all the same
                self._unexpected = f"what waits stays: an unexpected {type(error).__name__}"
                _LOG.warning("what waits for %s stays: an unexpected %s", self.name, type(error).__name__)
            if last:
                return
            with self._changed:
                self._changed.wait_for(lambda: self._woken, pause)
                self._woken = False

    def _deliver(self, delivery: Delivery) -> None:
        try:
            thread = self._listener.channel.deliver(delivery)
        except NotTold as error:
            self._fail(delivery, error)
        except Exception as error:  # noqa: BLE001  no notifier ends anything
            # Its words may hold what it was given.
            self._fail(delivery, NotTold("not told", f"an unexpected {type(error).__name__}", "Report it, please."))
        else:
            self._outbox.arrived(delivery, thread, self._now())
            self.error, self.lost = None, 0
            self._worker.forgive()

    def _say_held(self) -> None:
        """What waits for a moment that this process does not live to see; it may be of another that it was asked."""
        left = self._outbox.held(self.name) - self._now()
        if left > 0 and self.error is None:
            why = f"its service asks to be left alone for {shown_seconds(left)}"
            self.error = NotTold("not everything was told yet", why, "It is told by the first run after that.")

    def _fail(self, delivery: Delivery, error: NotTold) -> None:
        self._outbox.failed(delivery, f"{error.what}: {error.why}", self._now(), wait=error.wait, final=error.final)
        self.error = self.error or error
        self.lost += 1
