"""The step that writes: ``mc mirror``, and ``mc cp`` for what a mirror does not see.

What mc says here is kept as a problem and believed of nothing: the listing afterwards decides.
"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, takewhile

from mcmirror.engine.concurrent import FIRST, MOST, Pace, Task, run_concurrently
from mcmirror.engine.context import Context
from mcmirror.engine.folder_copy import by_folder_of, copy_folders
from mcmirror.engine.scope import common_folder
from mcmirror.engine.shards import LARGE, by_folder, by_prefix
from mcmirror.model.event import CopyStarted, Event, ProblemFound
from mcmirror.model.plan import Changed, Copy, Count, Difference, Entry, Missing, Reason
from mcmirror.model.problem import Category, Problem
from mcmirror.model.wording import printable
from mcmirror.movers.protocol import KeyPrefix, Keys, Shard, Subtree

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
GONE = EVERY_OBJECT - {Category.CREDENTIALS, Category.MC_DIED, Category.MEMORY, Category.STALLED}
"""Of these, those that no key has a part in."""
ENOUGH = 50
"""Objects that may fail so, if more fail than do not: mc would go on to the last one, and try each for seconds."""
IN_VAIN = 6
"""Processes in a row that end so: then it is the server."""
WAITING = "the server does not answer when it is asked for this object"
FEWEST = 24
"""Objects that are worth a process of their own."""
RARE = 40
"""Objects of a listing for each that is to be copied, from which copies are named: a mirror lists both sides again."""
SINGLY = 16
"""Keys of a batch up to which each has a process of its own: mc lists each of several by its name before it copies."""
WORKERS_OF_ONE = 2
"""Transfers that one mc makes at once when it starts: as many as processors, and hardly one machine has fewer."""


def copy_planned(
    context: Context,
    differences: Iterable[Difference],
    avoid: tuple[str, ...] = (),
    *,
    listed: int = 0,
    everything: int = 0,
) -> Generator[Event, None, None]:
    """Copy what the plan names: what a mirror sees in shards, several at once, and drift by name.

    ``avoid``: impossible keys; ``listed``: how many objects the source lists; ``everything``: the same, if none of them
    is left out.
    """
    seen = _Seen(differences)
    if few := _few(context, seen, listed):
        yield from _copy_named(context, few)
    elif any(True for _ in seen):
        shards = _shards(context, seen, avoid, everything)
        yield from _at_once(context, (partial(context.mover.copy, shard) for shard in shards))
    yield from copy_exactly(context, _drifted(differences))


def copy_exactly(
    context: Context, objects: Iterable[Entry], *, expires: str = "", bare: bool = False
) -> Generator[Event, None, None]:
    """Copy these objects and no others, folder by folder; ``expires`` and ``bare`` as in ``Keys``."""
    few = context.named is not None and len(context.named.keys) <= SINGLY
    if context.named is not None and not (few or expires or bare):
        objects = yield from copy_folders(context, tuple(objects), _at_once)
    folders = by_folder_of(objects, 1 if few else context.mover.most_named)
    yield from _copy_named(context, (Keys(folder, tuple(keys), expires, bare) for folder, keys in folders))


def _copy_named(context: Context, shards: Iterable[Keys]) -> Generator[Event, None, None]:
    """Copy these shards, several at once.

    mc ends a ``cp`` at the first object that it may not read or cannot find, and waits for ever at one whose server
    does not answer: what it did not begin is asked for again, in halves after a failure that may be the server's.
    """
    vain = _InVain()
    yield from _at_once(context, (partial(_copy_keys, context, shard, vain) for shard in shards))


@dataclass(slots=True)
class _InVain:
    """Counts processes in a row that came to nothing, of all shards; a race between two of them does no harm."""

    count: int = 0

    @property
    def hopeless(self) -> bool:
        """Whether no further one is worth it."""
        return self.count >= IN_VAIN


def _few(context: Context, seen: "_Seen", listed: int) -> list[Keys]:
    """Name the copies where a mirror would list far more than it copies; empty where that is not so.

    What is named is copied whatever the target has meanwhile, so this needs ``overwrite``.
    """
    most = _most(context)
    found = list(islice((item.source for item in seen), listed // RARE + 1))
    if most == 1 or not context.job.options.overwrite or not 0 < len(found) <= listed // RARE:
        return []
    size = max(1, -(-len(found) // FIRST))
    shards = [Keys(folder, tuple(keys)) for folder, keys in by_folder_of(found, min(size, context.mover.most_named))]
    return shards if len(shards) <= MOST else []


def _copy_keys(context: Context, shard: Keys, vain: _InVain) -> Generator[Event, None, None]:
    """Copy these objects of one folder, by as many processes as it takes."""
    waiting = [shard.keys]
    while waiting and not vain.hopeless and not context.stop.requested:
        rest, failure = yield from _copy_once(context, replace(shard, keys=waiting.pop()))
        if failure and not context.job.options.skip_errors:
            vain.count = IN_VAIN
            return
        broken = failure in EVERY_OBJECT
        vain.count = vain.count + 1 if broken else 0
        half = len(rest) // 2 if broken else 0  # what stands behind the object that breaks mc comes first
        waiting += [part for part in (rest[:half], rest[half:]) if part]


def _copy_once(context: Context, shard: Keys) -> Generator[Event, None, tuple[tuple[str, ...], Category | None]]:
    """Run one process; return the keys that another one has to be asked for, always fewer, and what went wrong."""
    begun, complaints, first = set[str](), list[Problem](), shard.keys[0]
    for event in context.mover.copy(shard):
        match event:
            case CopyStarted(_, key, _):
                begun.add(key)
            case ProblemFound(_, found):
                if found.category is Category.STALLED and not begun:  # mc looks at one object after another
                    found = replace(found, message=f"{printable(first)} was not copied: {WAITING}", object=first)
                complaints.append(found)
                yield ProblemFound(context.job.name, found)
                continue
            case _:
                pass
        yield event
    if not complaints:
        return (), None
    refused = {found.object for found in complaints}
    rest = tuple(key for key in shard.keys if key not in begun)
    worst = next((found.category for found in complaints if found.category in EVERY_OBJECT), complaints[0].category)
    if refused & set(rest):
        return tuple(key for key in rest if key not in refused), worst
    # The first that mc did not begin is the one it ended at; an mc that stands still may wait for any that it began.
    return rest if worst is Category.STALLED and begun else rest[1:], worst


def _at_once(context: Context, tasks: Iterable[Task]) -> Generator[Event, None, None]:
    """Run the tasks, several at once, until a server is gone; none begins after a stop."""
    going = takewhile(lambda _: not context.stop.requested, tasks)
    lost = 0.0
    with closing(run_concurrently(context.job.name, going, Pace(FIRST, _most(context), context.mover.busy))) as events:
        for event in events:
            yield event
            lost = max(0.0, lost + _weight(event))
            if lost >= ENOUGH:
                return


def _weight(event: Event) -> float:
    """How much it speaks for a server that is gone; where half of the objects fail, the sum stays as it is."""
    if isinstance(event, ProblemFound):
        return float(event.problem.category in GONE)
    return -0.5 if isinstance(event, CopyStarted) else 0.0


def _most(context: Context) -> int:
    """How many movers may run at once: a bandwidth limit is one process's own, and workers are shared out."""
    options = context.job.options
    if options.limit_upload or options.limit_download or not options.skip_errors:
        return 1
    wanted = options.workers // WORKERS_OF_ONE if options.workers else MOST
    return max(1, min(wanted, MOST, context.mover.most_at_once))


