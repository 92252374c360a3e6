"""Carry a plan out: copy and verify, clean up, remove, settle metadata."""

from collections.abc import Generator
from dataclasses import replace

from mcmirror.engine.attempts import Attempts
from mcmirror.engine.clean import clean, in_parts
from mcmirror.engine.comparison import Samples
from mcmirror.engine.context import Context
from mcmirror.engine.folded_keys import Without, why
from mcmirror.engine.metadata import settle_metadata
from mcmirror.engine.partial_files import name_unproven, remove_proven
from mcmirror.engine.planning import metadata_wanted
from mcmirror.engine.remove import Removal, remove
from mcmirror.engine.scope import Only
from mcmirror.engine.spool import Spool
from mcmirror.engine.work_set import Result, copy_and_verify, listen
from mcmirror.messages.error_lookup import problem
from mcmirror.model.event import Event, Phase, PhaseStarted, ProblemFound
from mcmirror.model.plan import Count, Extraneous, Impossible, Missing, Plan
from mcmirror.model.problem import Category, ListingBroken
from mcmirror.model.report import NAMED
from mcmirror.model.wording import printable


def execute(context: Context, plan: Plan, attempts: Attempts) -> Generator[Event, None, Result]:
    """Do what the plan names and see what became of it."""
    with Samples(context, plan) as samples:
        return (yield from _execute(context, plan, attempts, samples))


def _execute(context: Context, plan: Plan, attempts: Attempts, samples: Samples) -> Generator[Event, None, Result]:
    result = Result()
    left_behind, folder = context.journal.left_behind, context.job.target.is_local
    large = in_parts(plan.differences) if plan.copies.objects and not folder else []
    tidy, killed_before = not left_behind, context.journal.since
    if plan.copies.objects:
        if folder or large or left_behind:
            context.journal.record({*large, *left_behind}, context.journal.since or context.started)
        smooth = yield from samples.beside(copy_and_verify(context, plan, attempts, result))
        tidy = tidy and smooth
    if not tidy:
        yield PhaseStarted(context.job.name, Phase.CLEAN)
        tidy = clean(context, plan, {*large, *left_behind})
    if plan.torn:
        tidy = _mend(context, plan, result) and tidy
    # A run that is about some keys knows nothing of what a killed one left under others.
    if tidy and not (context.named is not None and killed_before):
        context.journal.clear()
    if result.folded or result.tags_refused:
        samples.forget_copies()  # they were copied again, or the target shows another object under such a key
    yield from _set_folded_apart(context, result)
    plan = replace(plan, differences=Without(plan.differences, result.folded))
    extraneous = Only(plan.differences, Extraneous)
    if context.job.options.remove and plan.extraneous.objects and not context.stop.requested:
        yield from _remove(context, plan, extraneous, attempts, result)
    if result.decided:
        if metadata_wanted(context):
            yield PhaseStarted(context.job.name, Phase.VERIFY)
        result.settle((yield from settle_metadata(context, plan, samples, result.tags_refused)))
    return result


def _set_folded_apart(context: Context, result: Result) -> Generator[Event, None, None]:
    """Move what the target stored under another name from what remains to what is impossible, and name it."""
    if not result.folded:
        return
    remaining = Spool()
    for item in result.remaining:
        if isinstance(item, Missing) and item.source.key in result.folded:
            result.impossible.append(Impossible(item.source, why(result.folded[item.source.key])))
            result.bytes_remaining -= item.source.size
        else:
            remaining.append(item)
    result.remaining = remaining
    for item in Only(result.impossible, Impossible):
        what = f"{printable(item.source.key)} cannot be copied"
        yield ProblemFound(context.job.name, problem(Category.KEY_NOT_STORABLE, what, item.why, item.source.key))


def _mend(context: Context, plan: Plan, result: Result) -> bool:
    """Remove what a killed mc left torn; return whether that is settled, for what is not copied yet proves nothing."""
    left = plan.torn if context.stop.requested else remove_proven(context, plan)
    result.torn = sum((Count(1, entry.size) for entry in left), Count())
    if not left:
        return True
    if context.stop.requested or result.remaining or not result.decided:
        return False
    name_unproven(context, left)
    return True


def _remove(
    context: Context, plan: Plan, extraneous: Only[Extraneous], attempts: Attempts, result: Result
) -> Generator[Event, None, None]:
    """Remove once every copy is verified: what was renamed at the source may have its only copy under the old name."""
    job = context.job
    if result.remaining or not result.decided:
        for item in extraneous:
            result.remaining.append(item)
            result.bytes_remaining += item.target.size
        return
    while True:
        yield PhaseStarted(job.name, Phase.REMOVE)
        try:
            heard, removal = yield from listen(remove(context, plan, extraneous, named=NAMED))
        except ListingBroken as broken:
            yield ProblemFound(job.name, broken.problem)
            if broken.problem.retryable and (yield from attempts.again(0)):
                continue
            result.decided = False
            return
        result.removal = _together(result.removal, removal)
        result.decided = removal.decided
        result.requests += removal.requests
        hopeful = any(found.retryable for found in heard)
        if not removal.remaining or not hopeful or not (yield from attempts.again(len(removal.remaining))):
            break
    for left in removal.remaining:
        result.remaining.append(left)
    result.bytes_remaining += removal.bytes_remaining


def _together(before: Removal, now: Removal) -> Removal:
    """Add up two attempts at the same removals; what remains is what the last one left."""
    return replace(now, removed=before.removed + now.removed, named=(before.named + now.named)[:NAMED])
