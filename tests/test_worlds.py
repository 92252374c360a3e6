"""Whole jobs in generated worlds: contents, clocks, kinds of ETags, lies, races, stops. The verdict equals the truth.

The mover is the one in memory, so that thousands of worlds take seconds; MCMIRROR_TEST_WORLDS sets how many.
"""

import os
from collections.abc import Collection, Generator, Iterable
from dataclasses import dataclass, field
from functools import partial
from unittest.mock import patch

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from mcmirror.engine import copy
from mcmirror.engine.context import Context, Named
from mcmirror.engine.run import run
from mcmirror.model.event import Event, Planned
from mcmirror.model.job import Job, MaxDelete, MirrorOptions, Verb
from mcmirror.model.location import Location
from mcmirror.model.plan import Entry, Extraneous
from mcmirror.model.report import RunReport, Status
from mcmirror.model.stop import Stop
from mcmirror.movers.memory import MemoryMover, Store

WORLDS = int(os.environ.get("MCMIRROR_TEST_WORLDS", "500"))
SOURCE, TARGET = Location("src", "here"), Location("dst", "there")
FOLDED = ("x//y", "./v")
KEYS = ("a", "a/b", "a/c", "a/c/d", "b", "b/", "b/e", "c\\d", "c/d", "é", "z", *(f"n/{i}" for i in range(9)), *FOLDED)
Marks = tuple[str, str, str]


@dataclass
class Memory:
    """What earlier runs of the pair found out, kept in memory."""

    count: int = 0
    known: set[Marks] = field(default_factory=set)
    assumed: set[Marks] = field(default_factory=set)
    unlike: set[Marks] = field(default_factory=set)

    def source_objects(self) -> int:
        return self.count

    def remember_source(self, objects: int) -> None:
        self.count = objects

    def wrong(self) -> frozenset[Marks]:
        return frozenset(self.unlike)

    def remember_wrong(self, found: Iterable[Marks], cleared: Collection[str]) -> None:
        self.unlike = {row for row in self.unlike if row[0] not in cleared} | set(found)

    def incomparable(self, key: str, source_mark: str, target_mark: str) -> bool:
        return (key, source_mark, target_mark) in self.known | self.assumed

    def remember_incomparable(self, rows: Iterable[Marks], *, assumed: bool) -> None:
        (self.assumed if assumed else self.known).update(rows)

    def forget_assumed(self) -> None:
        self.assumed.clear()


class Journal:
    """Nothing is left behind in memory."""

    left_behind: tuple[str, ...] = ()
    since = 0.0

    def record(self, keys: Iterable[str], since: float) -> None:
        """Keep nothing."""

    def clear(self) -> None:
        """Keep nothing."""


@dataclass
class Race:
    """Something that somebody else does at one request of a run."""

    side: str
    request: int
    key: str
    content: bytes | None
    """None removes the key."""


