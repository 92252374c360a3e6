"""Looks at the agents of a configuration again and again, and tells when one is gone and when it is back."""

import time
from typing import TYPE_CHECKING, Protocol

from mcmirror.config import ConfigError
from mcmirror.config.agents import LOCAL
from mcmirror.model.agent import AgentState
from mcmirror.model.problem import Trouble
from mcmirror.model.stop import Stop
from mcmirror.notify.worker import Worker
from mcmirror.service.dependencies import Say
from mcmirror.store.database import Unusable

if TYPE_CHECKING:
    from mcmirror.service.root import Service

LOOK = 1.0
"""Seconds between two looks."""


class Tell(Protocol):
    """Tells the notifiers."""

    def notice(self, kind: str, what: str, why: str, remedy: str, *, good: bool = False) -> None:
        """Something happened that is no run."""


class AgentWatch:
    """Its methods may be called from any thread."""

    def __init__(self, service: "Service", say: Say, told: Tell, *, probes: bool) -> None:
        """With ``probes`` this process asks the agents to show that they take work, and tells of those that do not."""
        self._service, self._say, self._told, self._probes = service, say, told, probes
        self._states: tuple[AgentState, ...] = ()
        self._gone = set[str]()
        self._warned = ""
        self._stop = Stop()
        self._worker = Worker(self._work, "agents")

    def begin(self) -> None:
        """Look from now on."""
        self._worker.ensure()

    def replace(self, service: "Service") -> None:
        """Another configuration is in use."""
        self._service = service

    def end(self) -> None:
        """Look no more, and let go of what brings runs to agents."""
        self._stop.request()
        self._worker.join(LOOK * 5)
        self._service.finish_agents()

    def states(self) -> tuple[AgentState, ...]:
        """How each agent was at the last look."""
        return self._states

    def _work(self) -> None:
        while not self._stop.requested:
            if self._service.configuration.settings.executor != LOCAL:
                self._look()
            self._stop.wait(LOOK)

    def _look(self) -> None:
        try:
            executor = self._service.executor()
            executor.start(probes=self._probes)
            self._states = executor.agents()
            self._warned = ""
        except (ConfigError, Trouble, Unusable) as error:
            if str(error) != self._warned:
                self._warned = str(error)
                text = f"The agents cannot be looked at: {self._service.redact(str(error))}"
                self._say("warning", "agents_unknown", text)
            return
        if self._probes:
            for agent in self._states:
                self._tell(agent, agent.ailment(time.time()))

    def _tell(self, agent: AgentState, ailment: str) -> None:
        name = agent.name
        if ailment and name not in self._gone:
            self._gone.add(name)
            self._say("error" if agent.jobs else "warning", "agent_gone", f"{ailment}.", agent=name)
            remedy = f"Start it at its site: mcmirror agent {name}. Its jobs run when it is back."
            self._told.notice(f"agent {name}", f"agent {name} is gone", ailment, remedy)
        elif not ailment and agent.seen:
            if name in self._gone:
                self._gone.discard(name)
                self._say("info", "agent_back", f"Agent {name} takes work again.", agent=name)
            self._told.notice(f"agent {name}", f"agent {name} takes work again", "", "", good=True)
