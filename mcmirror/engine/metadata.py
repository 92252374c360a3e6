"""What the copies are besides their bytes: carried where mc cannot, compared for a sample or for all, and repaired."""

from collections import Counter
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import format_datetime
from itertools import groupby

from mcmirror.engine.compare import difference
from mcmirror.engine.comparison import Comparison, Looked, Samples, never, ordered, together
from mcmirror.engine.context import Context
from mcmirror.engine.copy import copy_exactly
from mcmirror.engine.planning import metadata_wanted
from mcmirror.engine.sample import Sample
from mcmirror.engine.scope import Only
from mcmirror.engine.spool import Spool
from mcmirror.messages.error_lookup import problem
from mcmirror.model.attributes import EXPIRES, TAGS
from mcmirror.model.cost import Requests, copying
from mcmirror.model.event import CopyStarted, Event, Noted, ProblemFound
from mcmirror.model.job import Tags
from mcmirror.model.plan import Changed, Copy, Count, Missing, Plan, Reason
from mcmirror.model.problem import Category, Problem
from mcmirror.model.wording import objects, printable

UNASKED = 64 * 1024 * 1024
"""Bytes of an object that is copied once more for its metadata without ``--metadata``."""
SHOWN = 3
"""Keys that a sentence names."""


@dataclass(slots=True)
class Settlement:
    """What became of it."""

    unlike: Spool = field(default_factory=Spool)
    """Objects that are not what they should be."""
    requests: Requests = field(default_factory=Requests)
    looked_at: int = 0
    passed_over: bool = False
    """Whether there are objects that were not looked at."""
    repaired: int = 0
    behind: Counter[str] = field(default_factory=Counter)
    """Objects by the name of what mc does not carry."""
    tags_along: bool = False
    """Whether tags that mc does not carry came with a repair of something else."""
    drifted: Counter[str] = field(default_factory=Counter)
    """Objects that were there already and were left alone, by the name of what differs."""
    missed: Counter[str] = field(default_factory=Counter)
    """Those of ``unlike``, by the name of what differs."""
    kept_off: Counter[str] = field(default_factory=Counter)
    """Objects by the name of what a repair could not bring to the target."""
    missing: set[str] = field(default_factory=set)
    """The keys of ``unlike``."""
    vain: set[str] = field(default_factory=set)
    """What a repair did not bring to the target."""
    named: list[str] = field(default_factory=list)
    """The first of ``unlike``."""
    refused: Problem | None = None
    """Why tags could not be set; the first."""


def check_metadata(context: Context, plan: Plan) -> Generator[Event, None, Settlement]:
    """Compare for ``verify``: what differs remains, but for what mc or the target is known not to keep."""
    found = Settlement()
    if not metadata_wanted(context):
        return found
    comparison = Comparison(context)
    for batch in comparison.look(ordered(plan.sample)):
        found.looked_at += len(batch)
        for one in batch:
            names = set(one.names) - _excused(context, comparison)
            found.behind.update(set(one.names) - names)
            if names:
                _miss(found, one, names)
    found.requests = comparison.requests
    if found.named:
        yield ProblemFound(context.job.name, _differs(found))
    yield from _notes(context, comparison, found)
    return found


def settle_metadata(
    context: Context, plan: Plan, samples: Samples, refused: Problem | None
) -> Generator[Event, None, Settlement]:
    """Carry tags where that is asked for, compare what arrived and what was there, repair what may be repaired.

    ``refused``: why copies had to be made without tags.
    """
    found = Settlement(refused=refused, vain={TAGS} if refused else set())
    if not metadata_wanted(context) or context.stop.requested:
        return found
    samples.wait()
    comparison, copied = samples.comparison, samples.choose(plan)
    if context.job.options.tags is Tags.COPY and copied.offered:
        _carry_tags(context, comparison, plan, found)
    found.passed_over = any(isinstance(some, Sample) and len(some) < some.offered for some in (copied, plan.sample))
    for batches, fresh in ((samples.of_copies(copied), True), (samples.of_equal(), False)):
        for batch in batches:
            found.looked_at += len(batch)
            yield from _settle(context, comparison, batch, found, fresh=fresh)
    found.requests += comparison.requests
    if found.named:
        yield ProblemFound(context.job.name, _differs(found))
    yield from _notes(context, comparison, found)
    return found


