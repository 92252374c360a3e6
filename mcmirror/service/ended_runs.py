"""Whatever has ended, here or in another process, is told once and stands in the books once."""

import threading
from collections.abc import Callable

from mcmirror.model.record import Record
from mcmirror.service.dependencies import Notifications, RunStore

MOST_OURS = 10_000
"""Runs of ours that may be taken in by another process, and then not here."""


class EndedRuns:
    """One thread at a time settles, in order; whoever comes meanwhile leaves its work to that one."""

    def __init__(
        self,
        remembered: RunStore,
        told: Notifications,
        enter: Callable[[Record], None],
        concerns: Callable[[Record], bool],
    ) -> None:
        """``enter`` takes runs of other processes that ``concerns`` us into the books; ours are in them already."""
        self._remembered = remembered
        self._told = told
        self._enter = enter
        self._concerns = concerns
        self._lock = threading.Condition()
        self._ours = dict[str, None]()
        self._untold = list[Record]()
        self._wanted = self._busy = False

    def begun(self, record: Record) -> None:
        """A run of ours begins."""
        with self._lock:
            self._ours[record.id] = None

    def settle(self, record: Record | None = None) -> None:
        """Have told what ended here, and hear of what ended elsewhere."""
        with self._lock:
            self._untold += [record] if record is not None else []
            self._wanted = True
            if self._busy:
                return
            self._busy = True
        try:
            while self._tell():
                self._take_in()
        except BaseException:
            with self._lock:
                self._idle()
            raise

    def wait(self, seconds: float) -> bool:
        """Wait until everything that was handed in is settled, for so long at most; whether that is so."""
        with self._lock:
            return self._lock.wait_for(lambda: not self._busy, seconds)

    def _tell(self) -> bool:
        with self._lock:
            records, self._untold = self._untold, []
            wanted, self._wanted = self._wanted, False
            if not wanted:
                self._idle()  # within the lock: whoever comes after this does it
        for record in records:
            self._told.finished(record)
        return wanted

    def _idle(self) -> None:
        self._busy = False
        self._lock.notify_all()

    def _take_in(self) -> None:
        for record in self._remembered.take_in():
            with self._lock:
                ours = self._ours.pop(record.id, record) is None
            if ours:
                continue
            if self._concerns(record):
                self._enter(record)
                self._told.finished(record)
            else:
                self._remembered.leave(record.id)
        with self._lock:
            while len(self._ours) > MOST_OURS:
                del self._ours[next(iter(self._ours))]
