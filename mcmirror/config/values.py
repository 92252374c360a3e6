"""What configuration comes to: frozen values, and the mistakes that stand in its way."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mcmirror.model.job import Job
from mcmirror.model.location import Alias

DEFAULT_STATE = "sqlite:///~/.local/state/mcmirror/state.db"
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

    def __str__(self) -> str:
        place = ": ".join(part for part in (self.file, self.key) if part)
        return f"{place}: {self.message}. {self.remedy}"


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
    executor: str = "local"
    broker: str = ""
    """As written, references unresolved."""
    mc: str = ""
    """Path of mc; empty: it is searched."""
    listen: str = "127.0.0.1:8080"
    proxy: str = ""
    service: str = ""
    """A name for reports and messages (SERVICE of the environment)."""
    debug: bool = False


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a job runs, acted on by a later part; and who hears of it."""

    cron: str = ""
    every: float = 0.0
    """Seconds; 0: no interval."""
    realtime: bool = False
    catch_up: bool = False
    max_age: float = 0.0
    """Seconds after which the last success is too old; 0: never."""
    agent: str = ""
    notify: tuple[str, ...] = ()
    """Names of notifiers."""


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


DEFAULT_ON = {"slack": ("failure", "change", "recovery"), "webhook": ("start", "success", "failure")}
"""What is told when nothing is written."""


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
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    """By job."""
    notifiers: Mapping[str, Notifier] = field(default_factory=dict)
    path: Path | None = None
    """The file, when there is one."""


def nearest(word: str, candidates: Iterable[str]) -> str:
    """The candidate that was probably meant, or an empty text."""
    from difflib import get_close_matches

    names = {name.lower(): name for name in candidates}
    found = get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    return names[found[0]] if found else ""
