"""The step that deletes: the planned extraneous keys that are unchanged at the target and absent at the source.

Each batch of keys is asked for at the source and at the target right before it is removed.
"""

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from mcmirror.engine.absence import AT_SOURCE, Absence, look_again
from mcmirror.engine.compare import Pairs
from mcmirror.engine.context import Context
from mcmirror.engine.listing import Side, with_pairs
from mcmirror.engine.lookup import Lookup
from mcmirror.engine.scope import Only, common_folder
from mcmirror.engine.spool import Spool
from mcmirror.messages.troubleshoot import classify
from mcmirror.model.cost import Requests, asked_at_target, listing, removing
from mcmirror.model.event import Event, ProblemFound, Removed
from mcmirror.model.location import Location
from mcmirror.model.plan import Count, Entry, Extraneous, Plan
from mcmirror.model.problem import Category
from mcmirror.model.wording import printable
from mcmirror.movers.mc import argv, decode, keys
from mcmirror.movers.mc.stat import Answer, Presence, batches, stat

CHANGED = "it was written on the target after the plan was made"
NOT_ASKED = "it was not asked for at the source"
SECONDS = len("2026-01-01T00:00:00")


@dataclass(slots=True)
class Removal:
    """What became of the planned removals."""

    removed: Count = Count()
    named: list[str] = field(default_factory=list)
    requests: Requests = field(default_factory=Requests)
    remaining: Spool = field(default_factory=Spool)
    bytes_remaining: int = 0
    decided: bool = True
    """Whether the source's listing, on which the plan rests, proved to be true."""

    def leave(self, extraneous: Extraneous) -> None:
        """Count one as not removed."""
        self.remaining.append(extraneous)
        self.bytes_remaining += extraneous.target.size


def remove(
    context: Context, plan: Plan, planned: Iterable[Extraneous], *, named: int
) -> Generator[Event, None, Removal]:
    """Remove them, then list the target again; ``named`` is how many keys the result names.

    Raises ListingBroken when either side cannot be listed, or the source lists far fewer objects than in the plan.
    """
    gone, requests = yield from look_again(context, planned, plan.at_source)
    absence = Absence(context)
    tried, asked = yield from _remove_confirmed(context, Only(gone, Extraneous), absence)
    folder = common_folder(tried)
    folder = "" if keys.folds(folder) else folder
    result = yield from with_pairs(
        context, folder, lambda pairs: _see(pairs, tried, folder, context.job.name, named), only=Side.TARGET
    )
    result.requests += requests + asked + absence.requests
    result.decided = not absence.hidden
    return result


def _remove_confirmed(
    context: Context, candidates: Iterable[Extraneous], absence: Absence
) -> Generator[Event, None, tuple[Only[Extraneous], Requests]]:
    """Remove what both sides confirm; return the candidates, each with what kept it.

    Those that are gone from the target already, or that are at the source, are left out.
    """
    tried, requests = Spool(), Requests()
    for batch in batches(candidates, lambda item: item.target.key):
        if context.stop.requested or absence.in_trouble:
            kept = dict.fromkeys((item.target.key for item in batch), NOT_ASKED)
            present = batch
        else:
            kept = _kept_by_source(batch, context.job.target, absence)
            present, asked = _kept_by_target(context, batch, kept)
            confirmed = [item.target.key for item in present if item.target.key not in kept]
            requests += asked + removing(len(confirmed))
            yield from _remove(context, confirmed)
        for item in present:
            if kept.get(item.target.key) == AT_SOURCE:
                continue
            tried.append(item._replace(why=kept.get(item.target.key, "")))
    yield from absence.problems()
    return Only(tried, Extraneous), requests


def _kept_by_source(batch: Sequence[Extraneous], target: Location, absence: Absence) -> dict[str, str]:
    """Ask the source for these keys; return why some of them stay."""
    kept = {item.target.key: why for item in batch if (why := keys.not_removable(item.target.key, target))}
    asked = [item.target.key for item in batch if item.target.key not in kept]
    said = absence.ask(asked)
    return kept | {key: why for key in asked if (why := said.get(key, NOT_ASKED))}