def _excused(context: Context, comparison: Comparison) -> set[str]:
    """What mc does not carry and nobody asked for by name: it is said, and no fault of the copy."""
    if context.metadata is not None:
        return set()
    job = context.job
    return {EXPIRES} | ({TAGS} if job.options.tags is Tags.AUTO and not comparison.mc_carries_tags else set())


def _settle(
    context: Context, comparison: Comparison, unlike: Iterable[Looked], found: Settlement, *, fresh: bool
) -> Generator[Event, None, None]:
    """Repair what may be repaired of a batch, and count the rest; one is tried before the others."""
    for ones in _one_and_others([one for one in unlike if one.names]):
        todo = list[Looked]()
        for one in ones:
            names = _due(context, comparison, one, found)
            small = one.source.entry.size <= UNASKED or names == {TAGS}
            if not names:
                continue
            if context.metadata is not None or (small and (fresh or context.job.options.overwrite)):
                todo.append(replace(one, names=tuple(sorted(names))))
            else:
                found.drifted.update(names)
        if todo:
            yield from _repair(context, comparison, todo, found)


def _one_and_others(ones: list[Looked]) -> Iterator[list[Looked]]:
    yield from filter(None, (ones[:1], ones[1:]))


def _due(context: Context, comparison: Comparison, one: Looked, found: Settlement) -> set[str]:
    """Those of its names that are worth a repair."""
    vain = set(one.names) & found.vain
    if vain:
        _give_up(context, one, vain, found)
    names = set(one.names) - vain
    excused = _excused(context, comparison) & names
    if EXPIRES in excused and one.source.entry.size <= UNASKED:
        excused -= {EXPIRES}  # few and small: brought along by a copy of their own
    if TAGS in excused and names - excused:
        excused -= {TAGS}  # whatever is repaired gets its tags too
        found.tags_along = True
    found.behind.update(excused)
    return names - excused


def _repair(
    context: Context, comparison: Comparison, todo: Sequence[Looked], found: Settlement
) -> Generator[Event, None, None]:
    """Copy those again whose headers differ, set the tags of those whose tags do, and look what became of them."""
    again = sorted((one for one in todo if set(one.names) != {TAGS}), key=lambda one: (one.source.expires, one.key))
    for expires, group in groupby(again, _expires):
        ones = list(group)
        for event in copy_exactly(context, (one.source.entry for one in ones), expires=expires):
            if not isinstance(event, CopyStarted):
                yield event
        found.requests += copying(Count(len(ones), sum(one.source.entry.size for one in ones)))
    copied = _look_again(comparison, again)
    tagging = [one for one in todo if set(one.names) == {TAGS}] + [one for one in copied if TAGS in one.names]
    _set_tags(comparison, tagging, found)
    now = {one.key: one for one in copied} | {one.key: one for one in _look_again(comparison, tagging)}
    for one in todo:
        _conclude(context, one, now.get(one.key), found)


def _look_again(comparison: Comparison, ones: Iterable[Looked]) -> list[Looked]:
    pairs = sorted((one.pair for one in ones), key=lambda pair: pair.source.key)
    return [one for batch in comparison.look(pairs) for one in batch]


def _conclude(context: Context, before: Looked, now: Looked | None, found: Settlement) -> None:
    """Count what a repair came to. What was asked for by name and did not come to be remains."""
    if now is None:
        _miss(found, before, before.names)
    elif _lost(before, now):
        found.unlike.append(Changed(now.source.entry, now.target.entry, Reason.CONTENT))
    elif not now.names:
        found.repaired += 1
    else:
        found.vain.update(now.names)
        _give_up(context, now, now.names, found)


def _give_up(context: Context, one: Looked, names: Collection[str], found: Settlement) -> None:
    """Count what no repair brings to the target; it remains if it was asked for and could be had."""
    asked_for = context.metadata is not None or (TAGS in names and context.job.options.tags is Tags.COPY)
    if asked_for and not (found.refused and never(found.refused)):
        _miss(found, one, names)
    else:
        found.kept_off.update(names)


def _expires(one: Looked) -> str:
    """As HTTP writes it."""
    text = one.source.expires
    return format_datetime(datetime.fromisoformat(text), usegmt=True) if text else ""


