"""A plan on stdout, one line a difference: mark, bytes, reason, key; the key is the rest of the line."""

from collections.abc import Iterable

from mcmirror.cli.stdout import Stdout
from mcmirror.messages.plan import difference_line
from mcmirror.model.event import Event, Planned
from mcmirror.model.job import Job
from mcmirror.model.wording import harmless


class Differences:
    """An observer that writes each plan as it stands."""

    def __init__(self, out: Stdout, jobs: Iterable[Job]) -> None:
        self._out = out
        self._jobs = {job.name: job for job in jobs}

    def __call__(self, event: Event) -> None:
        """Write the differences of a plan, streamed: there may be millions."""
        if not isinstance(event, Planned):
            return
        job = self._jobs.get(event.job)
        removing = job is not None and job.options.remove
        with self._out.lines() as write:
            if job is not None and len(self._jobs) > 1:
                write(f"# {harmless(job.name)}: {harmless(str(job.source))} -> {harmless(str(job.target))}".encode())
            for difference in event.plan.differences:
                line = difference_line(difference, removing=removing)
                if not write(line.encode("utf-8", "backslashreplace")):
                    return
