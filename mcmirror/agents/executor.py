"""Runs at a distance: hands each run to an agent and yields its events as if it ran here."""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Protocol

from mcmirror.agents.agent import LIFE, REFUSED, TASK
from mcmirror.agents.link import BEATS, LONGEST_LEASE, MasterLink, lease_of
from mcmirror.agents.probing import Prober
from mcmirror.agents.seal import Message, Seal, Side, Unsealable
from mcmirror.agents.stream import Incoming
from mcmirror.agents.task import task_document
from mcmirror.config import ConfigError, Configuration
from mcmirror.engine.order import Order
from mcmirror.engine.run import not_started
from mcmirror.messages.error_lookup import problem
from mcmirror.messages.exceptions import problem_of
from mcmirror.model.agent import AgentState
from mcmirror.model.event import Event, Noted, Observer, Waiting
from mcmirror.model.job import Job
from mcmirror.model.location import Alias
from mcmirror.model.lock import Lock
from mcmirror.model.problem import Category, Problem, Trouble
from mcmirror.model.record import run_id
from mcmirror.model.report import RunReport, Status
from mcmirror.store.database import Unusable
from mcmirror.store.tasks import REFUSED as UNREADABLE
from mcmirror.store.tasks import RUN, RUNNING, NewTask, TaskRow, Tasks

PAUSE = 0.5
"""Seconds that the next message is waited for."""
LOOK = 1.0
"""Seconds between two looks at the task."""
PATIENT = 5.0
"""Seconds after which it is said that no agent has taken the run."""

Run = Generator[Event, None, RunReport]


class Master(Protocol):
    """What an executor needs of its master."""

    state: str
    """The URL of the state's database."""

    @property
    def configuration(self) -> Configuration:
        """The configuration in use."""

    def alias(self, name: str) -> Alias | None:
        """The alias of this name; raises ConfigError."""

    def agent_keys(self, name: str) -> Sequence[str]:
        """The keys of an agent; raises ConfigError."""


class RemoteExecutor:
    """Implements ``service.executors.Executor``. Thread-safe."""

    def __init__(self, master: Master, tasks: Tasks, link: MasterLink, name: str) -> None:
        """``name`` is unique to this process."""
        self._master, self._tasks, self._link, self._name = master, tasks, link, name
        self._began = time.time()
        self._prober: Prober | None = None
        self._stopped = threading.Event()
        self._guard = threading.Lock()
        self._turns = defaultdict[str, threading.Lock](threading.Lock)
        self._watcher = threading.Thread(target=self._watch, name="watcher", daemon=True)

    @property
    def watch(self) -> float:
        """Seconds after which tasks of this process are nobody's when it is gone."""
        return min((lease_of(one.max_age) for one in self._master.configuration.agents.values()), default=LONGEST_LEASE)

    def _watch(self) -> None:
        """Say that this process is there, whatever its runs wait for."""
        while not self._stopped.wait(self.watch / BEATS):
            with suppress(Unusable):
                self._tasks.watch(self._name, self.watch)

    def start(self, *, probes: bool = False) -> None:
        """Get ready; with ``probes`` look again and again whether the agents take work."""
        self._link.start()
        if not self._watcher.is_alive():
            self._watcher.start()
        if probes and self._prober is None:
            self._prober = Prober(lambda: self._master.configuration.agents, self._seal, self._tasks, self._link)
            self._prober.start()

    def stop(self) -> None:
        """End what ``start`` began."""
        self._stopped.set()
        if self._prober is not None:
            self._prober.stop()
        if self._watcher.is_alive():
            self._watcher.join()
        self._link.stop()
        self._tasks.close()

    def replace(self, master: Master) -> None:
        """Work with another configuration."""
        self._master = master

    def agents(self) -> tuple[AgentState, ...]:
        """How the configured agents are doing. Raises Unusable."""
        configuration = self._master.configuration
        processes, numbers = self._tasks.processes(), self._tasks.numbers()
        now = time.time()
        found = list[AgentState]()
        for name, agent in configuration.agents.items():
            known = processes.get(name, ())
            jobs = tuple(job.name for job in configuration.jobs.values() if job.agent == name)
            lively = tuple(one for one in known if now - one.seen <= agent.max_age)
            waiting, running = numbers.get(name, (0, 0))
            since = self._began if self._prober is not None else 0.0
            found.append(AgentState(name, agent.max_age, jobs, lively or known[:1], waiting, running, since))
        return tuple(found)

    def events(self, job: Job, order: Order, run: str, tell: Observer) -> Run:
        """Run the job at its agent to its report; the last event is RunFinished."""
        try:
            distant = _Distant(self, job, order, run or run_id(datetime.now(UTC)), self._seal(job.agent))
        except (ConfigError, Trouble) as error:
            return (yield from not_started(job, Status.FAILED, _unsendable(error, job)))
        with distant.turn() as mine:
            if not mine:
                found = problem(Category.LOCKED, f"another run writes to {job.target}", "", str(job.target))
                return (yield from not_started(job, Status.CANCELLED, found, order.stop.signal))
            try:
                return (yield from distant.work(tell))
            finally:
                distant.close()

    def _seal(self, agent: str) -> Seal:
        """Raises ConfigError and Trouble."""
        return Seal(agent, self._master.agent_keys(agent))

    # For _Distant, which is a part of this.

    def document(self, job: Job, order: Order) -> dict[str, Any]:
        """The run as it is sent."""
        written: Mapping[str, Alias] = self._master.configuration.aliases
        more = {"reply_to": self._link.address, "max_age": self.patience(job.agent)}
        return {**task_document(job, order, self._master, written), **more}

    @property
    def hands(self) -> tuple[Tasks, MasterLink, str]:
        """The store, the way to the agents, and the name of this process."""
        return self._tasks, self._link, self._name

    def turn(self, target: str) -> threading.Lock:
        """What runs of this process with one target hold in turns."""
        with self._guard:
            return self._turns[target]

    def gone(self, agent: str) -> bool:
        """Whether no process of the agent was seen lately."""
        age = self.patience(agent)
        return all(time.time() - one.seen > age for one in self._tasks.processes().get(agent, ()))

    def patience(self, agent: str) -> float:
        """Seconds after which an agent is gone."""
        return self._master.configuration.agents[agent].max_age


