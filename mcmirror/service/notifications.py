"""Who is told, beside the runs: every question to the state is asked in a thread of its own."""

import logging
import time
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from typing import TYPE_CHECKING, Protocol

from mcmirror.config import Configuration
from mcmirror.model.job import Job
from mcmirror.model.record import Record
from mcmirror.model.report import Status
from mcmirror.model.state import NotifierState
from mcmirror.model.stop import Stop
from mcmirror.notify.message import NotTold
from mcmirror.notify.worker import REMEDY, Worker
from mcmirror.service.digest import DigestSource

if TYPE_CHECKING:
    from mcmirror.notify.dispatcher import Dispatcher
    from mcmirror.notify.listener import Audience
    from mcmirror.notify.message import Desk
    from mcmirror.store.database import Database
    from mcmirror.store.inbox import Inbox
    from mcmirror.store.runs import Runs

Wish = Callable[["Dispatcher"], object]

LIMIT = 15.0
"""Seconds that all deliveries together may take after the last run has ended."""
LIMIT_STOPPED = 3.0
"""The same, once somebody wants the process to end."""
_LOG = logging.getLogger(__name__)


class Sender(Protocol):
    """What notifications need of the service whose runs they are about."""

    configuration: Configuration
    state: str
    inbox: "Inbox"

    def redact(self, text: str) -> str:
        """Remove secrets."""

    def audience(self, jobs: Iterable[Job]) -> "Audience":
        """Return the listeners of these jobs."""


class NotificationThread:
    """Implements ``dependencies.Notifications``; ``once`` for a command that runs its jobs and ends."""

    def __init__(
        self,
        service: Sender,
        jobs: Iterable[Job],
        database: "Database | None" = None,
        runs: "Runs | None" = None,
        *,
        once: bool = False,
    ) -> None:
        self._service = service
        self._jobs = tuple(jobs)
        self._database = database
        self._runs = runs
        self._once = once
        self._ours = set[str]()
        """Runs of this command, which may have ended before the first look into the inbox: told in their turn."""
        self._teller: Dispatcher | None = None
        self._wishes: SimpleQueue[Wish | None] = SimpleQueue()
        self._worker = Worker(self._work, "telling")

    def start(self) -> None:
        """Begin to decide and to deliver, also what earlier processes left."""
        self._worker.ensure()

    def revive(self) -> None:
        """Start again what has died of it."""
        if self._worker.died is not None:
            self._worker.ensure()
        if self._teller is not None:
            self._teller.revive()

    def begun(self, record: Record) -> None:
        """A run begins."""
        if self._once:
            self._ours.add(record.id)
        self._wish(lambda teller: teller.begun(record))

    def finished(self, record: Record) -> None:
        """A run has ended; may be said twice of the same one."""
        self._wish(lambda teller: teller.finished(record))

    def notice(self, kind: str, what: str, why: str, remedy: str, *, good: bool = False) -> None:
        """Something happened that is no run."""

        def notice(teller: "Dispatcher") -> None:
            from mcmirror.notify.rules import Notice

            redact = self._service.redact
            teller.notice(Notice(kind, redact(what), redact(why), redact(remedy), good))

        self._wish(notice)

    def replace(self, service: Sender) -> None:
        """Another configuration is in use."""

        def replace(teller: "Dispatcher") -> None:
            self._service = service
            audience = service.audience(service.configuration.jobs.values())
            teller.replace(audience, _desk(service))

        self._wish(replace)

    def _wish(self, wish: Wish) -> None:
        self._wishes.put(wish)
        if self._worker.died is not None:
            self._worker.ensure()

    def state(self) -> tuple[NotifierState, ...]:
        """What each notifier owes; nothing before it is known."""
        known = self._teller.state() if self._teller is not None else ()
        died = self._worker.died
        return known if died is None else (*known, NotifierState("notifications", error=died.why))

    def finish(self, stop: Stop) -> tuple[NotTold, ...]:
        """Wait for what can be told now, for a while; return what could not."""
        return self.stop(lambda: LIMIT_STOPPED if stop.requested else LIMIT)

    def stop(self, limit: Callable[[], float]) -> tuple[NotTold, ...]:
        """Decide what is left, try to deliver it for ``limit()`` seconds at most, and end."""
        self._wishes.put(None)
        if self._worker.died is not None:
            self._worker.ensure()
        waited = 0.0
        while self._worker.alive and waited < limit():
            self._worker.join(0.05)
            waited += 0.05
        teller = self._teller
        if self._worker.died is not None:
            return (NotTold("not everything was told", self._worker.died.why, REMEDY),)
        if teller is None or self._worker.alive:
            why = "the state did not answer in time"
            return (NotTold("not everything was told", why, "It is told by the next run, if its record was written."),)
        return teller.stop(lambda: limit() - waited)

    def _work(self) -> None:
        if self._teller is None:
            self._teller = self._made()
        teller = self._teller
        teller.start()
        while (wish := self._wishes.get()) is not None:
            try:
                wish(teller)
                self._worker.forgive()
            except Exception:  # noqa: BLE001  else nobody would be told anything any more
                _LOG.exception("a mistake of ours kept something from being told")

    def _made(self) -> "Dispatcher":
        from mcmirror.notify.dispatcher import Dispatcher
        from mcmirror.store.database import Database
        from mcmirror.store.outbox import Outbox
        from mcmirror.store.runs import Runs

        service = self._service
        database = self._database or Database(service.state)
        runs = self._runs or Runs(database, service.inbox)
        audience, outbox = service.audience(self._jobs), Outbox(database)
        teller = Dispatcher(
            audience,
            outbox,
            _desk(service),
            together=[job.name for job in self._jobs] if self._once else (),
            history=None if self._once else DigestSource(database, runs, lambda: self._service.configuration),
        )
        if self._once:
            # It ends soon: what failed before is tried now, or it would wait for a run that comes at the right time.
            outbox.hurry([one.name for one in audience.listeners], time.time())
            jobs = {job.name for job in self._jobs}
            for record in runs.take_in():
                # Only one that was killed could not tell; the others had nobody to tell, or will.
                killed = record.report is not None and record.report.status is Status.INTERRUPTED
                if killed and record.job in jobs and record.id not in self._ours:
                    teller.finished(record)
                else:
                    runs.leave(record.id)
            runs.close()
        return teller


def _desk(service: Sender) -> "Desk":
    from mcmirror.notify.message import Desk

    return Desk(service.configuration.settings.service, service.redact)
