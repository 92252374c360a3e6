"""The jobs of a server that run in real time: a follower each, as the configuration has it."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from mcmirror.config import ConfigError
from mcmirror.engine.key_batch import Outcome, sync
from mcmirror.messages.exceptions import problem_of
from mcmirror.model.change import Change, Heard
from mcmirror.model.control import Busy, Stopping, UnknownJob
from mcmirror.model.dirty import Dirty
from mcmirror.model.event import Event
from mcmirror.model.job import Job, MaxDelete, MirrorOptions
from mcmirror.model.location import Alias
from mcmirror.model.lock import Lock
from mcmirror.model.problem import Problem, Trouble
from mcmirror.model.realtime import POLL, WEBHOOK, Realtime, RealtimeState
from mcmirror.model.record import Cause, Record
from mcmirror.model.relay import NotStored, Receiver
from mcmirror.model.s3_event import parse
from mcmirror.model.stop import Stop
from mcmirror.movers.mc.mover import McMover
from mcmirror.realtime.canary import Canary
from mcmirror.realtime.changes import changes
from mcmirror.realtime.follower import Follower
from mcmirror.realtime.listener import Listener, Open
from mcmirror.service.dependencies import Follow, Notifications, Say
from mcmirror.service.key_runs import key_runs
from mcmirror.service.one_run import at_its_prefix, misconfigured
from mcmirror.service.root import Service
from mcmirror.store.backlog import pair_name
from mcmirror.store.database import Unusable
from mcmirror.store.dirty_keys import DirtyKeys

NAME = "canary"
"""Of the key below the canary's prefix."""
SCHEME = "sqs://"


class Runs(Protocol):
    """What the followers want of the server."""

    def trigger(self, job: str, *, cause: Cause) -> str:
        """Begin a full run; raises Busy, Stopping, UnknownJob."""

    def paused(self, job: str) -> bool:
        """Whether the job is to begin nothing."""


class JobHands:
    """What the follower of one job does to the world."""

    def __init__(  # noqa: PLR0913, PLR0917  each from another hand
        self, service: Service, job: Job, runs: Runs, say: Say, told: Notifications, follow: Follow | None
    ) -> None:
        """``follow`` hears of each key."""
        self._service, self._job, self._runs = service, job, runs
        self._say, self._told, self._follow = say, told, follow
        self.stop = Stop()
        """Ends a batch that is under way."""

    @property
    def paused(self) -> bool:
        """Whether nothing is to begin."""
        return self._runs.paused(self._job.name)

    def catch_up(self) -> bool:
        """Have the server begin a full run."""
        try:
            self._runs.trigger(self._job.name, cause=Cause.CATCH_UP)
        except (Busy, Stopping, UnknownJob):
            return False
        return True

    def replace(self, service: Service) -> None:
        """Work with another configuration in which the job is the same."""
        self._service = service

    def sync(self, keys: Sequence[Dirty], limit: MaxDelete) -> Outcome:
        """Make a batch, beside whatever else writes to the target."""
        run = key_runs(self._service, self._job, self.stop, Lock.SKIP, self._tell)
        return sync(run, keys, limit)

    def _tell(self, event: Event) -> None:
        if self._follow is not None:
            self._follow.event(event)

    def heard(self, changes: Sequence[Change]) -> None:
        """Say what was heard to whoever follows."""
        if self._follow is not None:
            self._follow.heard(self._job.name, changes)

    def say(self, level: str, event: str, text: str, /, **fields: object) -> None:
        """Write a line of the log."""
        self._say(level, event, text, **fields)

    def notice(self, what: str, why: str, remedy: str, *, good: bool) -> None:
        """Tell an outage, or its end."""
        self._told.notice(f"realtime {self._job.name}", what, why, remedy, good=good)

    # The channel, and the canary in it.

    def listen(self, stop: Stop) -> Iterator[Sequence[Heard]]:
        """Open the channel; ends when the stop is requested, raises Trouble when it cannot be heard."""
        if self._job.source.is_local:
            from mcmirror.realtime import folder

            yield from folder.listen(self._job.source.path, stop)
            return
        with self._service.session(self._aliases(), stop=stop) as session:
            yield from McMover(session, self._job, stop=stop).watch(self._job.source)

    def write_canary(self) -> Problem | None:
        """Write the canary at the source."""
        return self._ask(lambda probe, place: probe.write(place, NAME, self._job.name, MirrorOptions()))

    def remove_canary(self) -> Problem | None:
        """Remove it."""
        return self._ask(lambda probe, place: probe.remove(place.child(NAME)))

    def _ask(self, question: Callable[..., Problem | None]) -> Problem | None:
        realtime = self._service.configuration.schedules[self._job.name].realtime
        assert realtime is not None  # noqa: S101
        place = self._job.source.below(realtime.canary)
        try:
            with self._service.probe(self._aliases()) as probe:
                return question(probe, place)
        except Trouble as trouble:
            return trouble.problem
        except Exception as error:
            logging.getLogger(__name__).exception("the canary of %s met a mistake of ours", self._job.name)
            return problem_of(error, "the canary was not written")

    def _aliases(self) -> tuple[Alias, ...]:
        """The source's; raises Trouble."""
        source = self._job.source
        try:
            return tuple(self._service.aliases([] if source.is_local else [source.alias]).values())
        except ConfigError as error:
            raise Trouble(misconfigured(error, self._job.name)) from None


