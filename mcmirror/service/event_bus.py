"""Everybody who listens to a server's events, without ever holding it up."""

import threading
import time
from collections import deque
from datetime import UTC, datetime

from mcmirror.model.control import Sent, UnderWay
from mcmirror.model.event import Event, RunFinished
from mcmirror.model.job import Verb
from mcmirror.model.progress import Progress, ProgressTracker

KEPT = 10_000
"""Events kept for a reader that is slow; older ones are lost to it."""


class EventBus:
    """Hands each event to every subscription, and knows how far each run is."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number = 0
        self._subscriptions: tuple[Subscription, ...] = ()
        self._under_way: dict[str, tuple[Verb, ProgressTracker]] = {}
        self.ended = False

    def send(self, run: str, event: Event, verb: Verb = Verb.RUN) -> None:
        """Pass an event of a run on; returns at once."""
        with self._lock:
            self._number += 1
            if run not in self._under_way:
                self._under_way[run] = verb, ProgressTracker(event.job)
            self._under_way[run][1].see(event, time.monotonic())
            if isinstance(event, RunFinished):
                del self._under_way[run]
            if not self._subscriptions:
                return
            sent = Sent(self._number, datetime.now(UTC).isoformat(timespec="milliseconds"), run, event, verb)
            readers = self._subscriptions
        for reader in readers:
            reader.put(sent)

    def progress(self, run: str) -> Progress | None:
        """How far a run is; None when it has said nothing yet, or has ended."""
        with self._lock:
            known = self._under_way.get(run)
            return known[1].progress(time.monotonic()) if known else None

    def forget(self, run: str) -> None:
        """It says nothing more, though it has not said that it ended."""
        with self._lock:
            self._under_way.pop(run, None)

    def subscribe(self) -> "Subscription":
        """Hear every event from now on, and how far each run is by now."""
        with self._lock:
            now = time.monotonic()
            going = tuple(UnderWay(run, verb, known.progress(now)) for run, (verb, known) in self._under_way.items())
            reader = Subscription(self, going)
            self._subscriptions = (*self._subscriptions, reader)
        return reader

    def leave(self, reader: "Subscription") -> None:
        """Send it nothing more."""
        with self._lock:
            self._subscriptions = tuple(one for one in self._subscriptions if one is not reader)

    def end(self) -> None:
        """Wake up everybody for the last time."""
        self.ended = True
        with self._lock:
            readers = self._subscriptions
        for reader in readers:
            reader.wake()


class Subscription:
    """One reader's queue (``control.Feed``)."""

    def __init__(self, hub: EventBus, under_way: tuple[UnderWay, ...]) -> None:
        self.thinned = self.lost = False
        self._hub = hub
        self._under_way = deque(under_way)
        self._queue = deque[Sent](maxlen=KEPT)
        self._there = threading.Condition()

    def put(self, sent: Sent) -> None:
        """Take one in; the oldest goes when there are too many."""
        with self._there:
            self.lost = self.lost or len(self._queue) == self._queue.maxlen
            self._queue.append(sent)
            self._there.notify()

    def wake(self) -> None:
        """Let a reader look up."""
        with self._there:
            self._there.notify_all()

    def next(self, timeout: float) -> Sent | UnderWay | None:
        """What it joins in the middle, then each event; None when none came for ``timeout`` seconds, or at the end."""
        if self._under_way:
            return self._under_way.popleft()
        with self._there:
            self._there.wait_for(lambda: self._queue or self._hub.ended, timeout)
            return self._queue.popleft() if self._queue else None

    def close(self) -> None:
        """End the subscription."""
        self._hub.leave(self)
