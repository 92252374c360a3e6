"""An agent's work: opens tasks, begins each attempt once, runs it, says what happens, ends what it does not hold."""

import logging
import os
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import replace
from secrets import token_hex

from mcmirror import __version__
from mcmirror.agents.link import AgentLink, beat_of, lease_of
from mcmirror.agents.seal import PROTOCOL, Message, Seal, Side, Unsealable
from mcmirror.agents.stream import Outgoing
from mcmirror.agents.task import RunTask, SentAlias, task_of
from mcmirror.engine.order import Order
from mcmirror.model.agent import AgentProcess
from mcmirror.model.event import Event, Observer, RunFinished
from mcmirror.model.job import Job
from mcmirror.model.lock import Lock, Manners
from mcmirror.model.report import RunReport, Status
from mcmirror.model.stop import Stop

Run = Callable[[Job, Order, Mapping[str, SentAlias], Observer], Generator[Event, None, RunReport]]
"""Runs a job here to its report."""
LIFE = 3600.0
"""Seconds after which a task that was sealed is too old to be begun; the master sends it anew before."""
TICK = 0.25
MARGIN = 0.75
"""Part of a lease without an answer after which an attempt counts as lost: before its master gives it to another."""
KNOWN = 10_000
"""Attempts that are remembered, so that none is begun twice."""

TASK, PROBE, REFUSED = "task", "probe", "refused"


class Agent:
    """The work of one process. ``handle`` is called by as many threads as it has capacity, each for a whole run."""

    def __init__(self, seal: Seal, link: AgentLink, run: Run, *, capacity: int) -> None:
        self._seal, self._link, self._run = seal, link, run
        self._lock = threading.Lock()
        self._known = dict[tuple[str, int], None]()
        self._stops = set[Stop]()
        self._stopping = 0
        self._process = AgentProcess(
            instance=f"{os.uname().nodename}-{os.getpid()}-{token_hex(4)}",
            host=os.uname().nodename,
            pid=os.getpid(),
            version=__version__,
            capacity=capacity,
            started=time.time(),
        )
        self.name = seal.agent
        self.refused = 0
        """Messages that were no task of ours."""
        self.last_delivery = time.monotonic()

    @property
    def process(self) -> AgentProcess:
        """How this process is doing."""
        with self._lock:
            return replace(self._process, running=len(self._stops))

    @property
    def full(self) -> bool:
        """Whether it works on as many runs as it can."""
        with self._lock:
            return len(self._stops) >= self._process.capacity

    def stop(self, signal: int = 0) -> None:
        """End what runs politely."""
        with self._lock:
            self._stopping = signal or 1
            stops = tuple(self._stops)
        for stop in stops:
            stop.request(signal)

    def handle(self, sealed: bytes) -> bool:
        """Do what a delivery asks for; False when it could not be opened."""
        self.last_delivery = time.monotonic()
        try:
            message = self._seal.open(Side.AGENT, sealed, LIFE)
        except Unsealable as why:
            self._refuse(str(why))
            return False
        if message.kind == PROBE:
            self._link.probed(message, self.process)
        elif message.kind == TASK:
            self._handle_task(message)
        else:
            self._refuse(f"it is a message of the kind {message.kind}")
            return False
        return True

    def _refuse(self, why: str) -> None:
        with self._lock:
            self.refused += 1
            number = self.refused
        text = "a message to agent %s was refused (%d until now): %s"
        logging.getLogger(__name__).log(logging.WARNING if number == 1 else logging.DEBUG, text, self.name, number, why)

    def _handle_task(self, message: Message) -> None:
        if why := message.foreign:
            self._decline(message, why)
            return
        try:
            task = task_of(message.body)
        except ValueError as error:
            self._decline(message, str(error))
            return
        with self._lock:
            mark = (message.task, message.attempt)
            if mark in self._known or self._stopping:
                return
            self._known[mark] = None
            while len(self._known) > KNOWN:
                del self._known[next(iter(self._known))]
        if not self._link.begin(message):
            return
        stop = Stop()
        with self._lock:
            self._stops.add(stop)
            if self._stopping:
                stop.request(self._stopping)
        try:
            self._work(message, task, stop)
        finally:
            with self._lock:
                self._stops.discard(stop)
            self._link.ended(message)

    def _decline(self, message: Message, why: str) -> None:
        logging.getLogger(__name__).warning("a run was refused: %s", why)
        body = {"why": why, "protocol": PROTOCOL, "version": __version__}
        answer = Message(REFUSED, message.task, message.attempt, 1, body)
        self._link.refuse(message, self._seal.close(Side.MASTER, answer))

    def _work(self, message: Message, task: RunTask, stop: Stop) -> None:
        max_age = float(message.body["max_age"])
        keeper = _Keeper(self._link, message, stop, lease_of(max_age), beat_of(max_age))

        def post(number: int, sealed: bytes) -> bool:
            return self._link.post(message, number, sealed)

        out = Outgoing(self._seal, message.task, message.attempt, post, lambda: keeper.lost)
        with keeper.keeping(out):
            order = replace(task.order, stop=stop)
            if message.attempt > 1 and order.manners.lock is not Lock.WAIT:
                # What an earlier attempt holds on this machine it lets go of within its lease.
                order = replace(order, manners=Manners(Lock.WAIT, lease_of(max_age)))
            events = self._run(task.job, order, task.aliases, out)
            with closing(events):
                for event in events:
                    if isinstance(event, RunFinished) and self._returns(event.report, keeper):
                        return
                    out(event)
            out.flush()
            while not (out.empty or keeper.lost):
                time.sleep(TICK)

    def _returns(self, report: RunReport, keeper: "_Keeper") -> bool:
        """Whether the attempt is given back: it was ended because this process ends, and not by its master."""
        return bool(self._stopping) and report.status is Status.CANCELLED and not keeper.cancelled


