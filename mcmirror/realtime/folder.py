"""What changes in a local folder, by the file system's notification; the one door to watchdog."""

import os
from collections.abc import Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from mcmirror.messages.error_lookup import problem
from mcmirror.messages.exceptions import problem_of
from mcmirror.model.change import Change, Connected, Heard
from mcmirror.model.plan import UNREADABLE
from mcmirror.model.problem import Category, Trouble
from mcmirror.model.stop import Stop

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent

TICK = 0.5
"""Seconds between two looks at the stop."""
WRITTEN = frozenset(("closed", "created", "moved"))
"""Kinds of events after which a file is worth a look; what is being written is looked at once it is closed."""


def listen(path: str, stop: Stop) -> Iterator[Sequence[Heard]]:
    """Yield what changes below the folder until the stop is requested.

    A folder that goes takes an unknown number of files along: that is a gap, as a new connection is one. Raises
    Trouble when the folder is not there, or the system has no more watches.
    """
    from watchdog.events import FileSystemEventHandler
    from watchdog.observers import Observer

    if not os.path.isdir(path):  # noqa: PTH112  a path that may hold anything
        raise Trouble(problem(Category.SOURCE_NOT_FOUND, f"{path} is not a folder", "no such folder", path))
    waiting = SimpleQueue[Heard]()

    class Handler(FileSystemEventHandler):
        def on_any_event(self, event: "FileSystemEvent") -> None:
            for one in _heard(event, path):
                waiting.put(one)

    observer = Observer()
    observer.schedule(Handler(), path, recursive=True)
    try:
        observer.start()
    except OSError as error:
        raise Trouble(problem_of(error, f"the changes in {path} cannot be heard")) from error
    try:
        yield [Connected()]
        while not stop.requested:
            yield _batch(waiting)
            if not observer.is_alive() or not os.path.isdir(path):  # noqa: PTH112
                raise Trouble(problem(Category.SOURCE_NOT_FOUND, f"{path} is gone", "it was a folder before", path))
    finally:
        observer.stop()
        observer.join()


def _batch(waiting: SimpleQueue[Heard]) -> list[Heard]:
    """Whatever there is, after the first has come."""
    found = list[Heard]()
    try:
        found.append(waiting.get(timeout=TICK))
        while True:
            found.append(waiting.get_nowait())
    except Empty:
        return found


def _heard(event: "FileSystemEvent", root: str) -> Iterator[Heard]:
    kind = event.event_type
    if event.is_directory:
        if kind == "deleted":
            yield Connected()
        return
    if kind in {"deleted", "moved"}:
        yield from _change(event.src_path, root, gone=True)
    if kind in WRITTEN:
        yield from _change(event.dest_path if kind == "moved" else event.src_path, root, gone=False)


def _change(path: bytes | str, root: str, *, gone: bool) -> Iterator[Heard]:
    name = os.path.relpath(os.fsdecode(path), root)
    if name != "." and not name.startswith("../"):
        yield Change(os.fsencode(name).decode(errors="replace").replace("\ufffd", UNREADABLE), gone)
