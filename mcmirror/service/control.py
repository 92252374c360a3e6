"""What can be asked of a server that runs jobs by itself: the API, the dashboard and the tests use nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from mcmirror.model.event import Event
from mcmirror.model.record import Fate, Record
from mcmirror.model.state import State


class UnknownJob(LookupError):
    """There is no job of that name."""


class UnknownRun(LookupError):
    """There is no run of that id, or it has ended."""


class Busy(Exception):
    """The job is at it already."""

    def __init__(self, run: str) -> None:
        super().__init__(run)
        self.run = run
        """The id of the run that is under way."""


class Stopping(Exception):
    """The server takes no more work."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One event on its way to a subscriber."""

    number: int
    """Goes up by one with each event of the server; a gap says how many a slow reader has missed."""
    time: str
    """UTC, RFC 3339, milliseconds."""
    run: str
    """The id of the run."""
    event: Event


class Feed(Protocol):
    """A subscription. It keeps the newest events when nobody reads, and holds nobody up."""

    def next(self, timeout: float) -> Sent | None:
        """The next event, or None when there was none for ``timeout`` seconds or the server has ended."""

    def close(self) -> None:
        """End the subscription."""


class Control(Protocol):
    """A server. Every method may be called from any thread and returns soon."""

    @property
    def ended(self) -> bool:
        """Whether the server has ended: feeds get nothing more."""

    def state(self) -> State:
        """How it is."""

    def trigger(self, job: str) -> str:
        """Run a job now, beside its schedule; the id of the run. Raises UnknownJob, Busy, Stopping."""

    def cancel(self, run: str) -> None:
        """Stop a run politely. Raises UnknownRun."""

    def pause(self, job: str = "") -> None:
        """Start no more runs by schedule, of one job or of all; it outlives the process. Raises UnknownJob."""

    def resume(self, job: str = "") -> None:
        """Undo ``pause``. What was missed meanwhile is not made up for. Raises UnknownJob."""

    def subscribe(self) -> Feed:
        """Hear every event from now on."""

    def runs(self, *, job: str = "", status: str = "", before: str = "", limit: int = 50) -> tuple[Record, ...]:
        """Runs, the newest first; ``before`` is the id of the last one seen."""

    def run(self, run: str) -> Record:
        """One run. Raises UnknownRun."""

    def fates(self, run: str) -> Iterator[tuple[Fate, str]]:
        """What became of each object that the run had to do with: fate and key. Raises UnknownRun."""
