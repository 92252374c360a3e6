"""Look at metadata and tags of the same objects on both sides, with as few requests as tell the difference."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import islice
from typing import Self, TypeVar

from mcmirror.engine.context import Context
from mcmirror.engine.planning import metadata_wanted
from mcmirror.engine.sample import Sample
from mcmirror.engine.scope import Only
from mcmirror.model.attributes import TAGS, Attributes, differing, set_by
from mcmirror.model.cost import Requests
from mcmirror.model.event import Event, Phase, PhaseStarted
from mcmirror.model.job import Tags
from mcmirror.model.plan import Changed, Copy, Missing, Plan
from mcmirror.model.problem import Category, Problem
from mcmirror.movers.protocol import AttributeReader

T = TypeVar("T")
R = TypeVar("R")

TOGETHER = 8
"""mc processes at once, where each can do one object only."""
PROBES = 3
"""Objects that are asked for their tags where no HEAD tells that there are any."""


@dataclass(frozen=True, slots=True)
class Looked:
    """An object that is on both sides."""

    pair: Changed
    source: Attributes
    target: Attributes
    names: tuple[str, ...]
    """What differs."""

    @property
    def key(self) -> str:
        """The key."""
        return self.pair.source.key


class Comparison:
    """Compares objects of one job, and learns on the way what both servers can do. Not thread-safe."""

    def __init__(self, context: Context) -> None:
        job = context.job
        self._context = context
        self.source, self.target = map(context.mover.attributes, (job.source, job.target))
        self._but = set_by(job.options.attr) | ({TAGS} if job.options.tags is Tags.OFF else set())
        self._thorough = context.metadata is not None or job.options.tags is Tags.COPY
        self._probes, self._probing = PROBES, True
        self._counted = False
        """Whether a HEAD of the source has told a number of tags."""
        self._some_key = ""
        self.requests = Requests()
        self.unreadable: Problem | None = None
        """Why an object could not be looked at; the first."""
        self.tags_impossible: Problem | None = None
        """Why the target keeps no tags."""

    @cached_property
    def mc_carries_tags(self) -> bool:
        """Whether mc finds the source's tags by itself; found by trying. After an object was looked at."""
        self.requests += Requests(source_list=1)
        return self.source.lists_metadata(self._some_key)

    @property
    def tells_tags(self) -> bool:
        """Whether a source's HEAD without a number of tags means that there are none."""
        return self._counted or self.mc_carries_tags

    def look(self, pairs: Iterable[Changed], *, probing: bool = True) -> Iterator[list[Looked]]:
        """Compare them, batch by batch; what one side cannot show is left out, and ``unreadable`` says why.

        ``probing``: ask a few for tags also where no HEAD speaks of any.
        """
        self._probing = probing
        waiting = iter(pairs)
        while batch := list(islice(waiting, self._context.mover.most_named)):
            if self._context.stop.requested or self._hopeless:
                return
            yield self._look(batch)

    def _look(self, batch: Sequence[Changed]) -> list[Looked]:
        keys = [pair.source.key for pair in batch]
        learning = self._probing and TAGS not in self._but and not self._counted
        learning &= "mc_carries_tags" not in self.__dict__
        before, self._some_key = self._some_key, keys[0] if learning else self._some_key
        with ThreadPoolExecutor(3, thread_name_prefix="metadata") as pool:
            at_source, at_target = (pool.submit(self._heads, reader, keys) for reader in (self.source, self.target))
            carries = pool.submit(lambda: self.mc_carries_tags) if learning else None
        sources, targets, _ = at_source.result(), at_target.result(), carries and carries.result()
        if learning and not isinstance(sources.get(keys[0]), Attributes):
            self._some_key = before
            self.__dict__.pop("mc_carries_tags", None)
        self.requests += Requests(source_head=len(sources), target_head=len(targets))
        there = list[tuple[Changed, Attributes, Attributes]]()
        for pair in batch:
            source, target = sources.get(pair.source.key), targets.get(pair.source.key)
            if isinstance(source, Attributes) and isinstance(target, Attributes):
                there.append((pair, source, target))
                self._counted |= source.tag_count is not None
                self._some_key = self._some_key or source.entry.key
            else:
                self._note(source, target)
        tags = self._tags([(source, target) for _, source, target in there]) if TAGS not in self._but else {}
        return [self._compared(pair, source, target, tags) for pair, source, target in there]

    def _compared(
        self, pair: Changed, source: Attributes, target: Attributes, tags: "dict[str, tuple[Attributes, Attributes]]"
    ) -> Looked:
        source, target = tags.get(source.entry.key, (source, target))
        but = self._but | ({TAGS} if self.tags_impossible else set())
        return Looked(pair, source, target, differing(source, target, but))

    def _heads(self, reader: AttributeReader, keys: list[str]) -> dict[str, Attributes | Problem]:
        found, in_a_row = dict[str, Attributes | Problem](), 0
        for key, head in reader.heads(keys):
            found[key] = head
            in_a_row = in_a_row + 1 if isinstance(head, Problem) else 0
            if in_a_row >= PROBES and len(found) == in_a_row:
                break  # whoever may not look at three will not look at the others
        return found

    @property
    def _hopeless(self) -> bool:
        return self.unreadable is not None and not self._some_key

    def _note(self, *sides: Attributes | Problem | None) -> None:
        for said in sides:
            if isinstance(said, Problem) and said.category not in {Category.OBJECT_VANISHED, Category.SOURCE_NOT_FOUND}:
                self.unreadable = self.unreadable or said

    def _tags(self, there: Sequence[tuple[Attributes, Attributes]]) -> dict[str, tuple[Attributes, Attributes]]:
        """The pairs of those that may have tags, with them."""
        wanted = [pair for pair in there if any(side.tag_count for side in pair) or self._is_asked(pair[0])]
        answers = iter(together(lambda ask: ask(), [
            (lambda reader=reader, key=source.entry.key: reader.tags(key))
            for source, _ in wanted for reader in (self.source, self.target)
        ]))  # fmt: skip
        self.requests += Requests(source_get=len(wanted), target_get=len(wanted))
        found = dict[str, tuple[Attributes, Attributes]]()
        for source, target in wanted:
            here, there_ = next(answers), next(answers)
            if isinstance(there_, Problem) and never(there_) and here and not isinstance(here, Problem):
                self.tags_impossible = self.tags_impossible or there_
            if isinstance(here, Problem) or isinstance(there_, Problem):
                continue
            found[source.entry.key] = replace(source, tags=here), replace(target, tags=there_)
        return found

    def _is_asked(self, source: Attributes) -> bool:
        """Whether the source is asked for tags that no HEAD speaks of."""
        if source.tag_count is not None or (not self._thorough and not (self._probing and self._probes)):
            return False
        if self.tells_tags:
            return False
        self._probes = max(0, self._probes - 1)
        return True


