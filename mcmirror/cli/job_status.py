"""Reads the status of each job from the state, without asking a server."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcmirror.engine.trigger import NEVER, Trigger, trigger_of
from mcmirror.messages.job_state import NEVER_RAN, state_word
from mcmirror.model.dirty import DirtyState
from mcmirror.store.presence import Server

if TYPE_CHECKING:
    from mcmirror.config.summary import JobSummary, Summary
    from mcmirror.config.values import ConfigError, Mistake
    from mcmirror.model.backlog import BacklogState
    from mcmirror.model.relay import RelayState
    from mcmirror.model.state import NotifierState
    from mcmirror.store.database import Database
    from mcmirror.store.runs import Key, Standing


@dataclass(frozen=True, slots=True)
class JobStatus:
    """One job. Times are seconds since the epoch, 0 where there is none."""

    name: str
    source: str
    target: str
    trigger: str
    paused: bool
    run: str
    """The run that goes on."""
    run_started: float
    last: "Standing | None"
    next_run: float
    """When a server begins it next; 0 when nobody does."""
    max_age: float
    stale: bool | None
    """Whether the last success is older than ``max_age``, or there is none; None when that is not known."""
    dry_run: bool
    changes: DirtyState | None = None
    """Of a job in real time: what may have changed at its source and is not looked at yet."""
    backlog: "BacklogState | None" = None
    """None when it never had one."""
    known: bool = True
    """Whether its past could be read: no run is then a job that never ran."""

    @property
    def verdict(self) -> str:
        """Of the last run that has ended; empty before the first."""
        return self.last.status if self.last else ""

    @property
    def state(self) -> str:
        """What it does, or how its last run ended."""
        return state_word(running=bool(self.run), status=self.verdict, known=self.known)

    @property
    def succeeded(self) -> float:
        """When the last success had ended."""
        return self.last.succeeded if self.last else 0.0


@dataclass(frozen=True, slots=True)
class StatusOverview:
    """All of them at one moment."""

    now: float
    service: str
    timezone: str
    origin: str
    state: str
    """Where it was read, without a password."""
    server: Server | None
    paused: bool
    """All of them."""
    jobs: tuple[JobStatus, ...]
    notifiers: "tuple[NotifierState, ...]"
    relays: "tuple[RelayState, ...]"
    warnings: tuple[str, ...]
    readable: bool = True
    """Whether what is remembered could be read."""
    mistakes: "tuple[Mistake, ...]" = ()
    """Why the configuration cannot be used; the jobs are then those that are remembered."""


def read_status(summary: "Summary", now: float | None = None, mistakes: "tuple[Mistake, ...]" = ()) -> StatusOverview:
    """Look. What cannot be read is a warning; with ``mistakes`` in the configuration the records say which jobs are."""
    from mcmirror.store import paths
    from mcmirror.store.backlog import backlog_name
    from mcmirror.store.database import Database
    from mcmirror.store.inbox import Inbox
    from mcmirror.store.pauses import Pauses
    from mcmirror.store.presence import Presence
    from mcmirror.store.runs import Runs
    from mcmirror.store.trouble import shown

    now = time.time() if now is None else now
    database, inbox = Database(summary.state), Inbox(paths.inbox(summary.state))
    runs, server = Runs(database, inbox), Presence(paths.presence(summary.state)).see()
    standings, going_on = runs.standings(), {}
    for record in runs.going_on():
        going_on[record.job, record.source, record.target] = (record.id, record.started)
    pauses = Pauses(database)
    paused, resting = pauses.read(), pauses.backlogs()
    known = runs.readable
    everything = summary.paused or "" in paused
    backlogs = _backlogs(database, now)
    triggers = _Triggers()
    jobs = tuple(
        _job(
            job,
            triggers,
            standings.get((job.name, job.source, job.target)),
            going_on.get((job.name, job.source, job.target), ("", "")),
            paused=everything or job.name in paused,
            server=server,
            now=now,
            known=known,
            changes=_changes(database, job),
            backlog=backlogs.get(backlog_name(job.name, job.source, job.target, job.prefix)),
            resting=job.name in resting,
        )
        for job in (_remembered(standings, going_on) if mistakes else summary.jobs)
    )
    if mistakes:
        # When it is due, and how old its success may be, nobody can say.
        jobs = tuple(replace(job, trigger="", stale=None) for job in jobs)
    notifiers, relays = _notifiers(database, summary.notifiers), _relays(database, summary.relays)
    database.close()
    return StatusOverview(
        now=now,
        service=summary.service,
        timezone=summary.timezone,
        origin=summary.origin,
        state=shown(summary.state),
        server=server,
        paused=everything,
        jobs=jobs,
        notifiers=notifiers,
        relays=relays,
        warnings=tuple(filter(None, (runs.warning,))),
        readable=known,
        mistakes=mistakes,
    )


def without(error: "ConfigError", config: Path | None, environ: Mapping[str, str], folder: Path) -> StatusOverview:
    """Look, although the configuration cannot be used: at the state that is most probably meant."""
    from mcmirror.config import fallback
    from mcmirror.config.summary import Summary

    state, origin = fallback.state(config, environ, folder), fallback.origin(config, environ, folder)
    nothing = Summary(state, service="", timezone="UTC", paused=False, origin=origin, notifiers=(), relays=(), jobs=())
    return read_status(nothing, mistakes=error.mistakes)


def _remembered(standings: "Mapping[Key, Standing]", going_on: "Iterable[Key]") -> "Iterator[JobSummary]":
    """The jobs that have run, each as it ran last; pairs of a command are no jobs."""
    from mcmirror.config.summary import JobSummary

    newest: dict[str, tuple[float, Key]] = {}
    for key in (*standings, *going_on):
        began = standings[key].started if key in standings else float("inf")
        if key[0] != f"{key[1]} → {key[2]}":
            newest[key[0]] = max(newest.get(key[0], (0.0, key)), (began, key))
    for name in sorted(newest):
        _, (_, source, target) = newest[name]
        yield JobSummary(name, source, target, "", 0.0, gap=False, timezone="UTC", max_age=0.0, dry_run=False)


class _Triggers:
    """Thousands of jobs share a few schedules."""

    def __init__(self) -> None:
        self._cron: dict[Trigger, float] = {}

    def next(self, trigger: Trigger, now: float, last: float) -> float:
        """The next time after ``now``."""
        if getattr(trigger, "expression", ""):
            if trigger not in self._cron:
                self._cron[trigger] = trigger.next_after(now, 0.0)
            return self._cron[trigger]
        return trigger.next_after(now, last)


def _job(  # noqa: PLR0913  each from another room
    job: "JobSummary",
    triggers: _Triggers,
    last: "Standing | None",
    run: tuple[str, str],
    *,
    paused: bool,
    server: Server | None,
    now: float,
    known: bool,
    changes: DirtyState | None,
    backlog: "BacklogState | None",
    resting: bool,
) -> JobStatus:
    from datetime import datetime

    trigger = trigger_of(job.cron, job.every, gap=job.gap, timezone=job.timezone, realtime=job.realtime)
    base = 0.0 if last is None else last.finished if job.gap else last.started
    coming = server is not None and not paused and not (job.gap and run[0])
    due = triggers.next(trigger, now, base) if coming else NEVER
    succeeded = last.succeeded if last else 0.0
    # As the server sees it: one that never succeeded has the age of the server.
    since = succeeded or (server.started if server is not None else 0.0)
    return JobStatus(
        name=job.name,
        source=job.source,
        target=job.target,
        trigger=str(trigger),
        paused=paused,
        run=run[0],
        run_started=datetime.fromisoformat(run[1]).timestamp() if run[1] else 0.0,
        last=last,
        next_run=0.0 if due == NEVER else due,
        max_age=job.max_age,
        stale=None if job.max_age and not known else bool(job.max_age) and now - since > job.max_age,
        dry_run=job.dry_run,
        changes=changes,
        backlog=replace(backlog, paused=resting) if backlog is not None else None,
        known=known,
    )


def _changes(database: "Database", job: "JobSummary") -> DirtyState | None:
    """What waits of a job in real time; None where nothing is known."""
    from mcmirror.store.backlog import pair_name
    from mcmirror.store.database import Unusable
    from mcmirror.store.dirty_keys import DirtyKeys

    if not job.realtime:
        return None
    try:
        return DirtyKeys(database, pair_name(job.name, job.source, job.target)).state()
    except Unusable:
        return None


def _backlogs(database: "Database", now: float) -> "Mapping[str, BacklogState]":
    """The backlogs by the names of their pairs; nothing where they cannot be read."""
    from mcmirror.store.backlog import Backlog, sets
    from mcmirror.store.database import Unusable

    try:
        return {pair: Backlog(database, pair).state(now) for pair in sets(database)}
    except Unusable:
        return {}


def _notifiers(database: Any, names: tuple[str, ...]) -> "tuple[NotifierState, ...]":
    from mcmirror.model.state import NotifierState
    from mcmirror.store.database import Unusable

    try:
        waiting = dict(database.look("SELECT listener, count(*) FROM outbox GROUP BY listener"))
        known = {row[0]: row[1:] for row in database.look("SELECT name, failures, given_up, error FROM notifier")}
    except Unusable:
        return ()
    wanted = dict.fromkeys((*names, *waiting))
    return tuple(NotifierState(name, waiting.get(name, 0), *known.get(name, (0, 0, ""))) for name in wanted)


def _relays(database: Any, names: tuple[str, ...]) -> "tuple[RelayState, ...]":
    from mcmirror.model.relay import RelayState
    from mcmirror.store.database import Unusable
    from mcmirror.store.relay_queue import RelayQueue

    if not names:
        return ()
    try:
        known = RelayQueue(database).states()
    except Unusable:
        return ()
    return tuple(known.get(name, RelayState(name)) for name in names)


def document(seen: StatusOverview) -> dict[str, Any]:
    """As JSON: times in UTC, null where there is none; durations in seconds."""
    return {
        "time": _time(seen.now),
        "service": seen.service,
        "state": seen.state,
        "server": {"pid": seen.server.pid, "started": _time(seen.server.started)} if seen.server else None,
        "paused": seen.paused,
        "jobs": [_job_document(job) for job in seen.jobs],
        "notifiers": [
            {
                "name": one.name,
                "waiting": one.waiting,
                "failures": one.failures,
                "given_up": one.given_up,
                "error": one.error,
            }
            for one in seen.notifiers
        ],
        "relays": [{**asdict(one), "oldest": _time(one.oldest)} for one in seen.relays],
        "warnings": list(seen.warnings),
        "mistakes": [asdict(mistake) for mistake in seen.mistakes],
    }


def _job_document(job: JobStatus) -> Mapping[str, Any]:
    last = job.last
    return {
        "name": job.name,
        "source": job.source,
        "target": job.target,
        "trigger": job.trigger,
        "paused": job.paused,
        "dry_run": job.dry_run,
        "status": None if job.state == NEVER_RAN else job.state,
        "run": job.run or None,
        "last": {
            "run": last.run,
            "status": last.status,
            "started": _time(last.started),
            "finished": _time(last.finished),
        }
        if last
        else None,
        "last_success": _time(job.succeeded),
        "max_age_seconds": job.max_age,
        "stale": job.stale,
        "next_run": _time(job.next_run),
        "changes": _changes_document(job.changes),
        "backlog": _backlog_document(job.backlog),
    }


def _changes_document(changes: DirtyState | None) -> Mapping[str, Any] | None:
    if changes is None:
        return None
    counts = {"waiting": changes.count - changes.held, "failing": changes.failing, "held": changes.held}
    return {**counts, "oldest": _time(changes.oldest), "error": changes.error}


def _backlog_document(state: "BacklogState | None") -> Mapping[str, Any] | None:
    from mcmirror.codec.documents import BACKLOG

    return None if state is None else BACKLOG.to(state)


def _time(seconds: float) -> str | None:
    from datetime import UTC, datetime

    if not seconds:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
