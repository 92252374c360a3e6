"""The two ends of the way between a master and an agent; each kind of executor brings its own."""

from dataclasses import dataclass
from typing import Protocol

from mcmirror.agents.seal import Message
from mcmirror.model.agent import AgentProcess
from mcmirror.store.tasks import Standing

PARTS = 24
"""Beats of a lease that ``max_age`` has."""
BEATS = 6
"""Beats that a lease lasts."""
PROBES = 6
"""Probes within ``max_age``."""
LONGEST_LEASE = 60.0


def lease_of(max_age: float) -> float:
    """Seconds for which an agent holds a run after each beat."""
    return min(LONGEST_LEASE, max_age * BEATS / PARTS)


def beat_of(max_age: float) -> float:
    """Seconds between two beats."""
    return lease_of(max_age) / BEATS


def probe_of(max_age: float) -> float:
    """Seconds between two probes."""
    return max_age / PROBES


@dataclass(frozen=True, slots=True)
class Held:
    """The answer to a beat."""

    standing: Standing
    asked: float
    """When the beat was sent, by the monotonic clock: the attempt is held from then on."""


class AgentLink(Protocol):
    """An agent's end. Thread-safe; what cannot be reached is a ConnectionError."""

    def begin(self, task: Message) -> bool:
        """Whether the attempt is to be begun here; a task that is delivered twice is begun once."""

    def beat(self, task: Message) -> Held | None:
        """Hold the attempt; how it stands as far as that is known, None when nothing new is."""

    def arrived(self, task: Message) -> int:
        """The number up to which the master has all messages of the attempt, where that is known."""

    def post(self, task: Message, number: int, sealed: bytes) -> bool:
        """Send an event message; whether it has arrived for good."""

    def refuse(self, task: Message, sealed: bytes) -> None:
        """Answer that the attempt is not begun; ``sealed`` says why."""

    def probed(self, probe: Message, process: AgentProcess) -> None:
        """Answer a probe task."""

    def ended(self, task: Message) -> None:
        """The work on the attempt is over."""


class MasterLink(Protocol):
    """A master's end. Thread-safe; what cannot be reached is a ConnectionError."""

    address: str
    """Where agents send to; empty where they need not know."""
    lossy: bool
    """Whether a task that was sent may be lost."""

    def start(self) -> None:
        """Begin to listen, once."""

    def stop(self) -> None:
        """Listen no more."""

    def send(self, agent: str, task: str, sealed: bytes) -> None:
        """Hand a task or a probe to the agent's site; it is in the store already."""

    def incoming(self, agent: str, task: str, attempt: int, after: int, seconds: float) -> list[bytes]:
        """Messages of an attempt beyond that number, in order; waits for so long at most."""

    def heard(self, agent: str, task: str, attempt: int, number: int) -> None:
        """Everything up to this number was taken."""

    def cancel(self, agent: str, task: str, attempt: int, signal: int) -> None:
        """Tell the owner that the attempt is cancelled; it stands in the store already."""

    def forget(self, agent: str, task: str, attempt: int) -> None:
        """Nothing is wanted of the task any more: its owner need not wait until all it said has arrived."""