class _Keeper:
    """Holds one attempt while it is worked on: beats, sends what gathers, stops the run that is lost or cancelled."""

    def __init__(self, link: AgentLink, message: Message, stop: Stop, lease: float, beat: float) -> None:
        self._link, self._message, self._stop = link, message, stop
        self._lease, self._beat = lease, beat
        self._held = time.monotonic()
        self._over = threading.Event()
        self.lost = False
        self.cancelled = False
        """Whether the master asked for the end."""

    def keeping(self, out: Outgoing) -> "_Keeping":
        """Keep it for the length of a block."""
        return _Keeping(self, out)

    def work(self, out: Outgoing) -> None:
        """Until ``end``."""
        beaten = 0.0
        while not self._over.wait(min(TICK, self._beat)):
            now = time.monotonic()
            try:
                if now - beaten >= self._beat:
                    beaten = now
                    self._look()
                out.arrived(self._link.arrived(self._message))
                out.tick()
            except Exception as error:  # noqa: BLE001  the way to the master is tried again until the lease is over
                logging.getLogger(__name__).debug("the master was not reached: %s", error)
            if time.monotonic() - self._held > self._lease * MARGIN and not self.lost:
                self._lose("nothing was heard of the master for too long")

    def _look(self) -> None:
        answer = self._link.beat(self._message)
        if answer is None:
            return
        found = answer.standing
        if not found.held:
            self._lose("another attempt has taken its place")
            return
        self._held = max(self._held, answer.asked)
        self.cancelled = self.cancelled or found.cancelled
        if found.cancelled:
            self._stop.request(found.signal)

    def _lose(self, why: str) -> None:
        if not self.lost:
            self.lost = True
            logging.getLogger(__name__).warning("the run %s is ended: %s", self._message.task, why)
            self._stop.request()

    def end(self) -> None:
        """Keep it no longer."""
        self._over.set()


class _Keeping:
    def __init__(self, keeper: _Keeper, out: Outgoing) -> None:
        self._keeper = keeper
        self._thread = threading.Thread(target=keeper.work, args=(out,), name="keeper", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._keeper.end()
        self._thread.join()
