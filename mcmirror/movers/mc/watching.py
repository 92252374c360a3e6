"""Hear what changes in a bucket by ``mc watch``: a listen request of MinIO, and of what answers like it.

mc connects again by itself and says nothing of it, so that what happened between is lost in silence: the connections
are counted in its ``--debug`` trace.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing

from mcmirror.messages.error_lookup import classify, problem
from mcmirror.model.change import Change, Connected, Heard
from mcmirror.model.location import Location
from mcmirror.model.problem import Category, Problem, Trouble
from mcmirror.movers.mc import argv, decode
from mcmirror.movers.mc.session import Session


def watch(session: Session, place: Location) -> Generator[Sequence[Heard], None, None]:
    """Yield batches of what was heard; an empty one is a tick. Raises Trouble when it cannot listen, or no longer."""
    trace = _Connections()
    process = session.process(argv.watch(place), trace=trace)
    names = _Names(session, place)
    failure: decode.Failure | None = None
    with closing(process.lines()) as batches:
        for batch in batches:
            heard: list[Heard] = [Connected()] * trace.new()
            for raw in batch:
                said = decode.happened(raw)
                if isinstance(said, decode.Failure):
                    failure = failure or said
                elif said is not None:
                    heard += [Change(key, said.gone) for key in names.key(said.path)]
            yield heard
            if failure is not None:
                break
    if not process.exit.stopped:
        raise Trouble(_reason(place, failure, process.exit.stderr))


def _reason(place: Location, failure: decode.Failure | None, stderr: str) -> Problem:
    """Why nothing more is heard."""
    what = f"the events of {place} cannot be heard"
    if failure is None:
        why = stderr.strip().rpartition("\n")[2] or "mc watch has ended"
        return problem(Category.CONNECTION_LOST, what, why, str(place))
    found = classify(failure.message, failure.cause, failure.code, object=str(place), side=place.alias)
    if found.category in {Category.UNKNOWN, Category.LISTING_UNSUPPORTED}:  # an answer that is no stream of events
        return problem(Category.EVENTS_UNSUPPORTED, what, failure.cause, str(place))
    return found


class _Names:
    """Turns what mc calls a changed object into its key."""

    def __init__(self, session: Session, place: Location) -> None:
        self._below = f"{session.aliases[place.alias].url.rstrip('/')}/{place.path}/"

    def key(self, path: str) -> Iterator[str]:
        """The key; nothing when it lies elsewhere."""
        if path.startswith(self._below) and len(path) > len(self._below):
            yield path[len(self._below) :]


class _Connections:
    """Counts the listen requests that a server answers with a stream of events."""

    def __init__(self) -> None:
        self._begun = b""
        self._asked = False
        self._new = 0

    def __call__(self, said: bytes) -> None:
        """Read on."""
        *lines, self._begun = (self._begun + said).split(b"\n")
        for line in lines:
            _, debug, text = line.partition(b"<DEBUG> ")
            if debug and text.startswith(b"GET "):
                self._asked = b"events=" in text
            elif debug and text.startswith(b"HTTP/"):
                self._asked &= b" 200 " in text + b" "
            elif self._asked and line.lower().startswith(b"content-type:"):
                # Others answer the same request with a listing.
                self._new += b"event-stream" in line.lower()
                self._asked = False

    def new(self) -> int:
        """How many since the last call."""
        new, self._new = self._new, 0
        return new