def _lost(before: Looked, now: Looked) -> bool:
    """Whether other bytes are on the target than before it was copied once more, as far as size and ETag show."""
    same_before = before.source.entry.etag == before.target.entry.etag
    return difference(now.source.entry, now.target.entry) in {Reason.SIZE, *([Reason.CONTENT] if same_before else [])}


def _set_tags(comparison: Comparison, tagging: Sequence[Looked], found: Settlement) -> list[Looked]:
    """Give the target's objects the source's tags; return those that it did not take."""
    answers = together(lambda one: comparison.target.set_tags(one.key, one.source.tags or {}), tagging)
    found.requests += Requests(target_put=len(tagging))
    found.refused = found.refused or next(filter(None, answers), None)
    return [one for one, answer in zip(tagging, answers, strict=True) if answer]


def _carry_tags(context: Context, comparison: Comparison, plan: Plan, found: Settlement) -> None:
    """``tags = "copy"``: every copy gets the tags of its source, unless mc was seen to have brought them."""
    for batch in comparison.look(_as_pairs(plan)):
        tagged = [one for one in batch if one.source.tagged]
        if tagged and comparison.mc_carries_tags:
            return
        behind = [one for one in tagged if TAGS in one.names]
        failed = _set_tags(comparison, behind, found)
        found.repaired += len(behind) - len(failed)
        if failed:
            found.vain.add(TAGS)
        for one in failed:
            _give_up(context, one, {TAGS}, found)


def _as_pairs(plan: Plan) -> Iterator[Changed]:
    for item in Only[Copy](plan.differences, Missing, Changed):
        yield Changed(item.source, item.source, Reason.METADATA)


def _miss(found: Settlement, one: Looked, names: Iterable[str]) -> None:
    if one.key in found.missing:
        return
    found.missing.add(one.key)
    found.unlike.append(Changed(one.source.entry, one.target.entry, Reason.METADATA))
    found.missed.update(names)
    if len(found.named) < SHOWN:
        found.named.append(one.key)


def _differs(found: Settlement) -> Problem:
    keys = ", ".join(printable(key) for key in found.named)
    more = f" and {len(found.unlike) - SHOWN:,} more" if len(found.unlike) > SHOWN else ""
    what = f"the metadata of {objects(len(found.unlike))} differs on the target: {keys}{more}"
    why = f"{_names(found.missed)}; {objects(found.looked_at)} looked at"
    return problem(Category.METADATA_DIFFERS, what, f"{why}; {found.refused.cause}" if found.refused else why)


def _names(counter: Counter[str]) -> str:
    return ", ".join(f"{name} ({number:,})" for name, number in sorted(counter.items()))


def _notes(context: Context, comparison: Comparison, found: Settlement) -> Generator[Event, None, None]:
    """Each thing that stays behind in one sentence."""
    of = f"of {objects(found.looked_at)} looked at"
    texts = list[str]()
    number = found.behind[TAGS]
    if number or (found.tags_along and found.passed_over):
        which = f"{number:,} {of}" if number else "of objects that were not looked at"
        texts.append(f'tags stay behind ({which}): mc carries none from this server; tags = "copy" (--tags copy) does')
    if number := found.behind[EXPIRES]:
        texts.append(f"Expires stays behind ({number:,} {of}): mc does not carry it; --metadata sets it")
    if comparison.tags_impossible:
        texts.append(f"tags stay behind: the target keeps none: {comparison.tags_impossible.cause}")
    if found.refused and not comparison.tags_impossible:
        texts.append(
            f"tags stay behind ({found.kept_off[TAGS]:,} {of}): the target refused them: {found.refused.cause}"
        )
    if found.drifted:
        texts.append(
            f"metadata of equal objects differs and was left: {_names(found.drifted)} {of}; --metadata compares all "
            "and repairs it"
        )
    if kept_off := Counter({name: number for name, number in found.kept_off.items() if name != TAGS}):
        texts.append(f"the target does not keep {_names(kept_off)} {of}")
    if found.repaired:
        rest = "; --metadata compares and repairs all" if found.passed_over else ""
        texts.append(f"metadata or tags of {objects(found.repaired)} were repaired on the target{rest}")
    if comparison.unreadable:
        texts.append(f"the metadata of some objects could not be compared: {comparison.unreadable.cause}")
    for text in texts:
        yield Noted(context.job.name, text)
