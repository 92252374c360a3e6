"""[agent.NAME], and the executor and broker of [settings]: what of them is wrong, and their references resolved."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from mcmirror.config import syntax
from mcmirror.config.reference import has_reference, resolve
from mcmirror.config.values import Agent, ConfigError, Configuration, Mistake, Wrong, nearest

if TYPE_CHECKING:
    from mcmirror.config.schema import AgentTable, OptionsTable, SettingsTable

LOCAL, STORE, CELERY = "local", "store", "celery"
KEY_EXAMPLE = "{file:/etc/mcmirror/agent.key}"
COMMANDS = ("run", "list", "key", "help")
"""Of `mcmirror agent`."""
_EXECUTORS = f'Write executor = "{STORE}" or executor = "{CELERY}" in [settings].'


def agent_of(name: str, table: "AgentTable") -> Agent:
    """The agent of a validated table."""
    given = {"max_age": syntax.duration(table.max_age)} if table.max_age else {}
    return Agent(name, table.key, **given)


def mistakes(file: str, settings: "SettingsTable", tables: "Mapping[str, AgentTable]") -> Iterator[Mistake]:
    """An executor without what it needs, a broker that nothing uses, and agents without a key."""
    executor = settings.executor or LOCAL
    if executor == CELERY and settings.broker is None:
        remedy = 'Write broker = "redis://host:6379/0" or "amqp://host" beside it.'
        yield Mistake(file, "settings.executor", f"executor {CELERY} needs a broker", remedy)
    if executor != CELERY and settings.broker is not None:
        remedy = f'Write executor = "{CELERY}" beside it, or take it out.'
        yield Mistake(file, "settings.broker", f"only executor {CELERY} uses a broker", remedy)
    if executor != LOCAL and not tables:
        remedy = f'Write [agent.NAME] with key = "{KEY_EXAMPLE}".'
        yield Mistake(file, "settings.executor", f"executor {executor} needs an agent, and none is defined", remedy)
    for name, table in tables.items():
        if name in COMMANDS:
            what = f"mcmirror agent {name} is a command, so no agent can be called so"
            yield Mistake(file, f"agent.{name}", what, f"Choose another name: [agent.{name}-1].")
        if executor == LOCAL:
            what = f"no executor is set, so agent {name} gets no work"
            yield Mistake(file, f"agent.{name}", what, _EXECUTORS)
        if not table.key:
            remedy = f'Write key = "{KEY_EXAMPLE}"; `mcmirror agent key` prints a new key for that file.'
            yield Mistake(file, f"agent.{name}.key", "an agent needs its key", remedy)


def assigned(
    file: str, settings: "SettingsTable", tables: "Mapping[str, OptionsTable]", agents: Sequence[str]
) -> Iterator[Mistake]:
    """Jobs of an agent that is not defined, or, with several agents, of none; ``tables`` by their dotted names."""
    executor = settings.executor or LOCAL
    for place, table in tables.items():
        if table.agent is None:
            if executor != LOCAL and len(agents) > 1 and place != "defaults" and tables["defaults"].agent is None:
                what = f"there are several agents ({', '.join(agents)}), and the job names none"
                yield Mistake(file, place, what, f'Write agent = "{agents[0]}", or one for all jobs in [defaults].')
        elif table.agent not in agents:
            guess = nearest(table.agent, agents)
            known = f"There are: {', '.join(agents)}." if agents else f"Define it: [agent.{table.agent}] with its key."
            remedy = f"Did you mean {guess}?" if guess else known
            yield Mistake(file, f"{place}.agent", f"there is no [agent.{table.agent}]", remedy)
        elif executor == LOCAL:
            yield Mistake(file, f"{place}.agent", "no executor is set, so no agent gets work", _EXECUTORS)


def keys(configuration: Configuration, name: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The keys of an agent, the one that seals first. Raises ConfigError."""
    agent = configuration.agents.get(name)
    if agent is None:
        known = ", ".join(configuration.agents) or "none"
        guess = nearest(name, configuration.agents)
        remedy = f"Did you mean {guess}?" if guess else f'Write [agent.{name}] with key = "{KEY_EXAMPLE}".'
        raise ConfigError([Mistake(configuration.origin, "agent", f"there is no [agent.{name}], but {known}", remedy)])
    place = f"agent.{name}.key"
    found = tuple(_resolved(configuration, place, agent.key, environ).replace(",", " ").split())
    if not found:
        raise ConfigError([Mistake(configuration.origin, place, "is empty", "Print one: mcmirror agent key.")])
    return found


def broker(configuration: Configuration, environ: Mapping[str, str]) -> str:
    """The broker's URL. Raises ConfigError."""
    found = _resolved(configuration, "settings.broker", configuration.settings.broker, environ)
    try:
        return syntax.broker(found)
    except Wrong as wrong:
        raise ConfigError([Mistake(configuration.origin, "settings.broker", str(wrong), wrong.remedy)]) from None


def secrets(configuration: Configuration, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The keys and the broker's password, as far as they can be resolved."""
    found = list[str]()
    for name in configuration.agents:
        try:
            found += keys(configuration, name, environ)
        except ConfigError:
            continue
    try:
        password = urlsplit(broker(configuration, environ)).password or ""
    except ConfigError:
        password = ""
    return tuple(secret for secret in (*found, password, unquote(password)) if secret)


def _resolved(configuration: Configuration, place: str, written: str, environ: Mapping[str, str]) -> str:
    folder = configuration.path.parent if configuration.path else Path.cwd()
    try:
        return resolve(written, environ, folder).strip() if has_reference(written) else written.strip()
    except Wrong as wrong:
        raise ConfigError([Mistake(configuration.origin, place, str(wrong), wrong.remedy)]) from None
