"""Hands the events of one relay on: those of different keys side by side, those of one key one after another."""

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from mcmirror.config import Relay as Settings
from mcmirror.model import s3_event
from mcmirror.model.delivery import delivery_id
from mcmirror.model.relay import NotStored, RelayedEvent
from mcmirror.model.s3_event import S3Event
from mcmirror.model.wording import harmless
from mcmirror.notify.message import NotTold
from mcmirror.notify.webhook_post import post
from mcmirror.notify.worker import Worker

FIRST_PAUSE = 1.0
"""Seconds between a failed attempt and the next; doubles."""
LONGEST_PAUSE = 600.0
MANY = 8
"""Keys whose events fail one after another, without a success between: then the receiver itself is out of order."""
LONGEST_HOLD = 60.0
"""Seconds in which such a receiver is sent nothing, at most."""
LOOK = 5.0
"""Seconds between two looks for what other processes left or replayed."""
SPARE = 15.0
"""Seconds of a lease beyond what a delivery may take."""
TIDY = 3600.0
"""Seconds between two clearings of what was seen long ago."""
_LOG = logging.getLogger(__name__)


class Queue(Protocol):
    """Where events lie until they are handed on; ``store.relay_queue``."""

    def store(self, relay: str, events: Sequence[RelayedEvent], now: float, *, pending: int = 0) -> int:
        """Store what was not seen before; how many that was. Raises NotStored."""

    def take(self, relay: str, now: float, lease: float, most: int) -> tuple[RelayedEvent, ...]:
        """The next of each subject. Raises NotStored."""

    def due(self, relay: str) -> float | None:
        """When the next one may be tried. Raises NotStored."""

    def delivered(self, event: RelayedEvent) -> None:
        """It was handed on."""

    def failed(self, event: RelayedEvent, due: float, error: str) -> None:
        """It is tried again then."""

    def give_up(self, event: RelayedEvent, error: str) -> None:
        """It is tried no more until it is replayed."""

    def prune(self, now: float) -> None:
        """Forget what was seen long ago."""


class Say(Protocol):
    """A line of the log."""

    def __call__(self, level: str, event: str, text: str, /, **fields: object) -> None:
        """``event`` is for machines, ``text`` for people."""


