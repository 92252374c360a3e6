"""What a run has said so far, kept small: whoever comes in the middle is told where it is."""

import time
from collections.abc import Callable
from dataclasses import replace

from mcmirror.model import event as events
from mcmirror.model.event import Event, Phase
from mcmirror.model.plan import Count
from mcmirror.model.problem import Problem
from mcmirror.model.progress import Progress

PROBLEMS = 20
"""Different problems that are kept."""


class SoFar:
    """Hears every event of one run. Not for several threads at once."""

    def __init__(self, job: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._known = Progress(job)
        """All but what changes with each copy."""
        self._phases = dict[Phase, float]()
        self._since = 0.0
        self._problems = dict[Problem, None]()
        self._objects = self._bytes = self._moved = self._removed = 0

    def hear(self, event: Event) -> None:
        """Take in what happened."""
        if isinstance(event, events.CopyStarted):
            # Ten thousand of these come in a second.
            self._objects += 1
            self._bytes += event.size
        elif isinstance(event, events.Moved):
            self._moved = event.bytes
        elif isinstance(event, events.Removed):
            self._removed += 1
        else:
            self._rarer(event)

    def _rarer(self, event: Event) -> None:
        known = self._known
        match event:
            case events.Waiting():
                self._known = replace(known, waiting=event.target)
            case events.RunStarted():
                self._known = replace(
                    known, source=event.source, target=event.target, dry_run=event.dry_run, waiting=""
                )
            case events.PhaseStarted():
                self._phases = dict(self._spent())
                self._phases.setdefault(event.phase, 0.0)
                self._known = replace(known, phase=event.phase, listed=(0, 0), waiting="")
                self._begin()
            case events.Listed():
                self._known = replace(known, listed=(event.source_objects, event.target_objects))
            case events.Planned():
                # Its differences hold a file open.
                plan = replace(event.plan, differences=())
                self._known = replace(known, plan=plan, total=plan.copies)
            case events.Retrying():
                self._known = replace(known, total=Count(event.remaining, 0), attempt=event.attempt)
                self._phases = dict(self._spent())
                self._begin()
            case events.ProblemFound() if len(self._problems) < PROBLEMS:
                self._problems[event.problem] = None
            case _:
                pass

    def _begin(self) -> None:
        self._since = self._monotonic()
        self._objects = self._bytes = self._moved = 0

    def _spent(self) -> tuple[tuple[Phase, float], ...]:
        going = self._monotonic() - self._since
        return tuple(
            (phase, spent + (going if phase is self._known.phase else 0.0)) for phase, spent in self._phases.items()
        )

    def progress(self) -> Progress:
        """Where it is now."""
        return replace(
            self._known,
            phases=self._spent(),
            announced=Count(self._objects, self._bytes),
            moved=self._moved,
            removed=self._removed,
            problems=tuple(self._problems),
        )
