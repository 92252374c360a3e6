"""What configuration comes to: frozen values, and the mistakes that stand in its way."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mcmirror.model.job import Job
from mcmirror.model.location import Alias
from mcmirror.model.realtime import Realtime
from mcmirror.model.replication import Replication

DEFAULT_STATE = "sqlite:///~/.local/state/mcmirror/state.db"
DEFAULT_LISTEN = "127.0.0.1:8080"
ENVIRONMENT = "environment"
"""What a mistake names as its file when a variable is wrong."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing to mend before anything can run."""

    file: str
    """A path, or ``environment``."""
    key: str
    """The dotted key, the variable, or the place in the file."""
    message: str
    """What is wrong; never a secret."""
    remedy: str
    """What to do."""
    line: int = 0
    """Of the file, counted from 1; 0: not known."""

    @property
    def where(self) -> str:
        """The file, with the line where one is known: ``mcmirror.toml:12``."""
        return f"{self.file}:{self.line}" if self.line else self.file

    @property
    def place(self) -> str:
        """File, line and key."""
        return ": ".join(part for part in (self.where, self.key) if part)

    @property
    def sentence(self) -> str:
        """What is wrong, understood without the file's name."""
        if not self.key:
            return self.message
        about_the_key = self.message.startswith(("is ", "must ", "holds "))
        return f"{self.key} {self.message}" if about_the_key else f"{self.message} ({self.key})"

    def __str__(self) -> str:
        return f"{self.place}: {self.message}. {self.remedy}"


def no_job(file: str) -> Mistake:
    """There is nothing to run."""
    return Mistake(file, "job", "there is no job in it", 'Write a [job.NAME] with source = "..." and target = "...".')


class ConfigError(Exception):
    """The configuration cannot be used; every mistake that was found, in one go."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(map(str, self.mistakes)))


class Wrong(ValueError):
    """A value that cannot be meant, and what to write in its place."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for every job."""

    state: str = DEFAULT_STATE
    """A database URL; ``~`` is not expanded yet."""
    parallel: int = 3
    """Jobs at once."""
    mc: str = ""
    """Path of mc; empty: it is searched."""
    listen: str = DEFAULT_LISTEN
    """``host:port`` of health, metrics and API, a v6 host in brackets; empty: nothing is served."""
    api_token: str = field(default="", repr=False)
    """As written, references unresolved; see ``serving.api_token``."""
    grace: float = 25.0
    """Seconds that a stop waits for runs before mc is killed."""
    keep_for: float = 90 * 86400.0
    """Seconds for which runs are remembered; 0: for ever."""
    keep_runs: int = 1000
    """How many runs of a job are remembered; 0: all."""
    textfile_dir: str = ""
    """Where metrics are written as a file; an absolute path, or empty."""
    pushgateway: str = field(default="", repr=False)
    """As written, references unresolved; see ``serving.pushgateway``."""
    log: str = "auto"
    """``text``, ``json``, or ``auto``: text on a terminal, JSON elsewhere."""
    timezone: str = "UTC"
    """Of log lines, and of every job that names none."""
    proxy: str = ""
    service: str = ""
    """A name for reports and messages (SERVICE of the environment)."""
    debug: bool = False
    executor: str = "local"
    """Where runs happen: ``local``, ``store`` or ``celery``."""
    broker: str = field(default="", repr=False)
    """Of executor ``celery``: as written, references unresolved; see ``agents.broker``."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When ``serve`` runs a job, how it stands in line, and who hears of it."""

    cron: str = ""
    """Five fields or a name such as ``@daily``, in the job's time zone."""
    every: float = 0.0
    """Seconds; 0: no interval."""
    gap: bool = False
    """The interval counts from the end of a run to the start of the next, not from start to start."""
    at_start: bool = False
    """Run once when ``serve`` begins."""
    jitter: float = 0.0
    """Seconds by which a start by schedule may come later."""
    catch_up: bool = False
    """Run once at the start when a time has passed meanwhile."""
    max_age: float = 0.0
    """Seconds after which the last success is too old; 0: never."""
    lock: str = ""
    """``wait``, ``skip`` or ``fail`` while another process writes to the target; empty: the command's default."""
    lock_timeout: float = 3600.0
    """Seconds that ``wait`` waits before the run is skipped; 0: as long as it takes."""
    notify: tuple[str, ...] = ()
    """Names of notifiers."""
    realtime: Realtime | None = None
    """How the job follows its source; ``every`` is then the interval of its full runs."""