@dataclass(frozen=True, slots=True)
class Webhook:
    """Implements ``relay.Receiver`` for one job."""

    token: str
    follower: Follower

    def receive(self, body: bytes) -> None:
        """Mark what the source's server tells. Raises ValueError, and NotStored."""
        try:
            self.follower.store(list(changes(parse(body), self.follower.job)))
        except Unusable as error:
            raise NotStored(str(error)) from None


def _servers(service: Service, job: Job) -> object:
    """By which the servers of a job, and its keys, are known again; None where they cannot be read now."""
    try:
        found = service.aliases(place.alias for place in (job.source, job.target) if not place.is_local)
    except (Trouble, ConfigError):
        return None
    return tuple((alias.url, *alias.secrets()) for alias in found.values())


def _has_token(service: Service) -> bool:
    try:
        return bool(service.api_token())
    except ConfigError:
        return False


class RealtimeJobs:
    """The followers. Thread-safe."""

    def __init__(
        self,
        dirty_keys: Callable[[str], DirtyKeys],
        runs: Runs,
        say: Say,
        told: Notifications,
        follow: Follow | None = None,
    ) -> None:
        """``dirty_keys`` returns the set of a pair, by its name; ``follow`` hears of each key."""
        self._dirty_keys, self._runs, self._say, self._told, self._follow = dirty_keys, runs, say, told, follow
        self._lock = threading.Lock()
        self._followers: dict[str, tuple[Follower, JobHands, object]] = {}
        self._ending = list[Follower]()
        self._stopped = False

    def replace(self, service: Service) -> None:
        """Follow the jobs of this configuration; one that is as before goes on."""
        configuration = service.configuration
        wanted = {
            name: (at_its_prefix(job), schedule.realtime, _servers(service, job))
            for name, job in configuration.jobs.items()
            if (schedule := configuration.schedules.get(name)) is not None and schedule.realtime is not None
        }
        with self._lock:
            if self._stopped:
                return
            for name in [name for name, (_, _, mark) in self._followers.items() if wanted.get(name) != mark]:
                self._end(name)
            for _, hands, _ in self._followers.values():
                hands.replace(service)
            for name in wanted.keys() - self._followers.keys():
                job, realtime, _ = wanted[name]
                assert realtime is not None  # noqa: S101
                pair = pair_name(name, *map(str, (configuration.jobs[name].source, configuration.jobs[name].target)))
                follower, hands = self._made(service, job, realtime, pair)
                self._followers[name] = (follower, hands, wanted[name])
                follower.start()

    def _made(self, service: Service, job: Job, realtime: Realtime, pair: str) -> tuple[Follower, JobHands]:
        hands = JobHands(service, job, self._runs, self._say, self._told, self._follow)
        dirty = self._dirty_keys(pair)
        canary = None
        if realtime.canary and realtime.events != POLL:
            canary = Canary(hands.write_canary, hands.remove_canary)
        listener: Callable[[Follower], Listener] | None = None
        if realtime.events not in {POLL, WEBHOOK}:
            opened: Open = hands.listen
            if realtime.events.startswith(SCHEME):
                from mcmirror.realtime.sqs import listen_to

                opened = listen_to(realtime.events, job)

            def made(follower: Follower) -> Listener:
                return Listener(opened, follower.hear, follower.connected)

            listener = made
        if realtime.events == WEBHOOK and not _has_token(service):
            what = f"Nobody can post to /events/{job.name}: the API has no token."
            do = "Set [settings] api_token, or MCMIRROR_API_TOKEN, and give it to the server's webhook."
            hands.say("warning", "no_token", what, job=job.name, remedy=do)
        return Follower(job, realtime, dirty, hands, listener=listener, canary=canary), hands

    def _end(self, name: str) -> None:
        follower, hands, _ = self._followers.pop(name)
        hands.stop.request()
        follower.stop()
        self._ending.append(follower)

    def began(self, record: Record) -> None:
        """A full run begins."""
        if (found := self._of(record)) is not None:
            found.began(record)

    def ended(self, record: Record) -> None:
        """A full run has ended."""
        if (found := self._of(record)) is not None:
            found.ended(record)

    def _of(self, record: Record) -> Follower | None:
        with self._lock:
            found = self._followers.get(record.job)
        return found[0] if found else None

    def state(self, job: str) -> RealtimeState | None:
        """How a job in real time is; None when it is none."""
        with self._lock:
            found = self._followers.get(job)
        return found[0].state() if found else None

    def receivers(self, token: Callable[[], str]) -> Mapping[str, Receiver]:
        """What takes webhooks, by path: those of jobs whose source tells by one, while the API has a token."""
        given = token()
        if not given:
            return {}
        with self._lock:
            followers = [found for found, _, _ in self._followers.values() if found.realtime.events == WEBHOOK]
        return {f"/events/{found.job.name}": Webhook(given, found) for found in followers}

    def stop(self, signal: int = 0) -> None:
        """Begin nothing more, and end what is under way politely."""
        with self._lock:
            self._stopped = True
            for name in list(self._followers):
                self._followers[name][1].stop.request(signal)
                self._end(name)

    def wait(self, seconds: float) -> bool:
        """Wait for the end of what is under way; whether it has ended."""
        with self._lock:
            ending, self._ending = self._ending, []
        until = time.monotonic() + seconds
        ended = [follower.join(max(0.0, until - time.monotonic())) for follower in ending]
        with self._lock:
            self._ending += [follower for follower, over in zip(ending, ended, strict=True) if not over]
        return all(ended)
