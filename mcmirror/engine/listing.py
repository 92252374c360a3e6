"""List both sides at once and hand out what comes as pairs."""

from collections.abc import Callable, Generator
from contextlib import closing
from enum import Enum
from pathlib import Path
from typing import TypeVar

from mcmirror.engine import named
from mcmirror.engine.compare import Pairs, merge
from mcmirror.engine.context import Context
from mcmirror.listing.order import Entries, OutOfOrder, in_order, sorted_on_disk
from mcmirror.model.event import Event
from mcmirror.model.location import Location
from mcmirror.model.problem import Category, ListingBroken

T = TypeVar("T")


class Side(Enum):
    """One of the two places."""

    SOURCE = "source"
    TARGET = "target"


Order = Callable[[Location, Entries], Entries]
NO_BUCKET = Category.BUCKET_NOT_FOUND


def with_pairs(
    context: Context, folder: str, use: Callable[[Pairs], Generator[Event, None, T]], *, only: Side | None = None
) -> Generator[Event, None, T]:
    """List both sides below ``folder`` and hand the pairs to ``use``; again from the start if one is not in order.

    With ``only`` the other side is not asked, and no pair has one of its entries. A run that is about some keys asks
    for these and lists nothing. Raises ListingBroken when a side cannot be listed whole.
    """
    if context.named is not None:
        asked = named.pairs(context, folder, source=only is not Side.TARGET, target=only is not Side.SOURCE)
        return (yield from use(asked))
    job = context.job
    source, target = job.source.below(folder), job.target.below(folder)
    disorderly = set[Location]()
    while True:
        orders = [sorted_on_disk if place in disorderly else in_order for place in (source, target)]
        try:
            with (
                closing(_at_source(context, orders[0], source, asked=only is not Side.TARGET)) as left,
                closing(_at_target(context, orders[1], target, asked=only is not Side.SOURCE)) as right,
            ):
                return (yield from use(merge(left, right)))
        except OutOfOrder as found:
            disorderly.add(found.place)


def _at_source(context: Context, order: Order, source: Location, *, asked: bool) -> Entries:
    # A folder that went from a source which is there is an empty place; a source that is not there is trouble.
    gone = source.is_local and not Path(source.path).exists() and Path(context.job.source.path).is_dir()
    if gone or not asked:
        return
    # What may not be read there is found by the plan, which names it.
    yield from order(source, context.mover.list(source, closed_folders=source.is_local))


def _at_target(context: Context, order: Order, target: Location, *, asked: bool) -> Entries:
    if not asked:
        return
    if target.is_local and not Path(target.path).exists():
        return
    try:
        yield from order(target, context.mover.list(target))
    except ListingBroken as broken:
        # A plan for a bucket that the run would make: it is empty so far.
        if not (context.planning_only and context.job.create_target) or broken.problem.category is not NO_BUCKET:
            raise
