"""The backlog of a job: keys that wait to be made equal on both sides, by any number of processes."""

from dataclasses import dataclass
from enum import StrEnum

from mcmirror.model.wording import objects, shown_seconds


class ItemState(StrEnum):
    """Where an item stands."""

    PENDING = "pending"
    LEASED = "leased"
    """A process works on it."""
    FAILED = "failed"
    """It was tried in vain, and is tried again."""
    HELD = "held"
    """A removal beyond ``max_delete``."""
    DEAD = "dead"
    """It was tried too often, and is left alone until ``retry``."""
    DONE = "done"


class Action(StrEnum):
    """What an item asks for, as far as that was known when it was put in; the run looks at both sides."""

    COPY = "copy"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Item:
    """One key of a job. Times are seconds since the epoch, 0 where there is none."""

    key: str
    action: Action
    state: ItemState
    attempts: int
    since: float
    """When it was put in."""
    due: float
    """When it may be tried next."""
    lease: float = 0.0
    """Until when its owner has it."""
    owner: str = ""
    error: str = ""
    finished: float = 0.0


@dataclass(frozen=True, slots=True)
class BacklogState:
    """How the backlog of a job is doing. Times are seconds since the epoch, 0 where there is none."""

    pending: int = 0
    leased: int = 0
    failed: int = 0
    held: int = 0
    dead: int = 0
    done: int = 0
    """Those that are still remembered."""
    oldest: float = 0.0
    """When the oldest open item was put in."""
    due: float = 0.0
    """When the next item may be tried."""
    error: str = ""
    """Why an item failed."""
    rate: float = 0.0
    """Items done a second, lately."""
    prepared: float = 0.0
    """When ``prepare`` has last put in all that differs."""
    paused: bool = False
    troubled: int = 0
    """Items that have failed at least once and are not done."""

    @property
    def open(self) -> int:
        """Items that are not over."""
        return self.pending + self.leased + self.failed + self.held

    @property
    def to_do(self) -> int:
        """Open items that no person is waited for."""
        return self.pending + self.leased + self.failed

    @property
    def remaining_seconds(self) -> float:
        """How long the rest takes at the present rate; 0 when nobody knows."""
        return self.to_do / self.rate if self.rate else 0.0


def summary(state: BacklogState) -> str:
    """How it goes, in one line."""
    if not state.open and not state.dead:
        return f"backlog empty, {objects(state.done)} done"
    parts = [f"{objects(state.to_do)} to do"]
    parts += [f"{state.leased:,} in work"] if state.leased else []
    parts += [f"{state.failed:,} failed and tried again"] if state.failed else []
    parts += [f"{state.held:,} removals held"] if state.held else []
    parts += [f"{state.dead:,} given up"] if state.dead else []
    parts += [f"{state.done:,} done"] if state.done else []
    if state.rate and not state.paused:
        parts.append(f"{state.rate:,.3g} a second, {shown_seconds(state.remaining_seconds)} left")
    parts += ["paused"] if state.paused else []
    return "backlog: " + ", ".join(parts)


def ailment(job: str, state: BacklogState) -> str:
    """Why the backlog needs somebody; empty when it does not."""
    if state.dead:
        why = f": {state.error}" if state.error else ""
        return f"{job}: {objects(state.dead)} of the backlog were given up{why}"
    if state.held:
        return f"{job}: {objects(state.held)} of the backlog wait to be removed: more than max_delete allows"
    return ""
