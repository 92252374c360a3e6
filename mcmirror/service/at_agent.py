"""A run at an agent: with the agent's own servers, and those that the master sent along."""

import hashlib
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mcmirror.agents.agent import Run
from mcmirror.agents.task import SentAlias
from mcmirror.config.aliases import resolve_alias
from mcmirror.engine.order import Order
from mcmirror.model.event import Event, Observer, RunFinished
from mcmirror.model.job import Job
from mcmirror.model.location import Alias
from mcmirror.model.report import RunReport
from mcmirror.movers.mc.find import Mc
from mcmirror.movers.mc.session import Session
from mcmirror.service.one_run import events
from mcmirror.service.root import Service
from mcmirror.store.paths import folder, private


def runner(service: Service, hear: Observer) -> Run:
    """What runs the tasks of an agent; ``hear`` hears each event here."""

    def run(
        job: Job, order: Order, aliases: Mapping[str, SentAlias], tell: Observer
    ) -> Generator[Event, None, RunReport]:
        for event in events(job, order, AgentResources(service, aliases), tell):
            hear(event)
            yield event
            if isinstance(event, RunFinished):
                report = event.report
        return report

    return run


class AgentResources:
    """Implements ``one_run.Resources``: an alias that the agent defines is the agent's own."""

    def __init__(self, service: Service, sent: Mapping[str, SentAlias]) -> None:
        self._service, self._sent = service, sent
        self.state = service.state
        self.turns = service.turns

    def aliases(self, names: Iterable[str]) -> dict[str, Alias]:
        """Resolve aliases; raises Trouble or ConfigError."""
        return {name: self._own(name) or self._of_master(name) for name in dict.fromkeys(names)}

    def _own(self, name: str) -> Alias | None:
        return self._service.alias(name)

    def _of_master(self, name: str) -> Alias:
        sent = self._sent.get(name)
        if sent is None:
            return self._service.aliases([name])[name]  # raises Trouble
        alias = sent.alias
        if alias is None:
            assert sent.text is not None  # noqa: S101  one of them is there
            alias = resolve_alias(sent.text, self._folder / "master", self._service.environ)
        self._service.hidden.add(alias.secrets())
        if not alias.ca_file or not sent.authority:
            return alias
        return replace(alias, ca_file=str(self._authority(sent.authority)))

    @property
    def _folder(self) -> Path:
        path = self._service.configuration.path
        return path.parent if path else Path.cwd()

    def _authority(self, content: str) -> Path:
        """The master's ca_file, as a file of this machine."""
        place = private(folder(self.state) / "authorities") / f"{hashlib.sha256(content.encode()).hexdigest()[:24]}.pem"
        if not place.exists():
            place.write_text(content, encoding="utf-8")
        return place

    def mc(self) -> Mc:
        """Find mc; raises McNotFound or McUnusable."""
        return self._service.mc()

    def session(self, aliases: Sequence[Alias], **how: Any) -> Session:
        """Open a private place for mc to run in."""
        return self._service.session(aliases, **how)
