"""Who hears of which jobs, what is worth telling them, and what they were told before."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mcmirror.config import ConfigError, Configuration, Notifier
from mcmirror.config.notifiers import resolved, secrets
from mcmirror.model.event import RunFinished, RunStarted
from mcmirror.model.job import Job
from mcmirror.model.report import RunReport
from mcmirror.model.streak import FAILURES, Streak
from mcmirror.notify.message import NotTold, Occasion, finished, occasion, plain, started, wanted
from mcmirror.notify.slack import Slack, SlackWebhook
from mcmirror.notify.webhook import BODY, Webhook


class Memory(Protocol):
    """What listeners were told before."""

    warning: str

    def read(self, job: str, listener: str) -> Streak:
        """The streak, or an empty one."""

    def write(self, job: str, listener: str, streak: Streak) -> None:
        """Replace the streak."""

    def close(self) -> None:
        """Let go of it."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A job, for those who hear of it."""

    key: str
    """By which it is remembered."""
    source: str
    """Without the prefix of today."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Somebody who is told of some jobs."""

    name: str
    channel: Slack | SlackWebhook | Webhook
    on: frozenset[str]
    jobs: Mapping[str, Subject]
    """By name: those of this run."""

    def at(self, desk: "Desk") -> "Messages | Pings":
        """What handles its events."""
        if isinstance(self.channel, Webhook):
            return Pings(self, self.channel, desk)
        return Messages(self, self.channel, desk)


@dataclass(frozen=True, slots=True)
class Desk:
    """What every delivery needs."""

    memory: Memory
    service: str
    redact: Callable[[str], str]
    now: Callable[[], datetime]


class Messages:
    """Each run of each job by itself."""

    def __init__(self, listener: Listener, channel: Slack | SlackWebhook, desk: Desk) -> None:
        self._listener = listener
        self._channel = channel
        self._desk = desk

    def __call__(self, event: RunStarted | RunFinished) -> None:
        """Tell what is to be told of it; raises NotTold."""
        if isinstance(event, RunFinished):
            self._finished(event.report)
        elif "start" in self._listener.on:
            self._channel.tell(started(event, self._desk.service).redacted(self._desk.redact))

    def _finished(self, report: RunReport) -> None:
        desk, listener = self._desk, self._listener
        subject, now = listener.jobs[report.job], desk.now()
        before = desk.memory.read(subject.key, listener.name)
        what = occasion(report, before)
        after = before if what is Occasion.CANCELLED else before.after(report, now)
        loud = wanted(what, report, listener.on)
        if what is Occasion.FAILURE:
            loud = loud and after.due(report, now)
            desk.memory.write(subject.key, listener.name, after)
        if loud or "start" in listener.on:
            message = finished(
                report,
                what,
                before if what is Occasion.RECOVERY else after,
                service=desk.service,
                source=subject.source,
                loud=loud or not self._channel.edits,
            )
            self._channel.tell(message.redacted(desk.redact))
        if what is Occasion.FAILURE and loud:
            desk.memory.write(subject.key, listener.name, after.heard(report, now))
        elif what in (Occasion.SUCCESS, Occasion.CHANGE, Occasion.RECOVERY):
            # Not before it was told: a recovery that did not arrive is still owed.
            desk.memory.write(subject.key, listener.name, after)


class Pings:
    """All jobs of this run as one."""

    def __init__(self, listener: Listener, channel: Webhook, desk: Desk) -> None:
        self._listener = listener
        self._channel = channel
        self._desk = desk
        self._begun = False
        self._reports: dict[str, RunReport] = {}

    def __call__(self, event: RunStarted | RunFinished) -> None:
        """Tell what is to be told of it; raises NotTold."""
        if isinstance(event, RunStarted):
            if not self._begun and "start" in self._listener.on:
                self._begun = True
                jobs = "\n".join(self._listener.jobs)
                self._channel.ping("start", self._desk.redact(f"mcmirror started\n{jobs}"))
            return
        self._reports[event.job] = event.report
        if len(self._reports) == len(self._listener.jobs):
            reports = tuple(self._reports.values())
            self._reports.clear()
            self._begun = False
            self._finished(reports)

    def _finished(self, reports: tuple[RunReport, ...]) -> None:
        seen = [(report, self._judged(report)) for report in reports]
        bad = [one for one in seen if one[1][0] is Occasion.FAILURE]
        if any(what is Occasion.CANCELLED for _, (what, _) in seen) and not bad:
            return
        told = bad or seen
        if any(wanted(what, report, self._listener.on) for report, (what, _) in told):
            # Failures first: services keep the beginning of a body.
            told = bad + [one for one in seen if one not in bad]
            body = "\n\n".join(self._body(report, what, streak) for report, (what, streak) in told)
            self._channel.ping("fail" if bad else "", body[:BODY])
        for report, (_, streak) in seen:
            self._remember(report, streak)

    def _body(self, report: RunReport, what: Occasion, streak: Streak) -> str:
        subject = self._listener.jobs[report.job]
        message = finished(report, what, streak, service=self._desk.service, source=subject.source)
        return plain(message.redacted(self._desk.redact), BODY if report.status in FAILURES else 500)

    def _judged(self, report: RunReport) -> tuple[Occasion, Streak]:
        """The occasion and what was known; pings are all the same but for recoveries, which need a memory."""
        before = Streak()
        if "recovery" in self._listener.on:
            before = self._desk.memory.read(self._listener.jobs[report.job].key, self._listener.name)
        return occasion(report, before), before

    def _remember(self, report: RunReport, before: Streak) -> None:
        if "recovery" in self._listener.on and report.status.value != "cancelled":
            after = before.after(report, self._desk.now())
            self._desk.memory.write(self._listener.jobs[report.job].key, self._listener.name, after)


@dataclass(frozen=True, slots=True)
class Audience:
    """Everybody who is told of some jobs."""

    listeners: tuple[Listener, ...]
    failed: tuple[NotTold, ...]
    """Notifiers that cannot be used, and why."""
    secrets: frozenset[str]


def audience(configuration: Configuration, jobs: Iterable[Job], environ: Mapping[str, str]) -> Audience:
    """Find who is to hear of these jobs; a notifier that is wrong hinders no other."""
    service = configuration.settings.service
    heard: dict[str, dict[str, Subject]] = {}
    for job in jobs:
        subject = Subject(" ".join((service, job.name, str(job.source), str(job.target))).strip(), str(job.source))
        for name in dict.fromkeys(configuration.schedules[job.name].notify):
            heard.setdefault(name, {})[job.name] = subject
    listeners, failed, hidden = list[Listener](), list[NotTold](), set[str]()
    for name, subjects in heard.items():
        try:
            notifier = resolved(configuration, name, environ)
        except ConfigError as error:
            failed += [NotTold(f"{name}: nothing was told", f"{one.key}: {one.message}", one.remedy)
                       for one in error.mistakes]  # fmt: skip
            continue
        hidden.update(secrets(notifier))
        listeners.append(Listener(name, _channel(notifier), frozenset(notifier.on), subjects))
    return Audience(tuple(listeners), tuple(failed), frozenset(hidden))


def _channel(notifier: Notifier) -> Slack | SlackWebhook | Webhook:
    if notifier.type == "webhook":
        return Webhook(notifier.url)
    if notifier.webhook:
        return SlackWebhook(notifier.webhook)
    return Slack(notifier.token, notifier.channel, notifier.api_url)
