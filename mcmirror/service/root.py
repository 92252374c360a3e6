"""The composition root: configuration -> jobs -> runs, and who hears of them."""

import logging
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from mcmirror.config import ConfigError, Configuration, Mistake, find_alias, home_of, known_aliases, load, nearest
from mcmirror.config import select as select_jobs
from mcmirror.config.inherited import unreadable
from mcmirror.engine.context import Context, Verb
from mcmirror.engine.run import not_started, run
from mcmirror.mc import argv
from mcmirror.mc.find import Mc, capabilities, find, require
from mcmirror.mc.session import Session
from mcmirror.mc.troubleshoot import problem
from mcmirror.model.event import Event, McSaid, Observer
from mcmirror.model.job import Job, MirrorOptions
from mcmirror.model.location import Alias, Location
from mcmirror.model.problem import Category, Problem, Trouble
from mcmirror.model.redact import redactor
from mcmirror.model.report import RunReport, Status
from mcmirror.model.stop import Stop
from mcmirror.store.lock import Held, NoLock, TargetLock
from mcmirror.store.memory import PairMemory
from mcmirror.store.place import folder

if TYPE_CHECKING:
    from mcmirror.engine.doctor import Finding
    from mcmirror.notify.message import NotTold
    from mcmirror.notify.tell import Teller

__all__ = ["Service", "Verb"]

_OPTIONS = {field.name for field in fields(MirrorOptions)}


