"""A server on a clock of its own: days pass in a second, and runs last as long as the test says."""

import heapq
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from mcmirror.config import Configuration, Schedule
from mcmirror.engine.order import Order
from mcmirror.model.event import Event, RunFinished, RunStarted
from mcmirror.model.job import Job
from mcmirror.model.location import Location
from mcmirror.model.lock import Lock, Manners
from mcmirror.model.record import Cause, Outcome, Record, run_id
from mcmirror.model.report import RunReport, Status
from mcmirror.model.state import NotifierState
from mcmirror.service.dependencies import Dependencies
from mcmirror.service.server import Server

BEGIN = datetime(2026, 11, 21, tzinfo=UTC).timestamp()


def job(name: str) -> Job:
    """A job with places of its own."""
    return Job(name, Location("src", name), Location("dst", name))


def configuration(schedules: Mapping[str, Schedule], parallel: int = 3) -> Configuration:
    """Jobs of these names, each with its schedule."""
    made = Configuration(jobs={name: job(name) for name in schedules}, schedules=dict(schedules))
    return replace(made, settings=replace(made.settings, parallel=parallel))


@dataclass
class World:
    """The clock, what waits for it, and what happened."""

    now: float = BEGIN
    steady: float = 0.0
    waiting: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)
    lasts: Callable[[str], float] = lambda _: 1.0
    """How many seconds a run of this job takes."""
    verdict: Callable[[str, float], Status] = lambda _, __: Status.SUCCEEDED
    starts: dict[str, list[float]] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)
    notices: list[tuple[str, bool]] = field(default_factory=list)
    paused: set[str] = field(default_factory=set)
    load: Callable[[], Configuration] | None = None
    changed: bool = False

    def server(self, made: Configuration) -> Server:
        """A server of this world."""
        return Server(Service(self, made), self.surroundings())  # type: ignore[arg-type]

    def surroundings(self) -> Dependencies:
        """Everything around it, and all of it here."""
        return Dependencies(
            remembered=RunStore(self),
            told=Notifications(self),
            pauses=Pauses(self),
            say=lambda level, event, _, /, **__: self.lines.append((level, event)),
            load=(lambda _: Service(self, self.load())) if self.load else None,  # type: ignore[misc, return-value, arg-type]
            changed=self._was_changed,
            now=lambda: self.now,
            monotonic=lambda: self.steady,
            spawn=self._spawn,
        )

    def _was_changed(self) -> bool:
        changed, self.changed = self.changed, False
        return changed

    def _spawn(self, work: Callable[[], None], name: str) -> None:
        kind, _, about = name.partition("-")
        if kind == "job":
            self.starts.setdefault(about, []).append(self.now)
            work_at = self.steady + self.lasts(about)
            heapq.heappush(self.waiting, (work_at, next(self.numbers), work))
        else:
            work()

    def live(self, server: Server, seconds: float) -> None:
        """Let time pass."""
        end = self.steady + seconds
        while self.steady < end:
            wait = server.tick()
            until = min(end, self.steady + max(wait, 0.001), *(moment for moment, _, _ in self.waiting[:1]))
            self.now += until - self.steady
            self.steady = until
            while self.waiting and self.waiting[0][0] <= self.steady:
                heapq.heappop(self.waiting)[2]()


@dataclass
class Service:
    """In place of the real one: a run is its verdict."""

    world: World
    configuration: Configuration

    def record(self, made: Job, cause: Cause = Cause.HAND) -> Record:
        """A run that begins now."""
        now = datetime.fromtimestamp(self.world.now, UTC)
        return Record(run_id(now), made.name, str(made.source), str(made.target), cause, now.isoformat())

    def manners(self, made: Job, lock: Lock | None = None, default: Lock = Lock.SKIP) -> Manners:
        """No lock here."""
        del made
        return Manners(lock or default)

    def run_one(self, made: Job, order: Order, tell: Callable[[Event], None], record: Record) -> Record:
        """The verdict, with the events around it."""
        stopped = order.stop.requested
        status = Status.CANCELLED if stopped else self.world.verdict(made.name, self.world.now)
        report = RunReport(made.name, record.source, record.target, status, verified=True)
        tell(RunStarted(made.name, record.source, record.target, dry_run=False))
        tell(RunFinished(made.name, report))
        finished = datetime.fromtimestamp(self.world.now, UTC).isoformat()
        done = replace(record, finished=finished, report=report)
        self.world.records.append(done)
        return done


@dataclass
class RunStore:
    """Nothing but what the world knows."""

    world: World
    warning: str = ""

    def take_in(self) -> tuple[Record, ...]:
        """Nobody else runs anything."""
        return ()

    def leave(self, run: str) -> None:
        """Nobody else is there."""

    def beat(self) -> None:
        """Nobody looks."""

    def latest(self, jobs: Sequence[Job]) -> tuple[dict[str, Record], dict[str, Record]]:
        """From the records."""
        names = {one.name for one in jobs}
        ended = [record for record in self.world.records if record.job in names]
        return {one.job: one for one in ended}, {one.job: one for one in ended if one.succeeded}

    def runs(self, **_: object) -> tuple[Record, ...]:
        """All of them."""
        return tuple(reversed(self.world.records))

    def get(self, run: str) -> Record | None:
        """By its id."""
        return next((record for record in self.world.records if record.id == run), None)

    def fates(self, run: str) -> Iterator[tuple[Outcome, str]]:
        """No objects here."""
        del run
        return iter(())

    def prune(self, keep_for: float, keep_runs: int) -> None:
        """Keep everything."""


@dataclass
class Notifications:
    """Keeps what it is told."""

    world: World
    begun_: list[str] = field(default_factory=list)

    def begun(self, record: Record) -> None:
        """Nothing."""

    def finished(self, record: Record) -> None:
        """Nothing."""

    def notice(self, kind: str, what: str, why: str, remedy: str, *, good: bool = False) -> None:
        """Keep it."""
        del what, why, remedy
        self.world.notices.append((kind, good))

    def replace(self, service: object) -> None:
        """Nothing."""

    def state(self) -> tuple[NotifierState, ...]:
        """Nobody."""
        return ()

    def revive(self) -> None:
        """Nothing."""


@dataclass
class Pauses:
    """In the world's memory."""

    world: World

    def read(self) -> frozenset[str]:
        """All."""
        return frozenset(self.world.paused)

    def add(self, made: str) -> None:
        """One more."""
        self.world.paused.add(made)

    def remove(self, made: str) -> None:
        """One less."""
        self.world.paused.discard(made)
