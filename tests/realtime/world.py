"""A follower with a clock, a source and a server of its own, for its tests."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mcmirror.engine.key_batch import Outcome
from mcmirror.model.change import Change
from mcmirror.model.dirty import Dirty
from mcmirror.model.job import Job, MaxDelete
from mcmirror.model.location import Location
from mcmirror.model.plan import Count
from mcmirror.model.problem import Problem
from mcmirror.model.realtime import Realtime
from mcmirror.model.record import Cause, Record
from mcmirror.model.report import RunReport, Status, Tally
from mcmirror.realtime.canary import Canary
from mcmirror.realtime.follower import Follower
from mcmirror.realtime.listener import Listener
from mcmirror.store.database import Database
from mcmirror.store.dirty_keys import DirtyKeys

JOB = Job("live", Location("src", "a"), Location("dst", "b"), max_delete=MaxDelete(None, 5))
REALTIME = Realtime(catch_up_every=3600.0, max_lag=300.0)


@dataclass
class Ears:
    """In place of a listener: opened and closed by the test."""

    open: bool = False
    problem: Problem | None = None
    connections: int = 0
    reconnects: int = 0
    follower: Any = None

    def connect(self) -> None:
        self.open, self.problem = True, None
        self.connections += 1
        self.follower.connected()

    def reconnect(self) -> None:
        self.reconnects += 1

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def join(self, seconds: float) -> None: ...


@dataclass
class World:
    """A clock, a source that hears its own canary or not, and what the follower wanted of it."""

    folder: Path
    realtime: Realtime = REALTIME
    now: float = 1_800_000_000.0
    ears: Ears = field(default_factory=Ears)
    deaf: bool = False
    refused: Problem | None = None
    runs: list[float] = field(default_factory=list)
    run_fails: bool = False
    batches: list[tuple[str, ...]] = field(default_factory=list)
    limits: list[MaxDelete] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    """What the next batches come to; all is settled when there is none."""
    notices: list[tuple[str, bool]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    paused: bool = False
    canaries: int = 0
    equal: int = 100

    def __post_init__(self) -> None:
        self.database = Database(f"sqlite:///{self.folder / 'state.db'}")
        dirty = DirtyKeys(self.database, "live")
        canary = Canary(self._write, lambda: None) if self.realtime.canary else None

        def made(follower: Follower) -> Listener:
            self.ears.follower = follower
            return self.ears  # type: ignore[return-value]

        listener = None if self.realtime.events in {"poll", "webhook"} else made
        self.follower = Follower(
            JOB, self.realtime, dirty, self, listener=listener, canary=canary, now=lambda: self.now
        )
        self.dirty = dirty

    def _write(self) -> Problem | None:
        self.canaries += 1
        if self.refused is None and not self.deaf:
            self.follower.hear([Change(f"{self.realtime.canary}canary")])
        return self.refused

    # What the follower asks for.

    def catch_up(self) -> bool:
        self.runs.append(self.now)
        record = Record(
            "r", "live", "src/a", "dst/b", Cause.CATCH_UP, datetime.fromtimestamp(self.now, UTC).isoformat()
        )
        self.follower.began(record)
        status = Status.FAILED if self.run_fails else Status.SUCCEEDED
        report = RunReport("live", "src/a", "dst/b", status, verified=True, tally=Tally(equal=Count(self.equal)))
        self.now += 1
        self.follower.ended(Record(**{**record_fields(record), "report": report}))
        return True

    def sync(self, keys: Sequence[Dirty], limit: MaxDelete) -> Outcome:
        self.batches.append(tuple(one.key for one in keys))
        self.limits.append(limit)
        return self.outcomes.pop(0) if self.outcomes else Outcome(settled=list(keys), copied=Count(len(keys)))

    def heard(self, changes: Sequence[Change]) -> None: ...

    def say(self, level: str, event: str, text: str, /, **fields: object) -> None:
        del level, text, fields
        self.lines.append(event)

    def notice(self, what: str, why: str, remedy: str, *, good: bool) -> None:
        del why, remedy
        self.notices.append((what, good))

    def live(self, seconds: float, step: float = 0.5) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self.now < end:
            self.now += step
            self.follower.step()

    def begin(self) -> None:
        """Connect, hear the canary, and make the first full run."""
        self.ears.connect()
        self.live(5)
        self.batches.clear()


def record_fields(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in Record.__slots__}
