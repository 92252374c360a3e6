"""The step that writes: ``mc mirror``, and ``mc cp`` for what a mirror does not see.

What mc says here is kept as a problem and believed of nothing: the listing afterwards decides.
"""

import time
from collections.abc import Generator, Iterable, Iterator

from mcmirror.engine.context import Context
from mcmirror.engine.scope import common_folder
from mcmirror.mc import argv, decode
from mcmirror.mc.process import TICK, Process
from mcmirror.mc.troubleshoot import classify, problem
from mcmirror.model.event import CopyStarted, Event, McSaid, Moved, ProblemFound, Removed
from mcmirror.model.plan import Changed, Difference, Entry, Missing, Reason
from mcmirror.model.problem import Category, Problem

ARGUMENTS = 200
"""Objects named on one command line; a key has up to 1,024 bytes."""


def copy_planned(context: Context, differences: Iterable[Difference]) -> Generator[Event, None, None]:
    """Copy what the plan names: one ``mc mirror`` for what mc sees, ``mc cp`` for drift."""
    seen = _Seen(differences)
    if any(True for _ in seen):
        yield from _mirror(context, common_folder(seen))
    yield from copy_exactly(context, _drifted(differences))


def copy_exactly(context: Context, objects: Iterable[Entry]) -> Generator[Event, None, None]:
    """Copy these objects and no others, folder by folder. mc ends a ``cp`` at the first one it cannot find."""
    job = context.job
    for folder, keys in _by_folder(objects):
        if context.stop.requested:
            return
        sources = [job.source.child(key) for key in keys]
        command = argv.copy(job.options, sources, job.target.child(folder))
        yield from watch(context, context.session.process(command, stall_timeout=job.stall_timeout), folder)


def _mirror(context: Context, folder: str) -> Generator[Event, None, None]:
    job = context.job
    if job.options.exclude:
        folder = ""  # patterns are matched against the key below the place that mc is given
    command = argv.mirror(job.options, job.source.below(folder), job.target.below(folder), context.capabilities)
    yield from watch(context, context.session.process(command, stall_timeout=job.stall_timeout), folder)


def watch(context: Context, process: Process, folder: str) -> Generator[Event, None, None]:
    """Turn mc's lines into events until it ends; ``folder`` names the place in a problem."""
    job = context.job
    target = job.target.child("")
    complaints, last_look = 0, 0.0
    for batch in process.lines():
        for raw in batch:
            if context.debug:
                yield McSaid(job.name, raw.decode(errors="replace"))
            match decode.line(raw):
                case decode.Announced(_, path, size):
                    yield CopyStarted(job.name, path.removeprefix(target), size)
                case decode.Failure() as failure:
                    found = _problem(context, failure)
                    if found.category is not Category.OVERWRITE_OFF:
                        complaints += 1
                        yield ProblemFound(job.name, found)
                case decode.Deleted(path):
                    yield Removed(job.name, path.removeprefix(target))
                case decode.Other():
                    pass
        now = time.monotonic()
        if now - last_look >= TICK:
            last_look = now
            yield Moved(job.name, process.written())
    end = process.exit
    if end.stalled:
        cause = f"no byte was read, written or printed for {job.stall_timeout:g} s, and mc was stopped"
        yield ProblemFound(job.name, problem(Category.STALLED, "the copy stands still", cause, folder))
    elif end.code < 0 and not end.stopped:
        yield ProblemFound(job.name, problem(Category.MC_DIED, "mc was killed", f"signal {-end.code}"))
    elif end.code and not complaints and not end.stopped:
        words = end.stderr.strip() or f"exit code {end.code}, without a word"
        yield ProblemFound(job.name, classify("mc gave up", words))


def _problem(context: Context, failure: decode.Failure) -> Problem:
    job = context.job
    named = failure.message.partition("`")[2].partition("`")[0]
    key = failure.key
    for place in (job.source, job.target):
        alias = context.session.aliases.get(place.alias)
        for start in (place.child(""), f"{alias.url.rstrip('/')}/{place.path}/" if alias else ""):
            if start and named.startswith(start):
                key = named.removeprefix(start)
    return classify(failure.message, failure.cause, failure.code, object=key)


class _Seen:
    """The planned copies that ``mc mirror`` sees by itself; can be walked again and again."""

    def __init__(self, differences: Iterable[Difference]) -> None:
        self._differences = differences

    def __iter__(self) -> Iterator[Difference]:
        return (
            difference
            for difference in self._differences
            if isinstance(difference, Missing | Changed) and not _is_drift(difference)
        )


def _is_drift(difference: Difference) -> bool:
    return isinstance(difference, Changed) and difference.reason is Reason.CONTENT


def _drifted(differences: Iterable[Difference]) -> Iterator[Entry]:
    for difference in differences:
        if isinstance(difference, Changed) and difference.reason is Reason.CONTENT:
            yield difference.source


def _by_folder(objects: Iterable[Entry]) -> Iterator[tuple[str, list[str]]]:
    """Group keys that come in order into command lines: one folder each, ARGUMENTS keys at most."""
    folder, keys = "", list[str]()
    for entry in objects:
        its_folder = entry.key[: entry.key.rfind("/") + 1]
        if keys and (its_folder != folder or len(keys) >= ARGUMENTS):
            yield folder, keys
            keys = []
        folder = its_folder
        keys.append(entry.key)
    if keys:
        yield folder, keys