class Samples:
    """Compares a few objects in a thread, beside the run: equal ones while it copies, copies while it verifies.

    Use as a context manager; it waits for the thread at its end. ``comparison`` may be used after ``wait``.
    """

    def __init__(self, context: Context, plan: Plan) -> None:
        self.comparison = Comparison(context)
        self._context = context
        self._plan = plan
        self._few = plan.copies.objects > 0 and context.metadata is None and metadata_wanted(context)
        self._trusting = context.job.options.tags is not Tags.COPY
        """Whether copies are compared as they arrive, without tags that are set afterwards."""
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="metadata")
        self._begun: list[Future[list[list[Looked]]]] = []
        self._equal: Future[list[list[Looked]]] | None = None
        self._copies: Future[list[list[Looked]]] | None = None

    def __enter__(self) -> Self:
        if self._few:
            self._equal = self._begin(self._look_at_equal)
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def beside(self, steps: Generator[Event, None, T]) -> Generator[Event, None, T]:
        """Pass the events of copying and verifying on; what is copied after it was compared is compared again."""
        while True:
            try:
                event = next(steps)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            match event:
                case PhaseStarted(_, Phase.VERIFY) if self._few and self._trusting:
                    self._copies = self._begin(partial(self.comparison.look, ordered(self.choose(self._plan))))
                case PhaseStarted(_, Phase.MIRROR):
                    self.forget_copies()
                case _:
                    pass
            yield event

    def forget_copies(self) -> None:
        """Compare the copies later, for they are others by then."""
        self._copies = None

    def wait(self) -> None:
        """Wait for the thread."""
        wait(self._begun)

    def choose(self, plan: Plan) -> Sample:
        """Choose among the copies of the plan."""
        chosen = Sample(self._context.metadata)
        for item in Only[Copy](plan.differences, Missing, Changed):
            chosen.offer(item.source, item.source)
        return chosen

    def of_copies(self, chosen: Sample) -> Iterable[list[Looked]]:
        """Return what was compared of the copies already, or compare the chosen ones."""
        return self._copies.result() if self._copies else self.comparison.look(ordered(chosen))

    def of_equal(self) -> Iterable[list[Looked]]:
        """Return what was compared of the objects that were equal already, or compare them."""
        return self._equal.result() if self._equal else self._look_at_equal()

    def _begin(self, look: Callable[[], Iterator[list[Looked]]]) -> Future[list[list[Looked]]]:
        self._begun.append(self._pool.submit(lambda: list(look())))
        return self._begun[-1]

    def _look_at_equal(self) -> Iterator[list[Looked]]:
        return self.comparison.look(ordered(self._plan.sample), probing=False)


def ordered(pairs: Iterable[object]) -> Iterable[Changed]:
    """A few chosen ones in the order of their keys; a share comes in it."""
    chosen = (pair for pair in pairs if isinstance(pair, Changed))
    return sorted(chosen, key=lambda pair: pair.source.key) if isinstance(pairs, Sample) and pairs.few else chosen


def together(function: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Call it for several at once; a thread that starts an mc also waits for it."""
    if len(items) < 2:
        return [function(item) for item in items]
    with ThreadPoolExecutor(min(TOGETHER, len(items)), thread_name_prefix="metadata") as pool:
        return list(pool.map(function, items))


def never(found: Problem) -> bool:
    """Whether it speaks of what a server has not, rather than of a right or of a moment."""
    return not found.retryable and found.category not in {Category.PERMISSION, Category.OBJECT_VANISHED}
