"""The executor ``store``: tasks, leases and events lie in the state's database, and no broker is needed."""

import logging
import threading
import time
from collections.abc import Callable

from mcmirror.agents.agent import Agent
from mcmirror.agents.link import Held, lease_of
from mcmirror.agents.seal import Message
from mcmirror.model.agent import AgentProcess
from mcmirror.model.stop import Stop
from mcmirror.store.database import Unusable
from mcmirror.store.tasks import Claimed, Tasks

LOOK = 0.5
"""Seconds between two looks for a task, or for events."""
MOST = 32
"""Messages that are read at once."""


class StoreMaster:
    """Implements ``MasterLink``."""

    address = ""
    lossy = False

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks

    def start(self) -> None:
        """Nothing is to be done."""

    def stop(self) -> None:
        """Nothing is to be done."""

    def send(self, agent: str, task: str, sealed: bytes) -> None:
        """It is in the store, and agents look there."""

    def incoming(self, agent: str, task: str, attempt: int, after: int, seconds: float) -> list[bytes]:
        """Look, and again a little later."""
        del agent
        until = time.monotonic() + seconds
        while True:
            found = self._tasks.messages(task, attempt, after, MOST)
            left = until - time.monotonic()
            if found or left <= 0:
                return [body for _, body in found]
            time.sleep(min(left, LOOK))

    def heard(self, agent: str, task: str, attempt: int, number: int) -> None:
        """Forget them."""
        del agent
        self._tasks.heard(task, attempt, number)

    def cancel(self, agent: str, task: str, attempt: int, signal: int) -> None:
        """The owner sees it at its next beat."""

    def forget(self, agent: str, task: str, attempt: int) -> None:
        """It was removed."""


class StoreAgent:
    """Implements ``AgentLink``, and takes tasks with ``work``."""

    def __init__(self, name: str, tasks: Tasks, max_age: float, process: Callable[[], AgentProcess]) -> None:
        self._name, self._tasks, self._process = name, tasks, process
        self._lease = lease_of(max_age)
        self._taking = threading.Lock()

    def begin(self, task: Message) -> bool:
        """It was taken by ``work``."""
        del task
        return True

    def beat(self, task: Message) -> Held | None:
        """Renew the lease."""
        with _reached():
            asked, process = time.monotonic(), self._process()
            lease = lease_of(float(task.body["max_age"]))
            found = self._tasks.renew(task.task, task.attempt, process.instance, lease)
            if found.held:
                self._tasks.enter(self._name, process)
            return Held(found, asked)

    def arrived(self, task: Message) -> int:
        """``post`` says it."""
        del task
        return 0

    def post(self, task: Message, number: int, sealed: bytes) -> bool:
        """Store it."""
        with _reached():
            self._tasks.say(task.task, task.attempt, self._process().instance, number, sealed)
        return True

    def refuse(self, task: Message, sealed: bytes) -> None:
        """Store it as the only message."""
        self.post(task, 1, sealed)

    def probed(self, probe: Message, process: AgentProcess) -> None:
        """It was answered when it was taken."""

    def ended(self, task: Message) -> None:
        """Let go of it."""
        try:
            self._tasks.end(task.task, task.attempt, self._process().instance)
        except Unusable:
            return  # the lease ends by itself

    def work(self, agent: Agent, stop: Stop) -> None:
        """Take tasks and probes, one at a time, until the stop: the work of one of the threads."""
        warned = ""
        while not stop.requested:
            try:
                claimed = self._take(agent, stop)
                if claimed is not None and not agent.handle(claimed.body):
                    self._tasks.refuse(claimed.id, claimed.attempt)
                warned = ""
            except (Unusable, ConnectionError) as unusable:
                if str(unusable) != warned:
                    warned = str(unusable)
                    logging.getLogger(__name__).warning("no tasks can be taken: %s", warned)
                stop.wait(LOOK)

    def _take(self, agent: Agent, stop: Stop) -> Claimed | None:
        """Wait for a task: one thread looks, and the others wait for their turn."""
        with self._taking:
            while not stop.requested:
                claimed = self._tasks.claim(self._name, agent.process, self._lease)
                if claimed is not None:
                    return claimed
                stop.wait(LOOK)
        return None


class _reached:  # noqa: N801  a block
    """What the store cannot do now is a connection that fails."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Unusable):
            raise ConnectionError(str(error)) from None
