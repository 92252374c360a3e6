"""List both sides at once and hand out what comes as pairs."""

from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from mcmirror.engine.compare import Pairs, merge
from mcmirror.engine.context import Context
from mcmirror.mc.listing import Entries, OutOfOrder, entries, nothing, sorted_entries
from mcmirror.model.event import Event
from mcmirror.model.location import Location

T = TypeVar("T")


def with_pairs(
    context: Context, folder: str, use: Callable[[Pairs], Generator[Event, None, T]], *, target_only: bool = False
) -> Generator[Event, None, T]:
    """List both sides below ``folder`` and hand the pairs to ``use``, twice if a server does not keep the order.

    With ``target_only`` the source is not asked, and no pair has one. Raises ListingBroken when a side cannot be listed
    whole.
    """
    job = context.job
    source, target, patience = job.source.below(folder), job.target.below(folder), job.stall_timeout
    for lister in (entries, sorted_entries):
        try:
            with (
                closing(nothing() if target_only else lister(context.session, source, stall_timeout=patience)) as left,
                closing(_at_target(context, lister, target)) as right,
            ):
                return (yield from use(merge(left, right)))
        except OutOfOrder:
            continue
    raise AssertionError("sorted entries are in order")


def _at_target(context: Context, lister: Callable[..., Entries], target: Location) -> Entries:
    if target.is_local and not Path(target.path).exists():
        return
    yield from lister(context.session, target, stall_timeout=context.job.stall_timeout)
