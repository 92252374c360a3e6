"""``mcmirror events relay|dead|replay``: events handed on once, and those that were given up."""

import json
import os
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mcmirror.cli import errors
from mcmirror.cli import options as o
from mcmirror.cli.table import columns
from mcmirror.config import ConfigError, Configuration, Mistake, load, nearest
from mcmirror.messages.error_lookup import problem
from mcmirror.model.problem import Category, Trouble
from mcmirror.model.wording import harmless

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcmirror.service import Service
    from mcmirror.store.relay_queue import RelayQueue

Name = Annotated[str, typer.Argument(metavar="NAME", help="The relay, as in [relay.NAME].")]


def relay(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="These alone; else all.")] = None,
    *,
    listen: o.Listen = None,
    log: o.LogStyle = None,
    config: o.Config = None,
    debug: o.Debug = False,
) -> None:
    """Take the events of [relay.NAME] and hand each on, without running any job.

    mcmirror serve does the same beside its jobs. SIGTERM stops politely; what waits is handed on by the next start.
    """
    from mcmirror.cli import serve
    from mcmirror.service import Service

    def loaded(before: "Service | None" = None) -> "Service":
        read = Service.load(config).configuration
        settings = replace(
            read.settings,
            listen=read.settings.listen if listen is None else listen,
            log=log or read.settings.log,
            debug=debug or read.settings.debug or bool(os.environ.get(errors.DEBUG)),
        )
        chosen = {name: read.relays[name] for name in _known(read, names or list(read.relays))}
        alone = replace(read, settings=settings, jobs={}, schedules={}, relays=chosen)
        return Service(alone) if before is None else before.succeeded_by(alone)

    raise typer.Exit(serve.run(loaded, schedules=False))


def dead(name: Name, *, config: o.ConfigOption = None, as_json: o.JsonOption = False) -> None:
    """List the events that a relay has given up."""
    with _queue(name, config) as queue:
        found = queue.dead(name)
    if as_json:
        rows = [
            {
                "id": one.id,
                "event": one.name,
                "subject": one.subject,
                "since": datetime.fromtimestamp(one.created, UTC).isoformat(timespec="milliseconds"),
                "attempts": one.attempts,
                "error": one.error,
                "document": json.loads(one.payload),
            }
            for one in found
        ]
        print(json.dumps(rows, indent=2))
        return
    since = [datetime.fromtimestamp(one.created, UTC).strftime("%Y-%m-%d %H:%M:%S") for one in found]
    columns(
        ("ID", "SINCE (UTC)", "EVENT", "OBJECT", "ATTEMPTS", "ERROR"),
        [
            [one.id, moment, one.name, harmless(one.subject), str(one.attempts), harmless(one.error)]
            for one, moment in zip(found, since, strict=True)
        ],
    )


def replay(
    name: Name,
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="These alone; else all.")] = None,
    *,
    config: o.ConfigOption = None,
    as_json: o.JsonOption = False,
) -> None:
    """Have a relay hand on again what it has given up. It begins within seconds where the relay runs."""
    with _queue(name, config) as queue:
        there = [one.id for one in queue.dead(name)]
        for unknown in [one for one in ids or () if one not in there]:
            remedy = f"See mcmirror events dead {name}."
            raise ConfigError([Mistake("command line", unknown, "there is no such event among the dead", remedy)])
        number = queue.replay(name, ids or there, time.time()) if there else 0
    if as_json:
        print(json.dumps({"relay": name, "replayed": number}))
    else:
        events = "event is" if number == 1 else "events are"
        print(f"relay {name}: {number:,} {events} handed on again.", file=sys.stderr)


def _known(configuration: Configuration, names: list[str]) -> list[str]:
    """The names of relays, each once. Raises ConfigError."""
    if not configuration.relays:
        what = "there is no relay in it"
        remedy = 'Write a [relay.NAME] with token = "..." and deliver = "...".'
        raise ConfigError([Mistake(configuration.origin or "mcmirror.toml", "relay", what, remedy)])
    mistakes = []
    for name in names:
        if name not in configuration.relays:
            guess = nearest(name, configuration.relays)
            remedy = f"Did you mean {guess}?" if guess else f"There are: {', '.join(configuration.relays)}."
            mistakes.append(Mistake(configuration.origin, f"relay.{name}", "there is no such relay", remedy))
    if mistakes:
        raise ConfigError(mistakes)
    return list(dict.fromkeys(names))


@contextmanager
def _queue(name: str, config: Path | None) -> "Iterator[RelayQueue]":
    """The queue of a relay that is configured. Raises ConfigError, Trouble."""
    from mcmirror.store.database import Database, Unusable
    from mcmirror.store.relay_queue import RelayQueue

    configuration = load(config, os.environ, Path.cwd())
    _known(configuration, [name])
    database = Database(configuration.settings.state)
    try:
        yield RelayQueue(database)
    except Unusable as error:
        what, _, why = str(error).partition(": the state cannot be used: ")
        raise Trouble(problem(Category.SYSTEM, f"{what}: the state cannot be used", why)) from None
    finally:
        database.close()
