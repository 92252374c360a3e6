"""Plans and verifications beside the runs of a server: asked for, made, kept for a while, forgotten."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from mcmirror.engine.order import Order
from mcmirror.model.control import Stopping, UnknownInspection, UnknownJob
from mcmirror.model.event import Event, Planned, RunFinished
from mcmirror.model.groups import Groups, grouped
from mcmirror.model.inspection import Inspection
from mcmirror.model.job import Job, Verb
from mcmirror.model.plan import Plan
from mcmirror.model.record import Record
from mcmirror.model.report import RunReport, Status
from mcmirror.model.stop import Stop
from mcmirror.model.wording import shown_seconds
from mcmirror.service.dependencies import Dependencies
from mcmirror.service.event_bus import EventBus
from mcmirror.service.one_run import failed_record
from mcmirror.service.root import Service

KEPT = 900.0
"""Seconds for which one that has ended is kept."""
MOST = 16
"""How many that have ended are kept."""
DIFFERENCES = 2_000_000
"""How many differences they may have together, each some 200 bytes of a file; the newest is kept whatever it has."""

NOUNS = {Verb.PLAN: "Plan", Verb.VERIFY: "Verification"}


@dataclass(slots=True)
class _One:
    id: str
    job: Job
    verb: Verb
    service: Service
    record: Record
    asked: float
    stop: Stop = field(default_factory=Stop)
    wanted: int = 1
    """By how many."""
    begun: float = 0.0
    ended: float = 0.0
    aged: float = 0.0
    """When it ended, by the monotonic clock."""
    plan: Plan | None = None
    groups: Groups | None = None
    report: RunReport | None = None

    @property
    def differences(self) -> int:
        plan = self.plan or Plan()
        return (plan.copies + plan.extraneous + plan.kept + plan.impossible).objects


class Inspections:
    """Implements ``control.Inspections``. They wait for no run and no run waits for them; as many at once as runs."""

    def __init__(self, around: Dependencies, hub: EventBus, service: Callable[[], Service]) -> None:
        """``service`` is the one whose configuration is in use."""
        self._around = around
        self._hub = hub
        self._service = service
        self._changed = threading.Condition()
        self._known: dict[str, _One] = {}
        self._stopping = False

    def begin(self, job: str, verb: Verb) -> str:
        """Have a job planned or verified."""
        with self._changed:
            service = self._service()
            found = service.configuration.jobs.get(job)
            if found is None:
                raise UnknownJob(job)
            if self._stopping:
                raise Stopping
            self._forget()
            for one in self._known.values():
                if one.report is None and not one.stop.requested and (one.job, one.verb) == (found, verb):
                    one.wanted += 1
                    return one.id
            record = service.record(found)
            one = _One(f"{verb.value}-{record.id}", found, verb, service, record, self._around.now())
            self._known[one.id] = one
        self._start()
        return one.id

    def _start(self) -> None:
        """Begin what may begin."""
        with self._changed:
            going = [one for one in self._known.values() if one.report is None]
            running = sum(1 for one in going if one.begun)
            free = max(0, self._service().configuration.settings.parallel - running)
            starting = [one for one in going if not one.begun and not one.stop.requested][:free]
            for one in starting:
                one.begun = self._around.now()
        for one in starting:
            try:
                self._around.spawn(self._work(one), one.id)
            except RuntimeError as error:
                failed = failed_record(one.record, error)
                assert failed.report is not None  # noqa: S101  it has one
                self._end(one, failed.report, None)

    def _work(self, one: _One) -> Callable[[], None]:
        def tell(event: Event) -> None:
            if isinstance(event, Planned):
                one.plan = event.plan
                # Whoever reads slowly must not hold its file open.
                event = replace(event, plan=replace(event.plan, differences=()))
            if not isinstance(event, RunFinished):
                self._send(one, event)

        def work() -> None:
            order = Order(verb=one.verb, stop=one.stop, debug=self._around.debug)
            groups = None
            try:
                record = one.service.run_one(one.job, order, tell, one.record)
                if one.verb is Verb.PLAN and one.plan is not None and record.report is not None:
                    groups = grouped(one.plan.differences, removing=bool(record.report.tally.to_remove.objects))
            except Exception as error:
                logging.getLogger(__name__).exception("a mistake of ours ended the %s of %s", one.verb, one.job.name)
                record = failed_record(one.record, error)
            assert record.report is not None  # noqa: S101  a run ends with one
            self._end(one, record.report, groups)

        return work

    def _end(self, one: _One, report: RunReport, groups: Groups | None) -> None:
        """It can be asked for before anybody hears of its end."""
        with self._changed:
            one.report, one.groups = report, groups
            one.ended, one.aged = self._around.now(), self._around.monotonic()
            self._forget()
            self._changed.notify_all()
        self._send(one, RunFinished(one.job.name, report))
        said = f"{NOUNS[one.verb]} of {one.job.name}, on request: {report.status}, {shown_seconds(report.seconds)}"
        self._around.say("info", "inspected", said, inspection=one.id, status=report.status.value)
        self._start()

    def _send(self, one: _One, event: Event) -> None:
        self._hub.send(one.id, event, one.verb)

    def cancel(self, inspection: str) -> bool:
        """Want it no more."""
        with self._changed:
            one = self._known.get(inspection)
            if one is None or one.report is not None:
                raise UnknownInspection(inspection)
            one.wanted -= 1
            if one.wanted > 0:
                return False
            one.stop.request()
            waits = not one.begun
        if waits:
            self._take_back(one)
        return True

    def _take_back(self, one: _One) -> None:
        """End what has not begun."""
        record = one.record
        report = RunReport(
            record.job, record.source, record.target, Status.CANCELLED, verified=False, signal=one.stop.signal
        )
        self._end(one, report, None)

    def job(self, inspection: str) -> Job | None:
        """The job as it was when this was asked for; None when it is kept no longer."""
        with self._changed:
            one = self._known.get(inspection)
            return one.job if one else None

    def get(self, inspection: str) -> Inspection:
        """How it stands, or what it came to."""
        with self._changed:
            self._forget()
            one = self._known.get(inspection)
            if one is None:
                raise UnknownInspection(inspection)
            return self._shown(one)

    def all(self) -> tuple[Inspection, ...]:
        """All that are known, the newest first."""
        with self._changed:
            self._forget()
            return tuple(self._shown(one) for one in reversed(self._known.values()))

    def _shown(self, one: _One) -> Inspection:
        over = one.report is not None
        return Inspection(
            id=one.id,
            job=one.job.name,
            verb=one.verb.value,
            source=one.record.source,
            target=one.record.target,
            asked=one.asked,
            begun=one.begun,
            ended=one.ended,
            kept_until=one.ended + KEPT if over else 0.0,
            stopping=one.stop.requested and not over,
            progress=None if over else self._hub.progress(one.id),
            plan=one.plan if over else None,
            groups=one.groups,
            report=one.report,
        )

    def tidy(self) -> None:
        """Forget what is too old, though nobody asks."""
        with self._changed:
            self._forget()

    def _forget(self) -> None:
        now = self._around.monotonic()
        ended = [one for one in self._known.values() if one.report is not None]
        number = differences = 0
        for one in sorted(ended, key=lambda one: one.aged, reverse=True):
            number, differences = number + 1, differences + one.differences
            if now - one.aged > KEPT or number > MOST or (number > 1 and differences > DIFFERENCES):
                del self._known[one.id]

    def stop(self, signal: int = 0) -> None:
        """Take no more, stop politely what goes on."""
        with self._changed:
            self._stopping = True
            going = [one for one in self._known.values() if one.report is None]
            for one in going:
                one.stop.request(signal)
            waiting = [one for one in going if not one.begun]
        for one in waiting:
            self._take_back(one)

    def wait(self, seconds: float) -> bool:
        """Wait until nothing goes on, for so long at most; whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: all(one.report is not None for one in self._known.values()), seconds)
