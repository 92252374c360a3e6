"""Probe tasks: a master sends them through the queue of each agent, for only taking work shows that work is taken."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from secrets import token_hex

from mcmirror.agents.agent import PROBE as PROBE_TASK
from mcmirror.agents.link import MasterLink, probe_of
from mcmirror.agents.seal import Message, Seal, Side
from mcmirror.config import Agent, ConfigError
from mcmirror.model.problem import Trouble
from mcmirror.store.database import Unusable
from mcmirror.store.tasks import PROBE, NewTask, Tasks

GLANCE = 0.5
PROBE_LIFE = 30.0
"""Seconds after which a probe that nobody took is worth nothing."""
TIDY = 30.0
"""Seconds between two clearings of tasks that are nobody's."""


class Prober:
    """Sends them from a thread of its own."""

    def __init__(
        self, agents: Callable[[], Mapping[str, Agent]], seal: Callable[[str], Seal], tasks: Tasks, link: MasterLink
    ) -> None:
        """``agents`` are those of the configuration; ``seal`` raises ConfigError and Trouble."""
        self._agents, self._seal, self._tasks, self._link = agents, seal, tasks, link
        self._stop = threading.Event()
        self._sent = dict[str, float]()
        self._tidied = 0.0
        self._warned = dict[str, str]()
        self._thread = threading.Thread(target=self._work, name="probes", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        while True:
            for name, agent in self._agents().items():
                if time.monotonic() - self._sent.get(name, -agent.max_age) >= probe_of(agent.max_age):
                    self._sent[name] = time.monotonic()
                    self._probe(name, agent)
            if time.monotonic() - self._tidied >= TIDY:
                self._tidied = time.monotonic()
                self._quietly("tasks", self._tasks.tidy)
            if self._stop.wait(GLANCE):
                return

    def _probe(self, name: str, agent: Agent) -> None:
        def send() -> None:
            seal = self._seal(name)
            self._tasks.drop_probes(name)
            now = time.time()
            processes = self._tasks.processes().get(name, ())
            # Processes of one agent share its queue: each is to get one.
            for _ in range(max(1, sum(1 for one in processes if now - one.seen <= agent.max_age))):
                probe = f"probe-{token_hex(8)}"
                body = {"reply_to": self._link.address}
                sealed = seal.close(Side.AGENT, Message(PROBE_TASK, probe, body=body))
                self._tasks.put(NewTask(probe, name, PROBE, "", "", "", sealed), PROBE_LIFE)
                self._link.send(name, probe, sealed)

        self._quietly(name, send)

    def _quietly(self, about: str, work: Callable[[], None]) -> None:
        """Do it; what hinders it is logged once, and it is tried again."""
        try:
            work()
        except (Unusable, ConnectionError, ConfigError, Trouble) as error:
            if self._warned.get(about) != str(error):
                self._warned[about] = str(error)
                logging.getLogger(__name__).warning("agents cannot be probed (%s): %s", about, error)
        else:
            self._warned.pop(about, None)
