"""One run a target at a time: what a run does that comes while another one is at it."""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mcmirror.model.lock import Lock, Manners
from mcmirror.model.stop import Stop
from mcmirror.store.lock import Held, TargetLock

LOOK = 0.5
"""Seconds between two looks at a lock that is held."""


class TargetTurns:
    """Runs of this process with one target take turns; the lock is for other processes."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """``folders`` are where other processes look for the locks."""
        self._folders = folders
        self._guard = threading.Lock()
        self._turns = defaultdict[str, threading.Lock](threading.Lock)
        self._warned = set[str]()

    @contextmanager
    def mine(self, target: str, manners: Manners, stop: Stop, waiting: Callable[[], None]) -> Iterator[TargetLock]:
        """Hold the target. Raises Held when it is not to be had, OSError when no folder can be written.

        ``waiting`` is called once when another process has it and this one waits.
        """
        with self._guard:
            turn = self._turns[target]
        while not turn.acquire(timeout=LOOK):
            if stop.requested:
                raise Held
        try:
            with _locked(self._folders, target, manners, stop, waiting) as lock:
                self._warn(lock.warning)
                yield lock
        finally:
            turn.release()

    def _warn(self, text: str) -> None:
        """Once: a server takes its locks by the thousand."""
        with self._guard:
            known = not text or text in self._warned
            self._warned.add(text)
        if not known:
            logging.getLogger(__name__).warning(text)


@contextmanager
def _locked(
    folders: Sequence[Path], target: str, manners: Manners, stop: Stop, waiting: Callable[[], None]
) -> Iterator[TargetLock]:
    begun = 0.0
    while True:
        lock = TargetLock(folders, target)
        try:
            lock.__enter__()
        except Held:
            if manners.lock is not Lock.WAIT:
                raise
            if not begun:
                begun = time.monotonic()
                waiting()
            late = manners.patience and time.monotonic() - begun >= manners.patience
            if late or stop.wait(LOOK):
                raise
        else:
            break
    try:
        yield lock
    finally:
        lock.__exit__(None, None, None)