def _kept_by_target(
    context: Context, batch: Sequence[Extraneous], kept: dict[str, str]
) -> tuple[list[Extraneous], Requests]:
    """Ask the target for the rest; add to ``kept`` what is not as planned, and leave out what is gone already."""
    job = context.job
    asked = [item.target.key for item in batch if item.target.key not in kept]
    twins = {key: keys.twin(key) for key in asked if keys.twin(key)}
    names = [*asked, *twins.values()]
    answers = stat(context.session, job.target, names, stall_timeout=job.stall_timeout) if names else {}
    present = list[Extraneous]()
    for item in batch:
        key = item.target.key
        if key not in kept:
            answer = answers.get(key)
            if answer is None or answer.presence is Presence.UNKNOWN:
                kept[key] = f"the target does not say what it is: {answer.said}" if answer else NOT_ASKED
            elif answer.presence is Presence.ABSENT:
                continue
            elif answer.entry is None or not _same(item.target, answer.entry):
                kept[key] = CHANGED
            elif key in twins and not _another(item.target, answers.get(twins[key])):
                kept[key] = f"a server may take it for {printable(twins[key])}, which is there too"
        present.append(item)
    return present, asked_at_target(len(answers))


def _same(planned: Entry, now: Entry) -> bool:
    """Whether it is the version that the plan saw; an answer to a HEAD knows the time to the second."""
    same = planned.size == now.size and planned.etag == now.etag
    exact = len(now.modified) > SECONDS
    return same and (planned.modified if exact else planned.modified[:SECONDS]) == now.modified


def _another(entry: Entry, twin: Answer | None) -> bool:
    """Whether the server tells the entry's key from its twin: that one is absent, or another object."""
    if twin is None or twin.presence is Presence.UNKNOWN:
        return False
    if twin.presence is Presence.ABSENT or (twin.etag and twin.etag != entry.etag):
        return True
    return twin.entry is not None and twin.entry[1:] != entry[1:]


def _see(pairs: Pairs, tried: Only[Extraneous], folder: str, job: str, named: int) -> Generator[Event, None, Removal]:
    result, lookup = Removal(), Lookup(pairs, tried, folder)
    for extraneous, _, target in lookup:
        key, size = extraneous.target.key, extraneous.target.size
        if target is not None:
            result.leave(extraneous)
        elif not extraneous.why:
            result.removed += Count(1, size)
            if len(result.named) < named:
                result.named.append(key)
            yield Removed(job, key)
    result.requests = Requests(target_list=listing(lookup.at_target))
    return result


def _remove(context: Context, confirmed: Sequence[str]) -> Generator[Event, None, None]:
    """Name the objects on mc's stdin, and those that a line cannot hold in its arguments."""
    target = context.job.target
    plain = [target.child(key) for key in confirmed if _fits_a_line(key)]
    odd = [target.child(key) for key in confirmed if not _fits_a_line(key)]
    if plain:
        names = context.session.scratch("remove", "".join(f"{name}\n" for name in plain))
        yield from _run(context, argv.remove_listed(), names)
    if odd:
        yield from _run(context, argv.remove(odd), None)


def _run(context: Context, command: argv.Argv, names: Path | None) -> Generator[Event, None, None]:
    process = context.session.process(command, stdin=names, stall_timeout=context.job.stall_timeout)
    with closing(process.lines()) as lines:
        for raw in (raw for batch in lines for raw in batch):
            line = decode.line(raw)
            if isinstance(line, decode.Failure):
                found = classify(line.message, line.cause, line.code, object=line.key)
                if found.category is not Category.OBJECT_VANISHED:
                    yield ProblemFound(context.job.name, found)


def _fits_a_line(key: str) -> bool:
    """Whether mc, which drops a carriage return at a line's end, reads the key as it is from its stdin."""
    return "\n" not in key and not key.endswith("\r")
