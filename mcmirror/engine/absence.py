"""Proof that objects are gone from the source: it is whole, and a request for each of their keys says so."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from mcmirror.engine import guard
from mcmirror.engine.compare import Pairs
from mcmirror.engine.context import Context
from mcmirror.engine.listing import Side, with_pairs
from mcmirror.engine.lookup import Lookup
from mcmirror.engine.spool import Spool
from mcmirror.messages.error_lookup import classify, problem
from mcmirror.model.cost import Requests, asked_at_source, listing
from mcmirror.model.event import Event, ProblemFound
from mcmirror.model.plan import Difference
from mcmirror.model.problem import Category, ListingBroken
from mcmirror.model.wording import objects, printable
from mcmirror.movers.protocol import Answer, Presence

AT_SOURCE = "it is at the source"
"""Why a key does not count as gone: it came back meanwhile, or the source's listing hides it."""
SHOWN = 3
"""Keys that a problem names."""


@dataclass(slots=True)
class _Keys:
    """How many keys, and the first of them."""

    number: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, key: str) -> None:
        self.number += 1
        if len(self.first) < SHOWN:
            self.first.append(printable(key))

    def __str__(self) -> str:
        return ", ".join(self.first) + (", ..." if self.number > len(self.first) else "")


class Absence:
    """Asks the source for single keys, and keeps what it said. Not thread-safe."""

    def __init__(self, context: Context) -> None:
        self.requests = Requests()
        self._context = context
        self._hidden = _Keys()
        self._unanswered = dict[tuple[str, str], _Keys]()
        """By the source's words and the S3 code."""

    def ask(self, keys: Sequence[str]) -> dict[str, str]:
        """Say of each key why it does not count as gone, nothing when it does; after a stop keys are left out."""
        job = self._context.job
        answers = self._context.stat(job.source, keys)
        self.requests += asked_at_source(len(answers))
        return {key: self._why(key, answer) for key, answer in answers.items()}

    @property
    def hidden(self) -> int:
        """How many keys the source's listing lacked though they were there before the run: it is not true."""
        return self._hidden.number

    @property
    def in_trouble(self) -> bool:
        """Whether the source answers in a way that may pass: it is better asked later."""
        return any(classify("", said, code).retryable for said, code in self._unanswered)

    def problems(self) -> Iterator[ProblemFound]:
        """What kept keys from counting as gone, each reason once."""
        job = self._context.job
        if self._hidden.number:
            what = f"the listing of {job.source} lacks {objects(self._hidden.number)} that are there: {self._hidden}"
            cause = "a request for the very key finds the object"
            yield ProblemFound(job.name, problem(Category.LISTING_BROKEN, what, cause, str(job.source)))
        for (said, code), keys in self._unanswered.items():
            what = f"{job.source} does not say whether {objects(keys.number)} are gone, so they stay: {keys}"
            found = classify("", said, code, object=str(job.source))
            if found.category is Category.UNKNOWN:  # no word of S3: somebody else answered in the server's place
                found = problem(Category.LISTING_BROKEN, what, said, str(job.source))
            yield ProblemFound(job.name, replace(found, message=what))

    def _came_back(self, answer: Answer) -> bool:
        """Whether it was written during the run; of a folder that is so whatever the file's own time says."""
        if self._context.job.source.is_local:
            return True
        since = datetime.fromtimestamp(self._context.started, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return answer.entry is not None and answer.entry.modified >= since

    def _why(self, key: str, answer: Answer) -> str:
        match answer.presence:
            case Presence.ABSENT:
                return ""
            case Presence.THERE:
                if not self._came_back(answer):
                    self._hidden.add(key)
                return AT_SOURCE
            case Presence.UNKNOWN:
                self._unanswered.setdefault((answer.said, answer.code), _Keys()).add(key)
                return f"the source does not say whether it is gone: {answer.said}"


def look_again(
    context: Context, planned: Iterable[Difference], before: int
) -> Generator[Event, None, tuple[Spool, Requests]]:
    """List the whole source and return those of ``planned`` that it lacks.

    Raises ListingBroken when that fails, or when it lists far fewer objects than ``before``. A run that is about some
    keys lists nothing: each is asked for right before it is removed.
    """
    if context.named is not None:
        everything = Spool()
        for item in planned:
            everything.append(item)
        return everything, Requests()
    gone, listed = yield from with_pairs(context, "", lambda pairs: _lacking(pairs, planned), only=Side.SOURCE)
    refusal = guard.after_second_look(context.job, before, listed)
    if refusal:
        raise ListingBroken(refusal)
    return gone, Requests(source_list=listing(listed))


def _lacking(pairs: Pairs, planned: Iterable[Difference]) -> Generator[Event, None, tuple[Spool, int]]:
    gone, lookup = Spool(), Lookup(pairs, planned, "")
    for item, source, _ in lookup:
        if source is None:
            gone.append(item)
    return gone, lookup.at_source
    yield
