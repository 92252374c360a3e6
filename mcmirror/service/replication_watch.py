"""Looks at the replications of a configuration again and again, and tells of outages and recoveries."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from mcmirror.config import ConfigError
from mcmirror.messages.replication_status import state_text
from mcmirror.model.problem import Trouble
from mcmirror.model.replication import Replication
from mcmirror.model.replication_state import DirectionState, ReplicationState
from mcmirror.model.replication_status import DirectionStatus
from mcmirror.model.stop import Stop
from mcmirror.notify.worker import Worker
from mcmirror.service.dependencies import Say
from mcmirror.service.replications import opened

if TYPE_CHECKING:
    from mcmirror.service.root import Service

ENDING = 10.0
"""Seconds that a look under way may take to end."""
TICK = 0.5
"""Seconds between two looks at the clock."""


class Tell(Protocol):
    """Tells the notifiers."""

    def notice(self, kind: str, what: str, why: str, remedy: str, *, good: bool = False) -> None:
        """Something happened that is no run."""


class ReplicationWatch:
    """Its methods may be called from any thread. mc is started by the thread of the watch alone."""

    def __init__(self, service: "Service", say: Say, told: Tell, *, run: bool) -> None:
        """Without ``run`` nothing is looked at."""
        self._service = service
        self._say = say
        self._told = told
        self._run = run
        self._stop = Stop()
        self._states: dict[str, ReplicationState] = {}
        self._due: dict[str, float] = {}
        self._worker = Worker(self._work, "replications")

    def begin(self) -> None:
        """Look from now on."""
        if self._run:
            self._worker.ensure()

    def replace(self, service: "Service") -> None:
        """Another configuration is in use: everything is looked at at once."""
        self._service, self._due = service, {}

    def stop(self) -> None:
        """Begin no other look."""
        self._stop.request()

    def end(self, seconds: float) -> None:
        """Look no more; wait for the look under way, so long at most."""
        self.stop()
        self._worker.join(seconds)

    def states(self) -> tuple[ReplicationState, ...]:
        """How each replication that is watched was at the last look."""
        return tuple(self._states.get(name, ReplicationState(name)) for name in self._watched() if self._run)

    def _watched(self) -> Mapping[str, Replication]:
        configured = self._service.configuration.replications
        return {name: one for name, one in configured.items() if one.check_every}

    def _work(self) -> None:
        while not self._stop.wait(TICK):
            for name, replication in self._watched().items():
                now = time.monotonic()
                if now >= self._due.get(name, 0.0) and not self._stop.requested:
                    self._due[name] = now + replication.check_every
                    self._look(self._service, replication)

    def _look(self, service: "Service", replication: Replication) -> None:
        found = _looked(service, replication, self._stop)
        if self._stop.requested:
            return
        before = self._states.get(replication.name)
        self._states[replication.name] = found
        outage = service.redact(found.outage())
        was_bad = bool(before and before.outage())
        name = replication.name
        if outage:
            if not was_bad:
                self._say("warning", "replication_outage", f"replication {name}: {outage}", replication=name)
            remedy = f"See mcmirror replicate status {name}."
            self._told.notice(f"replication {name}", f"the replication {name} does not work", outage, remedy)
        else:
            if was_bad:
                text = f"replication {name} works again"
                self._say("info", "replication_recovered", text, replication=name)
            self._told.notice(f"replication {name}", f"the replication {name} works again", "", "", good=True)


def _looked(service: "Service", replication: Replication, stop: Stop) -> ReplicationState:
    directions, error = tuple[DirectionState, ...](), ""
    name, limit = replication.name, replication.max_lag
    try:
        with opened(service, name, stop) as open_:
            directions = tuple(map(_direction, open_.statuses()))
    except Trouble as trouble:
        error = f"{trouble.problem.message} ({trouble.problem.cause})"
    except ConfigError as wrong:
        error = str(wrong.mistakes[0])
    return ReplicationState(name, time.time(), limit, directions, service.redact(error))


def _direction(status: DirectionStatus) -> DirectionState:
    found = status.problem
    return DirectionState(
        source=str(status.direction.source),
        target=str(status.direction.target),
        state=state_text(status),
        well=status.well,
        working=bool(status.rule) and status.enabled and status.online is not False and found is None,
        online=status.online,
        last_online=status.last_online,
        behind=status.behind,
        lag=status.lag,
        error=f"{found.message} ({found.cause})" if found else "",
    )
