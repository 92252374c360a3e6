"""A plan on stdout, one line a difference: mark, bytes, reason, key; the key is the rest of the line."""

from collections.abc import Iterable, Iterator

from mcmirror.cli.stdout import Stdout
from mcmirror.model.event import Event, Planned
from mcmirror.model.job import Job
from mcmirror.model.plan import Changed, Difference, Extraneous, Impossible, Kept, Missing
from mcmirror.model.wording import harmless, printable


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
            for line in difference_lines(event.plan.differences, removing=removing):
                if not write(line.encode("utf-8", "backslashreplace")):
                    return


def difference_lines(differences: Iterable[Difference], *, removing: bool) -> Iterator[str]:
    """``+`` is copied, ``~`` copied over, ``-`` removed, ``=`` left alone, ``!`` cannot be carried."""
    for difference in differences:
        match difference:
            case Missing(source):
                yield _line("+", source.size, "missing", source.key)
            case Changed(source, _, reason):
                yield _line("~", source.size, reason.value, source.key)
            case Extraneous(target):
                yield _line("-" if removing else "=", target.size, "extraneous", target.key)
            case Kept(source, _, reason):
                yield _line("=", source.size, reason.value, source.key)
            case Impossible(source, _):
                yield _line("!", source.size, "impossible", source.key)


def _line(mark: str, size: int, reason: str, key: str) -> str:
    return f"{mark} {size:>13} {reason:<10} {printable(key)}"
