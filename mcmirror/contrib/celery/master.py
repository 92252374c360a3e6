"""The master's end of a broker: keeps the leases in its store for agents that reach the broker alone."""

import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, SimpleQueue

from mcmirror.agents.agent import REFUSED
from mcmirror.agents.executor import Master, RemoteExecutor
from mcmirror.agents.link import lease_of
from mcmirror.agents.seal import Message, Seal, Side, Unsealable
from mcmirror.agents.stream import EVENTS
from mcmirror.config import ConfigError
from mcmirror.config.agents import broker
from mcmirror.contrib.celery.broker import Mailbox, Sender, application
from mcmirror.contrib.celery.words import BEAT, BEGIN, ENDED, GO, HELD, NO, OVER, PROBED, STOP, process_of
from mcmirror.model.problem import Trouble
from mcmirror.store.database import Database, Unusable
from mcmirror.store.tasks import Tasks


def executor(master: Master, name: str, environ: Mapping[str, str] = os.environ) -> RemoteExecutor:
    """The executor ``celery``; raises ConfigError and Trouble."""
    tasks = Tasks(Database(master.state))
    url = broker(master.configuration, environ)
    link = BrokerMaster(url, name, tasks, master.agent_keys, lambda agent: master.configuration.agents[agent].max_age)
    return RemoteExecutor(master, tasks, link, name)


class BrokerMaster:
    """Implements ``MasterLink``."""

    lossy = True

    def __init__(
        self,
        url: str,
        name: str,
        tasks: Tasks,
        keys: Callable[[str], Sequence[str]],
        max_age: Callable[[str], float],
    ) -> None:
        """``name`` is unique to this process."""
        self.address = f"mcmirror.master.{name}"
        self._tasks, self._keys, self._max_age = tasks, keys, max_age
        self._application = application(url)
        self._sender = Sender(self._application)
        self._mailbox: Mailbox | None = None
        self._lock = threading.Lock()
        self._inboxes = dict[str, SimpleQueue[bytes]]()
        self._heard = dict[str, tuple[int, int]]()
        self._owners = dict[str, str]()
        self._numbers = dict[tuple[str, int, str], int]()
        self._refused = 0

    def start(self) -> None:
        """Begin to listen."""
        with self._lock:
            if self._mailbox is None:
                self._mailbox = Mailbox(self._application, self.address, self._take)
                self._mailbox.start()

    def stop(self) -> None:
        """Listen no more."""
        with self._lock:
            mailbox, self._mailbox = self._mailbox, None
        if mailbox is not None:
            mailbox.stop()
        self._sender.close()

    def send(self, agent: str, task: str, sealed: bytes) -> None:
        """Put it into the queue of the site."""
        with self._lock:
            self._inboxes.setdefault(task, SimpleQueue())
        self._sender.task(agent, sealed)

    def incoming(self, agent: str, task: str, attempt: int, after: int, seconds: float) -> list[bytes]:
        """What has come for the task."""
        del agent, attempt, after
        inbox = self._inboxes.get(task)
        found = list[bytes]()
        try:
            while inbox is not None:
                found.append(inbox.get(timeout=seconds if not found and seconds else None, block=bool(seconds)))
                seconds = 0.0
        except Empty:
            pass
        return found

    def heard(self, agent: str, task: str, attempt: int, number: int) -> None:
        """The next answer to a beat says so."""
        del agent
        self._heard[task] = attempt, number

    def cancel(self, agent: str, task: str, attempt: int, signal: int) -> None:
        """Tell the owner, who otherwise hears it with its next beat."""
        if owner := self._owners.get(task):
            self._answer(agent, owner, Message(STOP, task, attempt, 0, {"signal": signal}))

    def forget(self, agent: str, task: str, attempt: int) -> None:
        """Nothing more is taken for it, and its owner need not wait."""
        with self._lock:
            self._inboxes.pop(task, None)
            self._heard.pop(task, None)
            owner = self._owners.pop(task, None)
            for mark in [mark for mark in self._numbers if mark[0] == task]:
                del self._numbers[mark]
        if owner is not None:
            self._answer(agent, owner, Message(OVER, task, attempt))

    def _answer(self, agent: str, address: str, message: Message) -> None:
        self._sender.message(address, agent, Seal(agent, self._keys(agent)).close(Side.AGENT, message))

    def _take(self, agent: str, sealed: bytes) -> None:
        """Deal with what an agent says."""
        try:
            message = Seal(agent, self._keys(agent)).open(Side.MASTER, sealed)
            self._deal(agent, message, sealed)
        except (Unsealable, ConfigError, Trouble) as why:
            self._refused += 1
            text = "a message was refused (%d until now): %s"
            level = logging.WARNING if self._refused == 1 else logging.DEBUG
            logging.getLogger(__name__).log(level, text, self._refused, why)
        except (Unusable, ConnectionError) as error:
            logging.getLogger(__name__).debug("a message of agent %s was not dealt with: %s", agent, error)

    def _deal(self, agent: str, message: Message, sealed: bytes) -> None:
        if message.kind in {EVENTS, REFUSED}:
            inbox = self._inboxes.get(message.task)
            if inbox is not None:
                inbox.put(sealed)
        elif message.kind == PROBED:
            if self._tasks.take_probe(message.task):
                self._tasks.enter(agent, process_of(message.body["process"]))
        elif message.kind in {BEGIN, BEAT, ENDED} and self._is_new(message):
            self._own(agent, message)

    def _is_new(self, message: Message) -> bool:
        """Whether it is no repetition of an earlier one: a beat that is recorded and sent again holds nothing."""
        mark = message.task, message.attempt, str(message.body["reply_to"])
        if message.task not in self._inboxes or message.number <= self._numbers.get(mark, 0):
            return False
        self._numbers[mark] = message.number
        return True

    def _own(self, agent: str, message: Message) -> None:
        """Begin, hold or end an attempt in the name of its owner."""
        process = process_of(message.body["process"])
        task, attempt, owner, address = message.task, message.attempt, process.instance, message.body["reply_to"]
        if message.kind == ENDED:
            self._tasks.end(task, attempt, owner)
            return
        lease = lease_of(self._max_age(agent))
        if message.kind == BEGIN:
            given = self._tasks.begin(task, attempt, owner, lease)
            if given:
                self._owners[task] = address
                self._tasks.enter(agent, process)
            self._answer(agent, address, Message(GO if given else NO, task, attempt, message.number))
            return
        found = self._tasks.renew(task, attempt, owner, lease)
        if found.held:
            self._tasks.enter(agent, process)
        of, number = self._heard.get(task, (attempt, 0))
        body = {
            "held": found.held,
            "cancelled": found.cancelled,
            "signal": found.signal,
            "arrived": number if of == attempt else 0,
        }
        self._answer(agent, address, Message(HELD, task, attempt, message.number, body))
