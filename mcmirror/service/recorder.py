"""A run is written down while it goes: that it began, what became of each object, how it ended."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from mcmirror.model.event import CopyStarted, Event, Planned, Removed, RunFinished, StillMissing, Vanished
from mcmirror.model.plan import Changed, Kept, Missing, Plan
from mcmirror.model.record import Outcome, Record, interrupted
from mcmirror.store.inbox import Inbox, Opened


@contextmanager
def recording(inbox: Inbox | None, record: Record) -> Iterator["Recorder"]:
    """Remember the run; without an inbox nothing is remembered. A state that cannot be written harms no run."""
    recorder = Recorder(record, _opened(inbox, record) if inbox is not None else None)
    try:
        yield recorder
    finally:
        recorder.close()


class Recorder:
    """An observer of one run."""

    def __init__(self, record: Record, opened: Opened | None) -> None:
        self.record = record
        """Complete once the run has ended."""
        self._opened = opened
        self._plan: Plan | None = None
        self._undone = set[str]()

    def __call__(self, event: Event) -> None:
        """Take in what happened."""
        if isinstance(event, RunFinished):
            self.record = replace(self.record, finished=_now(), report=event.report)
        if self._opened is None:
            return
        self._opened.beat()
        match event:
            case Planned():
                self._plan = event.plan
            case CopyStarted() if self._plan is None:
                self._opened.fate(Outcome.ANNOUNCED, event.key)
            case Removed():
                self._opened.fate(Outcome.REMOVED, event.key)
            case Vanished():
                self._undone.add(event.key)
                self._opened.fate(Outcome.VANISHED, event.key)
            case StillMissing():
                self._undone.add(event.key)
                self._opened.fate(Outcome.REMAINING, event.key)
            case RunFinished() if self._plan is not None and event.report.verified:
                self._settle(self._opened, self._plan)
            case _:
                pass

    def _settle(self, opened: Opened, plan: Plan) -> None:
        """Name what was copied and what was kept, which a verdict alone can tell."""
        for difference in plan.differences:
            match difference:
                case Missing(source) | Changed(source) if source.key not in self._undone:
                    opened.fate(Outcome.COPIED, source.key)
                case Kept(source):
                    opened.fate(Outcome.KEPT, source.key)
                case _:
                    pass

    def close(self) -> None:
        """Write down how it ended; without a report a mistake of ours ended it."""
        if self.record.report is None:
            self.record = interrupted(self.record, _now())
        if self._opened is not None:
            try:
                self._opened.close(self.record)
            except Exception:
                logging.getLogger(__name__).exception("the end of the run of %s is not remembered", self.record.job)


def _opened(inbox: Inbox, record: Record) -> Opened | None:
    try:
        return inbox.open(record)
    except Exception:
        logging.getLogger(__name__).exception("the run of %s is not remembered", record.job)
        return None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
