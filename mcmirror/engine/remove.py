"""The step that deletes: exactly the extraneous keys that the plan named and that are still absent at the source."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from mcmirror.engine.compare import Pairs
from mcmirror.engine.context import Context
from mcmirror.engine.listing import with_pairs
from mcmirror.engine.scope import common_folder
from mcmirror.engine.spool import Spool
from mcmirror.mc import argv, decode
from mcmirror.mc.troubleshoot import classify
from mcmirror.model.cost import Requests, listed
from mcmirror.model.event import Event, ProblemFound, Removed
from mcmirror.model.plan import Count, Extraneous
from mcmirror.model.problem import Category


@dataclass(slots=True)
class Removal:
    """What became of the planned removals."""

    removed: Count = Count()
    named: list[str] = field(default_factory=list)
    requests: Requests = field(default_factory=Requests)
    remaining: Spool = field(default_factory=Spool)
    bytes_remaining: int = 0


def remove(context: Context, planned: Iterable[Extraneous], *, named: int) -> Generator[Event, None, Removal]:
    """Remove them, then list the target again; ``named`` is how many keys the result names.

    Raises ListingBroken when either side cannot be listed.
    """
    folder = common_folder(planned)
    absent, result = yield from with_pairs(context, folder, lambda pairs: _still_absent(pairs, iter(planned), folder))
    yield from _remove(context, absent)
    left = yield from with_pairs(context, folder, lambda pairs: _still_there(pairs, folder, absent), target_only=True)
    result.requests += Requests(target_list=result.requests.target_list, target_delete=len(absent))
    for extraneous in absent:
        if not isinstance(extraneous, Extraneous):
            continue
        key, size = extraneous.target.key, extraneous.target.size
        if key in left:
            result.remaining.append(extraneous)
            result.bytes_remaining += size
            continue
        result.removed += Count(1, size)
        if len(result.named) < named:
            result.named.append(key)
        yield Removed(context.job.name, key)
    return result


def _still_absent(
    pairs: Pairs, planned: Iterator[Extraneous], folder: str
) -> Generator[Event, None, tuple[Spool, Removal]]:
    absent, result = Spool(), Removal()
    at_source = at_target = 0
    wanted = next(planned, None)
    for source, target in pairs:
        entry = source or target
        if entry is None:
            continue
        at_source += source is not None
        at_target += target is not None
        key = folder + entry.key
        while wanted is not None and wanted.target.key < key:
            wanted = next(planned, None)  # somebody else removed it
        if wanted is not None and wanted.target.key == key:
            if source is None:  # else it came back, and stays
                absent.append(wanted)
            wanted = next(planned, None)
    result.requests = listed(at_source, at_target)
    return absent, result
    yield


def _still_there(pairs: Pairs, folder: str, removed: Spool) -> Generator[Event, None, set[str]]:
    there, waiting = set[str](), (item.target.key for item in removed if isinstance(item, Extraneous))
    key = next(waiting, None)
    for _, target in pairs:
        if target is None:
            continue
        found = folder + target.key
        while key is not None and key < found:
            key = next(waiting, None)
        if key == found:
            there.add(found)
    return there
    yield


def _remove(context: Context, absent: Spool) -> Generator[Event, None, None]:
    """Name the objects on mc's stdin, and those that a line cannot hold in its arguments."""
    keys = [item.target.key for item in absent if isinstance(item, Extraneous)]
    target = context.job.target
    plain = [target.child(key) for key in keys if _fits_a_line(key)]
    odd = [target.child(key) for key in keys if not _fits_a_line(key)]
    if plain:
        names = context.session.scratch("remove", "".join(f"{name}\n" for name in plain))
        yield from _run(context, argv.remove_listed(), names)
    for start in range(0, len(odd), argv.ARGUMENTS):
        yield from _run(context, argv.remove(odd[start : start + argv.ARGUMENTS]), None)


def _run(context: Context, command: argv.Argv, names: Path | None) -> Generator[Event, None, None]:
    process = context.session.process(command, stdin=names, stall_timeout=context.job.stall_timeout)
    with closing(process.lines()) as batches:
        for raw in (raw for batch in batches for raw in batch):
            line = decode.line(raw)
            if isinstance(line, decode.Failure):
                found = classify(line.message, line.cause, line.code, object=line.key)
                if found.category is not Category.OBJECT_VANISHED:
                    yield ProblemFound(context.job.name, found)


def _fits_a_line(key: str) -> bool:
    """Whether mc, which drops a carriage return at a line's end, reads the key as it is from its stdin."""
    return "\n" not in key and not key.endswith("\r")