class Service:
    """Everything that a command line, a server or a dashboard asks of mcmirror."""

    def __init__(self, configuration: Configuration, environ: Mapping[str, str] | None = None) -> None:
        self.configuration = configuration
        self._environ = os.environ if environ is None else environ
        self._secrets = set[str]()
        self._redact: Callable[[str], str] = str
        self._mc: Mc | None = None
        self._lock = threading.Lock()
        self._turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        """Jobs of ours with one target take turns; the lock is for other processes."""
        self._tellers: list[Teller] = []

    @classmethod
    def load(cls, config: Path | None = None, *, needs_jobs: bool = False) -> Self:
        """Read the configuration of this folder; raises ConfigError with every mistake."""
        return cls(load(config, os.environ, Path.cwd(), needs_jobs=needs_jobs))

    def jobs(self, names: Sequence[str] = (), **overrides: Any) -> tuple[Job, ...]:
        """Return the named jobs, or all of them, with fields of the job or of its options replaced."""
        return tuple(_with(job, overrides) for job in select_jobs(self.configuration, names))

    def pair(self, source: str, target: str, **given: Any) -> Job:
        """Make a job of two locations; raises ConfigError when one is none."""
        mistakes, places = list[Mistake](), list[Location]()
        for key, text in (("SOURCE", source), ("TARGET", target)):
            try:
                places.append(Location.parse(text))
            except ValueError as wrong:
                remedy = "Write alias/bucket[/prefix], or a local folder as ./folder or /folder."
                mistakes.append(Mistake("", key, f"{text!r}: {wrong}", remedy))
        if mistakes:
            raise ConfigError(mistakes)
        return _with(Job(f"{places[0]} → {places[1]}", places[0], places[1]), given)

    def redact(self, text: str) -> str:
        """Take every secret that this service has met out of a text."""
        return self._redact(text)

    def alias(self, name: str) -> Alias | None:
        """Find an alias where a person may have defined it; its secrets are redacted from now on."""
        found = find_alias(name, self.configuration, self._environ, home_of(self._environ))
        if found is not None:
            self._hide(found.secrets())
        return found

    def _hide(self, secrets: Iterable[str]) -> None:
        with self._lock:
            self._secrets.update(secrets)
            self._redact = redactor(self._secrets)

    def mc(self) -> Mc:
        """Find mc, once; raises McNotFound or McUnusable."""
        with self._lock:
            if self._mc is None:
                self._mc = find(self.configuration.settings.mc, self._environ)
            return self._mc

    def session(self, aliases: Sequence[Alias], **how: Any) -> Session:
        """Open a private place for mc to run in, for these aliases."""
        return Session(self.mc().path, aliases, proxy=self.configuration.settings.proxy, **how)

    def check_alias(self, alias: Alias) -> Problem | None:
        """Ask the server of an alias whether it is there and takes the keys; None when all is well."""
        from mcmirror.engine.doctor import Grade, check_alias

        findings = check_alias(alias, self.session)
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
        return examine(jobs, self._resolved(dict.fromkeys(names)), self.mc, self.session, write=write)

    def _resolved(self, names: Iterable[str]) -> Iterator[tuple[str, Alias | Problem]]:
        for name in names:
            try:
                yield name, self._aliases([name])[name]
            except Trouble as trouble:
                yield name, trouble.problem
            except ConfigError as error:
                causes = "; ".join(one.message for one in error.mistakes)
                remedies = " ".join(dict.fromkeys(one.remedy for one in error.mistakes))
                where = ", ".join(f"{one.file}: {one.key}" for one in error.mistakes)
                yield name, problem(Category.CONFIGURATION, where, causes, name, remedy=remedies)

    def run(  # noqa: PLR0913
        self,
        jobs: Sequence[Job],
        observers: Sequence[Observer] = (),
        *,
        verb: Verb = Verb.RUN,
        content: float | None = None,
        parallel: int | None = None,
        stop: Stop | None = None,
        debug: bool = False,
    ) -> tuple[RunReport, ...]:
        """Run the jobs, ``parallel`` at a time, each to its end whatever becomes of the others; reports in their order.

        Observers are called one at a time; one that raises is logged and harms nothing. The jobs' notifiers hear of it
        too: ``finish`` waits for them.
        """
        stop = stop or Stop()
        tell = _Told((*observers, *(self._notified(jobs) if verb is Verb.RUN else ())))

        def one(job: Job) -> RunReport:
            events = self._events(job, tell, verb, content, stop, debug=debug)
            while True:
                try:
                    tell(next(events))
                except StopIteration as end:
                    report: RunReport = end.value
                    return report

        at_once = min(len(jobs), parallel or self.configuration.settings.parallel)
        if at_once <= 1:
            return tuple(one(job) for job in jobs)
        from concurrent.futures import ThreadPoolExecutor

        # A thread that starts an mc also waits for it: the death signal hangs on the thread.
        with ThreadPoolExecutor(at_once, thread_name_prefix="job") as pool:
            return tuple(pool.map(one, jobs))

    def _notified(self, jobs: Sequence[Job]) -> Sequence[Observer]:
        """The observer that tells the notifiers of these jobs, if they have any."""
        schedules = self.configuration.schedules
        heard = [
            job for job in jobs if not job.options.dry_run and job.name in schedules and schedules[job.name].notify
        ]
        if not heard:
            return ()
        from mcmirror.notify.listener import audience
        from mcmirror.notify.tell import Teller
        from mcmirror.store.verdicts import Verdicts

        found, settings = audience(self.configuration, heard, self._environ), self.configuration.settings
        self._hide(found.secrets)
        memory = Verdicts(settings.state)
        teller = Teller(found.listeners, memory, service=settings.service, redact=self.redact, failed=found.failed)
        self._tellers.append(teller)
        return (teller,)

    def finish(self, stop: Stop) -> "tuple[NotTold, ...]":
        """Wait for what notifiers have still to deliver, at most a few seconds; return what could not be told."""
        return tuple(failed for teller in self._tellers for failed in teller.finish(stop))

    def _events(  # noqa: PLR0913
        self, job: Job, tell: Observer, verb: Verb, content: float | None, stop: Stop, *, debug: bool
    ) -> Generator[Event, None, RunReport]:
        """One run with what it needs around it: mc, aliases, a private session, the lock, the memory."""
        with ExitStack() as around:
            try:
                job = _at_its_prefix(job)
                aliases = self._aliases(place.alias for place in (job.source, job.target) if not place.is_local)
                mc = self.mc()
                flags, warning = _capabilities(mc, job)
            except Trouble as trouble:
                return (yield from not_started(job, Status.FAILED, trouble.problem))
            writes = verb is Verb.RUN and not job.options.dry_run
            state = self.configuration.settings.state
            source, target = (_address(place, aliases) for place in (job.source, job.target))
            journal: TargetLock | NoLock = TargetLock(folder(state), target) if writes else NoLock()
            if writes:
                with self._lock:
                    turn = self._turns[target]
                around.enter_context(turn)
            try:
                around.enter_context(journal)
            except Held:
                found = problem(Category.LOCKED, f"another run writes to {job.target}", "", str(job.target))
                return (yield from not_started(job, Status.SKIPPED, found))
            except OSError as error:
                journal = NoLock()
                logging.getLogger(__name__).warning("no lock for %s: %s", job.target, error)
            memory = PairMemory(state, f"{source} {target}")
            around.callback(memory.close)
            try:
                session = around.enter_context(
                    self.session(
                        tuple(aliases.values()),
                        workers=job.options.workers,
                        stop=stop,
                        debug=(lambda text: tell(McSaid(job.name, text))) if debug else None,
                    )
                )
            except OSError as error:
                found = problem(Category.DISK_FULL, "no private folder for mc could be made", str(error))
                return (yield from not_started(job, Status.FAILED, found))
            context = Context(
                job=job,
                session=session,
                memory=memory,
                journal=journal,
                stop=stop,
                verb=verb,
                content=content,
                capabilities=flags,
                debug=debug,
                warnings=(warning,) if warning else (),
            )
            report = yield from run(context)
            if memory.warning:
                logging.getLogger(__name__).warning(memory.warning)
            return report

    def _aliases(self, names: Iterable[str]) -> dict[str, Alias]:
        """Resolve these aliases; raises Trouble for one that is defined nowhere."""
        found = dict[str, Alias]()
        for name in dict.fromkeys(names):
            alias = self.alias(name)
            if alias is None:
                known = [one.name for one in known_aliases(self.configuration, self._environ, home_of(self._environ))]
                guess = nearest(name, known)
                cause = f"defined are: {', '.join(known) or 'none'}" + (f"; did you mean {guess}?" if guess else "")
                cause = "; ".join((cause, *unreadable(self._environ, home_of(self._environ))))
                raise Trouble(problem(Category.ALIAS_UNKNOWN, f"there is no alias {name}", cause, name))
            found[name] = alias
        return found


