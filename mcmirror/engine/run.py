"""One run, from preflight to report: every step yields events, and nothing else leaves it."""

import logging
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain

from mcmirror.engine import guard
from mcmirror.engine.attempts import Attempts
from mcmirror.engine.check import check
from mcmirror.engine.context import Context
from mcmirror.engine.execute import execute
from mcmirror.engine.judge import judge, judge_copy, judge_plan
from mcmirror.engine.partial_files import set_apart
from mcmirror.engine.planning import create_target, make_plan
from mcmirror.engine.scope import Only, key_of
from mcmirror.engine.unassured import mirror_unassured
from mcmirror.engine.versions import Versions
from mcmirror.engine.work_set import Result
from mcmirror.messages.error_lookup import for_job
from mcmirror.messages.exceptions import problem_of
from mcmirror.model.cost import Requests, planned
from mcmirror.model.event import (
    Event,
    Noted,
    Phase,
    PhaseStarted,
    Planned,
    ProblemFound,
    Removed,
    RunFinished,
    RunStarted,
    StillMissing,
    TargetCreated,
    Vanished,
)
from mcmirror.model.job import Assurance, Job, Verb
from mcmirror.model.plan import Changed, Count, Difference, Extraneous, Impossible, Plan, Reason
from mcmirror.model.problem import Category, Problem, Trouble
from mcmirror.model.report import ABSENT, NAMED, OTHER_METADATA, STILL_THERE, Remaining, RunReport, Status, Tally

WHY = {
    Reason.SIZE: "another size on the target",
    Reason.NEWER: "the source is newer",
    Reason.CONTENT: "other content of the same size",
    Reason.METADATA: OTHER_METADATA,
}


@dataclass(slots=True)
class StepsResult:
    """What the steps came to."""

    status: Status
    tally: Tally = field(default_factory=Tally)
    verified: bool = False
    removed: tuple[str, ...] = ()
    remaining: tuple[Remaining, ...] = ()
    requests: Requests = field(default_factory=Requests)
    overcome: frozenset[str] = frozenset()
    """Keys of which a problem was heard that is none any more."""


Steps = Generator[Event, None, StepsResult]


def run(context: Context) -> Generator[Event, None, RunReport]:
    """Run the job to its end and return the report; the last event is RunFinished.

    Raises nothing that the world can cause: that becomes a problem in the report.
    """
    job = context.job
    started, clock = datetime.now(UTC), time.monotonic()
    attempts = Attempts(context)
    log = _Log()
    dry_run = job.options.dry_run or context.verb is Verb.PLAN
    yield RunStarted(job.name, str(job.source), str(job.target), dry_run)
    for text in context.notes:
        log.hear(noted := Noted(job.name, text))
        yield noted
    steps = _once(_STEPS[context.verb](context, attempts))
    while True:
        try:
            event = next(steps)
        except StopIteration as end:
            outcome: StepsResult = end.value
            break
        except Exception as error:  # whatever a step raises ends the run, and the run has a report
            found = problem_of(error)
            if found.category is Category.INTERNAL:
                logging.getLogger(__name__).exception("a step of the run of %s failed", job.name)
            outcome = StepsResult(Status.CANCELLED if context.stop.requested else Status.FAILED)
            if not context.stop.requested:
                log.hear(event := _found(context, found))
                yield event
            break
        if isinstance(event, ProblemFound):
            if context.stop.requested:
                continue  # who asked for the end needs no reason for it
            event = _found(context, event.problem)
        log.hear(event)
        yield event
    report = RunReport(
        job=job.name,
        source=str(job.source),
        target=str(job.target),
        status=outcome.status,
        verified=outcome.verified,
        dry_run=dry_run,
        signal=context.stop.signal if outcome.status is Status.CANCELLED else 0,
        started=started.isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - clock, 3),
        phases=log.phases(),
        tally=outcome.tally,
        problems=() if outcome.status is Status.CANCELLED else log.problems_but(outcome.overcome),
        remaining=outcome.remaining,
        removed=outcome.removed,
        requests=outcome.requests.asked_of(source=not job.source.is_local, target=not job.target.is_local),
        attempts=attempts.made,
        notes=tuple(log.notes),
        created=log.created,
    )
    yield RunFinished(job.name, report)
    return report