class Relay:
    """Implements ``model.relay.Receiver``. Its methods may be called by any thread."""

    def __init__(self, settings: Settings, queue: Queue, say: Say, now: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self._queue = queue
        self._say = say
        self._now = now
        self._changed = threading.Condition()
        self._woken = self._ended = False
        self._under_way = 0
        self._failing = set[str]()
        """Subjects whose events failed since one succeeded, or since the last hold."""
        self._failed = self._holds = 0
        """Attempts, and holds, since one succeeded."""
        self._held = 0.0
        """Until when nothing is sent: the receiver asks for it, or it fails whatever it is sent."""
        self._tidied = 0.0
        self._worker = Worker(self._work, f"relay-{settings.name}")

    @property
    def token(self) -> str:
        """What a request has to bring."""
        return self.settings.token

    def receive(self, body: bytes) -> None:
        """Store the events of a document. Raises ValueError, NotStored."""
        events = s3_event.parse(body)
        kept = [event for event in events if self.settings.keep_pending or not event.pending]
        if events:
            found = [_relayed(self.settings.name, event) for event in kept]
            new = self._queue.store(self.settings.name, found, self._now(), pending=len(events) - len(kept))
            if new:
                self._wake()

    def start(self) -> bool:
        """Hand on from now on, also what earlier processes left; False when it does already."""
        new = not self._worker.alive
        self._worker.ensure()
        return new

    def stop(self) -> None:
        """Begin no further delivery."""
        with self._changed:
            self._ended = self._woken = True
            self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait for the deliveries that are under way after ``stop``, so long at most."""
        self._worker.join(seconds)  # it may have taken more
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way, seconds)

    def _wake(self) -> None:
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def _work(self) -> None:
        while not self._ended:
            try:
                pause = self._begin()
            except NotStored:
                pause = LOOK  # the state's own warning says it
            except Exception:  # noqa: BLE001  what comes later is handed on all the same
                _LOG.exception("relay %s: a mistake of ours kept events from being handed on", self.settings.name)
                pause = LOOK
            with self._changed:
                self._changed.wait_for(lambda: self._woken, pause)
                self._woken = False

    def _begin(self) -> float:
        """Begin what is due; return how many seconds may pass until the next look."""
        now, name = self._now(), self.settings.name
        if now - self._tidied >= TIDY:
            self._tidied = now
            self._queue.prune(now)
        if self._held > now:
            return self._held - now
        free = self.settings.parallel - self._under_way
        if free <= 0:
            return LOOK
        taken = self._queue.take(name, now, self.settings.timeout + SPARE, free)
        for event in taken:
            self._spawn(event)
        if taken:
            return 0.0
        due = self._queue.due(name)
        return LOOK if due is None else min(LOOK, max(0.05, due - now))

    def _spawn(self, event: RelayedEvent) -> None:
        with self._changed:
            self._under_way += 1
        try:
            name = f"relay-{self.settings.name}-delivery"
            threading.Thread(target=self._deliver, args=(event,), name=name, daemon=True).start()
        except RuntimeError as error:
            self._fail(event, NotTold("", f"no thread could be started: {error}", ""))
            self._release()

    def _release(self) -> None:
        with self._changed:
            self._under_way -= 1
            self._woken = True
            self._changed.notify_all()

    def _deliver(self, event: RelayedEvent) -> None:
        try:
            self._post(event)
        except NotTold as error:
            self._fail(event, error)
        except Exception as error:  # noqa: BLE001  whatever it is, the event is tried again
            # Its words may hold what it was given.
            self._fail(event, NotTold("", f"an unexpected {type(error).__name__}", ""))
        else:
            self._queue.delivered(event)
            self._succeed()
        finally:
            self._release()

    def _post(self, event: RelayedEvent) -> None:
        settings = self.settings
        headers = {
            "Content-Type": "application/json",
            "X-Mcmirror-Delivery": event.id,
            "X-Mcmirror-Attempt": str(event.attempts + 1),
        }
        if settings.deliver_token:
            headers["Authorization"] = f"Bearer {settings.deliver_token}"
        post(settings.deliver, event.payload, headers, f"relay {settings.name}", settings.timeout)

    def _succeed(self) -> None:
        with self._changed:
            failures, self._failed, self._holds = self._failed, 0, 0
            self._failing.clear()
        if failures:
            text = f"relay {self.settings.name}: the receiver takes events again"
            self._say("info", "relay_recovered", text, relay=self.settings.name, failures=failures)

    def _fail(self, event: RelayedEvent, error: NotTold) -> None:
        name, now = self.settings.name, self._now()
        if error.final or event.attempts + 1 >= self.settings.attempts:
            self._queue.give_up(event, error.why)
            what = f"{event.name} of {harmless(event.subject)}"
            text = f"relay {name}: {what} is given up: {error.why}. mcmirror events replay {name} tries it again."
            self._say("warning", "relay_dead", text, relay=name, subject=event.subject, why=error.why)
        else:
            self._queue.failed(event, now + _pause(event.attempts), error.why)
        if error.final:
            return
        with self._changed:
            self._failed += 1
            first = self._failed == 1
            self._failing.add(event.subject)
            pause = error.wait
            if len(self._failing) >= MANY:
                pause = max(pause, min(LONGEST_HOLD, _pause(self._holds)))
                self._holds += 1
                self._failing.clear()
            self._held = max(self._held, now + pause)
        if first:
            self._say("warning", "relay_failing", f"relay {name}: {error.why}; tried again", relay=name, why=error.why)


def _pause(attempts: int) -> float:
    """Seconds after so many attempts that had failed before this one."""
    return float(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempts, 20)))


def _relayed(relay: str, event: S3Event) -> RelayedEvent:
    return RelayedEvent(
        id=delivery_id("relay", relay, event.identity),
        relay=relay,
        subject=f"{event.bucket}/{event.key}",
        rank=event.order,
        name=event.name,
        payload=json.dumps(_document(event)),
    )


def _document(event: S3Event) -> dict[str, Any]:
    """A document with this event alone, as MinIO sends it."""
    return {"EventName": event.raw["eventName"], "Key": f"{event.bucket}/{event.key}", "Records": [event.raw]}
