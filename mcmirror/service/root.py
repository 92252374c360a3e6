"""The composition root: configuration -> jobs -> runs, and who hears of them."""

import logging
import os
import threading
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from mcmirror.config import ConfigError, Configuration, Mistake, find_alias, home_of, known_aliases, load, nearest
from mcmirror.config import api_token as token_of
from mcmirror.config import secrets as config_secrets
from mcmirror.config import select as select_jobs
from mcmirror.config.inherited import unreadable
from mcmirror.config.replications import select as select_replication
from mcmirror.engine.order import Order
from mcmirror.engine.run import not_started
from mcmirror.messages.error_lookup import problem
from mcmirror.model.event import Event, Observer, RunFinished
from mcmirror.model.job import Job, MirrorOptions, Verb
from mcmirror.model.location import Alias, Location
from mcmirror.model.lock import Lock, Manners
from mcmirror.model.problem import Category, Problem, Trouble
from mcmirror.model.record import Cause, Record, run_id
from mcmirror.model.replication import Replication
from mcmirror.model.report import RunReport, Status
from mcmirror.model.stop import Stop
from mcmirror.model.streak import FAILURES
from mcmirror.movers.mc.find import Mc, find
from mcmirror.movers.mc.probe import McProbe, probing
from mcmirror.movers.mc.session import Session
from mcmirror.service import split_run
from mcmirror.service.fan_out import FanOut
from mcmirror.service.known_secrets import KnownSecrets
from mcmirror.service.one_run import events, failed_record, misconfigured
from mcmirror.service.recorder import recording
from mcmirror.service.target_turns import TargetTurns
from mcmirror.store.inbox import Inbox
from mcmirror.store.paths import folder, inbox, lock_folders

if TYPE_CHECKING:
    from mcmirror.engine.doctor import Finding
    from mcmirror.notify.listener import Audience
    from mcmirror.notify.message import NotTold
    from mcmirror.service.executors import Executor
    from mcmirror.service.notifications import NotificationThread
    from mcmirror.store.runs import Runs

__all__ = ["Service", "Verb"]

_OPTIONS = {field.name for field in fields(MirrorOptions)}