def _once(steps: Steps) -> Steps:
    """The events of the steps: each removed and each vanished key once, however often a step is done; no phase anew."""
    told = set[int]()  # hashes: of a million keys the keys would be too much
    phase: Phase | None = None
    while True:
        try:
            event = next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        if isinstance(event, Removed | Vanished):
            mark = hash((type(event), event.key))
            if mark in told:
                continue
            told.add(mark)
        if isinstance(event, PhaseStarted):
            if event.phase is phase:
                continue
            phase = event.phase
        yield event


def _found(context: Context, problem: Problem) -> ProblemFound:
    """Every problem leaves in the words of whoever described the job."""
    return ProblemFound(context.job.name, for_job(problem, context.job, context.aliases))


def not_started(
    job: Job, status: Status, found: Problem, signal: int = 0, *, begun: bool = False
) -> Generator[Event, None, RunReport]:
    """The events and the report of a run for which something was missing before it could begin.

    ``begun`` says that its first event is out already.
    """
    if not begun:
        yield RunStarted(job.name, str(job.source), str(job.target), job.options.dry_run)
    found = for_job(found, job, {})
    yield ProblemFound(job.name, found)
    report = RunReport(
        job=job.name,
        source=str(job.source),
        target=str(job.target),
        status=status,
        verified=False,
        dry_run=job.options.dry_run,
        signal=signal,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        problems=(found,),
    )
    yield RunFinished(job.name, report)
    return report


def _mirror(context: Context, attempts: Attempts) -> Steps:
    job = context.job
    yield PhaseStarted(job.name, Phase.PREFLIGHT)
    refusal = guard.before_listing(job, context.aliases)
    if refusal:
        yield ProblemFound(job.name, refusal)
        return StepsResult(Status.REFUSED)
    if job.assurance is Assurance.OFF and context.verb is Verb.RUN and context.named is None:
        status, tally, removed = yield from mirror_unassured(context)
        return StepsResult(status, tally, removed=tuple(removed))
    with Versions(context) as versions:
        return (yield from _planned_mirror(context, attempts, versions))


def _planned_mirror(context: Context, attempts: Attempts, versions: Versions) -> Steps:
    job = context.job
    plan = yield from versions.beside(_planned(context, attempts))
    yield PhaseStarted(job.name, Phase.GUARD)
    before = 0 if plan.named else context.memory.source_objects()
    refusal = guard.after_planning(job, plan, before)
    if refusal:
        yield ProblemFound(job.name, refusal)
        return StepsResult(Status.REFUSED, _tally(context, plan, Result()), requests=planned(plan))
    if context.planning_only:
        status = judge_plan(stopped=context.stop.requested)
        return StepsResult(status, _tally(context, plan, Result()), requests=planned(plan))
    result = yield from execute(context, plan, attempts)
    result.requests += yield from versions.note()
    left = chain(result.remaining, result.impossible, Only(plan.differences, Impossible))
    remaining = yield from _still_missing(context, left)
    tally = _tally(context, plan, result)
    status = judge(tally, decided=result.decided, strict=job.strict, stopped=context.stop.requested)
    if status is Status.SUCCEEDED and not plan.named:
        context.memory.remember_source(plan.source.objects + plan.excluded.objects)
    return StepsResult(
        status,
        tally,
        verified=result.decided and not context.stop.requested,
        removed=tuple(result.removal.named),
        remaining=remaining,
        requests=planned(plan) + result.requests,
        overcome=result.overcome,
    )


def _verify(context: Context, attempts: Attempts) -> Steps:
    """Say whether the copy is true; write nothing."""
    job = context.job
    yield PhaseStarted(job.name, Phase.PREFLIGHT)
    refusal = guard.before_listing(job, context.aliases, copies=False)
    if refusal:
        yield ProblemFound(job.name, refusal)
        return StepsResult(Status.REFUSED)
    with Versions(context) as versions:
        plan = yield from versions.beside(_planned(context, attempts))
        result = yield from check(context, plan)
        result.requests += yield from versions.note()
    left = chain(result.remaining, result.impossible, Only(plan.differences, Impossible))
    remaining = yield from _still_missing(context, left)
    tally = _tally(context, plan, result)
    return StepsResult(
        judge_copy(tally, decided=result.decided, strict=job.strict, stopped=context.stop.requested),
        tally,
        verified=result.decided and not context.stop.requested,
        remaining=remaining,
        requests=planned(plan) + result.requests,
    )


