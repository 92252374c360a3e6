"""List what is at a location, object by object, and never take a broken listing for a short one."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path

from mcmirror.messages.error_lookup import classify, outgrown, problem
from mcmirror.model.cycle import CycleDetector
from mcmirror.model.location import Location
from mcmirror.model.plan import UNREADABLE, Entry
from mcmirror.model.problem import Category, ListingBroken, Problem
from mcmirror.model.wording import printable
from mcmirror.movers.mc import argv, decode
from mcmirror.movers.mc.process import Exit
from mcmirror.movers.mc.session import Session
from mcmirror.movers.mc.stat import TOGETHER, shared_out
from mcmirror.movers.mc.trace import ListingTrace
from mcmirror.movers.protocol import Entries

REPEATS = 3
"""How often a key may come again: servers are known whose pages overlap."""
EMPTY_PAGES = 100
"""Pages without a key that may follow each other: many delete markers make a few."""
MOST_UPLOADS = 100_000
"""Open uploads that are listed: more are a listing without an end."""
OLD_LISTING = frozenset(("NotImplemented", "MethodNotAllowed", "APINotSupported"))
"""Codes by which a server, or mc for it, says that it does not know ListObjectsV2."""


CLOSED = "Insufficient permissions to access this path"
"""How mc names a folder that it may not read."""


def entries(session: Session, place: Location, *, stall_timeout: float, closed_folders: bool = False) -> Entries:
    """Yield the objects at ``place`` as ``mc ls`` prints them; None is a tick of the clock.

    The keys are relative to ``place``. Raises ListingBroken when any page fails, when mc is stopped or dies, when the
    listing goes round in a circle, and when the local folder does not exist (where ``mc ls`` prints nothing and exits
    0). With ``closed_folders`` folders that may not be read are left out.
    """
    if place.is_local and not Path(place.path).is_dir():
        raise ListingBroken(
            problem(Category.SOURCE_NOT_FOUND, f"{place} is not a folder", "no such folder", str(place))
        )
    trace = ListingTrace()
    course = _Course(trace)
    process = session.process(argv.list_all(place), stall_timeout=stall_timeout, trace=trace)
    failure: decode.Failure | None = None
    closed = False
    with closing(process.lines()) as batches:
        for batch in batches:
            if not batch:
                yield None
            for item in decode.entries(batch):
                if isinstance(item, decode.Failure):
                    if closed_folders and CLOSED in item.cause:
                        closed = True
                    else:
                        failure = failure or item
                elif item.key != "/":  # the marker of ``place`` itself
                    course.come_to(item.key)
                    yield item
            if endless := course.endless:
                raise ListingBroken(_not_whole(place, endless))
    # mc exits 1 for a folder that it may not read, and lists all the others.
    end = replace(process.exit, code=0) if closed and process.exit.code == 1 else process.exit
    found = broken(place, end, failure, trace)
    if found:
        raise ListingBroken(found)
    session.round_trips[place.alias] = trace.fastest


def contents(
    session: Session, place: Location, folders: Sequence[str], most: int, *, stall_timeout: float
) -> dict[str, set[str]] | None:
    """List these folders; None when they hold more than ``most`` keys, or not all could be listed."""
    with ThreadPoolExecutor(TOGETHER, thread_name_prefix="list") as pool:
        parts = [
            pool.submit(_contents, session, place, part, most, stall_timeout=stall_timeout)
            for part in shared_out(folders)
        ]
        listed = [part.result() for part in parts]
    found = {folder: keys for part in listed if part is not None for folder, keys in part.items()}
    return found if None not in listed and sum(map(len, found.values())) <= most else None


def _contents(
    session: Session, place: Location, folders: Sequence[str], most: int, *, stall_timeout: float
) -> dict[str, set[str]] | None:
    """The same by one process."""
    below = f"{session.aliases[place.alias].url.rstrip('/')}/{place.path}/"
    found: dict[str, set[str]] = {folder: set() for folder in folders}
    command = argv.list_folders([place.child(folder) for folder in folders])
    process = session.process(command, stall_timeout=stall_timeout)
    with closing(process.lines()) as batches:
        for batch in batches:
            most -= len(batch)
            if most < 0:
                return None
            for url, entry in decode.listed_objects(batch):
                folder = url.removeprefix(below)
                if folder in found:
                    found[folder].add(folder + entry.key)
    return None if process.exit.code or process.exit.stopped else found


class _Course:
    """Follows one listing to see whether it can come to an end."""

    def __init__(self, trace: ListingTrace) -> None:
        self._trace = trace
        self._keys = CycleDetector[str]()
        self._page = 0
        self._again = ""

    def come_to(self, key: str) -> None:
        self._page = self._trace.pages
        # Two file names that mc cannot print look the same.
        if UNREADABLE not in key and self._keys.met(key) and self._keys.times >= REPEATS:
            self._again = key

    @property
    def endless(self) -> str:
        """How it shows that it goes on for ever; empty when it does not."""
        if self._trace.circle:
            return f"the server gave the continuation token {printable(self._trace.circle)} twice"
        if self._again:
            return f"the key {printable(self._again)} comes again and again"
        if self._trace.pages - self._page > EMPTY_PAGES:
            return f"more than {EMPTY_PAGES} pages without a key came one after another"
        return ""


def incomplete_uploads(session: Session, place: Location, *, stall_timeout: float) -> list[str] | None:
    """Name the multipart uploads that stand open below ``place``; None when the server does not tell.

    MinIO lists open uploads for a whole bucket or for an exact key, not for a folder: so the bucket is asked.
    """
    bucket = Location(place.alias, place.bucket)
    process = session.process(argv.list_incomplete(bucket), stall_timeout=stall_timeout, stoppable=False)
    with closing(process.lines()) as batches:
        items = list(islice(decode.entries(chain.from_iterable(batches)), MOST_UPLOADS))
    found = [item for item in items if isinstance(item, Entry)]
    if process.exit.code or len(found) < len(items) or len(items) == MOST_UPLOADS:
        return None
    below = f"{place.prefix}/" if place.prefix else ""
    return [item.key.removeprefix(below) for item in found if item.key.startswith(below)]


def broken(place: Location, end: Exit, failure: decode.Failure | None, trace: ListingTrace) -> Problem | None:
    """Why a listing that has ended is not whole; None when it is."""
    stopped = _stopped(place, end)
    if stopped is not None:
        return stopped
    if failure is not None:
        return _failed(place, failure)
    if end.code:
        words = next((line for line in end.stderr.splitlines() if "<ERROR>" in line), f"exit code {end.code}")
        return classify("mc ended while it listed", words, object=str(place), side=place.alias)
    if trace.foreign:
        cause = f"a page of the listing came as {trace.foreign}, which mc takes for a page without objects"
        return _not_whole(place, cause)
    return None


def _stopped(place: Location, end: Exit) -> Problem | None:
    """Why we stopped mc, if we did."""
    if end.stopped:
        return problem(
            Category.LISTING_BROKEN, f"the listing of {place} was stopped", "we were asked to stop", str(place)
        )
    if end.stalled:
        return problem(Category.STALLED, f"the listing of {place} stands still", "no answer came", str(place))
    if end.outgrown:
        return outgrown(f"the listing of {place} took too much memory", end.outgrown, str(place))
    return None


def _failed(place: Location, failure: decode.Failure) -> Problem:
    if failure.garbled:
        return _not_whole(place, f"{failure.message}: {failure.cause}")
    if failure.code in OLD_LISTING:
        what = f"{place} could not be listed"
        return problem(Category.LISTING_UNSUPPORTED, what, failure.cause, str(place))
    return classify(failure.message, failure.cause, failure.code, object=str(place), side=place.alias)


def _not_whole(place: Location, cause: str) -> Problem:
    return problem(Category.LISTING_BROKEN, f"{place} could not be listed to the end", cause, str(place))