@dataclass(frozen=True, slots=True)
class Notifier:
    """Somebody to tell. Secrets and addresses are as written until ``notifiers.resolved``."""

    name: str
    type: str
    url: str = field(default="", repr=False)
    """Of a webhook; whoever knows it may ping."""
    token: str = field(default="", repr=False)
    channel: str = ""
    on: tuple[str, ...] = ()
    """What is told; see ``DEFAULT_ON``."""
    webhook: str = field(default="", repr=False)
    """Slack's incoming webhook, in place of token and channel; whoever knows it may post."""
    api_url: str = ""
    """Of Slack's API, ending in ``/api/``; empty: SLACK_API_URL, or Slack's own."""
    format: str = "ping"
    """Of a webhook: ``ping`` or ``json``."""
    template: str = ""
    """The body of ``json``, with placeholders; empty: the whole document."""
    secret: str = field(default="", repr=False)
    """What ``json`` is signed with."""
    digest: str = ""
    """``08:00``: when a day is told in one message; empty: never."""
    timezone: str = ""
    """Of the digest and of times in messages; empty: that of the settings."""


@dataclass(frozen=True, slots=True)
class Relay:
    """Takes events and hands them on. Secrets and addresses are as written until ``relays.resolved``."""

    name: str
    listen: str
    """The path of mcmirror's own server to which a webhook sends."""
    token: str = field(default="", repr=False)
    """What the webhook has to bring."""
    deliver: str = field(default="", repr=False)
    """Where to each event is sent by POST."""
    deliver_token: str = field(default="", repr=False)
    """What is sent along, as ``Authorization: Bearer``; empty: nothing."""
    attempts: int = 100
    """After so many that failed an event is given up."""
    timeout: float = 30.0
    """Seconds that the receiver may take for its answer."""
    parallel: int = 8
    """Events of different keys that are sent at once."""
    keep_pending: bool = False
    """Hand on also what tells of an object that waits for its replication."""


@dataclass(frozen=True, slots=True)
class Agent:
    """A site that runs jobs."""

    name: str
    key: str = field(default="", repr=False)
    """As written, references unresolved; see ``agents.keys``."""
    max_age: float = 120.0
    """Seconds since the last sign that it takes work, after which it is gone."""


DEFAULT_ON = {
    "slack": ("failure", "change", "recovery"),
    "webhook": ("start", "success", "failure"),
    "json": ("failure", "change", "recovery"),
}
"""What is told when nothing is written; ``json`` is a webhook of that format."""
DEFAULT_DIGEST = "08:00"
"""When "digest" stands in ``on`` and no time is written."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything a person wrote, valid and complete."""

    settings: Settings = field(default_factory=Settings)
    aliases: Mapping[str, Alias] = field(default_factory=dict)
    """Resolved when looked up: a missing variable is a ConfigError only for the alias that needs it."""
    jobs: Mapping[str, Job] = field(default_factory=dict)
    origin: str = ""
    """The file's path, ``environment``, or empty when nothing was found."""
    notes: tuple[str, ...] = ()
    """Plain sentences for people: what is read but not acted on, what is unsafe."""
    unheeded: tuple[str, ...] = ()
    """Those of the notes that say what somebody wanted and does not get: quiet commands say them too."""
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    """By job."""
    pair: Job | None = None
    """What [defaults] say of a pair that a command line names; its own name and places mean nothing."""
    pair_schedule: Schedule | None = None
    """The same of how it stands in line; None when they say nothing of that."""
    notifiers: Mapping[str, Notifier] = field(default_factory=dict)
    replications: Mapping[str, Replication] = field(default_factory=dict)
    relays: Mapping[str, Relay] = field(default_factory=dict)
    agents: Mapping[str, Agent] = field(default_factory=dict)
    path: Path | None = None
    """The file, when there is one."""
    files: tuple[Path, ...] = ()
    """The file and those that it, or the environment, takes secrets from: when one changes, it is to be read again."""
    paused: bool = False
    """Nothing is to run (S3_SYNC_ENABLED is not true): ``serve`` answers and waits, a single run is an error."""
    sidecar: bool = False
    """Whether the environment is S3_SYNC_*, whose users know their log by its words."""


def nearest(word: str, candidates: Iterable[str], cutoff: float = 0.65) -> str:
    """The candidate that was probably meant, at least so alike (0 to 1), or an empty text."""
    from difflib import get_close_matches

    names = {name.lower(): name for name in candidates}
    found = get_close_matches(word.lower(), names, n=1, cutoff=cutoff)
    return names[found[0]] if found else ""
