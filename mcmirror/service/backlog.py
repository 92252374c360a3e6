"""The backlog of a job: what differs is put in, and worked off by threads of this process beside those of others."""

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mcmirror.backlog.processor import Batch, Processor
from mcmirror.engine.order import Order
from mcmirror.messages.error_lookup import problem
from mcmirror.model.backlog import BacklogState
from mcmirror.model.change import Change
from mcmirror.model.event import Observer, Planned, RunFinished
from mcmirror.model.job import Job, MaxDelete, Verb
from mcmirror.model.lock import Lock
from mcmirror.model.plan import Changed, Extraneous, Missing, Plan
from mcmirror.model.problem import Category
from mcmirror.model.report import RunReport, Status
from mcmirror.model.stop import Stop
from mcmirror.model.wording import objects
from mcmirror.service.key_runs import key_runs
from mcmirror.service.notifications import NotificationThread
from mcmirror.service.root import Service
from mcmirror.store.backlog import Backlog, backlog_name, sets
from mcmirror.store.database import Database, Unusable
from mcmirror.store.pauses import Pauses

if TYPE_CHECKING:
    from mcmirror.notify.message import NotTold

FRESH = 2.0
"""Seconds for which a look at all backlogs is good enough to be shown."""
TOGETHER = 500
"""Items that are put in by one transaction."""
LOOK = 2.0
"""Seconds between two looks for items while nothing is due."""
IN_VAIN = 3
"""Batches in a row that decided nothing, after which a thread ends, or rests."""
FIRST_REST, LONGEST_REST = 5.0, 60.0
"""Seconds without batches after that, doubling."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What ``prepare`` has found and put in."""

    report: RunReport
    differing: int = 0
    added: int = 0
    """Of these: those that were not waiting already."""


class JobBacklog:
    """The backlog of one job. Thread-safe; methods raise Unusable when the state cannot be used."""

    def __init__(self, service: Service, job: Job, database: Database, pauses: Pauses) -> None:
        self.job = job
        self.service, self._database, self._pauses = service, database, pauses
        self._telling: NotificationThread | None = None
        self.pair = backlog_name(job.name, job.source, job.target, job.prefix)
        self.items = self._backlog("")
        """The items, without leases."""

    def _backlog(self, owner: str) -> Backlog:
        return Backlog(self._database, self.pair, owner)

    @property
    def paused(self) -> bool:
        """Whether no batch is to begin."""
        return self.job.name in self._pauses.backlogs()

    def pause(self, *, wanted: bool) -> None:
        """Begin no more batches, in whatever process; or go on."""
        self._pauses.pause_backlog(self.job.name, wanted=wanted)

    @property
    def unwritten(self) -> str:
        """Why a pause is not written down; empty when it is."""
        return self._pauses.warning

    def state(self) -> BacklogState:
        """How it is."""
        return replace(self.items.state(self.items.now()), paused=self.paused)

    def enqueue(self, changes: Sequence[Change]) -> int:
        """Put in what is to be looked at; return how many items that were not waiting already."""
        return self.items.add(changes, self.items.now())

    def prepare(self, tell: Observer, stop: Stop) -> Prepared:
        """Put in every object that differs, and with ``remove`` every one that the source lacks.

        A plan that is refused or broken off puts in nothing. A second call adds what the first one did not.
        """
        plan: Plan | None = None
        report: RunReport | None = None
        for event in self.service.events(self.job, Order(Verb.PLAN, stop=stop), tell):
            tell(event)
            plan = event.plan if isinstance(event, Planned) else plan
            report = event.report if isinstance(event, RunFinished) else report
        assert report is not None  # noqa: S101  a run ends with one
        if plan is None or report.status not in {Status.SUCCEEDED, Status.PARTIAL}:
            return Prepared(report)
        differing = added = 0
        waiting = list[Change]()
        for change in _changes(plan, removing=self.job.options.remove):
            waiting.append(change)
            if len(waiting) == TOGETHER:
                differing, added = differing + len(waiting), added + self.enqueue(waiting)
                waiting.clear()
                if stop.requested:
                    return Prepared(report, differing, added)
        differing, added = differing + len(waiting), added + self.enqueue(waiting)
        self.items.prepared(self.items.now(), plan.target.objects)
        return Prepared(report, differing, added)

    def process(  # noqa: PLR0913
        self,
        size: int,
        threads: int,
        stop: Stop,
        heard: Callable[[Batch], None],
        *,
        once: bool = False,
        follow: bool = False,
        max_delete: MaxDelete | None = None,
        tell: Observer = lambda _: None,
    ) -> Batch:
        """Work batches off until nothing is due, or with ``once`` one of them; with ``follow`` until the stop.

        ``max_delete`` is for what this call removes. Returns the sum of the batches; an outage of the state is one
        without items. Raises what else a thread has raised, when all have ended.
        """
        job, lock, total = self.job, threading.Lock(), Batch()

        def add(batch: Batch) -> None:
            nonlocal total
            with lock:
                total += batch
                heard(batch)

        def work() -> None:
            run = key_runs(self.service, job, stop, Lock.WAIT, tell)
            limit, since = max_delete or job.max_delete, self.items.now() if max_delete is not None else 0.0
            mine = self._backlog(_owner())
            processor = Processor(mine, run, limit, since=since, redact=self.service.redact)
            for batch in _batches(processor, size, stop, lambda: self.paused, once=once, follow=follow):
                add(batch)

        if once or threads == 1:
            work()
            return total
        # A thread that starts an mc also waits for it: the death signal hangs on the thread.
        with ThreadPoolExecutor(threads, thread_name_prefix="batch") as pool:
            for future in [pool.submit(work) for _ in range(threads)]:
                future.result()
        return total

    def tell(self, state: BacklogState) -> None:
        """Tell the job's notifiers when items have failed, and when all is done: each once, by one process."""
        schedule = self.service.configuration.schedules.get(self.job.name)
        if schedule is None or not schedule.notify:
            return
        failures, finished = self.items.tell_once(state)
        if not (failures or (finished and state.done)):
            return
        if self._telling is None:
            self._telling = NotificationThread(self.service, (self.job,), once=True)
            self._telling.start()
        kind, name = f"backlog {self.job.name}", self.job.name
        if failures:
            what = f"{name}: {objects(state.failed + state.dead)} of the backlog could not be copied"
            self._telling.notice(kind, what, state.error, f"mcmirror backlog list {name} names them.")
        if finished and state.done:
            what = f"{name}: the backlog is empty, {objects(state.done)} done"
            what += f", {state.dead:,} given up" if state.dead else ""
            self._telling.notice(kind, what, "", "", good=True)

    def finish(self, stop: Stop) -> "tuple[NotTold, ...]":
        """Wait a few seconds for what notifiers have still to deliver; return what could not be told."""
        return self._telling.finish(stop) if self._telling is not None else ()