class Service:
    """Everything that a command line, a server or a dashboard asks of mcmirror."""

    def __init__(self, configuration: Configuration, environ: Mapping[str, str] | None = None) -> None:
        self.configuration = configuration
        self._environ = os.environ if environ is None else environ
        self._mc: Mc | None = None
        self._lock = threading.Lock()
        self.hidden = KnownSecrets()
        self.state = configuration.settings.state
        self.turns = TargetTurns(lock_folders(self.state, self._environ))
        self.inbox = Inbox(inbox(self.state))
        self._telling: list[NotificationThread] = []
        self._executor: Executor | None = None
        self.hidden.add(config_secrets(configuration, self._environ))

    @classmethod
    def load(cls, config: Path | None = None, *, needs_jobs: bool = False) -> Self:
        """Read the configuration of this folder; raises ConfigError with every mistake."""
        return cls(load(config, os.environ, Path.cwd(), needs_jobs=needs_jobs))

    def succeeded_by(self, configuration: Configuration) -> Self:
        """A service of another configuration, which keeps the known secrets and the turns at targets."""
        new = type(self)(configuration, self._environ)
        self.hidden.add(config_secrets(configuration, self._environ))
        new.hidden, new.turns, new.state, new.inbox = self.hidden, self.turns, self.state, self.inbox
        new.keep(self._executor)
        return new

    def keep(self, executor: "Executor | None") -> None:
        """Go on with an executor that another service has made."""
        self._executor = executor
        if executor is not None:
            executor.replace(self)

    def jobs(self, names: Sequence[str] = (), **overrides: Any) -> tuple[Job, ...]:
        """Return the named jobs, or all of them, with fields of the job or of its options replaced."""
        return tuple(_with(job, overrides) for job in select_jobs(self.configuration, names))

    def pair(self, source: str, target: str, **given: Any) -> Job:
        """Make a job of two locations, with the file's [defaults]; raises ConfigError when one is none.

        What is given replaces them; None stands for what is not given.
        """
        mistakes, places = list[Mistake](), list[Location]()
        for key, text in (("SOURCE", source), ("TARGET", target)):
            try:
                places.append(Location.parse(text))
            except ValueError as wrong:
                remedy = "Write alias/bucket[/prefix], or a local folder as ./folder or /folder."
                mistakes.append(Mistake("", key, f"{text!r}: {wrong}", remedy))
        if mistakes:
            raise ConfigError(mistakes)
        name, (one, other) = f"{places[0]} → {places[1]}", places
        defaults = self.configuration.pair
        job = replace(defaults, name=name, source=one, target=other) if defaults else Job(name, one, other)
        return _with(job, given)

    def replication(self, name: str) -> Replication:
        """Return the replication of this name, whose aliases are defined; raises ConfigError."""
        return select_replication(self.configuration, name, self.alias_names())

    def alias_names(self) -> list[str]:
        """Return the names of all aliases that are defined anywhere."""
        return [alias.name for alias in known_aliases(self.configuration, self._environ, home_of(self._environ))]

    @property
    def environ(self) -> Mapping[str, str]:
        """The variables that references are resolved with."""
        return self._environ

    def redact(self, text: str) -> str:
        """Take every secret that this service has met out of a text."""
        return self.hidden.redact(text)

    def alias(self, name: str) -> Alias | None:
        """Find an alias where a person may have defined it; its secrets are redacted from now on."""
        found = find_alias(name, self.configuration, self._environ, home_of(self._environ))
        if found is not None:
            self.hidden.add(found.secrets())
        return found

    def api_token(self) -> str:
        """The API's bearer token as it is now, empty for none; raises ConfigError."""
        token = token_of(self.configuration, self._environ)
        self.hidden.add([token] if token else [])
        return token

    def mc(self) -> Mc:
        """Find mc, once; raises McNotFound or McUnusable."""
        with self._lock:
            if self._mc is None:
                self._mc = find(self.configuration.settings.mc, self._environ, folder(self.state) / "mc.json")
            return self._mc

    def session(self, aliases: Sequence[Alias], **how: Any) -> Session:
        """Open a private place for mc to run in, for these aliases."""
        return Session(self.mc().path, aliases, proxy=self.configuration.settings.proxy, **how)

    def probe(self, aliases: Sequence[Alias]) -> AbstractContextManager[McProbe]:
        """Make ready to ask the servers of these aliases single questions."""
        return probing(self.session(aliases))

    def check_alias(self, alias: Alias) -> Problem | None:
        """Ask the server of an alias whether it is there and takes the keys; None when all is well."""
        from mcmirror.engine.doctor import Grade, check_alias

        findings = check_alias(alias, self.probe)
        return next((finding.problem for finding in findings if finding.grade is Grade.FAILED), None)

    def examine(self, jobs: Sequence[Job], *, alone: bool = False, write: bool = True) -> Iterator["Finding"]:
        """Look at mc, at each alias, and at each right that the jobs need.

        With ``alone`` only the aliases of the jobs are looked at, else all configured ones and those of ``MC_HOST_*``.
        ``write`` puts an object on each target and removes it.
        """
        from mcmirror.engine.doctor import examine

        names = [place.alias for job in jobs for place in (job.source, job.target) if place.alias]
        if not alone:
            names += [*self.configuration.aliases, *(name[8:] for name in self._environ if name.startswith("MC_HOST_"))]
        return examine(jobs, self._resolved(dict.fromkeys(names)), self._asked_mc, self.probe, write=write)

    def _asked_mc(self) -> str:
        """The mc that is there now: what it answered before is no answer. Raises McNotFound or McUnusable."""
        return str(find(self.configuration.settings.mc, self._environ))

    def _resolved(self, names: Iterable[str]) -> Iterator[tuple[str, Alias | Problem]]:
        for name in names:
            try:
                yield name, self.aliases([name])[name]
            except Trouble as trouble:
                yield name, trouble.problem
            except ConfigError as error:
                yield name, misconfigured(error, name)

    def run(  # noqa: PLR0913
        self,
        jobs: Sequence[Job],
        observers: Sequence[Observer] = (),
        *,
        verb: Verb = Verb.RUN,
        content: float | None = None,
        metadata: float | None = None,
        parallel: int | None = None,
        stop: Stop | None = None,
        debug: bool = False,
        lock: Lock | None = None,
    ) -> tuple[RunReport, ...]:
        """Run the jobs, ``parallel`` at a time, each to its end whatever becomes of the others; reports in their order.

        Observers are called one at a time; one that raises is logged and harms nothing. The jobs' notifiers hear of it
        too: ``finish`` waits for them.
        """
        tell, stop = FanOut(observers), stop or Stop()
        told = self._told(jobs) if verb is Verb.RUN else None

        def one(job: Job) -> RunReport:
            order, record = Order(verb, content, metadata, stop, debug, self.manners(job, lock)), self.record(job)
            if told is not None:
                told.begun(record)
            try:
                record = self.run_one(job, order, tell, record)
            except Exception as error:
                logging.getLogger(__name__).exception("a mistake of ours ended the run of %s", job.name)
                record = failed_record(record, error)
            if told is not None:
                told.finished(record)
            assert record.report is not None  # noqa: S101  a run ends with one
            return record.report

        at_once = min(len(jobs), parallel or self.configuration.settings.parallel)
        if at_once <= 1:
            return tuple(one(job) for job in jobs)
        from concurrent.futures import ThreadPoolExecutor

        # A thread that starts an mc also waits for it: the death signal hangs on the thread.
        with ThreadPoolExecutor(at_once, thread_name_prefix="job") as pool:
            return tuple(pool.map(one, jobs))

    def manners(self, job: Job, lock: Lock | None = None, default: Lock = Lock.SKIP) -> Manners:
        """How the job stands in line: as told, else as configured, else by default."""
        schedule = self.configuration.schedules.get(job.name, self.configuration.pair_schedule)
        if schedule is None:
            return Manners(lock or default)
        return Manners(lock or Lock(schedule.lock or default), schedule.lock_timeout)

    def record(self, job: Job, cause: Cause = Cause.HAND) -> Record:
        """A new run of the job, which begins now."""
        now = datetime.now(UTC)
        started = now.isoformat(timespec="milliseconds")
        host, pid = os.uname().nodename, os.getpid()
        return Record(run_id(now), job.name, str(job.source), str(job.target), cause, started, host, pid)

    def run_one(self, job: Job, order: Order, tell: Observer, record: Record) -> Record:
        """Run one job to its end and return its record; a run that writes is remembered under the record's id."""
        with recording(self.inbox if order.writes(job) else None, record) as recorder:
            hear = FanOut((recorder, tell))
            for event in self.events(job, order, tell, record.id):
                hear(self._counted(event, record) if order.writes(job) else event)
        return recorder.record

    def events(self, job: Job, order: Order, tell: Observer, run: str = "") -> Generator[Event, None, RunReport]:
        """Run a job to its report where it belongs: here, or at its agent. The last event is RunFinished."""
        if split_run.splits(job, order):
            return split_run.events(job, order, lambda part, what: self.events(part, what, tell))
        if not job.agent:
            return events(job, order, self, tell)
        try:
            executor = self.executor()
        except ConfigError as error:
            return not_started(job, Status.FAILED, misconfigured(error, job.name))
        except Trouble as trouble:
            return not_started(job, Status.FAILED, trouble.problem)
        return executor.events(job, order, run, tell)

    def executor(self) -> "Executor":
        """What runs the jobs of agents; raises ConfigError, and Trouble when what it needs is not installed."""
        from mcmirror.service.executors import make

        with self._lock:
            if self._executor is None:
                made = make(self)
                made.start()
                self._executor = made
            return self._executor

    def finish_agents(self) -> None:
        """Let go of what brings runs to agents; the next use makes it again."""
        with self._lock:
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.stop()

    def agent_keys(self, name: str) -> tuple[str, ...]:
        """The keys of an agent, the one that seals first; raises ConfigError."""
        from mcmirror.config.agents import keys

        found = keys(self.configuration, name, self._environ)
        self.hidden.add(found)
        return found

    def _told(self, jobs: Sequence[Job]) -> "NotificationThread | None":
        """Who tells the notifiers of these jobs, if they have any; dry runs are nobody's news."""
        schedules = self.configuration.schedules
        heard = [
            job for job in jobs if not job.options.dry_run and job.name in schedules and schedules[job.name].notify
        ]
        if not heard:
            return None
        from mcmirror.service.notifications import NotificationThread

        telling = NotificationThread(self, heard, once=True)
        telling.start()
        self._telling.append(telling)
        return telling

    def audience(self, jobs: Iterable[Job]) -> "Audience":
        """Everybody who is told of these jobs."""
        from mcmirror.notify.listener import audience

        found = audience(self.configuration, jobs, self._environ)
        self.hidden.add(found.secrets)
        return found

    def finish(self, stop: Stop) -> "tuple[NotTold, ...]":
        """Wait for what notifiers have still to deliver, at most a few seconds; return what could not be told.

        Runs that could not be written down until now are among it.
        """
        self._tidy()
        self.finish_agents()
        return (*self._unwritten(), *(failed for telling in self._telling for failed in telling.finish(stop)))

    def _unwritten(self) -> "Iterator[NotTold]":
        self.inbox.retry()
        if number := self.inbox.unwritten:
            from mcmirror.notify.message import NotTold

            what = f"{'a run is' if number == 1 else f'{number} runs are'} not remembered: history lacks its end"
            remedy = "Make room there and let this user write, or name another state. What the run did stands."
            yield NotTold(what, f"{inbox(self.state)}: {self.inbox.why}", remedy)

    def _counted(self, event: Event, record: Record) -> Event:
        """The event; the end of a run that failed gets the number of failures in a row."""
        if not isinstance(event, RunFinished) or event.report.status not in FAILURES:
            return event
        with self._runs() as runs:
            return replace(event, report=replace(event.report, failures=1 + runs.failures(record)))

    @contextmanager
    def _runs(self) -> "Iterator[Runs]":
        from mcmirror.store.database import Database
        from mcmirror.store.runs import Runs

        database = Database(self.state)
        yield Runs(database, self.inbox)
        database.close()

    def _tidy(self) -> None:
        """Take what single runs have written down into the state, once in a while: maybe nobody else ever looks."""
        if self.inbox.crowded:
            with self._runs() as runs:
                runs.absorb()

    def aliases(self, names: Iterable[str]) -> dict[str, Alias]:
        """Resolve these aliases; raises Trouble for one that is defined nowhere."""
        found = dict[str, Alias]()
        for name in dict.fromkeys(names):
            alias = self.alias(name)
            if alias is None:
                known = self.alias_names()
                guess = nearest(name, known)
                cause = f"defined are: {', '.join(known) or 'none'}" + (f"; did you mean {guess}?" if guess else "")
                cause = "; ".join((cause, *unreadable(self._environ, home_of(self._environ))))
                raise Trouble(problem(Category.ALIAS_UNKNOWN, f"there is no alias {name}", cause, name))
            found[name] = alias
        return found


def _with(job: Job, given: Mapping[str, Any]) -> Job:
    """Replace fields of the job and of its options; what is None stays as it is."""
    wanted = {name: value for name, value in given.items() if value is not None}
    options = replace(job.options, **{name: wanted.pop(name) for name in list(wanted) if name in _OPTIONS})
    return replace(job, options=options, **wanted)
