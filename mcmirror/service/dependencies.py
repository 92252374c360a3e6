"""What a server needs besides jobs."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mcmirror.model.agent import AgentState
from mcmirror.model.backlog import BacklogState
from mcmirror.model.change import Change
from mcmirror.model.event import Event, Observer
from mcmirror.model.job import Job
from mcmirror.model.record import Outcome, Record
from mcmirror.model.relay import RelayState
from mcmirror.model.replication_state import ReplicationState
from mcmirror.model.state import NotifierState
from mcmirror.service.root import Service

if TYPE_CHECKING:
    from mcmirror.store.dirty_keys import DirtyKeys


class RunStore(Protocol):
    """The runs of the past; ``store.runs``. Nothing raises: what cannot be remembered is a warning."""

    @property
    def warning(self) -> str:
        """Why nothing can be remembered right now."""

    def take_in(self) -> tuple[Record, ...]:
        """Take newly ended runs in, of whatever process; each is returned to one caller."""

    def leave(self, run: str) -> None:
        """This one, which was taken in, is for somebody else."""

    def beat(self) -> None:
        """Say that what runs here is alive."""

    def latest(self, jobs: Sequence[Job]) -> tuple[dict[str, Record], dict[str, Record]]:
        """By job: the last run that ended, and the last success."""

    def runs(self, *, job: str = "", status: str = "", before: str = "", limit: int = 50) -> tuple[Record, ...]:
        """Runs, the newest first."""

    def get(self, run: str) -> Record | None:
        """One run."""

    def fates(self, run: str) -> Iterator[tuple[Outcome, str]]:
        """What became of each object."""

    def prune(self, keep_for: float, keep_runs: int) -> None:
        """Forget what is older than so many seconds, or beyond so many runs of a job."""


class Notifications(Protocol):
    """Who is told; ``service.notifications``. Nothing raises and nothing waits for a service."""

    def begun(self, record: Record) -> None:
        """A run begins."""

    def finished(self, record: Record) -> None:
        """A run has ended; may be said twice of the same one."""

    def notice(self, kind: str, what: str, why: str, remedy: str, *, good: bool = False) -> None:
        """Something that is no run, such as a configuration that was refused, or is ``good`` again."""

    def replace(self, service: Service) -> None:
        """Another configuration is in use."""

    def state(self) -> tuple[NotifierState, ...]:
        """What each notifier owes."""

    def revive(self) -> None:
        """Start again what has died of it."""


class Pauses(Protocol):
    """Which jobs are paused, beyond the life of a process; the empty name is all of them."""

    def read(self) -> frozenset[str]:
        """Return all of them."""

    def add(self, job: str) -> None:
        """Pause it."""

    def remove(self, job: str) -> None:
        """Let it go on."""


class Say(Protocol):
    """A line of the log."""

    def __call__(self, level: str, event: str, text: str, /, **fields: object) -> None:
        """``event`` is for machines, ``text`` for people."""


class Follow(Protocol):
    """Somebody who follows batches key by key."""

    def heard(self, job: str, changes: Sequence[Change]) -> None:
        """Hear of keys that may have changed."""

    def event(self, event: Event) -> None:
        """Hear what a batch says."""


def spawn(work: Callable[[], None], name: str) -> None:
    """Do something beside, in a thread that no exit waits for."""
    threading.Thread(target=work, name=name, daemon=True).start()


def _nowhere(pair: str) -> "DirtyKeys":
    raise NotImplementedError(pair)


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The rooms and the clock that a server works with."""

    remembered: RunStore
    told: Notifications
    pauses: Pauses
    say: Say
    dirty_keys: "Callable[[str], DirtyKeys]" = _nowhere
    """The keys of a pair, by its name, that may have changed at its source."""
    follow: Follow | None = None
    """Hears what jobs in real time hear and do, key by key."""
    observers: Sequence[Observer] = ()
    began: Callable[[Record], None] = lambda _: None
    """Hears of a run before its first event."""
    load: Callable[[Service], Service] | None = None
    """Reads the configuration again, in place of a service; raises ConfigError."""
    changed: Callable[[], bool] = lambda: False
    """Whether its files have changed since the last look."""
    debug: bool = False
    schedules: bool = True
    """Whether jobs begin by themselves; without it, only when they are asked for."""
    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    spawn: Callable[[Callable[[], None], str], None] = spawn
    """Does something beside, under a name."""
    relays: Callable[[], tuple[RelayState, ...]] = tuple
    """How the relays are doing."""
    backlogs: Callable[[], Mapping[str, BacklogState]] = dict
    """How the backlogs of the jobs are doing, by job."""
    agents: Callable[[], tuple[AgentState, ...]] = tuple
    """How the agents are doing."""
    replications: Callable[[], tuple[ReplicationState, ...]] = tuple
    """How the replications were at the last look."""
