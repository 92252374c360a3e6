"""A master and its agents: real processes, real servers, each executor in turn."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mcmirror.agents.seal import new_key
from mcmirror.cli import executors
from mcmirror.config import load
from mcmirror.engine.order import Order
from mcmirror.model.event import CopyStarted, Event, RunFinished
from mcmirror.model.job import Job
from mcmirror.model.report import RunReport
from mcmirror.service import Service
from tests.conftest import Pair
from tests.servers.command import COMMAND, clean_environment
from tests.waiting import until

MAX_AGE = "24s"
"""A lease is six seconds then, and a beat one."""


@dataclass
class World:
    """One executor. Its agents define ``src`` and ``dst``, and the master does not."""

    kind: str
    folder: Path
    settings: str
    """Lines of [settings] that master and agents share."""
    variables: dict[str, str]
    """How the two servers are found."""
    state: str
    """Of the master, and of agents that take runs from it."""
    key: str = field(default_factory=new_key)
    agents: list[subprocess.Popen[bytes]] = field(default_factory=list)
    services: list[Service] = field(default_factory=list)

    @property
    def remote(self) -> bool:
        return self.kind != "local"

    def configuration(self, name: str, jobs: str = "", *, state: str = "", key: str = "") -> Path:
        """Write the file of a process of this world."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        text = f"[settings]\nlisten = 'off'\n{self.settings}\n"
        text += f'state = "{state or self.state}"\n'
        if self.remote:
            (folder / "key").write_text(key or self.key)
            text += f'[agent.seoul]\nkey = "{{file:key}}"\nmax_age = "{MAX_AGE}"\n'
        file = folder / "mcmirror.toml"
        file.write_text(text + jobs)
        return file

    def environment(self, name: str, *, servers: bool) -> dict[str, str]:
        mc = {"MCMIRROR_MC": self.variables["MCMIRROR_MC"]}
        home = self.folder / f"{name}-home"
        home.mkdir(exist_ok=True)
        return clean_environment(home / "home", self.variables if servers else mc)

    def master(self, jobs: str = "", *, key: str = "", environ: Mapping[str, str] | None = None) -> Service:
        """A service in this process."""
        executors.register()
        environ = environ or self.environment("master", servers=not self.remote)
        file = self.configuration("master", jobs, key=key)
        service = Service(load(file, environ, file.parent), environ)
        self.services.append(service)
        return service

    def agent(self, name: str = "agent", *, key: str = "", **variables: str) -> subprocess.Popen[bytes]:
        """Start a process of the agent, if this executor has one."""
        # Over a broker an agent reaches nothing else of its master.
        state = f"sqlite:///{self.folder / name}.db" if self.kind == "celery" else ""
        file = self.configuration(name, state=state, key=key)
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [str(COMMAND), "agent", "seoul", "--config", str(file)],
                cwd=file.parent,
                env={**self.environment(name, servers=True), **variables},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.agents.append(process)
        until(lambda: "agent_started" in self.log(name) or process.poll() is not None)
        return process

    def log(self, name: str = "agent") -> str:
        return (self.folder / f"{name}.log").read_text()

    def job(self, pair: Pair, **changed: Any) -> Job:
        """A job that belongs to the agent where there is one."""
        job = Service(load(None, {"HOME": str(self.folder)}, self.folder)).pair(
            pair.source.location, pair.target.location, **changed
        )
        return replace(job, name="photos", agent="seoul" if self.remote else "")

    def table(self, pair: Pair, more: str = "") -> str:
        """The same in a file."""
        return f'[job.photos]\nsource = "{pair.source.location}"\ntarget = "{pair.target.location}"\n{more}'

    def close(self) -> None:
        for process in self.agents:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for service in self.services:
            service.finish(Order().stop)


class Running:
    """A run under way in a thread of its own; its events as they come."""

    def __init__(self, service: Service, job: Job, order: Order | None = None) -> None:
        self.order = order or Order()
        self.events = list[Event]()
        self._job, self._service = job, service
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        for event in self._service.events(self._job, self.order, self.events.append):
            self.events.append(event)

    def seen(self, kind: type[Any], least: int = 1) -> Callable[[], bool]:
        return lambda: sum(isinstance(event, kind) for event in tuple(self.events)) >= least

    @property
    def copying(self) -> Callable[[], bool]:
        return self.seen(CopyStarted)

    @property
    def report(self) -> RunReport:
        """Wait for the end."""
        self._thread.join(180)
        assert not self._thread.is_alive(), self.events[-5:]
        last = self.events[-1]
        assert isinstance(last, RunFinished)
        return last.report
