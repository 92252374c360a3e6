"""The agent's end of a broker, and the process that serves a site with a Celery worker."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

from mcmirror.agents.agent import PROBE, Agent
from mcmirror.agents.link import Held, probe_of
from mcmirror.agents.seal import Message, Seal, Side, Unsealable
from mcmirror.config.agents import broker
from mcmirror.contrib.celery.broker import Mailbox, Sender, application, run_worker, stop_worker
from mcmirror.contrib.celery.words import BEAT, BEGIN, ENDED, GO, HELD, NO, OVER, PROBED, STOP, process_document
from mcmirror.model.agent import AgentProcess
from mcmirror.model.event import Observer
from mcmirror.service import Service
from mcmirror.service.at_agent import runner
from mcmirror.store.tasks import Standing

ASK = 2.0
"""Seconds after which a question that was not answered is asked again."""
ASKED = 15
"""How often whether an attempt may be begun; then it is not."""
ANSWER_LIFE = 60.0
"""Seconds after which an answer is too old."""
ALL = 2**62
"""Beyond the number of any message."""
PROBES = 3
"""Probes that may be missed: then it takes no work any more."""


@dataclass(slots=True)
class _Talk:
    """What was said of one attempt."""

    number: int = 0
    asked: dict[int, float] = field(default_factory=dict)
    answered: int = 0
    given: bool | None = None
    held: Held | None = None
    arrived: int = 0
    stopped: Standing | None = None
    changed: threading.Event = field(default_factory=threading.Event)


class BrokerAgent:
    """Implements ``AgentLink``."""

    def __init__(self, app: Any, seal: Seal, address: str, process: Callable[[], AgentProcess]) -> None:
        self.address = address
        self._seal, self._process = seal, process
        self._sender = Sender(app)
        self._mailbox = Mailbox(app, address, self._take)
        self._lock = threading.Lock()
        self._talks = dict[tuple[str, int], _Talk]()

    def start(self) -> None:
        """Begin to listen."""
        self._mailbox.start()

    def stop(self) -> None:
        """Listen no more."""
        self._mailbox.stop()
        self._sender.close()

    def begin(self, task: Message) -> bool:
        """Ask the master, who gives each attempt to one process."""
        talk = self._talk(task)
        for _ in range(ASKED):
            with suppress(ConnectionError):
                self._ask(task, talk, BEGIN)
            talk.changed.wait(ASK)
            if talk.given is not None:
                break
        if not talk.given:
            self._forget(task)
        return bool(talk.given)

    def beat(self, task: Message) -> Held | None:
        """Send a beat; return the answer to an earlier one."""
        talk = self._talk(task)
        with self._lock:
            held, talk.held = talk.held, None
            stopped, talk.stopped = talk.stopped, None
        self._ask(task, talk, BEAT)
        if stopped is not None:
            return Held(stopped, held.asked if held else 0.0)
        return held

    def arrived(self, task: Message) -> int:
        """What the last answer said."""
        return self._talk(task).arrived

    def post(self, task: Message, number: int, sealed: bytes) -> bool:
        """Send it; an answer to a beat says that it has arrived."""
        del number
        self._sender.message(str(task.body["reply_to"]), self._seal.agent, sealed)
        return False

    def refuse(self, task: Message, sealed: bytes) -> None:
        """Send it."""
        with suppress(ConnectionError):
            self.post(task, 1, sealed)

    def probed(self, probe: Message, process: AgentProcess) -> None:
        """Answer a probe; one that an agent sent, this or another process of the site, needs none."""
        if not probe.body.get("own"):
            body = {"process": process_document(process)}
            answer = self._seal.close(Side.MASTER, Message(PROBED, probe.task, body=body))
            with suppress(ConnectionError):
                self._sender.message(str(probe.body["reply_to"]), self._seal.agent, answer)

    def probe(self) -> None:
        """Send a probe task to the own site."""
        message = Message(PROBE, f"probe-{token_hex(8)}", body={"own": True})
        self._sender.task(self._seal.agent, self._seal.close(Side.AGENT, message))

    def ended(self, task: Message) -> None:
        """Say so; else the lease ends by itself."""
        with suppress(ConnectionError):
            self._ask(task, self._talk(task), ENDED)
        self._forget(task)

    def _talk(self, task: Message) -> _Talk:
        with self._lock:
            return self._talks.setdefault((task.task, task.attempt), _Talk())

    def _forget(self, task: Message) -> None:
        with self._lock:
            self._talks.pop((task.task, task.attempt), None)

    def _ask(self, task: Message, talk: _Talk, kind: str) -> None:
        with self._lock:
            talk.number += 1
            number = talk.number
            talk.asked = {one: at for one, at in talk.asked.items() if number - one < ASKED} | {
                number: time.monotonic()
            }
        body = {"process": process_document(self._process()), "reply_to": self.address}
        sealed = self._seal.close(Side.MASTER, Message(kind, task.task, task.attempt, number, body))
        self._sender.message(str(task.body["reply_to"]), self._seal.agent, sealed)

    def _take(self, agent: str, sealed: bytes) -> None:
        """Deal with what the master says."""
        del agent
        try:
            message = self._seal.open(Side.AGENT, sealed, ANSWER_LIFE)
        except Unsealable as why:
            logging.getLogger(__name__).warning("an answer was refused: %s", why)
            return
        with self._lock:
            talk = self._talks.get((message.task, message.attempt))
            if talk is None:
                return
            if message.kind == STOP:
                talk.stopped = Standing(held=True, cancelled=True, signal=int(message.body["signal"]))
                return
            if message.kind == OVER:
                talk.arrived = ALL
                return
            asked = talk.asked.pop(message.number, None)
            # One that was answered already, or was not asked, is a repetition.
            if asked is None or message.number <= talk.answered:
                return
            talk.answered = message.number
            if message.kind in {GO, NO}:
                talk.given = message.kind == GO
                talk.changed.set()
            elif message.kind == HELD:
                body = message.body
                standing = Standing(bool(body["held"]), bool(body["cancelled"]), int(body["signal"]))
                talk.held = Held(standing, asked)
                talk.arrived = max(talk.arrived, int(body["arrived"]))


@dataclass(slots=True)
class CeleryProcess:
    """Implements ``service.agent_process.AgentProcess``."""

    service: Service
    name: str
    seal: Seal
    capacity: int
    hear: Observer
    failure: str = ""
    _worker: Any = None
    _link: BrokerAgent | None = None
    _agent: Agent | None = None
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin to take tasks; raises Trouble and ConfigError."""
        app = application(broker(self.service.configuration, self.service.environ))
        address = f"mcmirror.agent.{self.name}.{token_hex(8)}"
        self._link = link = BrokerAgent(app, self.seal, address, lambda: agent.process)
        self._agent = agent = Agent(self.seal, link, runner(self.service, self.hear), capacity=self.capacity)
        link.start()
        self._worker = run_worker(app, self.name, agent.process.instance, self.capacity, agent.handle)
        for work in (self._work, self._watch):
            thread = threading.Thread(target=work, name="celery", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        try:
            self._worker.start()
        except (SystemExit, KeyboardInterrupt):
            pass
        except Exception:
            logging.getLogger(__name__).exception("Celery's worker ended")
        if not self._over.is_set():
            self.failure = "Celery's worker has ended"

    def _watch(self) -> None:
        """A worker whose connection looks well may take nothing: then no probe arrives, not even the own ones."""
        assert self._agent is not None  # noqa: S101
        assert self._link is not None  # noqa: S101
        agent, every = self._agent, probe_of(self.service.configuration.agents[self.name].max_age)
        since = sent = time.monotonic()
        while not self._over.wait(min(1.0, every / 4)):
            now = time.monotonic()
            if agent.full:
                since = now
            silent = now - max(since, agent.last_delivery)
            if silent > every and now - sent > every:
                sent = now
                try:
                    self._link.probe()
                except ConnectionError:
                    since = now  # no broker, no work: that is another trouble, and it ends by itself
            if silent > PROBES * every:
                text = f"no task and no probe has arrived for {silent:.0f} s, although the broker is there"
                self.failure = self.failure or text

    def stop(self, signal: int) -> None:
        """Take nothing more."""
        self._over.set()
        if self._worker is not None:
            stop_worker(self._worker)
        if self._agent is not None:
            self._agent.stop(signal)

    def wait(self, seconds: float) -> bool:
        """Wait for the worker."""
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        ended = not any(thread.is_alive() for thread in self._threads)
        if ended and self._link is not None:
            self._link.stop()
        return ended
