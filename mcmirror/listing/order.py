"""Listings in key order, each key once, whatever order a server keeps."""

from collections.abc import Generator, Iterable
from contextlib import closing

from mcmirror.listing.sort import EntrySort
from mcmirror.messages.error_lookup import problem
from mcmirror.messages.exceptions import problem_of, temporary_folder
from mcmirror.model.location import Location
from mcmirror.model.plan import UNREADABLE, Entry
from mcmirror.model.problem import Category, ListingBroken
from mcmirror.model.wording import printable

Entries = Generator[Entry | None, None, None]
"""Objects; None is a tick of the clock."""


class OutOfOrder(Exception):
    """The keys of a place did not come in the order of their UTF-8 bytes; sort them first."""

    def __init__(self, place: Location) -> None:
        super().__init__(str(place))
        self.place = place


def in_order(place: Location, listed: Entries) -> Entries:
    """Pass a listing on while it is in order; raises OutOfOrder, and ListingBroken when it contradicts itself."""
    with closing(listed):
        yield from _each_once(place, listed)


def sorted_on_disk(place: Location, listed: Entries) -> Entries:
    """Sort a listing before it is passed on."""
    with closing(EntrySort()) as sort, closing(listed):
        for item in listed:
            if item is None:
                yield None
                continue
            try:
                sort.add(item)
            except OSError as error:
                what = f"the listing of {place} is not in order and could not be sorted in {temporary_folder()}"
                raise ListingBroken(problem_of(error, what)) from None
        yield from _each_once(place, sort)


def _each_once(place: Location, items: Iterable[Entry | None]) -> Entries:
    """Pass on what is in order, each key once. A server whose pages overlap lists some of them twice."""
    last: Entry | None = None
    for item in items:
        if item is not None and last is not None and item.key <= last.key:
            if item.key < last.key:
                raise OutOfOrder(place)
            if place.is_local and UNREADABLE in item.key:
                yield item  # two names that mc cannot print look the same
                continue
            if item != last:
                what = f"{place} could not be listed to the end"
                cause = f"the key {printable(item.key)} is listed with two sizes, ETags or times"
                raise ListingBroken(problem(Category.LISTING_BROKEN, what, cause, str(place)))
            continue
        last = item or last
        yield item
