"""What a run works with: frozen, handed from step to step."""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from mcmirror.model.job import Job, Verb
from mcmirror.model.location import Alias, Location
from mcmirror.model.stop import Stop
from mcmirror.movers.protocol import Answer, Mover


class Memory(Protocol):
    """What earlier runs of the pair found out."""

    def source_objects(self) -> int:
        """How many objects the source held at the last success; 0 when that is not known."""

    def remember_source(self, objects: int) -> None:
        """Keep that number for the next run."""

    def wrong(self) -> frozenset[tuple[str, str, str]]:
        """(key, mark at the source, mark at the target) of copies that were read and found to differ."""

    def remember_wrong(self, found: Iterable[tuple[str, str, str]], cleared: Collection[str]) -> None:
        """Add to them, and forget the keys that were read and are the same."""

    def incomparable(self, key: str, source_mark: str, target_mark: str) -> bool:
        """Whether a copy with these marks is known to be equal although its ETags or times say otherwise."""

    def remember_incomparable(self, rows: Iterable[tuple[str, str, str]], *, assumed: bool) -> None:
        """Keep (key, mark at the source, mark at the target) for the next run.

        ``assumed``: they were not read, and hold only as long as the target's ETags are taken for no MD5s.
        """

    def forget_assumed(self) -> None:
        """Drop all that was assumed: a copy that was read differs."""


class Journal(Protocol):
    """What is under way, kept where the next run finds it if this one is killed."""

    @property
    def left_behind(self) -> tuple[str, ...]:
        """Keys whose multipart uploads a killed run may have left open."""

    @property
    def since(self) -> float:
        """When the first of the killed runs began, in seconds since the epoch; 0 when none was."""

    def record(self, keys: Iterable[str], since: float) -> None:
        """Copying begins, these keys in parts; what it, or a run killed before, leaves is not older than ``since``."""

    def clear(self) -> None:
        """Nothing is under way any more."""


@dataclass(frozen=True, slots=True)
class Named:
    """The keys that a run is about: both sides are asked for each of them, and nothing is listed."""

    keys: tuple[str, ...]
    """In order, each once."""
    gone: frozenset[str] = frozenset()
    """Those that are probably absent at the source."""
    removed: frozenset[str] = frozenset()
    """Those that are probably absent at the target."""
    careful: frozenset[str] = frozenset()
    """Those whose copy did not prove itself before: the target is asked for them first."""


@dataclass(frozen=True, slots=True)
class Context:
    """One run's surroundings."""

    job: Job
    mover: Mover
    aliases: Mapping[str, Alias]
    """Those of the two places, by name."""
    memory: Memory
    journal: Journal
    stop: Stop
    verb: Verb = Verb.RUN
    content: float | None = None
    """Percentage of the objects that ``verify`` reads on both sides; None reads nothing."""
    metadata: float | None = None
    """Percentage of the objects whose metadata is compared, and repaired by a run; None: a few."""
    started: float = field(default_factory=time.time)
    """Seconds since the epoch."""
    notes: tuple[str, ...] = ()
    """What is not as it was asked for, and keeps the run from nothing."""

    named: Named | None = None
    """The only keys that the run is about; None: all of the place."""

    def stat(self, place: Location, keys: Sequence[str]) -> dict[str, Answer]:
        """Ask a place for single keys; a run that is about some keys does that without a listing."""
        if self.named is None:
            return self.mover.stat(place, keys)
        return self.mover.look(place, keys, self.named.gone if place == self.job.source else self.named.removed)

    def about(self, keys: Iterable[str], *, removed: bool = False) -> "Context":
        """The same for fewer keys, if it is about some keys; ``removed``: the target has just lost them."""
        if self.named is None:
            return self
        wanted = tuple(keys)
        lost = frozenset(wanted) if removed else frozenset[str]()
        return replace(self, named=replace(self.named, keys=wanted, removed=lost))

    @property
    def planning_only(self) -> bool:
        """Whether nothing is to be written."""
        return self.job.options.dry_run or self.verb is not Verb.RUN
