"""A process that serves an agent's site: threads that take tasks and run them."""

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import Protocol

from mcmirror.agents.agent import Agent
from mcmirror.agents.by_store import StoreAgent
from mcmirror.agents.seal import Seal
from mcmirror.model.event import Observer
from mcmirror.model.stop import Stop
from mcmirror.service.at_agent import runner
from mcmirror.service.root import Service
from mcmirror.store.database import Database
from mcmirror.store.tasks import Tasks


class AgentProcess(Protocol):
    """Takes tasks until it is stopped, or cannot go on."""

    def start(self) -> None:
        """Begin; raises Trouble when that is not to be."""

    def stop(self, signal: int) -> None:
        """Take nothing more and end what runs politely; it is given back to the master."""

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is under way any more, for so long at most; whether that is so."""

    @property
    def failure(self) -> str:
        """Why it cannot go on; empty while it can."""


@dataclass(slots=True)
class StoreProcess:
    """Implements ``AgentProcess`` for the executor ``store``."""

    service: Service
    name: str
    seal: Seal
    capacity: int
    hear: Observer
    failure: str = ""
    _stop: Stop = field(default_factory=Stop)
    _threads: list[threading.Thread] = field(default_factory=list)
    _agent: Agent | None = None

    def start(self) -> None:
        """Begin to look for tasks."""
        max_age = self.service.configuration.agents[self.name].max_age
        link = StoreAgent(self.name, Tasks(Database(self.service.state)), max_age, lambda: agent.process)
        run = runner(self.service, self.hear)
        agent = Agent(self.seal, link, run, capacity=self.capacity)
        self._agent = agent
        for number in range(self.capacity):
            # A thread that starts an mc also waits for it: the death signal hangs on the thread.
            thread = threading.Thread(target=self._work, args=(link, agent), name=f"task-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self, link: StoreAgent, agent: Agent) -> None:
        try:
            link.work(agent, self._stop)
        except Exception:
            logging.getLogger(__name__).exception("a mistake of ours ended a thread that takes tasks")
            self.failure = "a thread that takes tasks has ended by a mistake of mcmirror"

    def stop(self, signal: int) -> None:
        """Take nothing more."""
        self._stop.request(signal)
        if self._agent is not None:
            self._agent.stop(signal)

    def wait(self, seconds: float) -> bool:
        """Wait for the threads."""
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)
