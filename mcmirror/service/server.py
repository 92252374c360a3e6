"""Runs jobs by themselves for months: schedule, queue, records, telling, reload, pause and stop."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from mcmirror.config import ConfigError
from mcmirror.engine.order import Order
from mcmirror.engine.schedule import Line, Timetable
from mcmirror.engine.trigger import NEVER
from mcmirror.model.backlog import BacklogState
from mcmirror.model.control import Busy, Feed, Outdated, Stopping, UnknownJob, UnknownRun
from mcmirror.model.event import Event, PhaseStarted, Waiting
from mcmirror.model.job import MaxDelete
from mcmirror.model.lock import Lock
from mcmirror.model.progress import Progress
from mcmirror.model.record import Cause, Outcome, Record
from mcmirror.model.relay import Receiver
from mcmirror.model.state import NotifierState, State
from mcmirror.model.wording import objects
from mcmirror.service.answer_cache import AnswerCache
from mcmirror.service.dependencies import Dependencies
from mcmirror.service.ended_runs import EndedRuns
from mcmirror.service.event_bus import EventBus
from mcmirror.service.fan_out import FanOut
from mcmirror.service.inspections import Inspections
from mcmirror.service.job_statistics import JobStatistics
from mcmirror.service.jobs import job_states, lasts, lines, moment_text, pair, warnings
from mcmirror.service.one_run import failed_record
from mcmirror.service.paused_jobs import PausedJobs
from mcmirror.service.queue import Place, Queue
from mcmirror.service.realtime import RealtimeJobs
from mcmirror.service.root import Service
from mcmirror.service.state_warnings import StateWarnings

LOOK = 5.0
"""Seconds between two looks at the configuration's files; also the heart's beat."""
BEAT = 30.0
"""Seconds after which runs that are under way are said to be alive."""
TIDY = 3600.0
"""Seconds between two clearings of old records."""
JUMP = 5.0
"""Seconds by which the clock must be off before it counts as having been set."""


@dataclass(slots=True)
class _Flags:
    reload: bool = False
    stopping: bool = False
    signal: int = 0
    refused: str = ""
    """Why the configuration on disk is not in use."""
    late: set[str] = field(default_factory=set)
    """Jobs whose turn was left out, said once a run."""
    ending: int = 0
    """Runs that are over and not settled yet."""
    unstarted: list[tuple[Place, Record]] = field(default_factory=list)
    """Runs for which this machine had no thread; they are ended at the next tick."""


class Server:
    """Implements ``control.Control``. ``serve`` works until ``stop``; everything else may come from any thread."""

    def __init__(self, service: Service, around: Dependencies) -> None:
        self._service = service
        self._around = around
        self._changed = threading.Condition()
        self._reading = threading.Lock()
        """Held while the configuration is read: whoever wants it as it is now waits for that."""
        self._woken = False
        self._hub = EventBus()
        self._queue = Queue()
        self.inspections = Inspections(around, self._hub, lambda: self._service)
        self._flags = _Flags()
        self._notifiers = AnswerCache[tuple[NotifierState, ...]](around.told.state, (), around.spawn)
        self._backlogs = AnswerCache[Mapping[str, BacklogState]](around.backlogs, {}, around.spawn)
        self._pauses = PausedJobs(around)
        self._tell = FanOut(around.observers)
        self._state_warnings = StateWarnings(around)
        self._started = self._heart = around.now()
        self._offset = around.now() - around.monotonic()
        self._looked = self._beaten = self._tidied = around.monotonic()
        for record in around.remembered.take_in():
            if self._concerns(record):
                around.told.finished(record)
            else:
                around.remembered.leave(record.id)
        configuration = service.configuration
        self._statistics = JobStatistics(*around.remembered.latest(tuple(configuration.jobs.values())))
        self._realtime = RealtimeJobs(around.dirty_keys, self, around.say, around.told, around.follow)
        self._ended_runs = EndedRuns(around.remembered, around.told, self._enter, self._concerns)
        self._timetable = Timetable(self._lines(), self._started, lasts(configuration, self._statistics.last))

    def serve(self) -> None:
        """Work until ``stop``; returns when nothing is under way any more, or the grace is over."""
        self._pauses.say()
        if self._around.schedules:
            self._realtime.replace(self._service)
        self._around.spawn(self._state_warnings.look, "ailing")
        while not self._flags.stopping:
            wait = self.tick()
            with self._changed:
                self._changed.wait_for(lambda: self._woken, wait)
                self._woken = False
        self._end()

    def tick(self) -> float:
        """Do what is due; return how many seconds may pass until the next look."""
        around, now = self._around, self._around.now()
        self._heart = now
        with self._changed:
            unstarted, self._flags.unstarted = self._flags.unstarted, []
        for place, record in unstarted:
            self._ended(place, record)
        self._maintain()
        with self._changed:
            if abs(now - around.monotonic() - self._offset) > JUMP:
                self._offset = now - around.monotonic()
                self._timetable.put_right(now)
                around.say("warning", "clock_set", "The clock was set; the schedule was put right.")
            due = self._timetable.due(now)
        if due:
            self._pauses.renew()
            with self._changed:
                for job, cause in due:
                    self._enqueue(job, cause)
                self._begin()
        with self._changed:
            return max(0.0, min(LOOK, self._timetable.next - around.now()))

    def _enqueue(self, job: str, cause: Cause) -> None:
        if self.paused(job) or self._flags.stopping:
            self._timetable.ended(job, self._around.now())
        elif self._queue.of(job) is None:
            self._queue.add(self._place(job, cause))
        elif job not in self._flags.late:
            self._flags.late.add(job)
            text = "The last run is still at it; this turn is left out."
            self._around.say("warning", "turn_left_out", text, job=job)

    def _place(self, job: str, cause: Cause) -> Place:
        found = self._service.configuration.jobs[job]
        return Place(found, self._service.record(found, cause))

    def _begin(self) -> None:
        """Start what may start."""
        if self._flags.stopping:
            return
        for place in self._queue.begin(self._service.configuration.settings.parallel):
            self._flags.late.discard(place.job.name)
            place.record = replace(place.record, started=moment_text(self._around.now()))
            try:
                self._around.spawn(self._work(place, self._service), f"job-{place.job.name}")
            except RuntimeError as error:
                self._flags.unstarted.append((place, failed_record(place.record, error)))
                self._wake()

    def _work(self, place: Place, service: Service) -> Callable[[], None]:
        def work() -> None:
            self._ended_runs.begun(place.record)
            self._realtime.began(place.record)
            for announce in (self._around.began, self._around.told.begun):
                try:
                    announce(place.record)
                except Exception:
                    logging.getLogger(__name__).exception("the beginning of the run of %s was not told", place.job.name)
            try:
                manners = service.manners(place.job, default=Lock.WAIT)
                order = Order(stop=place.stop, debug=self._around.debug, manners=manners)
                record = service.run_one(place.job, order, self._hearing(place), place.record)
            except Exception as error:
                logging.getLogger(__name__).exception("a mistake of ours ended the run of %s", place.job.name)
                record = failed_record(place.record, error)
            self._ended(place, record)

        return work

    def _hearing(self, place: Place) -> Callable[[Event], None]:
        def hear(event: Event) -> None:
            if isinstance(event, PhaseStarted):
                place.phase = event.phase.value
            elif isinstance(event, Waiting):
                place.phase = "waiting"
            self._hub.send(place.record.id, event)
            self._tell(event)

        return hear

    def _ended(self, place: Place, record: Record) -> None:
        around, job = self._around, place.job.name
        self._hub.forget(place.record.id)
        self._realtime.ended(record)
        with self._changed:
            self._queue.end(job)
            self._flags.ending += 1
            now = around.now()
            self._timetable.ended(job, now)
            self._statistics.enter(record)
            self._begin()
            after = self._timetable.next_run(job)
            self._wake()
        try:
            self._ended_runs.settle(record)
        finally:
            with self._changed:
                self._flags.ending -= 1
                self._wake()
        if after != NEVER and not self._flags.stopping:
            left = max(0.0, after - now)
            around.say("info", "next_run", f"Next sync in {left:.0f} seconds...", job=job, seconds=round(left, 3))

    def _concerns(self, record: Record) -> bool:
        """Whether another process ran a job of ours: others may give one of theirs the same name."""
        job = self._service.configuration.jobs.get(record.job)
        return job is not None and (str(job.source), str(job.target)) == (record.source, record.target)

    def _enter(self, record: Record) -> None:
        """Another process has run a job of ours."""
        self._realtime.ended(record)
        with self._changed:
            self._statistics.enter(record)

    def _maintain(self) -> None:
        """What comes round from time to time."""
        around, moment = self._around, self._around.monotonic()
        if self._flags.reload or moment - self._looked >= LOOK:
            self._looked = moment
            with self._reading:
                if around.changed() or self._flags.reload:
                    self._reload()
        if moment - self._beaten >= BEAT:
            self._beaten = moment
            try:
                around.spawn(self._records, "records")
            except RuntimeError as error:
                around.say("warning", "no_thread", "No thread can be started; it is tried again.", why=str(error))

    def _records(self) -> None:
        """Say what lives, take in what ended elsewhere, forget what is old."""
        around = self._around
        if self._queue.running:
            around.remembered.beat()
        self._ended_runs.settle()
        self._state_warnings.look()
        around.told.revive()
        self.inspections.tidy()
        if around.monotonic() - self._tidied >= TIDY:
            self._tidied = around.monotonic()
            settings = self._service.configuration.settings
            around.remembered.prune(settings.keep_for, settings.keep_runs)

    # Another configuration.

    def reload(self) -> None:
        """Read the configuration again, soon; one that is wrong is refused and told, and the old one stays."""
        with self._changed:
            self._flags.reload = True
            self._wake()

    def renew(self) -> str:
        """Use the configuration as it stands on disk now; why it cannot be used, empty when it is in use."""
        with self._reading:
            # Where there was no file, one may have come.
            if self._around.changed() or self._flags.reload or not self._service.configuration.files:
                self._reload()
            return self._flags.refused

    def _reload(self) -> None:
        around = self._around
        self._flags.reload = False
        if around.load is None:
            return
        try:
            new = around.load(self._service)
        except ConfigError as error:
            self._refuse(" ".join(map(str, error.mistakes)))
            return
        except Exception as error:
            logging.getLogger(__name__).exception("a mistake of ours kept the configuration from being read")
            self._refuse(f"an unexpected {type(error).__name__}")
            return
        known = around.remembered.latest(tuple(new.configuration.jobs.values()))
        before, jobs = self._service.configuration.jobs, new.configuration.jobs
        same = {name for name, job in jobs.items() if name in before and pair(job) == pair(before[name])}
        with self._changed:
            self._service = new
            for place in list(self._queue):
                if place.job.name not in new.configuration.jobs:
                    self._queue.drop(place.job.name)
            self._statistics.know(*known, same)
            self._timetable.replace(self._lines(), around.now())
        good = "The configuration was read again and is in use."
        around.say("info", "configuration_read", good, jobs=len(new.configuration.jobs))
        around.told.replace(new)
        if around.schedules:
            self._realtime.replace(new)
        if self._flags.refused:
            self._flags.refused = ""
            around.told.notice("configuration", good, "", "", good=True)

    def _lines(self) -> Iterator[Line]:
        return lines(self._service.configuration) if self._around.schedules else iter(())

    def _refuse(self, why: str) -> None:
        if why != self._flags.refused:
            self._flags.refused = why
            what = "The new configuration is refused; the old one stays in use."
            self._around.say("error", "configuration_refused", what, why=why)
            self._around.told.notice("configuration", what, why, "Mend what is named; it is read again by itself.")

    # The end.

    def stop(self, signal: int = 0) -> None:
        """Take no more work, stop what runs politely, and let ``serve`` return."""
        with self._changed:
            self._flags.stopping = True
            for place in list(self._queue):
                self._queue.drop(place.job.name)
            for place in self._queue.running:
                place.stop.request(signal)
            self._wake()
        self.inspections.stop(signal)
        self._realtime.stop(signal)

    def _end(self) -> None:
        grace = self._service.configuration.settings.grace
        with self._changed:
            if self._queue.running:
                self._around.say(
                    "info", "stopping", f"Stopping; runs that are asked to end: {len(self._queue.running)}."
                )
        self.wait(grace)
        self._hub.end()

    @property
    def busy(self) -> bool:
        """Whether a run is under way, or waits to be."""
        return bool(len(self._queue))

    @property
    def service(self) -> Service:
        """Whose configuration is in use."""
        return self._service

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is under way and what has ended is told, for so long at most; whether that is so."""
        until = time.monotonic() + seconds
        with self._changed:
            ended = self._changed.wait_for(lambda: not (self._queue.running or self._flags.ending), seconds)
        settled = self._ended_runs.wait(max(0.0, until - time.monotonic()))
        followed = self._realtime.wait(max(0.0, until - time.monotonic()))
        return self.inspections.wait(max(0.0, until - time.monotonic())) and ended and settled and followed

    def _wake(self) -> None:
        self._woken = True
        self._changed.notify_all()

    # What can be asked (control.Control).

    @property
    def ended(self) -> bool:
        """Whether feeds get nothing more."""
        return self._hub.ended

    def state(self) -> State:
        """How it is."""
        around = self._around
        # Nobody waits for the state with the lock in hand.
        notifiers, relays, replications = self._notifiers.get(), around.relays(), around.replications()
        backlogs, agents = self._backlogs.get(), around.agents()
        with self._changed:
            configuration = self._service.configuration
            jobs = job_states(
                configuration,
                self._queue,
                self._statistics,
                paused=self.paused,
                due=self._timetable.next_run,
                began=self._started,
                realtime=self._realtime.state,
                backlogs=backlogs,
            )
            state = State(
                now=around.now(),
                started=self._started,
                heartbeat=self._heart,
                service=configuration.settings.service,
                paused=self.paused(""),
                stopping=self._flags.stopping,
                jobs=jobs,
                notifiers=notifiers,
                relays=relays,
                replications=replications,
                agents=agents,
                totals=dict(self._statistics.totals),
            )
            said = warnings((self._flags.refused, around.remembered.warning), state)
            return replace(state, warnings=(*said, *self._tell.failed))

    def paused(self, job: str) -> bool:
        """Whether the job is to begin nothing by itself; the empty name asks for all."""
        return self._pauses.includes(job) or self._service.configuration.paused

    def receivers(self, token: Callable[[], str]) -> Mapping[str, Receiver]:
        """What takes the events of sources, by path; ``token`` is asked for at each request."""
        return self._realtime.receivers(token)

    def trigger(
        self,
        job: str,
        *,
        max_delete: int | None = None,
        create_target: bool = False,
        plan: str = "",
        cause: Cause = Cause.API,
    ) -> str:
        """Run a job now; the id of the run. ``max_delete`` releases the guard for it: it may remove so many objects.

        ``plan`` is the inspection that somebody agreed to: it must have been one of the job as it is now.
        """
        planned = self.inspections.job(plan) if plan else None
        with self._changed:
            self._known(job)
            if plan and planned != self._service.configuration.jobs[job]:
                raise Outdated(job)
            if self._flags.stopping:
                raise Stopping
            place = self._queue.of(job)
            if place is not None:
                raise Busy(place.record.id)
            place = self._place(job, cause)
            if max_delete is not None:
                place.job = replace(place.job, max_delete=MaxDelete(None, max_delete))
                place.record = replace(place.record, max_delete=max_delete)
                text = f"Somebody has released the guard: this run may remove up to {objects(max_delete)}."
                self._around.say("warning", "released", text, job=job, objects=max_delete)
            if create_target:
                place.job = replace(place.job, create_target=True)
            self._queue.add(place)
            self._begin()
            return place.record.id

    def cancel(self, run: str) -> None:
        """Stop a run politely; one that has not begun is taken back."""
        with self._changed:
            place = self._queue.find(run)
            if place is None:
                raise UnknownRun(run)
            if self._queue.drop(place.job.name) is None:
                place.stop.request()

    def pause(self, job: str = "") -> None:
        """Start no more runs by schedule."""
        self._known(job)
        self._pauses.add(job)

    def resume(self, job: str = "") -> None:
        """Start them again, from their next time on."""
        self._known(job)
        self._pauses.remove(job)

    def _known(self, job: str) -> None:
        if job and job not in self._service.configuration.jobs:
            raise UnknownJob(job)

    def subscribe(self) -> Feed:
        """Hear every event from now on."""
        return self._hub.subscribe()

    def runs(self, *, job: str = "", status: str = "", before: str = "", limit: int = 50) -> tuple[Record, ...]:
        """Runs, the newest first."""
        return self._around.remembered.runs(job=job, status=status, before=before, limit=limit)

    def run(self, run: str) -> Record:
        """One run."""
        found = self._around.remembered.get(run)
        if found is None:
            raise UnknownRun(run)
        return found

    def progress(self, run: str) -> Progress | None:
        """How far a run is."""
        return self._hub.progress(run)

    def fates(self, run: str) -> Iterator[tuple[Outcome, str]]:
        """What became of each object of a run."""
        self.run(run)
        return self._around.remembered.fates(run)
