"""Who hears of which jobs, and how they are reached."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mcmirror.config import ConfigError, Configuration, Notifier
from mcmirror.config.notifiers import resolved, secrets
from mcmirror.model.job import Job
from mcmirror.model.record import Record
from mcmirror.notify.message import NotTold
from mcmirror.notify.slack import Slack, SlackWebhook
from mcmirror.notify.webhook import Hook, Pings

Channel = Slack | SlackWebhook | Hook | Pings


@dataclass(frozen=True, slots=True)
class Listener:
    """Somebody who is told of some jobs."""

    name: str
    channel: Channel
    on: frozenset[str]
    jobs: Mapping[str, str]
    """By name: under which text it is remembered how they are doing."""
    digest: str = ""
    """``08:00``: when a day's digest is told; empty: never."""
    timezone: str = "UTC"
    service: str = ""

    @property
    def keys(self) -> frozenset[str]:
        """How its jobs are remembered."""
        return frozenset(self.jobs.values())

    def key(self, record: Record) -> str:
        """How the run's job is remembered: another pair under the same name is another job."""
        return remembered_as(self.service, record.job, record.source, record.target)


@dataclass(frozen=True, slots=True)
class Audience:
    """Everybody who is told of some jobs."""

    listeners: tuple[Listener, ...] = ()
    failed: Mapping[str, NotTold] = field(default_factory=dict)
    """By name: notifiers that cannot be used, and why."""
    secrets: frozenset[str] = frozenset()
    service: str = ""


def audience(configuration: Configuration, jobs: Iterable[Job], environ: Mapping[str, str]) -> Audience:
    """Find who is to hear of these jobs; a notifier that is wrong hinders no other.

    Of replications hear all that are configured.
    """
    settings = configuration.settings
    heard: dict[str, dict[str, str]] = {}
    for job in jobs:
        key = remembered_as(settings.service, job.name, str(job.source), str(job.target))
        schedule = configuration.schedules.get(job.name)
        for name in dict.fromkeys(schedule.notify if schedule else ()):
            heard.setdefault(name, {})[job.name] = key
    if configuration.replications:
        heard |= {name: {} for name in configuration.notifiers if name not in heard}
    listeners, failed, hidden = list[Listener](), dict[str, NotTold](), set[str]()
    for name, keys in heard.items():
        try:
            notifier = resolved(configuration, name, environ)
        except ConfigError as error:
            one = error.mistakes[0]
            failed[name] = NotTold(f"{name}: nothing was told", f"{one.key}: {one.message}", one.remedy)
            continue
        hidden.update(secrets(notifier))
        listeners.append(
            Listener(
                name,
                _channel(notifier),
                frozenset(notifier.on),
                keys,
                notifier.digest,
                notifier.timezone or settings.timezone,
                settings.service,
            )
        )
    return Audience(tuple(listeners), failed, frozenset(hidden), settings.service)


def remembered_as(service: str, job: str, source: str, target: str) -> str:
    """The name under which it is remembered how a job is doing; source and target without the prefix of a day."""
    return f"{service} {job} {source} {target}".strip()


def _channel(notifier: Notifier) -> Channel:
    if notifier.type == "webhook":
        if notifier.format == "ping":
            return Pings(notifier.url)
        return Hook(notifier.url, notifier.template, notifier.secret)
    if notifier.webhook:
        return SlackWebhook(notifier.webhook)
    return Slack(notifier.token, notifier.channel, notifier.api_url)
