"""The step that writes: ``mc mirror``, and ``mc cp`` for what a mirror does not see.

What mc says here is kept as a problem and believed of nothing: the listing afterwards decides.
"""

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace

from mcmirror.engine.context import Context
from mcmirror.engine.scope import Only, common_folder
from mcmirror.messages.troubleshoot import classify, outgrown, problem
from mcmirror.model.event import CopyStarted, Event, McSaid, Moved, ProblemFound, Removed
from mcmirror.model.plan import Changed, Copy, Difference, Entry, Missing, Reason
from mcmirror.model.problem import Category, Problem
from mcmirror.model.wording import printable
from mcmirror.movers.mc import argv, decode, keys
from mcmirror.movers.mc.process import TICK, Exit, Process

STOPPED = "context canceled"
"""What mc says of the objects that it was at when it was asked to stop."""
EVERY_OBJECT = frozenset(
    (
        Category.ADDRESS_NOT_RESOLVED,
        Category.BUCKET_NOT_FOUND,
        Category.CLOCK_SKEW,
        Category.CONNECTION_REFUSED,
        Category.CREDENTIALS,
        Category.MC_DIED,
        Category.MEMORY,
        Category.STALLED,
        Category.TLS_MISMATCH,
        Category.TLS_NOT_TRUSTED,
    )
)
"""What one object suffers of these, the next one most often does too."""
IN_VAIN = 6
"""Processes in a row that end so: then it is the server."""
WAITING = "the server does not answer when it is asked for this object"
LINGER = 0.05
"""Seconds that an announcement may wait for the next ones."""


def copy_planned(
    context: Context, differences: Iterable[Difference], avoid: Sequence[str] = (), *, by_name: bool = False
) -> Generator[Event, None, None]:
    """Copy what the plan names: one ``mc mirror`` for what mc sees, ``mc cp`` for drift; ``avoid``: impossible keys.

    ``by_name``: all by ``mc cp``, for a mirror would copy more than is planned.
    """
    if by_name:
        named: Only[Copy] = Only(differences, Missing, Changed)
        yield from copy_exactly(context, (item.source for item in named))
        return
    seen = _Seen(differences)
    if any(True for _ in seen):
        yield from _mirror(context, "" if avoid else common_folder(seen), avoid)
    yield from copy_exactly(context, _drifted(differences))


def copy_exactly(context: Context, objects: Iterable[Entry], *, expires: str = "") -> Generator[Event, None, None]:
    """Copy these objects and no others, folder by folder; ``expires`` is a header of all of them.

    mc ends a ``cp`` at the first object that it may not read or cannot find, and waits for ever at one whose server
    does not answer: what it did not begin is asked for again, in halves after a failure that may be the server's.
    """
    in_vain = 0
    for folder, names in _by_folder(objects):
        waiting = [names]
        while waiting and in_vain < IN_VAIN and not context.stop.requested:
            rest, failure = yield from _copy_names(context, folder, waiting.pop(), expires)
            if failure and not context.job.options.skip_errors:
                return
            broken = failure in EVERY_OBJECT
            in_vain = in_vain + 1 if broken else 0
            half = len(rest) // 2 if broken else 0  # what stands behind the object that breaks mc comes first
            waiting += [part for part in (rest[:half], rest[half:]) if part]


def _copy_names(
    context: Context, folder: str, names: list[str], expires: str
) -> Generator[Event, None, tuple[list[str], Category | None]]:
    """Run one ``mc cp``; return the names that another one has to be asked for, always fewer, and what went wrong."""
    job = context.job
    sources = [job.source.child(name) for name in names]
    command = argv.copy(job.carried, sources, job.target.child(folder), expires=expires)
    begun, complaints = set[str](), list[Problem]()
    for event in watch(context, ready(context, command), folder):
        match event:
            case CopyStarted(_, key, _):
                begun.add(key)
            case ProblemFound(_, found):
                if found.category is Category.STALLED and not begun:  # mc looks at one object after another
                    found = replace(found, message=f"{printable(names[0])} was not copied: {WAITING}", object=names[0])
                complaints.append(found)
                yield ProblemFound(job.name, found)
                continue
            case _:
                pass
        yield event
    if not complaints:
        return [], None
    refused = {found.object for found in complaints}
    rest = [name for name in names if name not in begun]
    worst = next((found.category for found in complaints if found.category in EVERY_OBJECT), complaints[0].category)
    if refused & set(rest):
        return [name for name in rest if name not in refused], worst
    # The first that mc did not begin is the one it ended at; an mc that stands still may wait for any that it began.
    return rest if worst is Category.STALLED and begun else rest[1:], worst


