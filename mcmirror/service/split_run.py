"""One run in parts: its planned copies are cut by keys, several workers make them, and a run of the whole judges."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, islice

from mcmirror.engine.concurrent import Pace, run_concurrently
from mcmirror.engine.context import Named
from mcmirror.engine.order import Order
from mcmirror.model.cost import Requests
from mcmirror.model.event import (
    CopyStarted,
    Event,
    Listed,
    Moved,
    Phase,
    PhaseStarted,
    Planned,
    RunFinished,
    RunStarted,
    Verified,
    Waiting,
)
from mcmirror.model.job import Assurance, Job, Verb
from mcmirror.model.lock import Lock, Manners
from mcmirror.model.plan import Changed, Count, Missing, Plan
from mcmirror.model.report import RunReport, Status

LEAST = 100
"""Copies of a part that are worth it."""
MOST = 5000
"""Copies of a part: their keys travel in one message."""
TURNS = 4
"""Parts for each worker, so that none waits long for the last one."""

Run = Callable[[Job, Order], Generator[Event, None, RunReport]]
"""Runs a job, or a part of it, where it belongs."""


def splits(job: Job, order: Order) -> bool:
    """Whether a run is made in parts. What mc leaves half written in a folder has no owner but a run of the whole."""
    whole = order.verb is Verb.RUN and order.named is None and not job.options.dry_run
    return job.split > 1 and whole and job.assurance is Assurance.FULL and not job.target.is_local


@dataclass(slots=True)
class _Parts:
    """What the parts came to."""

    number: int = 0
    done: Count = Count()
    requests: Requests = field(default_factory=Requests)
    seconds: float = 0.0


def events(job: Job, order: Order, run: Run) -> Generator[Event, None, RunReport]:
    """Run the job in up to ``job.split`` parts at once; the last event is RunFinished.

    The parts copy and verify keys; the run of the whole that follows lists both sides, copies what is missing still,
    removes, and its verdict is the verdict.
    """
    began, whole = time.monotonic(), replace(job, split=1)
    plan, first = yield from _planned(whole, order, run)
    parts = _Parts()
    keys = _parts(plan, job.split) if plan is not None and not order.stop.requested else iter(())
    ahead = list(islice(keys, 2))
    if len(ahead) == 2:
        yield PhaseStarted(job.name, Phase.MIRROR)
        tasks = (partial(_part, whole, order, run, part, parts) for part in chain(ahead, keys))
        yield from run_concurrently(job.name, tasks, Pace(job.split, job.split, lambda: 1.0))
        parts.seconds = time.monotonic() - began - first.seconds
        yield PhaseStarted(job.name, Phase.VERIFY)
    report = yield from _judged(whole, order, run, after_parts=parts.number > 0)
    if parts.number:
        report = _together(first, report, parts)
        yield Verified(job.name, report.tally.done, report.tally.remaining)
    report = replace(report, seconds=round(time.monotonic() - began, 3))
    yield RunFinished(job.name, report)
    return report


def _through(
    steps: Generator[Event, None, RunReport], choose: Callable[[Event], Event | None]
) -> Generator[Event, None, RunReport]:
    """Pass on what is chosen of a run's events, and return its report."""
    with closing(steps):
        while True:
            try:
                event = next(steps)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            if (chosen := choose(event)) is not None:
                yield chosen


def _planned(job: Job, order: Order, run: Run) -> Generator[Event, None, tuple[Plan | None, RunReport]]:
    """Plan as the run does. What is wrong is left to the run of the whole, which finds it again."""
    found: Plan | None = None

    def choose(event: Event) -> Event | None:
        nonlocal found
        match event:
            case RunStarted():
                return replace(event, dry_run=False)
            case Planned(_, plan):
                found = plan
                return event
            case PhaseStarted() | Listed() | Waiting():
                return event
            case _:
                return None

    plan_order = replace(order, verb=Verb.PLAN, manners=Manners(Lock.SKIP))
    report = yield from _through(run(job, plan_order), choose)
    return (found if report.status is Status.SUCCEEDED else None), report


def _parts(plan: Plan, workers: int) -> Iterator[tuple[str, ...]]:
    """The keys of the planned copies, in their order and about equal parts."""
    size = min(MOST, max(LEAST, -(-plan.copies.objects // (workers * TURNS))))
    keys = (item.source.key for item in plan.differences if isinstance(item, Missing | Changed))
    while part := tuple(islice(keys, size)):
        yield part


def _part(job: Job, order: Order, run: Run, keys: tuple[str, ...], parts: _Parts) -> Generator[Event, None, None]:
    """Copy and verify these; what fails is tried again by the run of the whole, which says why."""
    parts.number += 1
    named = replace(order, named=Named(tuple(sorted(keys))), shared=True, manners=Manners(Lock.WAIT), metadata=None)
    copying = (CopyStarted, Moved)
    report = yield from _through(run(job, named), lambda event: event if isinstance(event, copying) else None)
    parts.done += report.tally.done
    parts.requests += report.requests


def _judged(job: Job, order: Order, run: Run, *, after_parts: bool) -> Generator[Event, None, RunReport]:
    """Run the whole; after parts its own plan is what they left, and is not shown."""

    def choose(event: Event) -> Event | None:
        match event:
            case RunStarted() | RunFinished():
                return None
            case Planned() | Listed() | Verified() if after_parts:
                return None
            case PhaseStarted(_, Phase.PREFLIGHT | Phase.PLAN | Phase.GUARD) if after_parts:
                return None
            case _:
                return event

    return (yield from _through(run(job, order), choose))


def _together(plan: RunReport, whole: RunReport, parts: _Parts) -> RunReport:
    """The report of the whole, with what the parts have done: to it these objects are equal."""
    tally = whole.tally
    made = Count(min(parts.done.objects, tally.equal.objects), min(parts.done.bytes, tally.equal.bytes))
    phases = dict(whole.phases)
    phases[Phase.PLAN] = phases.get(Phase.PLAN, 0.0) + plan.phases.get(Phase.PLAN, 0.0)
    phases[Phase.MIRROR] = round(phases.get(Phase.MIRROR, 0.0) + parts.seconds, 3)
    return replace(
        whole,
        started=plan.started,
        phases=phases,
        tally=replace(tally, planned=plan.tally.planned, done=tally.done + made, equal=tally.equal - made),
        requests=plan.requests + parts.requests + whole.requests,
        notes=(*whole.notes, f"it was copied in {parts.number} parts"),
    )
