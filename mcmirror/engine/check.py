"""Is the copy true: what ``verify`` makes of a plan, with or without reading the objects."""

import random
from collections.abc import Generator, Iterable, Sequence
from itertools import chain

from mcmirror.engine.compare import Pairs, difference, proven
from mcmirror.engine.content import Unlike, compare_content
from mcmirror.engine.context import Context
from mcmirror.engine.listing import with_pairs
from mcmirror.engine.metadata import check_metadata
from mcmirror.engine.planning import exclusion
from mcmirror.engine.scope import Only
from mcmirror.engine.spool import Spool
from mcmirror.engine.work_set import Result
from mcmirror.model.cost import Requests
from mcmirror.model.event import Event, Phase, PhaseStarted, ProblemFound
from mcmirror.model.plan import Changed, Copy, Count, Missing, Plan, Reason
from mcmirror.model.problem import Category

Row = tuple[str, str, str]
"""Key, mark at the source, mark at the target."""


def check(context: Context, plan: Plan) -> Generator[Event, None, Result]:
    """Turn every difference into something that remains; with ``content`` read equal objects on both sides.

    What was read and is the same no longer counts as unproven. Where only ETags or clocks show a difference, reading
    decides.
    """
    job = context.job
    yield PhaseStarted(job.name, Phase.VERIFY)
    result, doubtful = Result(), Spool()
    differing: Only[Copy] = Only(plan.differences, Missing, Changed)
    for item in differing:
        if context.content is not None and isinstance(item, Changed) and item.source.size == item.target.size:
            doubtful.append(item)
        else:
            _remains(result, item)
    if context.content is not None:
        yield from _read(context, doubtful, result)
    result.settle((yield from check_metadata(context, plan)))
    return result


def _read(context: Context, doubtful: Spool, result: Result) -> Generator[Event, None, None]:
    """Read what differs by ETag or clock alone, and a share of what is equal."""
    sample = _Pairs((yield from with_pairs(context, "", lambda pairs: _sample(context, pairs))))
    doubts = _Pairs(doubtful)
    unlike = list[Unlike]()
    for batch, found in compare_content(context, (pair.source for pair in chain(doubts, sample))):
        one = Count(len(batch), sum(entry.size for entry in batch))
        result.requests += Requests(source_get=one.objects, target_get=one.objects)
        result.read += one
        unlike.extend(found)
        for one_unlike in found:
            yield ProblemFound(context.job.name, one_unlike.problem)
    if not context.stop.requested:
        _conclude(context, chain(doubts, sample), len(doubtful), unlike, result)


def _remains(result: Result, item: Copy) -> None:
    result.remaining.append(item)
    result.bytes_remaining += item.source.size


def _conclude(
    context: Context, pairs: Iterable[Changed], doubts: int, unlike: Sequence[Unlike], result: Result
) -> None:
    """Count what was read, and remember what it showed: no listing will ever show it to the next run.

    The first ``doubts`` of the pairs are different by listing.
    """
    bad = {item.entry.key: item.problem.category is Category.CONTENT_DIFFERS for item in unlike}
    differing, same, settled = list[Row](), list[str](), list[Row]()
    for number, pair in enumerate(pairs):
        one, row = Count(1, pair.source.size), (pair.source.key, pair.source.mark, pair.target.mark)
        if pair.source.key in bad:
            result.read -= one
            _remains(result, pair)
            if bad[pair.source.key]:
                differing.append(row)
            continue
        same.append(pair.source.key)
        if number < doubts:
            result.settled += one
            settled.append(row)
        elif not proven(pair.source, pair.target):
            result.unproven -= one
    context.memory.remember_wrong(differing, same)
    if settled:
        context.memory.remember_incomparable(settled, assumed=False)


def _sample(context: Context, pairs: Pairs) -> Generator[Event, None, Spool]:
    """Choose from the pairs that are equal by listing, each with the chance that was asked for, and one at least."""
    chosen, left_out, wrong = Spool(), exclusion(context), context.memory.wrong()
    one: Changed | None = None
    for source, target in pairs:
        if source is None or target is None or (left_out and left_out(source)) or context.mover.impossible(source):
            continue
        row = (source.key, source.mark, target.mark)
        if row in wrong or (difference(source, target) and not context.memory.incomparable(*row)):
            continue  # counted already
        pair = Changed(source, target, Reason.CONTENT)
        if random.random() * 100 < (context.content or 0):  # noqa: S311  # a sample
            chosen.append(pair)
        one = one or pair
    if one and not chosen:
        chosen.append(one)
    return chosen
    yield


class _Pairs(Only[Changed]):
    def __init__(self, sample: Spool) -> None:
        super().__init__(sample, Changed)
