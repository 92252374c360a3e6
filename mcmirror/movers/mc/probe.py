"""Single questions to a server by mc, each answered by a problem or by none."""

from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager

from mcmirror.messages.error_lookup import classify, problem
from mcmirror.model.job import MirrorOptions
from mcmirror.model.location import Location
from mcmirror.model.problem import Category, ListingBroken, Problem
from mcmirror.movers.mc import argv, decode, listing
from mcmirror.movers.mc.session import Session

PATIENCE = 30.0
"""Seconds without a word from a server after which a question is given up."""


@contextmanager
def probing(session: Session) -> Generator["McProbe", None, None]:
    """Open the session for questions."""
    with session:
        yield McProbe(session)


class McProbe:
    """Asks servers of a session. Not thread-safe."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def buckets(self, alias: str, url: str) -> Problem | None:
        """List the buckets: the one question that needs no bucket."""
        return self._ask(argv.buckets(alias), url)

    def first_key(self, place: Location) -> str | Problem | None:
        """Return the first key at a place, None when there is none, or why it cannot be listed."""
        entries = listing.entries(self._session, place, stall_timeout=PATIENCE)
        with closing(entries):  # closing it stops mc
            try:
                return next((entry.key for entry in entries if entry is not None and not entry.key.endswith("/")), None)
            except ListingBroken as broken:
                return broken.problem

    def read(self, object_: str) -> Problem | None:
        """Ask for an object by a HEAD."""
        return self._ask(argv.stat(object_), object_)

    def write(self, place: Location, name: str, text: str, options: MirrorOptions) -> Problem | None:
        """Write a small object; mc is not believed: what counts is that it can be seen."""
        there = place.child(name)
        probe = self._session.scratch(name, text)
        return self._ask(argv.copy(options, [str(probe)], f"{place}/"), there) or self.read(there)

    def remove(self, object_: str) -> Problem | None:
        """Remove an object."""
        return self._ask(argv.remove([object_]), object_)

    def _ask(self, command: Sequence[str], place: str) -> Problem | None:
        """Run one command of mc; None when it succeeded, by its code and by its lines."""
        process = self._session.process(command, stall_timeout=PATIENCE)
        failure = None
        for batch in process.lines():
            for line in map(decode.line, batch):
                if isinstance(line, decode.Failure):
                    failure = failure or line
        if process.exit.stalled:
            return problem(Category.STALLED, f"{place} does not answer", f"nothing came for {PATIENCE:g} s", place)
        if failure is not None:
            return classify(failure.message, failure.cause, failure.code, object=place)
        if process.exit.code:
            said = process.exit.stderr.strip() or f"exit code {process.exit.code}"
            return classify("", said, object=place)
        return None