@dataclass
class World:
    """Two stores, a job, and what happens meanwhile."""

    source: Store
    target: Store
    job: Job
    races: list[Race]
    stop_at: int | None
    """The event at which a stop is requested."""
    fewest: int = 24
    """Objects that are worth a process of their own: small numbers make shards of a few objects."""
    rare: int = 40
    """Objects of a listing for each copy from which copies are named."""
    memory: Memory = field(default_factory=Memory)
    planned: dict[str, Entry] = field(default_factory=dict)
    """What the last plan named as extraneous."""
    removed: dict[str, tuple[Entry | None, bool]] = field(default_factory=dict)
    """Keys that went from the target by the mover's hand: the entry that went, and whether the source had it then."""
    touched: set[str] = field(default_factory=set)
    """Keys that races wrote or removed at the source."""

    def go(self, verb: Verb = Verb.RUN, stop_at: int | None = None, named: Named | None = None) -> RunReport:
        """Run the job once; with ``named`` for some keys alone."""
        stop = Stop()
        mover = Watched(self)
        for side, store in (("source", self.source), ("target", self.target)):
            store.requests = 0
            store.on_request = partial(self._happen, side)
        context = Context(
            job=self.job, mover=mover, aliases={}, memory=self.memory, journal=Journal(), stop=stop, verb=verb,
            content=100.0 if verb is Verb.VERIFY else None, named=named,
        )  # fmt: skip
        with patch.multiple(copy, FEWEST=self.fewest, RARE=self.rare):
            return self._followed(run(context), stop, stop_at)

    def _followed(self, steps: Generator[Event, None, RunReport], stop: Stop, stop_at: int | None) -> RunReport:
        number = 0
        while True:
            try:
                said = next(steps)
            except StopIteration as end:
                report: RunReport = end.value
                return report
            if isinstance(said, Planned):
                self.planned = {
                    one.target.key: one.target for one in said.plan.differences if isinstance(one, Extraneous)
                }
            number += 1
            if number == stop_at:
                stop.request(2)

    def _happen(self, side: str, number: int) -> None:
        for race in self.races:
            if (race.side, race.request) == (side, number):
                store = self.source if side == "source" else self.target
                if side == "source":
                    self.touched.add(race.key)
                if race.content is None:
                    store.objects.pop(race.key, None)
                else:
                    store.put(race.key, race.content)

    @property
    def true_copy(self) -> bool:
        """Whether each object of the source is on the target, byte by byte, races at the source left out."""
        return not self.wrong(self.touched)

    def wrong(self, but: Collection[str] = ()) -> list[str]:
        """The objects of the source that are not on the target as they are."""
        return [
            key
            for key, stored in self.source.objects.items()
            if key not in but and getattr(self.target.objects.get(key), "content", None) != stored.content
        ]


class Watched(MemoryMover):
    """Keeps what it removed, and what the source was like at that moment."""

    def __init__(self, world: World) -> None:
        super().__init__(world.job, world.source, world.target)
        self._world = world

    def remove(self, keys):  # type: ignore[no-untyped-def]
        """Look first."""
        for key in keys:
            self._world.removed[key] = (self._world.target.entry(key), key in self._world.source.objects)
        yield from super().remove(keys)


contents = st.binary(max_size=3)
keys = st.sampled_from(KEYS)
some_keys = st.sets(keys, max_size=3)


@st.composite
def stores(draw: st.DrawFn, twin: Store | None = None) -> Store:
    """A store with a few objects; with ``twin`` it begins as a copy of most of that one."""
    store = Store(clock=draw(st.integers(0, 200)), plain_etags=draw(st.booleans()) if twin else True)
    if twin:
        for key, stored in twin.objects.items():
            if draw(st.integers(0, 9)):
                store.put(key, stored.content)
    for key, content in draw(st.dictionaries(keys, contents, max_size=12 if not twin else 4)).items():
        store.put(key, content)
    return store


@st.composite
def worlds(draw: st.DrawFn, *, faults: bool) -> World:
    """A world; without ``faults`` everybody behaves and nobody else writes."""
    source = draw(stores())
    target = draw(stores(twin=source))
    options = MirrorOptions(overwrite=draw(st.booleans()), remove=draw(st.booleans()))
    limit = draw(st.sampled_from([MaxDelete(), MaxDelete(None, None), MaxDelete(None, 2), MaxDelete(0.0)]))
    job = Job("j", SOURCE, TARGET, options, max_delete=limit, retries=draw(st.integers(0, 1)), retry_delay=0.0)
    races = list[Race]()
    if faults:
        for store in (source, target):
            store.hidden = draw(some_keys) if not draw(st.integers(0, 3)) else set()
            store.breaks_after = draw(st.one_of(st.none(), st.none(), st.none(), st.integers(0, 12)))
            store.silent = not draw(st.integers(0, 9))
        source.ends_after = draw(st.one_of(st.none(), st.none(), st.integers(0, 12)))
        source.unreadable, target.unwritable = draw(some_keys), draw(some_keys)
        target.losing = draw(some_keys)
        target.spoiling = draw(some_keys) if target.plain_etags else set()
        races = draw(
            st.lists(
                st.builds(
                    Race,
                    st.sampled_from(["source", "target"]),
                    st.integers(1, 40),
                    keys,
                    st.one_of(st.none(), contents),
                ),
                max_size=3,
            )
        )
    stop_at = draw(st.one_of(st.none(), st.integers(1, 40))) if faults else None
    fewest, rare = draw(st.sampled_from([24, 1, 3])), draw(st.sampled_from([40, 40, 1]))
    return World(source, target, job, races, stop_at, fewest, rare)


