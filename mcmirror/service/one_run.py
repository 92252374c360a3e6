"""One run with what it needs around it: mc, aliases, the lock, a private session, the memory."""

import logging
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

from mcmirror.config import ConfigError
from mcmirror.engine.context import Context
from mcmirror.engine.order import Order
from mcmirror.engine.run import not_started, run
from mcmirror.messages.error_lookup import problem
from mcmirror.messages.exceptions import problem_of
from mcmirror.model.event import Event, McSaid, Observer, RunFinished, RunStarted, Waiting
from mcmirror.model.job import Job
from mcmirror.model.location import Alias, Location
from mcmirror.model.lock import Lock
from mcmirror.model.problem import Category, Problem, Trouble
from mcmirror.model.record import Record
from mcmirror.model.report import RunReport, Status
from mcmirror.movers.mc import argv
from mcmirror.movers.mc.find import Mc, capabilities, require
from mcmirror.movers.mc.mover import McMover
from mcmirror.movers.mc.session import Session
from mcmirror.service.target_turns import TargetTurns
from mcmirror.store.lock import Held, NoLock, TargetLock
from mcmirror.store.pair_state import PairState


class Resources(Protocol):
    """What a run takes from the service."""

    state: str
    """The state's database URL."""
    turns: TargetTurns

    def aliases(self, names: Iterable[str]) -> dict[str, Alias]:
        """Resolve aliases; raises Trouble or ConfigError."""

    def mc(self) -> Mc:
        """Find mc; raises McNotFound or McUnusable."""

    def session(self, aliases: Sequence[Alias], **how: Any) -> Session:
        """Open a private place for mc to run in."""


def events(job: Job, order: Order, resources: Resources, tell: Observer) -> Generator[Event, None, RunReport]:
    """Run the job to its report, whatever happens; the last event is RunFinished.

    ``tell`` gets what cannot be yielded.
    """
    begun, report = False, None
    with closing(_events(job, order, resources, tell)) as steps:
        while True:
            try:
                event = next(steps)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            except Exception as error:  # the last resort: a run has a report
                logging.getLogger(__name__).exception("the run of %s met something that nobody foresaw", job.name)
                if report is not None:
                    return report
                found = problem_of(error)
                return (yield from not_started(job, Status.FAILED, found, begun=begun))
            begun = begun or isinstance(event, RunStarted)
            report = event.report if isinstance(event, RunFinished) else report
            yield event


def _events(job: Job, order: Order, resources: Resources, tell: Observer) -> Generator[Event, None, RunReport]:
    """Run the job; whatever is missing becomes a report that says so."""
    with ExitStack() as around:
        try:
            job = at_its_prefix(job)
            aliases = resources.aliases(place.alias for place in (job.source, job.target) if not place.is_local)
            mc = resources.mc()
            flags, notes = _capabilities(mc, job)
        except Trouble as trouble:
            return (yield from not_started(job, Status.FAILED, trouble.problem))
        except ConfigError as error:
            return (yield from not_started(job, Status.FAILED, misconfigured(error, job.name)))
        source, target = (_address(place, aliases) for place in (job.source, job.target))
        journal: TargetLock | NoLock = NoLock()
        if order.shared and order.named is not None and not job.target.is_local:
            # Whoever had them before may have been killed in the middle of an upload.
            journal = NoLock(tuple(sorted(order.named.careful)))
        elif order.writes(job):
            try:
                journal = around.enter_context(_turn(job, target, order, resources, tell))
            except Held:
                return (yield from _held(job, order))
            except OSError as error:
                logging.getLogger(__name__).warning("no lock for %s: %s", job.target, error)
        memory = PairState(resources.state, f"{source} {target}")
        around.callback(memory.close)
        try:
            session = around.enter_context(
                resources.session(
                    tuple(aliases.values()),
                    workers=job.options.workers,
                    max_memory=job.max_memory,
                    stop=order.stop,
                    debug=(lambda text: tell(McSaid(job.name, text))) if order.debug else None,
                )
            )
        except Trouble as trouble:
            return (yield from not_started(job, Status.FAILED, trouble.problem))
        context = Context(
            job=job,
            mover=McMover(session, job, flags=flags, stop=order.stop, show_lines=order.debug),
            aliases=aliases,
            memory=memory,
            journal=journal,
            stop=order.stop,
            verb=order.verb,
            content=order.content,
            metadata=order.metadata,
            named=order.named,
            notes=notes,
        )
        report = yield from run(context)
        if memory.warning:
            logging.getLogger(__name__).warning(memory.warning)
        return report


def failed_record(record: Record, error: BaseException) -> Record:
    """The record of a run that an exception ended outside of its events."""
    report = RunReport(
        record.job,
        record.source,
        record.target,
        Status.FAILED,
        verified=False,
        started=record.started,
        problems=(problem_of(error),),
    )
    return replace(record, finished=datetime.now(UTC).isoformat(timespec="milliseconds"), report=report)


def misconfigured(error: ConfigError, about: str) -> Problem:
    """Every mistake as one problem."""
    wrong = "; ".join(one.sentence for one in error.mistakes)
    remedies = " ".join(dict.fromkeys(one.remedy for one in error.mistakes))
    where = ", ".join(dict.fromkeys(one.where for one in error.mistakes if one.where))
    return problem(Category.CONFIGURATION, wrong, f"so it stands in {where}" if where else "", about, remedy=remedies)


def _turn(job: Job, target: str, order: Order, resources: Resources, tell: Observer) -> Any:
    def waiting() -> None:
        tell(Waiting(job.name, str(job.target)))

    return resources.turns.mine(target, order.manners, order.stop, waiting)


def _held(job: Job, order: Order) -> Generator[Event, None, RunReport]:
    """What a run comes to that did not get the target."""
    found = problem(Category.LOCKED, f"another run writes to {job.target}", "", str(job.target))
    if order.stop.requested:
        return (yield from not_started(job, Status.CANCELLED, found, order.stop.signal))
    status = Status.FAILED if order.manners.lock is Lock.FAIL else Status.SKIPPED
    return (yield from not_started(job, status, found))


def at_its_prefix(job: Job) -> Job:
    """Put the prefix of today below source and target; the job has none any more."""
    if not job.prefix:
        return job
    from mcmirror.config.prefix import expand

    prefix = expand(job.prefix, datetime.now(UTC), job.timezone)
    return replace(job, source=job.source.below(prefix), target=job.target.below(prefix), prefix="")


def _capabilities(mc: Mc, job: Job) -> tuple[frozenset[str], tuple[str, ...]]:
    """Probe mc for what the job's options need, and note what it is done without; raises McUnusable."""
    needed = argv.needed_capabilities(job.options)
    if not needed:
        return frozenset(), ()
    flags = capabilities(mc)
    require(mc, needed - {argv.MAX_WORKERS})
    if argv.MAX_WORKERS in needed - flags:
        what = f"{job.options.workers} workers are where mc starts from, not a limit"
        return flags, (f"{what}: mc {mc.version} has no {argv.MAX_WORKERS}",)
    return flags, ()


def _address(place: Location, aliases: Mapping[str, Alias]) -> str:
    """The place under a name that is the same for every alias of a server."""
    return place.path if place.is_local else f"{aliases[place.alias].url.rstrip('/').lower()}/{place.path}"
