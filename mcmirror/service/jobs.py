"""A configuration's jobs as a timetable wants them, and as people are shown them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime

from mcmirror.config import Configuration, Schedule
from mcmirror.engine.schedule import Line
from mcmirror.engine.trigger import NEVER, Trigger, trigger_of
from mcmirror.model.backlog import BacklogState, ailment
from mcmirror.model.job import Job
from mcmirror.model.location import Location
from mcmirror.model.realtime import RealtimeState
from mcmirror.model.record import Record
from mcmirror.model.state import JobState, State
from mcmirror.service.job_statistics import JobStatistics, seconds
from mcmirror.service.queue import Place, Queue


def pair(job: Job) -> tuple[Location, Location]:
    """What it mirrors."""
    return job.source, job.target


def trigger(job: Job, schedule: Schedule) -> Trigger:
    """When the job begins by itself."""
    return trigger_of(schedule.cron, schedule.every, gap=schedule.gap, timezone=job.timezone,
                      realtime=schedule.realtime is not None)  # fmt: skip


def lines(configuration: Configuration) -> Iterator[Line]:
    """The jobs that have a schedule."""
    for name, job in configuration.jobs.items():
        schedule = configuration.schedules.get(name)
        if schedule is not None:
            yield Line(name, trigger(job, schedule), schedule.at_start, schedule.catch_up, schedule.jitter)


def next_start(job: Job, schedule: Schedule, last: Record | None, now: float, running: float = 0.0) -> float:
    """When the job starts next, in seconds since the epoch; 0 if never, or if that depends on the end of its run.

    ``running`` is when a run began that is under way; 0 if none is.
    """
    if running and schedule.gap:
        return 0.0
    base = seconds(last.finished if schedule.gap else last.started) if last else 0.0
    due = trigger(job, schedule).next_after(now, max(base, running))
    return 0.0 if due == NEVER else due


def lasts(configuration: Configuration, last: Mapping[str, Record]) -> dict[str, float]:
    """What each trigger counts from: the start of the last run, or its end."""
    schedules = configuration.schedules
    return {
        job: seconds(record.finished if job in schedules and schedules[job].gap else record.started)
        for job, record in last.items()
    }


def job_state(  # noqa: PLR0913  each from another hand
    job: Job,
    schedule: Schedule,
    place: Place | None,
    books: JobStatistics,
    *,
    paused: bool,
    due: float,
    began: float,
    realtime: RealtimeState | None = None,
    backlog: BacklogState | None = None,
) -> JobState:
    """How a job is doing. ``due`` is its next start; ``began`` is when the server began."""
    success = books.success.get(job.name, 0.0)
    return JobState(
        name=job.name,
        source=str(job.source),
        target=str(job.target),
        trigger=str(trigger(job, schedule)),
        paused=paused,
        run=place.record.id if place else "",
        phase=place.phase if place else "",
        next_run=0.0 if due == NEVER else due,
        last=books.last.get(job.name),
        last_success=success,
        max_age=schedule.max_age,
        overdue_since=(success or began) + schedule.max_age,
        dry_run=job.options.dry_run,
        realtime=realtime,
        backlog=backlog,
    )


def job_states(  # noqa: PLR0913  each from another hand
    configuration: Configuration,
    queue: Queue,
    books: JobStatistics,
    *,
    paused: Callable[[str], bool],
    due: Callable[[str], float],
    began: float,
    realtime: Callable[[str], RealtimeState | None],
    backlogs: Mapping[str, BacklogState],
) -> tuple[JobState, ...]:
    """How all jobs are doing."""
    return tuple(
        job_state(
            job,
            configuration.schedules.get(name) or Schedule(),
            queue.of(name),
            books,
            paused=paused(name),
            due=due(name),
            began=began,
            realtime=realtime(name),
            backlog=backlogs.get(name),
        )
        for name, job in configuration.jobs.items()
    )


def warnings(texts: Iterable[str], state: State) -> Iterator[str]:
    """What is not as it should be and stops no run; ``texts`` are those of the server itself, or empty."""
    yield from filter(None, texts)
    yield from (f"{one.name} could not be told: {one.error}" for one in state.notifiers if one.error)
    backlogs = ((job.name, job.backlog) for job in state.jobs if job.backlog is not None)
    yield from filter(None, (ailment(*one) for one in backlogs))
    yield from (f"replication {one.name}: {outage}" for one in state.replications if (outage := one.outage()))
    yield from (wrong for agent in state.agents if not agent.jobs and (wrong := agent.ailment(state.now)))
    for relay in state.relays:
        if relay.error:
            yield f"relay {relay.name} could not deliver: {relay.error}"
        if relay.dead:
            yield f"relay {relay.name} has given up {relay.dead:,} events: mcmirror events dead {relay.name}"


def moment_text(moment: float) -> str:
    """A time as records have it."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
