"""The step that deletes: exactly the extraneous keys that the plan named and that are still absent at the source."""

from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from mcmirror.engine.compare import Pairs
from mcmirror.engine.context import Context
from mcmirror.engine.listing import with_pairs
from mcmirror.engine.lookup import Lookup
from mcmirror.engine.scope import Only, common_folder
from mcmirror.engine.spool import Spool
from mcmirror.mc import argv, decode
from mcmirror.mc.troubleshoot import classify
from mcmirror.model.cost import Requests, listed, listing
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
    absent, requests = yield from with_pairs(context, folder, lambda pairs: _still_absent(pairs, planned, folder))
    yield from _remove(context, absent)
    result = yield from with_pairs(
        context, folder, lambda pairs: _see(pairs, absent, folder, context.job.name, named), target_only=True
    )
    result.requests += requests
    return result


def _still_absent(
    pairs: Pairs, planned: Iterable[Extraneous], folder: str
) -> Generator[Event, None, tuple[Only[Extraneous], Requests]]:
    """Leave out what somebody else removed, and what came back to the source."""
    absent, lookup = Spool(), Lookup(pairs, planned, folder)
    for extraneous, source, target in lookup:
        if source is None and target is not None:
            absent.append(extraneous)
    return Only(absent, Extraneous), listed(lookup.at_source, lookup.at_target)
    yield


def _see(pairs: Pairs, removed: Only[Extraneous], folder: str, job: str, named: int) -> Generator[Event, None, Removal]:
    result, lookup = Removal(), Lookup(pairs, removed, folder)
    for extraneous, _, target in lookup:
        key, size = extraneous.target.key, extraneous.target.size
        if target is not None:
            result.remaining.append(extraneous)
            result.bytes_remaining += size
            continue
        result.removed += Count(1, size)
        if len(result.named) < named:
            result.named.append(key)
        yield Removed(job, key)
    deleted = result.removed.objects + len(result.remaining)
    result.requests = Requests(target_list=listing(lookup.at_target), target_delete=deleted)
    return result


def _remove(context: Context, absent: Only[Extraneous]) -> Generator[Event, None, None]:
    """Name the objects on mc's stdin, and those that a line cannot hold in its arguments."""
    keys = [item.target.key for item in absent]
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