class _Told:
    """Calls the observers, one event at a time, from however many threads."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)
        self._lock = threading.RLock()

    def __call__(self, event: Event) -> None:
        with self._lock:
            for observer in self._observers:
                try:
                    observer(event)
                except Exception:
                    logging.getLogger(__name__).exception("an observer failed at %s", type(event).__name__)


def _with(job: Job, given: Mapping[str, Any]) -> Job:
    """Replace fields of the job and of its options; what is None stays as it is."""
    wanted = {name: value for name, value in given.items() if value is not None}
    options = replace(job.options, **{name: wanted.pop(name) for name in list(wanted) if name in _OPTIONS})
    return replace(job, options=options, **wanted)


def _at_its_prefix(job: Job) -> Job:
    """Put the prefix of today below source and target."""
    if not job.prefix:
        return job
    from mcmirror.config.prefix import expand

    prefix = expand(job.prefix, datetime.now(UTC), job.timezone)
    return replace(job, source=job.source.below(prefix), target=job.target.below(prefix))


def _capabilities(mc: Mc, job: Job) -> tuple[frozenset[str], Problem | None]:
    """Probe mc for what the job's options need; raises McUnusable. ``workers`` is done without where it must be."""
    needed = argv.needed_capabilities(job.options)
    if not needed:
        return frozenset(), None
    flags = capabilities(mc)
    require(mc, needed - {argv.MAX_WORKERS})
    if argv.MAX_WORKERS in needed - flags:
        what = f"{job.options.workers} workers are where mc starts from, not a limit"
        return flags, problem(Category.MC_TOO_OLD, what, f"mc {mc.version} has no {argv.MAX_WORKERS}")
    return flags, None


def _address(place: Location, aliases: Mapping[str, Alias]) -> str:
    """The place under a name that is the same for every alias of a server."""
    return place.path if place.is_local else f"{aliases[place.alias].url.rstrip('/').lower()}/{place.path}"
