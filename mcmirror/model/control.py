"""What can be asked of a server that runs jobs by itself: in process and over HTTP, by the API and the dashboard."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from mcmirror.model.event import Event
from mcmirror.model.inspection import Inspection
from mcmirror.model.job import Verb
from mcmirror.model.progress import Progress
from mcmirror.model.record import Cause, Outcome, Record
from mcmirror.model.state import State


class Unanswered(Exception):
    """The server could not be asked; the text says why in few words."""


class Declined(Exception):
    """The server does not do it."""

    told: tuple[str, str, str] = ("", "", "")
    """What, why and what to do in the server's own words, when it has said them."""


class UnknownJob(Declined):
    """There is no job of that name."""


class UnknownRun(Declined):
    """There is no run of that id, or it has ended."""


class UnknownInspection(Declined):
    """There is no plan or verification of that id, or it is kept no longer."""


class Busy(Declined):
    """The job is at it already."""

    def __init__(self, run: str) -> None:
        super().__init__(run)
        self.run = run
        """The id of the run that is under way."""


class Outdated(Declined):
    """The job is not any more what the plan of it was made for, or that plan is kept no longer."""


class Stopping(Declined):
    """The server takes no more work."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One event on its way to a subscriber."""

    number: int
    """Goes up by one with each event of the server; a gap says how many a slow reader has missed."""
    time: str
    """UTC, RFC 3339, milliseconds."""
    run: str
    """The id of the run, or of the inspection."""
    event: Event
    verb: Verb = Verb.RUN
    """What it does: a plan and a verification are inspections."""
    left_out: int = 0
    """Copies before this one that were announced and are not sent."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A run, or an inspection, that a subscriber joins in the middle."""

    run: str
    """Its id."""
    verb: Verb
    progress: Progress


class Feed(Protocol):
    """A subscription. It keeps the newest events when nobody reads, and holds nobody up."""

    thinned: bool
    """Whether most of many copies that are announced are left out."""
    lost: bool
    """Whether events were lost: a new subscription begins with how far each run is."""

    def next(self, timeout: float) -> Sent | UnderWay | None:
        """First what had begun before the subscription, then each event; None when nothing came for a while.

        Over HTTP the while is the server's. Raises Unanswered, Declined.
        """

    def close(self) -> None:
        """End the subscription, from any thread."""


class Inspections(Protocol):
    """Plans and verifications of a server: they write nothing, leave no record, and are kept for a while.

    Every method may be called from any thread and returns soon. Each may raise Unanswered, and Declined.
    """

    def begin(self, job: str, verb: Verb) -> str:
        """Have a job planned or verified; its id. Whoever asks for what is under way already shares it.

        Raises UnknownJob, Stopping.
        """

    def cancel(self, inspection: str) -> bool:
        """Want it no more; False while somebody else does. Raises UnknownInspection when it is not under way."""

    def get(self, inspection: str) -> Inspection:
        """How it stands, or what it came to. Raises UnknownInspection."""

    def all(self) -> tuple[Inspection, ...]:
        """All that are known, the newest first."""


class Control(Protocol):
    """A server, in this process, where each method returns soon, or over HTTP.

    Every method may be called from any thread. Each may raise Unanswered, and Declined.
    """

    @property
    def ended(self) -> bool:
        """Whether the server has ended: feeds get nothing more."""

    @property
    def inspections(self) -> Inspections:
        """Its plans and verifications."""

    def state(self) -> State:
        """How it is."""

    def renew(self) -> str:
        """Use the configuration as it stands on disk now; why it cannot be used, empty when it is in use."""

    def trigger(
        self,
        job: str,
        *,
        max_delete: int | None = None,
        create_target: bool = False,
        plan: str = "",
        cause: Cause = Cause.API,
    ) -> str:
        """Run a job now, beside its schedule; the id of the run. Raises UnknownJob, Busy, Outdated, Stopping.

        With ``max_delete`` this run alone may remove so many objects, whatever limit the job has; with
        ``create_target`` it makes the target's bucket when it is missing. With the id of a ``plan`` the job must still
        be the one that was planned.
        """

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

    def progress(self, run: str) -> Progress | None:
        """How far a run of this server is; None for any other, and before it has begun."""

    def fates(self, run: str) -> Iterator[tuple[Outcome, str]]:
        """What became of each object that the run had to do with: fate and key. Raises UnknownRun."""
