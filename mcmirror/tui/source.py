"""What the dashboard asks, and what it is given: the engine of this process, or a server's API, look the same to it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mcmirror.model.groups import Groups
from mcmirror.model.record import Outcome, Record
from mcmirror.model.state import State
from mcmirror.tui.fold import PLAN, Fold


class Refusal(Exception):
    """What was asked cannot be had, in three parts for people."""

    def __init__(self, what: str, why: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what, self.why, self.remedy = what, why, remedy


def shared(verb: str) -> Refusal:
    """A plan or a verification that was cancelled here, and not elsewhere."""
    what = "plan" if verb == PLAN else "verification"
    return Refusal(f"the {what} goes on", "somebody else has asked for it too", "leave it to them")


@dataclass(frozen=True, slots=True)
class Past:
    """A run of the past, as the small picture of the last runs needs it."""

    status: str
    seconds: float


@dataclass(frozen=True, slots=True)
class View:
    """What there is to be shown at a moment."""

    state: State | None = None
    """None until it is known for the first time."""
    stale_since: float = 0.0
    """Seconds since the epoch at which ``state`` was true for the last time; 0: it is true now."""
    trouble: str = ""
    """Why it is stale, or why there is none."""
    note: str = ""
    """What a person should know of this source: who keeps the schedules."""
    schedules: bool = True
    """Whether somebody begins the jobs at their times."""
    pasts: Mapping[str, tuple[Past, ...]] = field(default_factory=dict)
    """By job, the newest last."""


class Source(Protocol):
    """Every method may be called from any thread. Those that may wait say so, and raise Refusal."""

    fold: Fold
    """What runs say."""

    @property
    def where(self) -> str:
        """In few words: ``this process``, ``http://127.0.0.1:8080``."""

    @property
    def edits(self) -> Path | None:
        """The configuration that may be edited from here; None when that is elsewhere, or no file."""

    @property
    def number(self) -> int:
        """Goes up when ``view`` changes."""

    def start(self) -> None:
        """Begin to look; returns at once."""

    def close(self, signal: int = 0) -> None:
        """Let go of everything; runs of this process are stopped politely, by ``signal`` if any. Waits for them."""

    def view(self) -> View:
        """What there is; waits for nobody."""

    def ours(self) -> tuple[str, ...]:
        """The jobs whose runs end when the dashboard does."""

    def live(self, job: str) -> str:
        """The key of what goes on with this job, or last did, in ``fold``; empty for nothing."""

    def reload(self) -> None:
        """Read the configuration again, for it was written from here; returns at once."""

    def trigger(self, job: str, max_delete: int | None = None, plan: str = "", *, create_target: bool = False) -> str:
        """Run a job now, as its configuration is now; the key of the run. May wait.

        ``max_delete`` lets this run alone remove so many objects, ``create_target`` make a missing bucket. With the key
        of a ``plan``, it is this one that was agreed to: a job that was changed since is refused.
        """

    def plan(self, job: str) -> str:
        """Find out what a run would do; the key of that. May wait."""

    def groups(self, key: str) -> Groups:
        """What the plan of this key would do, by prefix, once it has ended. May wait."""

    def verify(self, job: str) -> str:
        """Find out whether the copy is true; the key of that. May wait."""

    def cancel(self, key: str) -> None:
        """Stop it politely. May wait."""

    def pause(self, job: str = "") -> None:
        """Let it not begin by schedule; all of them without a name. May wait."""

    def resume(self, job: str = "") -> None:
        """Undo that. May wait."""

    def runs(self, *, job: str = "", status: str = "", before: str = "", limit: int = 50) -> tuple[Record, ...]:
        """Runs, the newest first. May wait."""

    def run(self, run: str) -> Record:
        """One run with its whole report. May wait."""

    def fates(self, run: str) -> Iterator[tuple[Outcome, str]]:
        """What became of each object of it. May wait."""
