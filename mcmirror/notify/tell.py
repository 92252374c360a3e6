"""Hears how runs go and has them told, each listener in a thread of its own, without ever holding a run up."""

import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from queue import SimpleQueue

from mcmirror.model.event import Event, RunFinished, RunStarted
from mcmirror.model.stop import Stop
from mcmirror.notify.listener import Desk, Listener, Memory
from mcmirror.notify.message import NotTold

LIMIT = 15.0
"""Seconds that all deliveries together may take after the last run has ended."""
LIMIT_STOPPED = 3.0
"""The same, once somebody wants the process to end."""


class Teller:
    """An observer; one thread a listener delivers. Dry runs are nobody's news."""

    def __init__(  # noqa: PLR0913
        self,
        listeners: Iterable[Listener],
        memory: Memory,
        *,
        service: str = "",
        redact: Callable[[str], str] = str,
        failed: Iterable[NotTold] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """``failed`` are listeners that cannot be told anything; ``finish`` says so."""
        self._memory = memory
        self._failed = list(failed)
        desk = Desk(memory, service, redact, now)
        self._workers = [_Worker(listener, desk) for listener in listeners]

    def __call__(self, event: Event) -> None:
        """Take in an event; returns at once."""
        match event:
            case RunStarted(job, _, _, dry_run) if not dry_run:
                self._pass_on(job, event)
            case RunFinished(job, report) if not report.dry_run:
                self._pass_on(job, event)
            case _:
                pass

    def _pass_on(self, job: str, event: RunStarted | RunFinished) -> None:
        for worker in self._workers:
            if job in worker.listener.jobs:
                worker.take(event)

    def finish(self, stop: Stop) -> tuple[NotTold, ...]:
        """Wait for what is under way, for a while; return what went wrong, once a listener."""
        begun = time.monotonic()
        for worker in self._workers:
            worker.end()
        for worker in self._workers:
            while worker.busy and time.monotonic() - begun < (LIMIT_STOPPED if stop.requested else LIMIT):
                worker.wait(0.05)
        failed = [*self._failed, *(worker.failure for worker in self._workers if worker.failure)]
        if self._memory.warning:
            failed.append(
                NotTold(
                    "who was told what is not remembered",
                    self._memory.warning,
                    "Make the state's folder writable, or name another: state = ... under [settings].",
                )
            )
        if not any(worker.busy for worker in self._workers):
            self._memory.close()
        return tuple(failed)


class _Worker:
    """Delivers to one listener, in order, in a thread of its own that no exit waits for."""

    def __init__(self, listener: Listener, desk: Desk) -> None:
        self.listener = listener
        self._handle = listener.at(desk)
        self._queue = SimpleQueue[RunStarted | RunFinished | None]()
        self._thread: threading.Thread | None = None
        self._error: NotTold | None = None
        self._lost = 0

    def take(self, event: RunStarted | RunFinished) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=f"notify-{self.listener.name}", daemon=True)
            self._thread.start()
        self._queue.put(event)

    def end(self) -> None:
        self._queue.put(None)

    @property
    def busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def wait(self, seconds: float) -> None:
        if self._thread is not None:
            self._thread.join(seconds)

    @property
    def failure(self) -> NotTold | None:
        """The first thing that went wrong, or that it is not done yet."""
        name = self.listener.name
        if self._error is not None:
            times = f", {self._lost} times" if self._lost > 1 else ""
            return NotTold(f"{name}: {self._error.what}{times}", self._error.why, self._error.remedy)
        if self.busy:
            return NotTold(
                f"{name}: not everything was told",
                "its service was too slow, and the run is over",
                "Look whether the service is up. What the run did stands.",
            )
        return None

    def _work(self) -> None:
        while (event := self._queue.get()) is not None:
            try:
                self._handle(event)
            except NotTold as error:
                self._fail(error)
            except Exception as error:  # noqa: BLE001  no notifier ends anything
                # Its words may hold what it was given.
                self._fail(NotTold("not told", f"an unexpected {type(error).__name__}", "Report it, please."))

    def _fail(self, error: NotTold) -> None:
        self._error = self._error or error
        self._lost += 1