class _Distant:
    """One run at an agent."""

    def __init__(self, executor: RemoteExecutor, job: Job, order: Order, task: str, seal: Seal) -> None:
        self._executor, self._job, self._order, self._task, self._seal = executor, job, order, task, seal
        self._tasks, self._link, self._name = executor.hands
        self._document = executor.document(job, order)
        self._incoming = Incoming(job.name)
        self._attempt = 1
        self._begun = self._cancelled = self._said = self._placed = False
        self._looked = 0.0
        self._unopened = 0
        self._row: TaskRow | None = None
        self._free = 0.0
        """Since when nobody works on it."""
        # What a broker has handed to a process that died is lost.
        self._resend = lease_of(executor.patience(job.agent)) if self._link.lossy else LIFE / 2
        # A folder, or an alias that the agent alone defines, is another one at each site.
        theirs = job.target.is_local or job.target.alias not in self._document["aliases"]
        target = f"{job.agent}:{job.target}" if theirs else str(job.target)
        alone = not order.shared or job.target.is_local
        self._target = target if order.writes(job) and alone else ""

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Hold the target against other runs of this process; False when the run was cancelled before."""
        if not self._target:
            yield True
            return
        turn = self._executor.turn(self._target)
        while not turn.acquire(timeout=LOOK):
            if self._order.stop.requested:
                yield False
                return
        try:
            yield True
        finally:
            turn.release()

    def work(self, tell: Observer) -> Run:
        """Place the task and follow it to its report."""
        try:
            placed = yield from self._place(tell)
        except (Unusable, ConnectionError) as error:
            what = f"the run could not be handed to agent {self._job.agent}"
            remedy = "Mend what the cause names, the state or the broker of [settings], and run again."
            return (yield from self._failed(problem(Category.SYSTEM, what, str(error), self._job.name, remedy=remedy)))
        if placed is not None:
            return placed
        try:
            return (yield from self._follow(tell))
        except Trouble as trouble:
            return (yield from self._failed(trouble.problem))
        except (ValueError, ConnectionError) as error:
            text = "what agent %s said of %s cannot be used"
            logging.getLogger(__name__).exception(text, self._job.agent, self._job.name)
            return (yield from self._failed(problem_of(error)))

    def _place(self, tell: Observer) -> Generator[Event, None, RunReport | None]:
        """Store the task and send it; the report when that was not to be. Raises Unusable, ConnectionError."""
        job, order = self._job, self._order
        new = NewTask(self._task, job.agent, RUN, job.name, self._target, self._name, self._body())
        begun, told = time.monotonic(), False
        while not self._tasks.put(new, self._executor.watch):
            found = problem(Category.LOCKED, f"another run writes to {job.target}", "", str(job.target))
            patience = order.manners.patience
            if order.stop.requested:
                return (yield from not_started(job, Status.CANCELLED, found, order.stop.signal))
            if order.manners.lock is not Lock.WAIT or (patience and time.monotonic() - begun > patience):
                status = Status.FAILED if order.manners.lock is Lock.FAIL else Status.SKIPPED
                return (yield from not_started(job, status, found))
            if not told:
                told = True
                tell(Waiting(job.name, str(job.target)))
            order.stop.wait(LOOK)
        self._placed = True
        try:
            self._link.send(job.agent, self._task, new.body)
        except ConnectionError as error:
            # One that waits for its agent waits for the broker as well: it is sent again.
            if order.manners.lock is not Lock.WAIT:
                raise
            logging.getLogger(__name__).warning("%s: %s; the run is sent again", job.name, error)
        return None

    def _body(self) -> bytes:
        return self._seal.close(Side.AGENT, Message(TASK, self._task, self._attempt, 0, self._document))

    def _follow(self, tell: Observer) -> Run:
        """Yield what the agent says until its report."""
        self._free = time.monotonic()
        while True:
            report = yield from self._listen(PAUSE)
            if report is not None:
                return report
            if self._order.stop.requested and not self._cancelled:
                self._cancelled = True
                if self._cancel():
                    return (yield from self._ended())
            if self._is_held():
                continue
            # The last that an owner said came before it let go.
            report = yield from self._listen(0.0)
            if report is not None:
                return report
            report = yield from self._go_on(tell)
            if report is not None:
                return report

    def _is_held(self) -> bool:
        """Whether an agent works on it, as far as was looked."""
        if time.monotonic() - self._looked < LOOK:
            return True
        self._looked = time.monotonic()
        try:
            self._row = row = self._tasks.look(self._task)
        except Unusable as unusable:
            logging.getLogger(__name__).debug("the task of %s was not looked at: %s", self._job.name, unusable)
            return True
        return row is not None and row.state == RUNNING and row.left >= 0

    def _go_on(self, tell: Observer) -> Generator[Event, None, RunReport | None]:
        """Do what a task needs that no agent works on; the report of one that cannot go on."""
        row, agent = self._row, self._job.agent
        if self._cancelled or row is None:
            return (yield from self._ended())
        if row.state == UNREADABLE:
            what = f"agent {agent} could not open the run's message"
            return (yield from self._failed(problem(Category.AGENT_REFUSED, what, "", agent)))
        if row.state == RUNNING:
            text = f"Agent {agent} lost the run; it begins again."
            logging.getLogger(__name__).warning("%s: %s", self._job.name, text)
            if self._begun:
                yield Noted(self._job.name, text)
            self._free = time.monotonic()
            self._again()
            return None
        gone = self._wait(row, tell, time.monotonic() - self._free)
        return (yield from self._failed(gone)) if gone is not None else None

    def _listen(self, seconds: float) -> Generator[Event, None, RunReport | None]:
        """Yield the events of what has arrived; the report when it is among it."""
        agent, number = self._job.agent, self._incoming.number
        try:
            arrived = self._link.incoming(agent, self._task, self._attempt, number, seconds)
        except (Unusable, ConnectionError):
            self._order.stop.wait(seconds)
            return None
        for sealed in arrived:
            try:
                message = self._seal.open(Side.MASTER, sealed)
            except Unsealable as why:
                self._refuse(why)
                continue
            if (message.task, message.attempt) != (self._task, self._attempt):
                continue
            if message.kind == REFUSED:
                raise Trouble(_refusal(agent, message))
            for event in self._incoming.take(message):
                self._begun = True
                yield event
                if self._incoming.finished:
                    return event.report  # type: ignore[union-attr]
        if self._incoming.number > number:
            with suppress(Unusable, ConnectionError):
                self._link.heard(agent, self._task, self._attempt, self._incoming.number)
        return None

    def _refuse(self, why: Unsealable) -> None:
        """Log the first of them; what was stored as the next message makes room."""
        self._unopened += 1
        if self._unopened == 1:
            text = "a message of agent %s about %s was refused: %s"
            logging.getLogger(__name__).warning(text, self._job.agent, self._job.name, why)
        with suppress(Unusable, ConnectionError):
            self._link.heard(self._job.agent, self._task, self._attempt, self._incoming.number + 1)

    def _cancel(self) -> bool:
        """Ask for the end; whether nobody works on it."""
        signal = self._order.stop.signal
        try:
            if self._tasks.cancel(self._task, signal):
                return True
            self._link.cancel(self._job.agent, self._task, self._attempt, signal)
        except (Unusable, ConnectionError):
            self._cancelled = False  # tried again
        return False

    def _again(self) -> None:
        """Send another attempt, if nobody owns this one."""
        before = self._attempt
        self._attempt += 1
        sealed = self._body()
        try:
            if not self._tasks.again(self._task, before, sealed):
                self._attempt = before
                return
            self._incoming.restart()
            self._link.send(self._job.agent, self._task, sealed)
        except (Unusable, ConnectionError):
            logging.getLogger(__name__).debug("the run of %s is sent again later", self._job.name)

    def _wait(self, row: TaskRow, tell: Observer, waited: float) -> Problem | None:
        """What to do while no agent has taken it: say so, send it again before it is too old, or give up."""
        job = self._job
        if row.attempt != self._attempt:
            self._attempt = row.attempt
        if not self._said and waited > PATIENT:
            self._said = True
            tell(Waiting(job.name, str(job.target), job.agent))
        if row.waiting > self._resend:
            self._resend = min(LIFE / 2, self._resend * 2)
            self._again()
        if self._order.manners.lock is Lock.WAIT or waited < self._executor.patience(job.agent):
            return None
        with suppress(Unusable):
            if self._executor.gone(job.agent):
                what = f"agent {job.agent} has not taken the run"
                return problem(Category.AGENT_GONE, what, "", job.agent)
        return None

    def _ended(self) -> Run:
        """The end of a run that nobody works on any more."""
        if self._order.stop.requested:
            found = problem(Category.AGENT_GONE, f"agent {self._job.agent} was not at work on it", "", self._job.agent)
            signal = self._order.stop.signal
            return (yield from not_started(self._job, Status.CANCELLED, found, signal, begun=self._begun))
        what = f"the run was taken from agent {self._job.agent}"
        return (yield from self._failed(problem(Category.AGENT_GONE, what, "its task is not in the store any more")))

    def _failed(self, found: Problem) -> Run:
        """The end of a run that cannot go on."""
        return (yield from not_started(self._job, Status.FAILED, found, begun=self._begun))

    def close(self) -> None:
        """Let go of the task; one that somebody still works on is cancelled."""
        if not self._placed:
            return
        try:
            if self._incoming.finished:
                self._tasks.remove(self._task)
            else:
                self._tasks.abandon(self._task)
            self._link.forget(self._job.agent, self._task, self._attempt)
        except (Unusable, ConnectionError):
            logging.getLogger(__name__).debug("the task of %s is removed later", self._job.name)


def _unsendable(error: ConfigError | Trouble, job: Job) -> Problem:
    """Why a run could not even be made ready for its agent."""
    if isinstance(error, Trouble):
        return error.problem
    said = "; ".join(one.sentence for one in error.mistakes)
    remedy = " ".join(one.remedy for one in error.mistakes)
    return problem(Category.CONFIGURATION, said, "", job.name, remedy=remedy)


def _refusal(agent: str, message: Message) -> Problem:
    cause = message.foreign or str(message.body.get("why", ""))
    return problem(Category.AGENT_REFUSED, f"agent {agent} refused the run", cause, agent)
