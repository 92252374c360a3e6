"""Pairs of a run that is about some keys: both sides are asked for each of them, and nothing is listed."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from mcmirror.engine.compare import proven
from mcmirror.engine.context import Context
from mcmirror.messages.error_lookup import classify, problem
from mcmirror.model.location import Location
from mcmirror.model.plan import Copy, Entry, Impossible
from mcmirror.model.problem import Category, ListingBroken, Problem
from mcmirror.model.wording import objects, printable
from mcmirror.movers.protocol import Answer, Presence

UNSEEN = 1 << 20
"""Bytes of an object from which the target is asked first: it may have it."""
SHOWN = 3
"""Keys that a problem names."""


@dataclass(slots=True)
class Answers:
    """What both sides say of the keys, in their order."""

    pairs: list[tuple[Entry | None, Entry | None]] = field(default_factory=list)
    """Those of which both sides say whether they have them, and at least one does."""
    unanswered: dict[str, Problem] = field(default_factory=dict)
    """Keys of which a side does not say whether it has them."""
    passed_over: set[str] = field(default_factory=set)
    """Keys of links and the like at the source: no object stands for them, and their copies are none of ours."""
    impossible: list[Impossible] = field(default_factory=list)
    """Keys that the mover would take for others: nobody is asked for them."""


def ask(context: Context, folder: str = "", *, source: bool = True, target: bool = True) -> Answers:
    """Ask for the keys below ``folder``; entries get keys relative to it.

    Raises ListingBroken when a side answers for none of several keys, or a stop keeps keys from being asked for.
    """
    assert context.named is not None  # noqa: S101
    job, found = context.job, Answers()
    if source and job.source.is_local and not any(Path(job.source.path).iterdir()):
        what, why = f"the source {job.source} is empty", "an empty folder is more often one that is not mounted"
        raise ListingBroken(problem(Category.SOURCE_EMPTY, what, why, str(job.source)))
    keys = [key for key in context.named.keys if key.startswith(folder)]
    for entry in (Entry(key, 0, "", "") for key in keys):
        if context.mover.not_removable(entry.key) and (why := context.mover.impossible(entry)):
            found.impossible.append(Impossible(entry, why))
    asked = sorted(set(keys).difference(item.source.key for item in found.impossible))
    at_source, at_target = _both(context, asked, source=source, target=target)
    for key in asked:
        here, there = at_source.get(key, _ABSENT), at_target.get(key, _ABSENT)
        if refused := _refusal(job.source, key, here) or _refusal(job.target, key, there):
            found.unanswered[key] = refused
        elif _is_no_object(here):
            found.passed_over.add(key)
        elif _is_no_object(there):
            what = f"{printable(key)} at {job.target} is no object that could be replaced"
            found.unanswered[key] = problem(Category.KEY_NOT_STORABLE, what, "something else has its name", key)
        elif here.entry or there.entry:
            found.pairs.append((_below(here.entry, folder), _below(there.entry, folder)))
    return found


_ABSENT = Answer(Presence.ABSENT)


def _both(
    context: Context, asked: Sequence[str], *, source: bool, target: bool
) -> tuple[dict[str, Answer], dict[str, Answer]]:
    """Ask both sides at once."""
    job = context.job
    with ThreadPoolExecutor(2, thread_name_prefix="look") as pool:
        at_source = pool.submit(context.stat, job.source, asked) if source and asked else None
        at_target = pool.submit(context.stat, job.target, asked) if target and asked else None
    for place, side in ((job.source, at_source), (job.target, at_target)):
        if side is not None:
            _refuse_silence(place, asked, side.result())
    return at_source.result() if at_source else {}, at_target.result() if at_target else {}


def _is_no_object(answer: Answer) -> bool:
    return answer.presence is Presence.THERE and answer.entry is None


def _below(entry: Entry | None, folder: str) -> Entry | None:
    return entry and entry._replace(key=entry.key.removeprefix(folder))


def _refusal(place: Location, key: str, answer: Answer) -> Problem | None:
    if answer.presence is not Presence.UNKNOWN:
        return None
    what = f"{place} does not say whether it has {printable(key)}"
    return classify(what, answer.said, answer.code, object=key, side=place.alias)


def _refuse_silence(place: Location, asked: Sequence[str], answers: dict[str, Answer]) -> None:
    """Raise when a stop kept keys from being asked for, or the place answers for none of several."""
    silent = [key for key in asked if key not in answers or answers[key].presence is Presence.UNKNOWN]
    left_out = any(key not in answers for key in asked)
    if not left_out and (len(silent) < len(asked) or len(asked) < 2):
        return
    names = ", ".join(printable(key) for key in islice(silent, SHOWN))
    what = f"{place} does not say whether it has {objects(len(silent))}: {names}"
    said = next((answers[key] for key in silent if key in answers), Answer(Presence.UNKNOWN, said="no answer came"))
    raise ListingBroken(classify(what, said.said, said.code, object=str(place), side=place.alias))


def is_copied_unseen(context: Context, entry: Entry) -> bool:
    """Whether an object of the source is copied whatever the target has: its ETag proves the copy afterwards.

    Most keys of a batch are new or changed; to ask the target for one that it lacks takes a process of mc.
    """
    assert context.named is not None  # noqa: S101
    small = entry.plain_md5 and entry.size < UNSEEN
    return small and context.job.options.overwrite and entry.key not in context.named.careful


def ask_to_plan(context: Context) -> Answers:
    """As ``ask`` for all keys; what is copied unseen is on the source's side alone."""
    assert context.named is not None  # noqa: S101
    found = ask(context, target=False)
    here = {source.key: source for source, _ in found.pairs if source is not None}
    settled = found.passed_over | found.unanswered.keys() | {item.source.key for item in found.impossible}
    settled |= {key for key, source in here.items() if is_copied_unseen(context, source)}
    left = [key for key in context.named.keys if key not in settled]
    target = ask(context.about(left), source=False) if left else Answers()
    there = {entry.key: entry for _, entry in target.pairs if entry is not None}
    found.unanswered |= target.unanswered
    keys = sorted((here.keys() | there.keys()) - found.unanswered.keys())
    found.pairs = [(here.get(key), there.get(key)) for key in keys]
    return found


def pairs_after(context: Context, copies: Iterable[Copy]) -> Iterator[tuple[Entry | None, Entry | None]]:
    """The pairs of what was copied: a target that proves to be what the source was is no reason to ask the source."""
    planned = {copy.source.key: copy.source for copy in copies}
    looking = context.about(planned)
    at_target = {there.key: there for _, there in ask(looking, source=False).pairs if there is not None}
    done: dict[str, tuple[Entry | None, Entry | None]] = {
        key: (planned[key], there) for key, there in at_target.items() if proven(planned[key], there)
    }
    rest = [key for key in planned if key not in done]
    for pair in ask(context.about(rest)).pairs if rest else ():
        entry = pair[0] or pair[1]
        if entry is not None:
            done[entry.key] = pair
    return iter([done[key] for key in sorted(done)])


def pairs(context: Context, folder: str, *, source: bool, target: bool) -> Iterator[tuple[Entry | None, Entry | None]]:
    """The pairs below ``folder``; a key that a side does not answer for is on neither side."""
    yield from ask(context, folder, source=source, target=target).pairs
