"""The events of a run on their way from an agent to its master: in batches, numbered, and again until they arrived."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mcmirror.agents.seal import Message, Seal, Side
from mcmirror.codec.events import difference_document, difference_of, event_document, event_of
from mcmirror.codec.jobs import plan_document, plan_of
from mcmirror.engine.spool import Spool
from mcmirror.model.event import Event, Listed, Moved, Planned, RunFinished, RunStarted

EVENTS = "events"
MOST_ITEMS = 500
"""Events, or differences of a plan, of one message."""
LEAST_PAUSE = 0.5
"""Seconds between two messages of progress."""
WINDOW = 64
"""Messages that may be under way; then the run waits."""
AGAIN = 10.0
"""Seconds after which a message that did not arrive is sent again."""

Post = Callable[[int, bytes], bool]
"""Sends a numbered, sealed message; whether it has arrived for good. Raises ConnectionError when it was not sent."""


class Outgoing:
    """What an agent says of one attempt. Thread-safe; ``tick`` is to be called every now and then."""

    def __init__(self, seal: Seal, task: str, attempt: int, post: Post, over: Callable[[], bool]) -> None:
        """``over`` says that the attempt is lost, and nothing needs to be sent any more."""
        self._seal, self._task, self._attempt, self._post, self._over = seal, task, attempt, post, over
        self._lock = threading.Condition()
        self._sending = threading.Lock()
        self._items = list[dict[str, Any]]()
        self._number = 0
        self._under_way = deque[tuple[int, bytes, float]]()
        self._flushed = time.monotonic()

    def __call__(self, event: Event) -> None:
        """Take an event; a plan is followed by its differences. Waits while too much is under way."""
        if isinstance(event, Planned):
            for difference in event.plan.differences:
                self._take({"difference": difference_document("", difference)})
            self._take({"plan": plan_document(event.plan), "job": event.job})
        elif isinstance(event, Moved | Listed):
            self._replace(event)
        else:
            self._take(event_document(event, ""))

    def _replace(self, event: Moved | Listed) -> None:
        """Of what only grows, the last word of a batch counts."""
        document = event_document(event, "")
        with self._lock:
            self._items = [one for one in self._items if one.get("event") != document["event"]]
            self._items.append(document)

    def _take(self, item: dict[str, Any]) -> None:
        with self._lock:
            self._items.append(item)
            full = len(self._items) >= MOST_ITEMS
        if full:
            self.flush()
            with self._lock:
                while len(self._under_way) >= WINDOW and not self._over():
                    self._lock.wait(LEAST_PAUSE)

    def tick(self) -> None:
        """Send what has gathered, and again what did not arrive."""
        if time.monotonic() - self._flushed >= LEAST_PAUSE:
            self.flush()
        self._send()

    def flush(self) -> None:
        """Send what has gathered."""
        with self._lock:
            items, self._items = self._items, []
            self._flushed = time.monotonic()
            if items:
                self._number += 1
                message = Message(EVENTS, self._task, self._attempt, self._number, {"items": items})
                self._under_way.append((self._number, self._seal.close(Side.MASTER, message), 0.0))
        self._send()

    def arrived(self, number: int) -> None:
        """The master has everything up to this number."""
        with self._lock:
            while self._under_way and self._under_way[0][0] <= number:
                self._under_way.popleft()
            self._lock.notify_all()

    @property
    def empty(self) -> bool:
        """Whether everything has arrived."""
        with self._lock:
            return not (self._items or self._under_way)

    def _send(self) -> None:
        with self._sending:
            now = time.monotonic()
            with self._lock:
                due = [one for one in self._under_way if not one[2] or now - one[2] > AGAIN]
            for number, sealed, _ in due:
                try:
                    final = self._post(number, sealed)
                except ConnectionError:
                    return
                with self._lock:
                    again = [(n, s, now if n == number else at) for n, s, at in self._under_way]
                    self._under_way = deque(again)
                if final:
                    self.arrived(number)


class Incoming:
    """The events of a task, as they arrive at its master. Not thread-safe."""

    def __init__(self, job: str) -> None:
        self._job = job
        self._begun = False
        self._next = 1
        self._spool = Spool()
        self.finished = False

    @property
    def number(self) -> int:
        """Of the last message that was taken."""
        return self._next - 1

    def restart(self) -> None:
        """Another attempt begins."""
        self._next = 1
        self._spool = Spool()

    def take(self, message: Message) -> Iterator[Event]:
        """The events of the next message; one that was taken, or comes too early, has none."""
        if message.number != self._next or self.finished:
            return
        self._next += 1
        for item in message.body["items"]:
            event = self._event(item)
            if event is None or (self._begun and isinstance(event, RunStarted)):
                continue
            self._begun = self._begun or isinstance(event, RunStarted)
            self.finished = isinstance(event, RunFinished)
            yield event

    def _event(self, item: Mapping[str, Any]) -> Event | None:
        if "difference" in item:
            self._spool.append(difference_of(item["difference"]))
            return None
        if "plan" in item:
            plan, self._spool = plan_of(item["plan"], differences=self._spool), Spool()
            return Planned(self._job, plan)
        return event_of(item)