class Backlogs:
    """The backlogs of a server's jobs, as they were at the last look. Thread-safe."""

    def __init__(self, service: Service, database: Database, pauses: Pauses) -> None:
        self._service, self._database, self._pauses = service, database, pauses
        self._seen: Mapping[str, BacklogState] = {}
        self._looked = 0.0

    def replace(self, service: Service) -> None:
        """Look at the jobs of this configuration."""
        self._service = service

    def states(self) -> Mapping[str, BacklogState]:
        """Those that there are, by job; what was seen last while the state cannot be used."""
        if time.monotonic() - self._looked < FRESH:
            return self._seen
        try:
            known = sets(self._database)
            jobs = {job.name: JobBacklog(self._service, job, self._database, self._pauses)
                    for job in self._service.configuration.jobs.values()}  # fmt: skip
            self._seen = {name: one.state() for name, one in jobs.items() if one.pair in known}
        except Unusable:
            return self._seen
        self._looked = time.monotonic()
        return self._seen


def _batches(  # noqa: PLR0913
    processor: Processor, size: int, stop: Stop, paused: Callable[[], bool], *, once: bool, follow: bool
) -> Iterator[Batch]:
    """Batch after batch, as long as there is something to do and it leads somewhere."""
    vain, rest = 0, FIRST_REST
    while not stop.requested:
        try:
            batch = None if paused() else processor.batch(size)
        except Unusable as error:
            batch, vain = Batch(trouble=problem(Category.SYSTEM, "the state cannot be used", str(error))), IN_VAIN
        if batch is None:
            if not follow or stop.wait(LOOK):
                return
            continue
        yield batch
        if once:
            return
        vain = vain + 1 if batch.trouble is not None else 0
        if vain < IN_VAIN:
            rest = FIRST_REST if not vain else rest
            continue
        if not follow or stop.wait(rest):
            return
        rest = min(rest * 2, LONGEST_REST)


def _owner() -> str:
    return f"{os.uname().nodename}:{os.getpid()}:{uuid.uuid4().hex[:12]}"


def _changes(plan: Plan, *, removing: bool) -> Iterator[Change]:
    for item in plan.differences:
        match item:
            case Missing(source) | Changed(source):
                yield Change(source.key)
            case Extraneous(target) if removing:
                yield Change(target.key, gone=True)
            case _:
                pass