_STEPS: dict[Verb, Callable[[Context, Attempts], Steps]] = {
    Verb.RUN: _mirror,
    Verb.PLAN: _mirror,
    Verb.VERIFY: _verify,
}


def _planned(context: Context, attempts: Attempts) -> Generator[Event, None, Plan]:
    """List and compare, again after a pause when the trouble is in transport.

    A target bucket that turns out to be missing is made when the job says so. Not before: a key that may not make
    buckets is as good as any while the bucket is there.
    """
    job = context.job
    makes = job.create_target and not context.planning_only
    missing = made = False
    while True:
        if not missing:
            yield PhaseStarted(job.name, Phase.PLAN)
        try:
            if missing:
                bucket = create_target(context)
                missing, made = False, True
                yield TargetCreated(job.name, bucket)
            plan = yield from make_plan(context)
        except Trouble as trouble:
            found = trouble.problem
            if makes and not missing and not made and _is_target_bucket(found, job):
                missing = True
                continue
            # Some servers show a bucket only a while after it was made.
            passing = found.retryable or (made and _is_target_bucket(found, job))
            if not passing or context.stop.requested:
                raise
            yield ProblemFound(job.name, found)
            if not (yield from attempts.again(0)):
                raise
            continue
        plan = set_apart(context, plan)
        yield Planned(job.name, plan)
        return plan


def _is_target_bucket(found: Problem, job: Job) -> bool:
    """Whether it says that the target's bucket is not there."""
    bucket = f"{job.target.alias}/{job.target.bucket}"
    return found.category is Category.BUCKET_NOT_FOUND and f"{found.object}/".startswith(f"{bucket}/")


def _still_missing(context: Context, remaining: Iterable[Difference]) -> Generator[Event, None, tuple[Remaining, ...]]:
    """Name everything that is not as it should be; return the first of them for the report."""
    named = list[Remaining]()
    for difference in remaining:
        one = Remaining(key_of(difference), _why(difference))
        yield StillMissing(context.job.name, one.key, one.reason)
        if len(named) < NAMED:
            named.append(one)
    return tuple(named)


def _why(difference: Difference) -> str:
    match difference:
        case Changed(_, _, reason):
            return WHY[reason]
        case Extraneous(_, why):
            return f"{STILL_THERE}: {why}" if why else STILL_THERE
        case Impossible(_, why):
            return why
        case _:
            return ABSENT


def _count(impossible: Iterable[Difference]) -> Count:
    return sum((Count(1, item.source.size) for item in Only(impossible, Impossible)), Count())


def _tally(context: Context, plan: Plan, result: Result) -> Tally:
    removing = context.job.options.remove and context.verb is not Verb.VERIFY
    return Tally(
        planned=plan.copies - result.settled,
        done=result.done,
        to_remove=plan.extraneous if removing else Count(),
        removed=result.removal.removed,
        kept=plan.kept,
        extraneous=result.torn if removing else plan.extraneous + result.torn,
        equal=plan.equal + result.settled,
        remaining=Count(len(result.remaining), result.bytes_remaining) + plan.impossible + _count(result.impossible),
        unproven=plan.unproven + result.unproven,
        read=result.read,
        excluded=plan.excluded,
        vanished=result.vanished,
    )


class _Log:
    """What the report needs of the events: problems, each once, what was made, and the time that each phase took."""

    def __init__(self) -> None:
        self.created = ""
        self.notes = list[str]()
        self.problems = list[Problem]()
        self._known = set[Problem]()
        self._marks = list[tuple[Phase, float]]()

    def hear(self, event: Event) -> None:
        match event:
            case ProblemFound(_, problem) if problem not in self._known and len(self.problems) < NAMED:
                self._known.add(problem)
                self.problems.append(problem)
            case Noted(_, text):
                self.notes.append(text)
            case TargetCreated(_, bucket):
                self.created = bucket
            case PhaseStarted(_, phase):
                self._marks.append((phase, time.monotonic()))
            case _:
                pass

    def problems_but(self, overcome: frozenset[str]) -> tuple[Problem, ...]:
        """The problems, without those of objects that arrived all the same."""
        return tuple(one for one in self.problems if one.object not in overcome)

    def phases(self) -> dict[str, float]:
        total = dict[str, float]()
        ends = [mark for _, mark in self._marks[1:]] + [time.monotonic()]
        for (phase, start), end in zip(self._marks, ends, strict=True):
            total[phase] = round(total.get(phase, 0.0) + end - start, 3)
        return total
