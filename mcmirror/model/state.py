"""How a server that runs jobs by itself is doing: what health, metrics, status, API and dashboard show."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mcmirror.model.agent import AgentState
from mcmirror.model.backlog import BacklogState
from mcmirror.model.realtime import RealtimeState, ailment
from mcmirror.model.record import Record
from mcmirror.model.relay import RelayState
from mcmirror.model.replication_state import ReplicationState
from mcmirror.model.wording import shown_seconds


@dataclass(frozen=True, slots=True)
class JobState:
    """One job. Times are seconds since the epoch, 0 where there is none."""

    name: str
    source: str
    target: str
    trigger: str
    """As a person reads it: ``cron 0 2 * * * (Asia/Seoul)``, ``every 30m``, ``by hand``."""
    paused: bool = False
    run: str = ""
    """The id of the run that is under way."""
    phase: str = ""
    """Of that run: ``waiting`` for the target's lock, or the name of a ``Phase``."""
    next_run: float = 0.0
    last: Record | None = None
    """The last run that ended, by whomever it was started."""
    last_success: float = 0.0
    """When the last run that succeeded had ended."""
    max_age: float = 0.0
    """Seconds after which the last success is too old; 0: never."""
    overdue_since: float = 0.0
    """When the success became too old, or will."""
    dry_run: bool = False
    realtime: RealtimeState | None = None
    """How it follows its source; None unless it does."""
    backlog: BacklogState | None = None
    """How its backlog is doing; None when it never had one."""

    def stale(self, now: float) -> bool:
        """Whether the last success is older than ``max_age`` allows."""
        return bool(self.max_age) and now > self.overdue_since


@dataclass(frozen=True, slots=True)
class NotifierState:
    """One notifier and what it still owes."""

    name: str
    waiting: int = 0
    """Messages to be delivered."""
    failures: int = 0
    """Attempts that failed since it last worked."""
    given_up: int = 0
    """Messages that were given up."""
    error: str = ""
    """Why the last attempt failed; holds no secret."""


@dataclass(frozen=True, slots=True)
class State:
    """A moment of the server."""

    now: float
    """Seconds since the epoch."""
    started: float
    heartbeat: float
    """When the scheduler last looked at the clock."""
    service: str = ""
    paused: bool = False
    """The whole of it."""
    stopping: bool = False
    jobs: tuple[JobState, ...] = ()
    notifiers: tuple[NotifierState, ...] = ()
    relays: tuple[RelayState, ...] = ()
    replications: tuple[ReplicationState, ...] = ()
    agents: tuple[AgentState, ...] = ()
    warnings: tuple[str, ...] = ()
    """What is not as it should be and stops no run: a refused configuration, a state that cannot be written."""
    totals: "Mapping[str, Totals]" = field(default_factory=dict)
    """By job, since this process began."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the runs of one job; they never go down while the process lives."""

    runs: Mapping[str, int] = field(default_factory=dict)
    """By verdict."""
    objects: Mapping[str, int] = field(default_factory=dict)
    """By outcome: copied, removed, kept, remaining."""
    bytes: Mapping[str, int] = field(default_factory=dict)
    problems: Mapping[str, int] = field(default_factory=dict)
    """By category."""
    requests: Mapping[str, int] = field(default_factory=dict)
    """Estimated, by kind and side."""
    retries: int = 0


HEART_STOPPED = 60.0
"""Seconds without a heartbeat after which the scheduler counts as dead."""


def ailments(state: State) -> tuple[str, ...]:
    """Why the server is not as it should be, a sentence each; empty when all is well."""
    found = list[str]()
    silent = state.now - state.heartbeat
    if silent > HEART_STOPPED:
        found.append(f"the scheduler has not looked at the clock for {silent:.0f} s")
    for job in state.jobs:
        if job.realtime is not None and not (job.paused or state.paused) and (wrong := ailment(job.name, job.realtime)):
            found.append(wrong)
        if not job.stale(state.now) or job.paused or state.paused:
            continue
        if job.last_success:
            age = shown_seconds(state.now - job.last_success)
            found.append(f"{job.name}: the last success is {age} old, max_age is {shown_seconds(job.max_age)}")
        else:
            found.append(f"{job.name}: no run has succeeded, max_age is {shown_seconds(job.max_age)}")
    # An agent without jobs harms nobody: that is a warning.
    found += [wrong for agent in state.agents if agent.jobs and (wrong := agent.ailment(state.now))]
    found += [f"replication {one.name}: {late}" for one in state.replications if (late := one.late())]
    return tuple(found)
