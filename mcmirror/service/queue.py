"""Which of the runs that are due may begin: so many at once, one a job, one a target."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from mcmirror.model.job import Job
from mcmirror.model.record import Record
from mcmirror.model.stop import Stop


@dataclass(slots=True)
class Place:
    """A run in the queue, or under way."""

    job: Job
    record: Record
    stop: Stop = field(default_factory=Stop)
    phase: str = "queued"


class Queue:
    """Runs in the order in which they came; not for several threads at once."""

    def __init__(self) -> None:
        self._waiting: dict[str, Place] = {}
        self._running: dict[str, Place] = {}

    def __len__(self) -> int:
        return len(self._waiting) + len(self._running)

    def of(self, job: str) -> Place | None:
        """The job's run, waiting or under way."""
        return self._running.get(job) or self._waiting.get(job)

    def find(self, run: str) -> Place | None:
        """The run of this id."""
        return next((place for place in self if place.record.id == run), None)

    def __iter__(self) -> Iterator[Place]:
        yield from self._running.values()
        yield from self._waiting.values()

    @property
    def running(self) -> tuple[Place, ...]:
        """What is under way."""
        return tuple(self._running.values())

    def add(self, place: Place) -> None:
        """Put it at the end; the job must have no other run."""
        assert self.of(place.job.name) is None, place.job.name  # noqa: S101
        self._waiting[place.job.name] = place

    def drop(self, job: str) -> Place | None:
        """Take back what has not begun."""
        return self._waiting.pop(job, None)

    def begin(self, at_once: int) -> list[Place]:
        """Take out what may begin now; targets that are written to are passed over, not waited for.

        Runs of agents are no load here: their agents take so many at once as they can.
        """
        found = list[Place]()
        if not self._waiting:
            return found
        here = sum(1 for place in self._running.values() if not place.job.agent)
        busy = {str(place.job.target) for place in self._running.values()}
        for name, place in list(self._waiting.items()):
            if (here >= at_once and not place.job.agent) or str(place.job.target) in busy:
                continue
            here += not place.job.agent
            busy.add(str(place.job.target))
            self._running[name] = self._waiting.pop(name)
            found.append(place)
        return found

    def end(self, job: str) -> None:
        """It has ended."""
        self._running.pop(job, None)
