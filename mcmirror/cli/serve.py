"""`mcmirror serve`: the jobs by themselves, until somebody stops it."""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType
from typing import TYPE_CHECKING, TextIO

import typer

from mcmirror.cli import errors, malloc
from mcmirror.cli import options as o
from mcmirror.model.redact import redactors
from mcmirror.model.report import ExitCode

if TYPE_CHECKING:
    from mcmirror.http.server import Web
    from mcmirror.notify.log import Log
    from mcmirror.service import Service
    from mcmirror.service.assembly import Rooms
    from mcmirror.service.server import Server

app = typer.Typer(add_completion=False, rich_markup_mode=None)

LAST = 5.0
"""Seconds for tidying up after the grace is over and mc was killed."""
GLANCE = 1.0
"""Seconds after which a signal is seen that did not end the wait for it: another thread had taken it, or it came on the
very way into the wait."""
GIVING_BACK = 30.0
"""Seconds between two times that memory is given back which runs have taken and freed."""
TELLING = 3.0
"""Seconds for messages that are due when we end; the others stay in the outbox."""


@app.command(epilog="Exit codes: 0 never, 1 failed, 2 usage or configuration, 130 Ctrl-C, 143 SIGTERM.")
def serve(
    parallel: o.Parallel = None,
    listen: o.Listen = None,
    log: o.LogStyle = None,
    config: o.Config = None,
    debug: o.Debug = False,
) -> None:
    """Run the jobs of mcmirror.toml, or those of the environment, on their schedules.

    SIGHUP, or a change of the file, reads the configuration again; SIGTERM stops politely.
    """
    from mcmirror.config.summary import keeper
    from mcmirror.service import Service

    def load(before: "Service | None" = None) -> "Service":
        """The configuration as it is now, with what the command line says."""
        # ``status`` answers at once after it.
        keep = keeper(config, os.environ, Path.cwd())
        read = Service.load(config, needs_jobs=True).configuration
        keep(read)
        told = read.settings
        settings = replace(
            told,
            parallel=parallel or told.parallel,
            listen=told.listen if listen is None else listen,
            log=log or told.log,
            debug=debug or told.debug or bool(os.environ.get(errors.DEBUG)),
        )
        made = replace(read, settings=settings)
        return Service(made) if before is None else before.succeeded_by(made)

    raise typer.Exit(run(load))


def run(
    load: Callable[["Service | None"], "Service"],
    *,
    schedules: bool = True,
    alone: bool = False,
    stream: TextIO | None = None,
) -> int:
    """Serve until a signal comes; the exit code. ``load`` reads the configuration, or reads it again.

    ``alone``: it is no server that ``status`` names, and each change that is heard and made is a line. Lines go to
    ``stream``, stderr unless given.
    """
    from mcmirror.cli import executors
    from mcmirror.config.values import ENVIRONMENT
    from mcmirror.notify.log_changes import Changes
    from mcmirror.service.assembly import assemble

    executors.register()
    service = load(None)
    redactors.append(service.redact)
    malloc.one_arena()
    with logged(service, stream or sys.stderr) as log:
        log.begin(service.configuration)
        rooms = assemble(
            service,
            log.say,
            [log.event],
            began=log.begun,
            load=load,
            schedules=schedules,
            relays=not alone,
            announced=not alone,
            follow=Changes(log) if alone else None,
        )
        server = rooms.server
        web = _web(service, rooms, log)
        wishes = SimpleQueue[int | None]()
        thread = threading.Thread(target=_work, args=(server, wishes), name="serve", daemon=True)
        with signals(wishes):
            rooms.begin()
            if web is not None:
                path = service.configuration.path
                # The health check asks here, whatever the file says by then.
                rooms.presence.answers(str(web.address), str(path.absolute()) if path else ENVIRONMENT)
            thread.start()
            number = _obey(rooms, wishes)
            late = not server.wait(0)
            if late:
                _kill_children()
                late = not server.wait(LAST)
            if web is not None:
                web.stop()
            rooms.end(TELLING)
        log.say("info", "stopped", "Stopped.")
    if late:
        # A thread that hangs must not keep the process: its record says "interrupted" at the next start.
        os._exit(128 + number)
    return 128 + number if number else int(ExitCode.FAILED)


@contextmanager
def logged(service: "Service", stream: TextIO) -> Iterator["Log"]:
    """Log to ``stream``, and what the package itself logs with it."""
    from zoneinfo import ZoneInfo

    from mcmirror.notify.log import Log

    settings = service.configuration.settings
    style = settings.log
    if style == "auto":
        style = "text" if stream.isatty() else "json"
    log = Log(
        style,
        stream,
        ZoneInfo(settings.timezone),
        service.redact,
        sidecar=service.configuration.sidecar,
        debug=settings.debug,
    )
    logger = logging.getLogger("mcmirror")
    logger.addHandler(log.handler)
    logger.propagate = False
    try:
        yield log
    finally:
        logger.removeHandler(log.handler)


def _web(service: "Service", rooms: "Rooms", log: "Log") -> "Web | None":
    """Answer on the port that is configured; one that is taken ends us before anything runs."""
    listen = service.configuration.settings.listen
    if not listen:
        return None
    from mcmirror.config import ConfigError
    from mcmirror.http.server import Web

    service.api_token()  # one that is wrong is said at the start

    def token() -> str:
        try:
            return rooms.server.service.api_token()
        except ConfigError:
            return ""

    receivers = lambda: {**rooms.relays.receivers, **rooms.server.receivers(token)}  # noqa: E731
    web = Web(rooms.server, listen, token=token, redact=service.redact, receivers=receivers)
    log.say("info", "listening", f"Health, metrics and API at http://{web.address}", address=str(web.address))
    web.start()
    return web


def _work(server: "Server", wishes: "SimpleQueue[int | None]") -> None:
    try:
        server.serve()
    except Exception:
        logging.getLogger(__name__).exception("the scheduler ended by a mistake of ours")
    wishes.put(None)


def _obey(rooms: "Rooms", wishes: "SimpleQueue[int | None]") -> int:
    """Do what signals ask for until the server has ended; return the signal that ended it, or 0."""
    ended, given_back = 0, time.monotonic()
    while True:
        if time.monotonic() - given_back >= GIVING_BACK:
            malloc.give_back()
            given_back = time.monotonic()
        try:
            wish = wishes.get(timeout=GLANCE)
        except Empty:
            continue
        if wish is None:
            return ended
        if wish == signal.SIGHUP:
            rooms.server.reload()
        elif not ended:
            ended = wish
            rooms.stop(wish)
        else:
            _kill_children()


@contextmanager
def signals(wishes: "SimpleQueue[int | None]") -> Iterator[None]:
    """Pass signals on: a handler may interrupt anything, and does nothing itself."""

    def handle(number: int, _: FrameType | None) -> None:
        wishes.put(number)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _kill_children() -> None:
    """End every mc at once."""
    from mcmirror.movers.mc.process import kill_children

    kill_children()
