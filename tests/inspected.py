"""Plans and verifications that say what a test wants, and go on for as long as it wants."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from mcmirror.config import Configuration
from mcmirror.engine.order import Order
from mcmirror.model.event import Event, Listed, Phase, PhaseStarted, Planned, RunFinished, RunStarted
from mcmirror.model.job import Job, Verb
from mcmirror.model.location import Location
from mcmirror.model.plan import Count, Plan
from mcmirror.model.problem import Problem
from mcmirror.model.record import Cause, Record, run_id
from mcmirror.model.report import RunReport, Status, Tally
from mcmirror.service.dependencies import Dependencies
from mcmirror.service.event_bus import EventBus
from mcmirror.service.inspections import Inspections
from tests.ui_samples import PLAN
from tests.waiting import LONG


def jobs(*names: str) -> dict[str, Job]:
    """Jobs of these names."""
    return {name: Job(name, Location("onprem", name), Location("aws", name)) for name in names}


@dataclass
class Looker:
    """In place of a service."""

    configuration: Configuration
    plan: Plan = PLAN
    status: Status = Status.SUCCEEDED
    problems: tuple[Problem, ...] = ()
    let: threading.Event = field(default_factory=threading.Event)
    """Until this is set, they are listing."""
    begun: list[str] = field(default_factory=list)
    """What was begun, as verb and job."""
    broken: Exception | None = None

    def record(self, job: Job) -> Record:
        now = datetime.now(UTC)
        return Record(run_id(now), job.name, str(job.source), str(job.target), Cause.HAND, now.isoformat())

    def run_one(self, job: Job, order: Order, tell: Callable[[Event], None], record: Record) -> Record:
        self.begun.append(f"{order.verb} {job.name}")
        if self.broken:
            raise self.broken
        name, source, target = job.name, record.source, record.target
        tell(RunStarted(name, source, target, dry_run=order.verb is Verb.PLAN))
        tell(PhaseStarted(name, Phase.PREFLIGHT))
        tell(PhaseStarted(name, Phase.PLAN))
        tell(Listed(name, 1000, 900))
        deadline = time.monotonic() + LONG
        while not self.let.wait(0.01) and not order.stop.requested:
            assert time.monotonic() < deadline, "nobody let it end"
        report = RunReport(name, source, target, Status.CANCELLED, verified=False, signal=order.stop.signal)
        if not order.stop.requested:
            tell(Planned(name, self.plan))
            tell(PhaseStarted(name, Phase.GUARD))
            gone = self.plan.extraneous if order.verb is Verb.PLAN else Count()
            tally = Tally(planned=self.plan.copies, to_remove=gone, equal=self.plan.equal)
            report = replace(report, status=self.status, tally=tally, dry_run=order.verb is Verb.PLAN)
            report = replace(report, verified=order.verb is Verb.VERIFY, problems=self.problems)
        tell(RunFinished(name, report))
        return replace(record, finished=datetime.now(UTC).isoformat(), report=report)


@dataclass
class Room:
    """Inspections with a clock and a log of their own; more keywords are fields of the surroundings."""

    looker: Looker
    hub: EventBus = field(default_factory=EventBus)
    later: float = 0.0
    """Seconds by which the clock is ahead."""
    said: list[str] = field(default_factory=list)

    def inspections(self) -> Inspections:
        return Inspections(self._surroundings(), self.hub, lambda: self.looker)  # type: ignore[arg-type, return-value]

    def _surroundings(self) -> Dependencies:
        return Dependencies(
            remembered=None,  # type: ignore[arg-type]
            told=None,  # type: ignore[arg-type]
            pauses=None,  # type: ignore[arg-type]
            say=lambda level, event, text, /, **__: self.said.append(f"{level} {event} {text}"),
            now=lambda: time.time() + self.later,
            monotonic=lambda: time.monotonic() + self.later,
        )
