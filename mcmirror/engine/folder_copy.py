"""Copies named keys as whole folders, many in one process, where the folders hold nothing else: ``item/UUID/name``."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby

from mcmirror.engine.concurrent import FIRST, Task
from mcmirror.engine.context import Context
from mcmirror.model.event import CopyStarted, Event, ProblemFound
from mcmirror.model.plan import Entry
from mcmirror.movers.protocol import Folders

FEWEST = 8
"""Folders of one folder that are worth it: each has to be listed first."""
ENOUGH = 50
"""Folders that are worth a process of their own."""
MOST_KEYS = 4
"""Named keys of a folder that is copied whole; keys of one folder fit into one process as they are."""

AtOnce = Callable[[Context, Iterable[Task]], Generator[Event, None, None]]
"""Runs several tasks at once."""


def copy_folders(
    context: Context, objects: Sequence[Entry], at_once: AtOnce
) -> Generator[Event, None, Sequence[Entry]]:
    """Copy what lies in folders that hold nothing else; return the objects that no process has begun."""
    begun, refused, vain = set[str](), set[str](), False
    for parent, folders in _whole_folders(context, objects):
        if vain or context.stop.requested:
            break
        size = min(context.mover.most_named, max(ENOUGH, -(-len(folders) // FIRST)))
        shards = (Folders(parent, folders[start : start + size]) for start in range(0, len(folders), size))
        for event in at_once(context, (partial(context.mover.copy, shard) for shard in shards)):
            if isinstance(event, CopyStarted):
                begun.add(event.key)
            elif isinstance(event, ProblemFound):
                refused.add(event.problem.object)
                vain = True
            yield event
    if vain and not context.job.options.skip_errors:
        return ()
    return [entry for entry in objects if entry.key not in begun and entry.key not in refused]


def _whole_folders(context: Context, objects: Sequence[Entry]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Folders, by the folder that they lie in, all of whose objects are to be copied."""
    named = {
        folder: set(keys)
        for folder, keys in by_folder_of(objects, MOST_KEYS + 1)
        if folder and len(keys) <= MOST_KEYS and context.mover.accepts(Folders(_parent(folder), (folder[:-1],)))
    }
    for parent, group in groupby(named, _parent):
        folders = tuple(group)
        if len(folders) < FEWEST:
            continue
        most = context.mover.most_named
        for some in (folders[start : start + most] for start in range(0, len(folders), most)):
            there = context.mover.contents(context.job.source, some, 2 * MOST_KEYS * len(some))
            whole = tuple(folder[:-1] for folder in some if there is not None and there[folder] == named[folder])
            if len(whole) >= FEWEST:
                yield parent, whole


def _parent(folder: str) -> str:
    """The folder in which a folder lies, both with their slashes."""
    return folder[: folder.rfind("/", 0, -1) + 1]


def by_folder_of(objects: Iterable[Entry], most: int) -> Iterator[tuple[str, list[str]]]:
    """Group keys that come in order: one folder each, at most so many keys."""
    folder, keys = "", list[str]()
    for entry in objects:
        its_folder = entry.key[: entry.key.rfind("/") + 1]
        if keys and (its_folder != folder or len(keys) >= most):
            yield folder, keys
            keys = []
        folder = its_folder
        keys.append(entry.key)
    if keys:
        yield folder, keys