def check_removals(world: World) -> None:
    """Rule 2: only what the plan named, as it was then, and what the source had not at that moment."""
    for key, (entry, at_source) in world.removed.items():
        assert not at_source, f"{key} was removed though the source had it"
        assert entry == world.planned.get(key), f"{key} was removed though it was not what the plan had seen"
        assert world.job.options.remove


many = settings(
    max_examples=WORLDS, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)


@many
@given(worlds(faults=False))
def test_where_nothing_is_wrong_the_copy_is_true_or_the_verdict_says_what_is_not(world: World) -> None:
    before = set(world.target.objects)
    folded = [key for key in FOLDED if key in world.source.objects]
    extraneous = before - set(world.source.objects)

    report = world.go()

    event(report.status)
    check_removals(world)
    assert (report.status is Status.REFUSED) <= (before == set(world.target.objects))
    if report.status is Status.SUCCEEDED and not report.tally.kept.objects:
        assert world.true_copy or report.tally.unproven.objects
        assert not world.job.options.remove or not (extraneous - set(FOLDED)) & set(world.target.objects)
    if not folded and report.status not in {Status.REFUSED, Status.SUCCEEDED} and world.job.options.overwrite:
        held = {key for key in extraneous if key in FOLDED or "\\" in key}
        assert world.job.options.remove, report
        assert held, report
    again = world.go() if report.status is Status.SUCCEEDED else report
    assert again.status is report.status
    if again is not report:
        assert not again.tally.planned.objects, "a second run finds nothing to copy"


@many
@given(worlds(faults=True))
def test_whatever_goes_wrong_the_verdict_is_no_lie_and_nothing_is_removed_in_error(world: World) -> None:
    report = world.go(stop_at=world.stop_at)

    event(report.status)
    check_removals(world)
    written = {race.key for race in world.races}
    lies = world.source.hidden or world.source.ends_after is not None
    if report.status is Status.SUCCEEDED and not report.tally.kept.objects and not lies:
        assert report.tally.unproven.objects or not world.wrong(written), report
    if report.status is Status.REFUSED:
        assert not world.removed


@many
@given(worlds(faults=True), st.sets(keys, min_size=1, max_size=8), some_keys)
def test_a_run_about_some_keys_lists_nothing_and_touches_no_other(
    world: World, wanted: set[str], gone: set[str]
) -> None:
    world.source.breaks_after = world.target.breaks_after = 0  # a listing would fail
    before = dict(world.target.objects)
    raced = {race.key for race in world.races}

    report = world.go(stop_at=world.stop_at, named=Named(tuple(sorted(wanted)), frozenset(gone & wanted)))

    event(report.status)
    check_removals(world)
    assert not world.removed.keys() - wanted
    others = {
        key for key in before.keys() | world.target.objects.keys() if before.get(key) != world.target.objects.get(key)
    }
    assert not others - wanted - raced
    if report.status is Status.SUCCEEDED and not report.tally.kept.objects:
        untrue = set(world.wrong(raced)) & wanted
        assert not untrue or report.tally.unproven.objects, report
        if world.job.options.remove:
            left = {key for key in wanted & world.target.objects.keys() if key not in world.source.objects}
            assert not left - raced - set(FOLDED), report


@many
@given(worlds(faults=True))
def test_verify_that_reads_everything_is_right(world: World) -> None:
    for store in (world.source, world.target):
        store.hidden, store.breaks_after, store.ends_after, store.silent = set(), None, None, False
    world.races.clear()
    before = dict(world.target.objects)

    report = world.go(Verb.VERIFY)

    event(report.status)
    assert before == world.target.objects
    unreadable = (world.source.unreadable | world.target.unreadable | set(FOLDED)) & set(world.source.objects)
    if not unreadable:
        assert (report.status is Status.SUCCEEDED) == world.true_copy, report
    elif report.status is Status.SUCCEEDED:
        assert not world.wrong(FOLDED)
