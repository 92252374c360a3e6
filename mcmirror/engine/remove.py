"""The step that deletes: the planned extraneous keys that are unchanged at the target and absent at the source.

Each batch of keys is asked for at the source and at the target right before it is removed.
"""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field

from mcmirror.engine.absence import AT_SOURCE, Absence, look_again
from mcmirror.engine.batches import batches
from mcmirror.engine.compare import Pairs
from mcmirror.engine.context import Context
from mcmirror.engine.listing import Side, with_pairs
from mcmirror.engine.lookup import Lookup
from mcmirror.engine.scope import Only, common_folder, key_of
from mcmirror.engine.spool import Spool
from mcmirror.model.cost import Requests, asked_at_target, listing, removing
from mcmirror.model.event import Event, Removed
from mcmirror.model.key import folds
from mcmirror.model.key import twin as twin_of
from mcmirror.model.plan import Count, Entry, Extraneous, Plan
from mcmirror.model.wording import printable
from mcmirror.movers.protocol import Answer, Mover, Presence

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
    folder = "" if folds(folder) else folder
    looking = context.about(map(key_of, tried), removed=True)
    result = yield from with_pairs(
        looking, folder, lambda pairs: _see(pairs, tried, folder, context.job.name, named), only=Side.TARGET
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
    for batch in batches(candidates, lambda item: item.target.key, context.mover.most_named):
        if context.stop.requested or absence.in_trouble:
            kept = dict.fromkeys((item.target.key for item in batch), NOT_ASKED)
            present = batch
        else:
            kept = _kept_by_source(batch, context.mover, absence)
            present, asked = _kept_by_target(context, batch, kept)
            confirmed = [item.target.key for item in present if item.target.key not in kept]
            requests += asked + removing(len(confirmed))
            if confirmed:
                yield from context.mover.remove(confirmed)
        for item in present:
            if kept.get(item.target.key) == AT_SOURCE:
                continue
            tried.append(item._replace(why=kept.get(item.target.key, "")))
    yield from absence.problems()
    return Only(tried, Extraneous), requests


def _kept_by_source(batch: Sequence[Extraneous], mover: Mover, absence: Absence) -> dict[str, str]:
    """Ask the source for these keys; return why some of them stay."""
    kept = {item.target.key: why for item in batch if (why := mover.not_removable(item.target.key))}
    asked = [item.target.key for item in batch if item.target.key not in kept]
    said = absence.ask(asked)
    return kept | {key: why for key in asked if (why := said.get(key, NOT_ASKED))}


def _kept_by_target(
    context: Context, batch: Sequence[Extraneous], kept: dict[str, str]
) -> tuple[list[Extraneous], Requests]:
    """Ask the target for the rest; add to ``kept`` what is not as planned, and leave out what is gone already."""
    asked = [item.target.key for item in batch if item.target.key not in kept]
    twins = {key: twin_of(key) for key in asked if twin_of(key)}
    names = [*asked, *twins.values()]
    answers = context.stat(context.job.target, names) if names else {}
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
