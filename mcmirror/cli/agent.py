"""``mcmirror agent``: serve a site for its master, list the agents of this master, print a key."""

import json
import sys
import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mcmirror.cli import malloc
from mcmirror.cli import options as o
from mcmirror.cli.commands import Group
from mcmirror.cli.mc_offer import offer_mc
from mcmirror.cli.table import columns
from mcmirror.config import ConfigError, Mistake
from mcmirror.config.agents import CELERY, LOCAL
from mcmirror.model.redact import redactors
from mcmirror.model.report import ExitCode
from mcmirror.model.wording import shown_seconds

if TYPE_CHECKING:
    from mcmirror.agents.seal import Seal
    from mcmirror.model.agent import AgentState
    from mcmirror.model.event import Observer
    from mcmirror.service import Service
    from mcmirror.service.agent_process import AgentProcess

GLANCE = 1.0
"""Seconds between two looks at whether the agent can go on."""
LAST = 5.0
"""Seconds for tidying up after the grace is over and mc was killed."""


class Agents(Group):
    """A name in place of a command means to serve that agent's site."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """``agent NAME`` is ``agent run NAME``."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["run", *args]
        return super().resolve_command(ctx, args)


app = typer.Typer(
    help="Run jobs for a master at another site: mcmirror agent NAME. Or list the agents of this master.",
    no_args_is_help=True,
    cls=Agents,
    add_completion=False,
    rich_markup_mode=None,
)


@app.command(epilog="Exit codes: 0 never, 1 takes no work any more, 2 usage or configuration, 130 Ctrl-C, 143 SIGTERM.")
def run(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The agent, as in [agent.NAME].")],
    *,
    parallel: o.Parallel = None,
    log: o.LogStyle = None,
    config: o.ConfigOption = None,
    debug: o.Debug = False,
) -> None:
    """Take the runs of this agent from its master and work on them until somebody stops it.

    It needs executor, broker or state in [settings], its key in [agent.NAME], and the servers that it alone knows.
    """
    from dataclasses import replace

    from mcmirror.agents.seal import Seal
    from mcmirror.service import Service

    read = Service.load(config).configuration
    settings = replace(
        read.settings,
        parallel=parallel or read.settings.parallel,
        log=log or read.settings.log,
        debug=debug or read.settings.debug,
    )
    service = Service(replace(read, settings=settings))
    _needs_executor(service)
    seal = Seal(name, service.agent_keys(name))
    offer_mc(service)
    service.mc()
    raise typer.Exit(_serve(service, name, seal))


def _needs_executor(service: "Service") -> None:
    """Raises ConfigError where no executor is set."""
    if service.configuration.settings.executor == LOCAL:
        what = "no executor is set, so there is nothing that brings work to an agent"
        remedy = 'Write executor = "store" or executor = "celery" in [settings], as the master has it.'
        raise ConfigError([Mistake(service.configuration.origin, "settings.executor", what, remedy)])


def _process(service: "Service", name: str, seal: "Seal", hear: "Observer") -> "AgentProcess":
    capacity = service.configuration.settings.parallel
    if service.configuration.settings.executor == CELERY:
        from mcmirror.contrib.celery.agent import CeleryProcess

        return CeleryProcess(service, name, seal, capacity, hear)
    from mcmirror.service.agent_process import StoreProcess

    return StoreProcess(service, name, seal, capacity, hear)


def _serve(service: "Service", name: str, seal: "Seal") -> int:
    """Until a signal comes, or it takes no work any more; the exit code."""
    from mcmirror.cli.serve import logged, signals
    from mcmirror.movers.mc.process import kill_children
    from mcmirror.service.fan_out import FanOut

    redactors.append(service.redact)
    malloc.one_arena()
    wishes, settings = SimpleQueue[int | None](), service.configuration.settings
    with logged(service, sys.stderr) as log, signals(wishes):
        hear = FanOut([log.event])
        process = _process(service, name, seal, hear)
        process.start()
        text = f"Agent {name} takes runs, {settings.parallel} at once."
        log.say("info", "agent_started", text, agent=name, parallel=settings.parallel)
        number = _wait(process, wishes)
        if process.failure:
            remedy = "Nothing has to be done if something starts it again, as systemd and Kubernetes do."
            log.say("error", "agent_failed", f"Agent {name} ends: {process.failure}", agent=name, remedy=remedy)
        process.stop(number)
        if not process.wait(settings.grace):
            kill_children()
            process.wait(LAST)
        log.say("info", "stopped", "Stopped.")
    return 128 + number if number else int(ExitCode.FAILED)


def _wait(process: "AgentProcess", wishes: "SimpleQueue[int | None]") -> int:
    """The signal that came, or 0 when the process cannot go on."""
    import signal

    while not process.failure:
        try:
            wish = wishes.get(timeout=GLANCE)
        except Empty:
            continue
        if wish is not None and wish != signal.SIGHUP:
            return wish
    return 0


@app.command("list", epilog="Exit codes: 0 all agents take work, 1 one is gone, 2 usage or configuration.")
def list_(*, config: o.ConfigOption = None, as_json: o.JsonOption = False) -> None:
    """List the agents of this master: whether each takes work, where, and how much at once."""
    from mcmirror.cli import executors
    from mcmirror.codec.documents import agent_document
    from mcmirror.service import Service

    executors.register()
    service = Service.load(config)
    _needs_executor(service)
    agents, now = service.executor().agents(), time.time()
    service.executor().stop()
    if as_json:
        print(json.dumps([agent_document(one, now) for one in agents], indent=2))
    else:
        heads = ("AGENT", "STATE", "SEEN", "RUNNING", "WAITING", "HOST", "VERSION", "JOBS")
        columns(heads, [_row(one, now) for one in agents])
    raise typer.Exit(int(ExitCode.FAILED if any(one.gone(now) for one in agents) else ExitCode.SUCCEEDED))


def _row(agent: "AgentState", now: float) -> list[str]:
    return [
        agent.name,
        "gone" if agent.gone(now) else "takes work",
        f"{shown_seconds(now - agent.seen)} ago" if agent.seen else "never",
        f"{agent.running}/{agent.capacity(now)}",
        str(agent.waiting),
        ", ".join(sorted({one.host for one in agent.processes})) or "-",
        ", ".join(sorted({one.version for one in agent.processes})) or "-",
        ", ".join(agent.jobs) or "-",
    ]


@app.command()
def key() -> None:
    """Print a new key for [agent.NAME]: the master and the agent have the same one."""
    from mcmirror.agents.seal import new_key

    print(new_key())