def _mirror(context: Context, folder: str, avoid: Sequence[str]) -> Generator[Event, None, None]:
    job = context.job
    if job.options.exclude:
        folder = ""  # patterns are matched against the key below the place that mc is given
    # The patterns for folded keys go along always: one may turn up after the plan, and would overwrite another key.
    folded = keys.FOLDED if job.target.is_local else (*keys.FOLDED, *keys.FOLDED_BY_SERVERS)
    options = replace(job.carried, exclude=(*job.options.exclude, *folded, *avoid))
    command = argv.mirror(options, job.source.below(folder), job.target.below(folder), context.capabilities)
    yield from watch(context, ready(context, command), folder)


def ready(context: Context, command: argv.Argv) -> Process:
    """Make ready an mc that copies."""
    return context.session.process(command, stall_timeout=context.job.stall_timeout, linger=LINGER)


def watch(context: Context, process: Process, folder: str) -> Generator[Event, None, None]:
    """Turn mc's lines into events until it ends; ``folder`` names the place in a problem."""
    job = context.job
    complaints, last_look, below = 0, 0.0, job.target.child("")
    for batch in process.lines():
        for raw in batch:
            if context.debug:
                yield McSaid(job.name, context.session.redact(raw.decode(errors="replace")))
            event = _event(context, decode.line(raw), below)
            if event is not None:
                complaints += isinstance(event, ProblemFound)
                yield event
        now = time.monotonic()
        if now - last_look >= TICK:
            last_look = now
            yield Moved(job.name, process.written())
    # Who asked for the end needs no reason for it, not even when a second signal had mc killed.
    found = None if context.stop.requested else _end(context, process.exit, complaints, folder)
    if found:
        yield ProblemFound(job.name, found)


def _event(context: Context, line: decode.Line, below: str) -> Event | None:
    """What a line means to an observer; nothing when it is a summary, or says what the plan has counted as kept."""
    job = context.job
    match line:
        case decode.Announced(_, path, size):
            return CopyStarted(job.name, path.removeprefix(below), size)
        case decode.Deleted(path):
            return Removed(job.name, path.removeprefix(below))
        case decode.Failure() if context.stop.requested and STOPPED in line.cause:
            return None
        case decode.Failure():
            found = _problem(context, line)
            return None if found.category is Category.OVERWRITE_OFF else ProblemFound(job.name, found)
        case decode.Other():
            return None


def _end(context: Context, end: Exit, complaints: int, folder: str) -> Problem | None:
    """What the way mc ended says by itself."""
    if end.stopped:
        return None
    if end.stalled:
        cause = f"no byte was read, written or printed for {context.job.stall_timeout:g} s, and mc was stopped"
        return problem(Category.STALLED, "the copy stands still", cause, folder)
    if end.outgrown:
        return outgrown("the copy took too much memory", end.outgrown, folder)
    if end.code < 0:
        return problem(Category.MC_DIED, "mc was killed", f"signal {-end.code}")
    if end.code and not complaints:
        return classify("mc gave up", end.stderr.strip() or f"exit code {end.code}, without a word")
    return None


def _problem(context: Context, failure: decode.Failure) -> Problem:
    job = context.job
    key = failure.key
    for said in (failure.cause, failure.message):
        named = said.partition("`")[2].partition("`")[0]
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
    """Group keys that come in order into command lines: one folder each, not too many keys."""
    folder, names = "", list[str]()
    for entry in objects:
        its_folder = entry.key[: entry.key.rfind("/") + 1]
        if names and (its_folder != folder or len(names) >= argv.ARGUMENTS):
            yield folder, names
            names = []
        folder = its_folder
        names.append(entry.key)
    if names:
        yield folder, names
