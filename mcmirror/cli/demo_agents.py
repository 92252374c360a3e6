"""``mcmirror demo --agents``: a master and two agents on this machine, no broker, and one agent that is killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mcmirror.cli.console import Console, Manner
from mcmirror.messages.text_style import Style
from mcmirror.model.event import CopyStarted, Event
from mcmirror.model.report import ExitCode, Status
from mcmirror.model.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcmirror.model.job import Job
    from mcmirror.model.location import Alias
    from mcmirror.service import Service

SITES = ("seoul", "tokyo")
MAX_AGE = 16.0
"""Seconds after which an agent is gone; a killed one's run begins again within four."""
SLOW = "8MiB"
"""A second, so that a run lasts long enough to lose its agent."""


@dataclass
class Play:
    """What the scenes share."""

    service: "Service"
    """Which knows both servers."""
    aliases: "Sequence[Alias]"
    job: "Job"
    folder: Path
    style: Style
    stop: Stop
    tell: Callable[..., None]
    agents: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def play(self) -> int:
        """Show it; the exit code."""
        from mcmirror.agents.seal import new_key

        keys = {site: new_key() for site in SITES}
        with ExitStack() as stack:
            for site in SITES:
                self._write(site, keys[site])
                stack.enter_context(self._agent(site))
            master = self._master(keys)
            stack.callback(master.finish_agents)
            text = "1. A master with two agents, over its database alone. It knows no server; each agent does."
            self._scene(text, "mcmirror run photos albums")
            photos = replace(self.job, name="photos", agent="seoul")
            albums = replace(self.job, name="albums", agent="tokyo", source=self.job.source.below("2024"))
            albums = replace(albums, target=replace(self.job.target, path="albums"), create_target=True)
            code = self._run(master, (photos, albums))
            if code or self.stop.requested:
                return code
            self._scene("2. Which agents take work, and how much.", "mcmirror agent list")
            self._list(master)
            text = "3. An agent is killed in the middle of a run. Another process of its site does it, once and whole."
            self._scene(text, "kill -9 AGENT; mcmirror agent seoul")
            again = replace(photos, target=replace(self.job.target, path="photos-again"), create_target=True)
            again = replace(again, options=replace(again.options, limit_upload=SLOW))
            return self._run(master, (again,), self._killing(stack))

    def _write(self, site: str, key: str) -> None:
        home = self.folder / site
        home.mkdir(mode=0o700)
        text = f'[settings]\nexecutor = "store"\nstate = "sqlite:///{self.folder}/state.db"\n'
        text += f'mc = "{self.service.mc().path}"\n'
        text += f'[agent.{site}]\nkey = "{key}"\nmax_age = "{MAX_AGE:.0f}s"\n'
        for alias in self.aliases:
            text += f'[alias.{alias.name}]\nurl = "{alias.url}"\naccess_key = "{alias.access_key.value}"\n'
            text += f'secret_key = "{alias.secret_key.value}"\n'
        file = home / "mcmirror.toml"
        file.touch(mode=0o600)
        file.write_text(text)

    @contextmanager
    def _agent(self, site: str) -> "Iterator[None]":
        self._start(site)
        try:
            yield
        finally:
            self._kill(site)

    def _start(self, site: str) -> None:
        from mcmirror.movers.mc.process import death_with_parent

        home = self.folder / site
        with (home / "log").open("ab") as log:
            self.agents[site] = subprocess.Popen(
                [sys.executable, "-m", "mcmirror.cli.main", "agent", site, "--config", str(home / "mcmirror.toml")],
                cwd=home,
                env={**_plain(os.environ), "HOME": str(home)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=death_with_parent(),  # noqa: PLW1509  it takes no lock
            )

    def _kill(self, site: str) -> None:
        process = self.agents[site]
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _master(self, keys: Mapping[str, str]) -> "Service":
        from mcmirror.config import Agent, Configuration, Settings
        from mcmirror.service import Service

        settings = Settings(state=f"sqlite:///{self.folder}/state.db", executor="store")
        agents = {site: Agent(site, key, MAX_AGE) for site, key in keys.items()}
        return Service(
            Configuration(settings=settings, agents=agents), {**_plain(os.environ), "HOME": str(self.folder)}
        )

    def _run(self, master: "Service", jobs: "Sequence[Job]", *more: Callable[[Event], None]) -> int:
        """Run them at their agents, on the screen."""
        manner = Manner(verb="run", jobs=len(jobs), redact=self.service.redact, again=lambda job: f"mcmirror run {job}")
        with Console(sys.stderr, self.style, manner) as console:
            reports = master.run(jobs, [console, *more], stop=self.stop)
        if all(report.status is Status.SUCCEEDED and report.verified for report in reports):
            return 0
        return int(ExitCode.worst(report.exit_code for report in reports)) or int(ExitCode.FAILED)

    def _list(self, master: "Service") -> None:
        for agent in master.executor().agents():
            for process in agent.processes:
                self.tell(f"  {agent.name}: process {process.pid}, {process.capacity} runs at once")

    def _killing(self, stack: ExitStack) -> Callable[[Event], None]:
        killed = list[int]()

        def kill(event: Event) -> None:
            if isinstance(event, CopyStarted) and not killed:
                killed.append(self.agents["seoul"].pid)
                self._kill("seoul")
                stack.enter_context(self._agent("seoul"))

        return kill

    def _scene(self, text: str, command: str) -> None:
        self.tell("", self.style.paint(text, "bold"), self.style.paint(f"$ {command}", "cyan"))


def _plain(environ: Mapping[str, str]) -> dict[str, str]:
    """Without what people have configured for mcmirror and mc."""
    return {name: value for name, value in environ.items() if not name.startswith(("MCMIRROR_", "MC_"))}
