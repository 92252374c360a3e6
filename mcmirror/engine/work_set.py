"""A work set: planned copies are made by several movers at once, verified by new listings, and tried again."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from mcmirror.engine.attempts import Attempts
from mcmirror.engine.context import Context
from mcmirror.engine.copy import copy_exactly, copy_planned
from mcmirror.engine.folded_keys import Plain, Without, copy_folded, folded
from mcmirror.engine.metadata import Settlement
from mcmirror.engine.remove import Removal
from mcmirror.engine.scope import Only, key_of
from mcmirror.engine.spool import Spool
from mcmirror.engine.untagged import copy_untagged
from mcmirror.engine.verify import Verification, verify
from mcmirror.messages.error_lookup import problem
from mcmirror.model.cost import Requests, both_listed, copying, listed, sought_at_target
from mcmirror.model.event import CopyStarted, Event, Phase, PhaseStarted, ProblemFound, Verified
from mcmirror.model.plan import Changed, Copy, Count, Impossible, Missing, Plan
from mcmirror.model.problem import Category, ListingBroken, Problem
from mcmirror.model.report import NAMED
from mcmirror.movers.protocol import Subtree

T = TypeVar("T")

MOST_AVOIDED = 5000
"""Impossible keys that are held to be left out by name."""
TRIAL = 3
"""Objects that are copied singly to hear from mc why it left them out in silence."""
BROKEN_OFF = frozenset((Category.MC_DIED, Category.MEMORY, Category.STALLED))
"""Ends of a mirror that say nothing of the objects that it did not come to."""


@dataclass(slots=True)
class Result:
    """What a listing of both sides showed after the work."""

    done: Count = Count()
    unproven: Count = Count()
    vanished: Count = Count()
    remaining: Spool = field(default_factory=Spool)
    """Copies and removals that did not happen."""
    bytes_remaining: int = 0
    read: Count = Count()
    """Read on both sides and found the same."""
    settled: Count = Count()
    """Of ``read``: those that a listing shows as different."""
    removal: Removal = field(default_factory=Removal)
    torn: Count = Count()
    """Perhaps left by an mc that was killed, and still there."""
    impossible: Spool = field(default_factory=Spool)
    """Copies that this target can never hold, as they showed themselves."""
    folded: dict[str, str] = field(default_factory=dict)
    """Their keys, with those under which it stores them."""
    decided: bool = True
    requests: Requests = field(default_factory=Requests)
    overcome: frozenset[str] = frozenset()
    """Keys of which a problem was heard that is none any more."""
    tags_refused: Problem | None = None
    """Why copies were made without tags."""

    def settle(self, metadata: Settlement) -> None:
        """Count what metadata came to."""
        self.requests += metadata.requests
        if not metadata.unlike:
            return
        known = metadata.missing.intersection(map(key_of, self.remaining))
        for item in Only(metadata.unlike, Changed):
            if item.source.key not in known:
                self.remaining.append(item)
                self.bytes_remaining += item.source.size


def _avoided(context: Context, plan: Plan) -> tuple[str, ...] | None:
    """The impossible keys; None when there are too many for a mover to leave out."""
    found = tuple(islice((item.source.key for item in Only(plan.differences, Impossible)), MOST_AVOIDED))
    return found if len(found) < MOST_AVOIDED and context.mover.accepts(Subtree(avoid=found)) else None


def copy_and_verify(context: Context, plan: Plan, attempts: Attempts, result: Result) -> Generator[Event, None, bool]:
    """Copy what the plan names until nothing is missing or nothing more can be done; count it in ``result``.

    Returns whether no attempt was rough. A run, a batch of changed keys, a part of a larger run: all are this.
    """
    job = context.job
    work: Iterable[Copy] = Only(plan.differences, Missing, Changed)
    avoid = _avoided(context, plan)
    count, smooth = plan.copies, True
    # mc goes by the clocks: it would copy again whatever is older than its source by them.
    by_name = job.options.overwrite and plan.outdated.objects >= plan.copies.objects
    by_name |= avoid is None or plan.named
    while True:
        yield PhaseStarted(job.name, Phase.MIRROR)
        heard, _ = yield from listen(_counted(result, _copies(context, plan, work, avoid, result, by_name=by_name)))
        smooth &= not heard and not context.stop.requested
        if context.stop.requested:
            result.requests += both_listed(plan)  # mc's own
            return False
        try:
            verification = yield from _verify(context, plan, work, heard, result)
            verification = yield from _without_tags(context, plan, verification, heard, result)
        except ListingBroken as broken:
            yield ProblemFound(job.name, broken.problem)
            result.requests += both_listed(plan)
            if broken.problem.retryable and (yield from attempts.again(count.objects)):
                continue
            result.decided = False
            return False
        result.requests += _seen_again(plan, *verification.listed) + verification.requests
        result.done += verification.done
        result.unproven += verification.unproven
        result.vanished += verification.vanished
        result.requests += Requests(source_get=verification.read.objects, target_get=verification.read.objects)
        count = Count(len(verification.remaining), verification.bytes_remaining)
        yield Verified(job.name, result.done, count)
        hopeful = any(found.retryable for found in heard) or verification.changed_meanwhile
        if count.objects and hopeful and (yield from attempts.again(count.objects)):
            work = Only(verification.remaining, Missing, Changed)
            continue
        result.remaining, result.bytes_remaining = verification.remaining, verification.bytes_remaining
        if verification.changed_meanwhile:
            what = f"{verification.changed_meanwhile} objects changed at the source while they were copied"
            cause = "the source was written to after the plan was made"
            yield ProblemFound(job.name, problem(Category.CHANGED_WHILE_COPYING, what, cause, str(job.source)))
        return smooth and not count.objects


def _seen_again(plan: Plan, source: int, target: int) -> Requests:
    """What it took to see so many objects again: once by mc, and once by the verification; or a HEAD for each."""
    if plan.named:
        return Requests(source_head=source, target_head=target)
    return listed(source, target) + listed(source, target)


def _copies(  # noqa: PLR0913
    context: Context,
    plan: Plan,
    work: Iterable[Copy],
    avoid: tuple[str, ...] | None,
    result: Result,
    *,
    by_name: bool,
) -> Generator[Event, None, None]:
    """Copy what is planned; last what the target may take for something else."""
    plain = Plain(context, work)
    if by_name:
        yield from copy_exactly(context, (item.source for item in plain))
    else:
        listed = plan.source.objects
        everything = 0 if plan.excluded.objects else listed
        yield from copy_planned(context, plain, avoid or (), listed=listed, everything=everything)
    asked = yield from copy_folded(context, work, result.folded)
    result.requests += sought_at_target(asked)


def _verify(
    context: Context, plan: Plan, work: Iterable[Copy], heard: list[Problem], result: Result
) -> Generator[Event, None, Verification]:
    """List again; what mc left out in silence it is asked for by name, which makes it say why."""
    yield PhaseStarted(context.job.name, Phase.VERIFY)
    found, verification = yield from listen(verify(context, work, plan.at_source))
    heard += found
    if heard and not context.job.options.skip_errors:
        return verification  # mc stopped at its first error, as it was told to
    result.folded |= folded(context, plan, verification.remaining)
    named = {found.object for found in heard} | result.folded.keys()
    silent = Spool()
    for item in verification.remaining:
        if key_of(item) not in named:
            silent.append(item)
    if not silent or verification.changed_meanwhile:
        return verification
    yield PhaseStarted(context.job.name, Phase.MIRROR)
    asked: Only[Copy] = Only(silent, Missing, Changed)
    # A mirror that broke off has left out what it did not come to; one that ended has reasons, often one for all.
    trial = 0 if any(found.category in BROKEN_OFF for found in heard) else TRIAL
    first = copy_exactly(context, (item.source for item in islice(asked, trial)))
    answers, _ = yield from listen(_counted(result, first))
    if len(answers) < min(TRIAL, len(silent)):
        rest = (item.source for item in islice(asked, trial, None))
        more, _ = yield from listen(_counted(result, copy_exactly(context, rest)))
        answers += more
    heard += answers
    yield PhaseStarted(context.job.name, Phase.VERIFY)
    again = yield from verify(context, Only(verification.remaining, Missing, Changed), plan.at_source)
    again.take_over(verification)
    left = sum(1 for item in again.remaining if key_of(item) not in result.folded)
    if left and not answers:
        what = f"{left} objects are not on the target, and mc reports no error"
        yield ProblemFound(context.job.name, problem(Category.NOT_COPIED, what, "mc said nothing"))
    return again


def _without_tags(
    context: Context, plan: Plan, before: Verification, heard: list[Problem], result: Result
) -> Generator[Event, None, Verification]:
    """Copy without its tags what did not arrive with them, and look again."""
    left: Only[Copy] = Only(before.remaining, Missing, Changed)
    untagged = yield from copy_untagged(context, Without(left, result.folded), heard)
    if untagged is None:
        return before
    again = yield from verify(context, left, plan.at_source)
    again.take_over(before)
    result.tags_refused = untagged.refusal
    result.requests += copying(Count(len(untagged.keys))) + _seen_again(plan, *again.listed)
    result.overcome |= untagged.keys - {key_of(item) for item in again.remaining}
    return again


def _counted(result: Result, steps: Iterable[Event]) -> Generator[Event, None, None]:
    """Pass events on; what mc began to copy was asked of both servers, whatever becomes of it."""
    begun = Count()
    try:
        for event in steps:
            if isinstance(event, CopyStarted):
                begun += Count(1, event.size)
            yield event
    finally:
        result.requests += copying(begun)


def listen(steps: Generator[Event, None, T]) -> Generator[Event, None, tuple[list[Problem], T]]:
    """Pass events on, and return the problems among them beside what the steps return."""
    heard = list[Problem]()
    while True:
        try:
            event = next(steps)
        except StopIteration as end:
            return heard, end.value
        if isinstance(event, ProblemFound) and len(heard) < NAMED:
            heard.append(event.problem)
        yield event
