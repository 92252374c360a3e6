"""Executors: where the runs of jobs happen. ``local`` is this process; the others are made when a job needs one."""

import os
from collections.abc import Callable, Generator
from secrets import token_hex
from typing import TYPE_CHECKING, Protocol

from mcmirror.config import ConfigError, Mistake
from mcmirror.config.agents import STORE
from mcmirror.engine.order import Order
from mcmirror.model.agent import AgentState
from mcmirror.model.event import Event, Observer
from mcmirror.model.job import Job
from mcmirror.model.report import RunReport

if TYPE_CHECKING:
    from mcmirror.agents.executor import Master


class Executor(Protocol):
    """Runs jobs elsewhere. Thread-safe."""

    def events(self, job: Job, order: Order, run: str, tell: Observer) -> Generator[Event, None, RunReport]:
        """Run the job to its report, whatever happens; the last event is RunFinished. ``run`` is its id, or empty."""

    def agents(self) -> tuple[AgentState, ...]:
        """How the agents are doing; raises Unusable."""

    def start(self, *, probes: bool = False) -> None:
        """Get ready; with ``probes`` look again and again whether the agents take work."""

    def stop(self) -> None:
        """End what ``start`` began."""

    def replace(self, master: "Master") -> None:
        """Work with another configuration."""


def process_name() -> str:
    """A name that no other process has."""
    return f"{os.uname().nodename}-{os.getpid()}-{token_hex(4)}"


def by_store(master: "Master") -> Executor:
    """Agents that take runs from the state's database."""
    from mcmirror.agents.by_store import StoreMaster
    from mcmirror.agents.executor import RemoteExecutor
    from mcmirror.store.database import Database
    from mcmirror.store.tasks import Tasks

    tasks = Tasks(Database(master.state))
    return RemoteExecutor(master, tasks, StoreMaster(tasks), process_name())


makers: "dict[str, Callable[[Master], Executor]]" = {STORE: by_store}
"""By the name in [settings]; what brings a dependency of its own is added where the program is put together."""


def make(master: "Master") -> Executor:
    """The executor of the configuration; raises ConfigError when there is none."""
    name = master.configuration.settings.executor
    if name not in makers:
        what = f"there is no executor {name} in this process"
        mistake = Mistake(master.configuration.origin, "settings.executor", what, "Write local or store.")
        raise ConfigError([mistake])
    return makers[name](master)
