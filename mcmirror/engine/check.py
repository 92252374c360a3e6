"""Is the copy true: what ``verify`` makes of a plan, with or without reading the objects."""

import random
from collections.abc import Generator

from mcmirror.engine.carry_out import Result
from mcmirror.engine.compare import Pairs, difference, proven
from mcmirror.engine.content import different_content
from mcmirror.engine.context import Context
from mcmirror.engine.listing import with_pairs
from mcmirror.engine.planning import exclusion
from mcmirror.engine.scope import Only
from mcmirror.engine.spool import Spool
from mcmirror.mc.troubleshoot import problem
from mcmirror.model.event import Event, Phase, PhaseStarted, ProblemFound
from mcmirror.model.plan import Changed, Copy, Count, Missing, Plan, Reason
from mcmirror.model.problem import Category


def check(context: Context, plan: Plan) -> Generator[Event, None, Result]:
    """Turn every difference into something that remains; with ``content`` read equal objects on both sides.

    What was read and is the same no longer counts as unproven.
    """
    job = context.job
    yield PhaseStarted(job.name, Phase.VERIFY)
    result = Result()
    differing: Only[Copy] = Only(plan.differences, Missing, Changed)
    for item in differing:
        result.remaining.append(item)
        result.bytes_remaining += item.source.size
    if context.content is None:
        return result
    sample = yield from with_pairs(context, "", lambda pairs: _sample(context, pairs))
    wrong = set[str]()
    for entry in different_content(context, (pair.source for pair in _Pairs(sample))):
        if context.stop.requested:
            return result
        if entry is None:
            continue
        wrong.add(entry.key)
        what = f"{entry.key}: the contents differ, or could not be read on both sides"
        yield ProblemFound(job.name, problem(Category.CONTENT_DIFFERS, what, "both were read", entry.key))
        result.remaining.append(Changed(entry, entry, Reason.CONTENT))
        result.bytes_remaining += entry.size
    for pair in _Pairs(sample):
        if pair.source.key not in wrong:
            one = Count(1, pair.source.size)
            result.read += one
            if not proven(pair.source, pair.target):
                result.unproven += Count(-1, -pair.source.size)
    return result


def _sample(context: Context, pairs: Pairs) -> Generator[Event, None, Spool]:
    """Choose from the pairs that are equal by listing, each with the chance that was asked for."""
    chosen, left_out = Spool(), exclusion(context.job)
    for source, target in pairs:
        if source is None or target is None or difference(source, target) or (left_out and left_out(source.key)):
            continue
        if random.random() * 100 < (context.content or 0):  # noqa: S311  # a sample
            chosen.append(Changed(source, target, Reason.CONTENT))
    return chosen
    yield


class _Pairs(Only[Changed]):
    def __init__(self, sample: Spool) -> None:
        super().__init__(sample, Changed)