def _shards(context: Context, seen: "_Seen", avoid: tuple[str, ...], everything: int) -> Iterable[Shard]:
    """Cut the copies into shards that the mover accepts."""
    mover = context.mover
    copies, most = sum((Count(1, item.source.size) for item in seen), Count()), _most(context)
    if most > 1 and copies.objects >= FEWEST and copies.bytes < copies.objects * LARGE:
        size = max(FEWEST, copies.objects // most)
        if copies.objects == everything:
            prefixes = [KeyPrefix(part.prefix) for part in by_prefix(seen.sizes(), size)]
            if len(prefixes) > 1 and all(map(mover.accepts, prefixes)):
                return prefixes
        subtrees = [Subtree(part.prefix, part.flat, avoid) for part in by_folder(seen.sizes(), size)]
        if all(map(mover.accepts, subtrees)):
            return subtrees
    subtree = Subtree(common_folder(seen), avoid=avoid)
    return [subtree if mover.accepts(subtree) else Subtree(avoid=avoid)]


class _Seen:
    """The planned copies that ``mc mirror`` sees by itself; can be walked again and again."""

    def __init__(self, differences: Iterable[Difference]) -> None:
        self._differences = differences

    def __iter__(self) -> Iterator[Copy]:
        return (
            difference
            for difference in self._differences
            if isinstance(difference, Missing | Changed) and not _is_drift(difference)
        )

    def sizes(self) -> Iterator[tuple[str, int]]:
        """Their keys and bytes."""
        return ((difference.source.key, difference.source.size) for difference in self)


def _is_drift(difference: Difference) -> bool:
    return isinstance(difference, Changed) and difference.reason is Reason.CONTENT


def _drifted(differences: Iterable[Difference]) -> Iterator[Entry]:
    for difference in differences:
        if isinstance(difference, Changed) and difference.reason is Reason.CONTENT:
            yield difference.source
