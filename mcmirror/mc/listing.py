"""List what is at a location, object by object, and never take a broken listing for a short one."""

from collections.abc import Generator
from itertools import chain
from pathlib import Path

from mcmirror.mc import argv, decode
from mcmirror.mc.process import Exit
from mcmirror.mc.session import Session
from mcmirror.mc.trace import ListingTrace
from mcmirror.mc.troubleshoot import classify, problem
from mcmirror.model.location import Location
from mcmirror.model.plan import Entry
from mcmirror.model.problem import Category, Problem, Trouble

Entries = Generator[Entry | None, None, None]
"""Objects in key order; None is a tick of the clock."""


class ListingBroken(Trouble):
    """A listing that could not be had whole; what was seen of it counts for nothing."""


class OutOfOrder(Exception):
    """The keys did not come in the order of their UTF-8 bytes; sort them first."""


def entries(session: Session, place: Location, *, stall_timeout: float) -> Entries:
    """Yield the objects at ``place`` by key; None is a tick of the clock.

    The keys are relative to ``place``. Raises ListingBroken when any page fails, when mc is stopped or dies, and when
    the local folder does not exist (where ``mc ls`` prints nothing and exits 0); OutOfOrder as said.
    """
    if place.is_local and not Path(place.path).is_dir():
        raise ListingBroken(
            problem(Category.SOURCE_NOT_FOUND, f"{place} is not a folder", "no such folder", str(place))
        )
    trace = ListingTrace()
    process = session.process(argv.list_all(place), stall_timeout=stall_timeout, trace=trace)
    last = ""
    failure: decode.Failure | None = None
    for batch in process.lines():
        if not batch:
            yield None
        for item in decode.entries(batch):
            if isinstance(item, decode.Failure):
                failure = failure or item
                continue
            if item.key <= last:
                if item.key == "/" and not last:
                    continue  # the marker of ``place`` itself
                raise OutOfOrder
            last = item.key
            yield item
    broken = _broken(place, process.exit, failure, trace)
    if broken:
        raise ListingBroken(broken)


def sorted_entries(session: Session, place: Location, *, stall_timeout: float) -> Entries:
    """List a server that does not keep the order of S3: all in memory, once."""
    found: list[Entry] = []
    trace = ListingTrace()
    process = session.process(argv.list_all(place), stall_timeout=stall_timeout, trace=trace)
    for item in decode.entries(chain.from_iterable(process.lines())):
        if isinstance(item, decode.Failure):
            raise ListingBroken(_broken(place, process.exit, item, trace) or _interrupted(place))
        found.append(item)
    broken = _broken(place, process.exit, None, trace)
    if broken:
        raise ListingBroken(broken)
    yield from sorted(found)


def incomplete_uploads(session: Session, place: Location, *, stall_timeout: float) -> list[str] | None:
    """Name the multipart uploads that stand open below ``place``; None when the server does not tell.

    MinIO lists open uploads for a whole bucket or for an exact key, not for a folder: so the bucket is asked.
    """
    bucket = Location(place.alias, place.bucket)
    process = session.process(argv.list_incomplete(bucket), stall_timeout=stall_timeout, stoppable=False)
    items = list(decode.entries(chain.from_iterable(process.lines())))
    found = [item for item in items if isinstance(item, Entry)]
    if process.exit.code or len(found) < len(items):
        return None
    below = f"{place.prefix}/" if place.prefix else ""
    return [item.key.removeprefix(below) for item in found if item.key.startswith(below)]


def _broken(place: Location, end: Exit, failure: decode.Failure | None, trace: ListingTrace) -> Problem | None:
    if end.stopped:
        return _interrupted(place)
    if end.stalled:
        return problem(Category.STALLED, f"the listing of {place} stands still", "no answer came", str(place))
    if failure is not None:
        return classify(failure.message, failure.cause, failure.code, object=str(place), side=place.alias)
    if end.code:
        words = next((line for line in end.stderr.splitlines() if "<ERROR>" in line), f"exit code {end.code}")
        return classify("mc ended while it listed", words, object=str(place), side=place.alias)
    if trace.foreign:
        cause = f"a page of the listing came as {trace.foreign}, which mc takes for a page without objects"
        return problem(Category.LISTING_BROKEN, f"{place} could not be listed to the end", cause, str(place))
    return None


def _interrupted(place: Location) -> Problem:
    return problem(Category.LISTING_BROKEN, f"the listing of {place} was stopped", "we were asked to stop", str(place))
