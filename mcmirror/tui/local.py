"""A source that runs the engine in this process. Schedules run only when told so: `serve` may be at work beside it."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from mcmirror.model.redact import redactors
from mcmirror.tui.fold import VERIFY
from mcmirror.tui.source import View
from mcmirror.tui.watched import Watched

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mcmirror.model.state import State
    from mcmirror.service import Service
    from mcmirror.service.assembly import Rooms
    from mcmirror.tui.other_processes import OtherProcesses

AGAIN = 3.0
"""Seconds after which a configuration that is wrong is read again."""
TELLING = 3.0
"""Seconds for messages that are due when we end."""
LAST = 5.0
"""Seconds for tidying up after the grace is over and mc was killed."""


class LocalSource(Watched):
    """Implements ``source.Source`` over a server of our own."""

    def __init__(
        self, load: Callable[[Service | None], Service], *, edits: Callable[[], Path | None], schedules: bool = False
    ) -> None:
        """``load`` reads the configuration, in place of a service; it raises ConfigError. Called by another thread."""
        super().__init__("Reading the configuration ...")
        self._load, self._edits, self._schedules = load, edits, schedules
        self._rooms: Rooms | None = None
        self._beside: OtherProcesses | None = None

    @property
    def where(self) -> str:
        """What is looked at."""
        return "this process"

    @property
    def edits(self) -> Path | None:
        """The file that may be edited."""
        return self._edits()

    def start(self) -> None:
        """Begin: read the configuration, open the state, look at it."""
        logging.getLogger("mcmirror").addHandler(logging.NullHandler())
        logging.getLogger("mcmirror").propagate = False
        self._spawn(self._work, "dashboard")

    def _work(self) -> None:
        try:
            self._open()
        except Exception as error:  # noqa: BLE001  the screen says it
            self._show(replace(self._view, trouble=f"the dashboard looks no more: {type(error).__name__}: {error}"))

    def _open(self) -> None:
        service = self._loaded()
        if service is None:
            return
        from mcmirror.service.assembly import assemble
        from mcmirror.store.paths import presence
        from mcmirror.store.presence import Presence
        from mcmirror.tui.other_processes import OtherProcesses

        # A configuration that is read later knows what those before it hid, and more.
        redactors.append(lambda text: (self._rooms.server.service if self._rooms else service).redact(text))  # noqa: PLW0108  asked anew each time
        if self._schedules and Presence(presence(service.state)).see() is not None:
            # Whoever keeps them already goes on; twice would be once too often.
            self._schedules = False
        rooms = assemble(service, _silent, load=self._load, schedules=self._schedules)
        self._beside = OtherProcesses(rooms, schedules=self._schedules)
        if self._closing.is_set():
            rooms.end(0)
            return
        rooms.begin()
        self._rooms = rooms
        self._spawn(rooms.server.serve, "server")
        self._watch(rooms.server)

    def _loaded(self) -> Service | None:
        """The configuration's service; while it is wrong, that is shown, and it is read again."""
        from mcmirror.config import ConfigError

        while not self._closing.is_set():
            try:
                return self._load(None)
            except ConfigError as error:
                told = " ".join(map(str, error.mistakes))
                self._show(View(trouble=f"{told} It is read again by itself.", note="There is nothing to show yet."))
            except OSError as error:
                self._show(View(trouble=f"{error}; it is tried again by itself", note="There is nothing to show yet."))
            self._wake.wait(AGAIN)
            self._wake.clear()
        return None

    def _seen(self, state: State) -> tuple[State, str, bool]:
        return self._beside.seen(state) if self._beside else (state, "", True)

    def reload(self) -> None:
        """Read the configuration again."""
        if self._rooms is not None:
            self._rooms.server.reload()
        self._wake.set()

    def close(self, signal: int = 0) -> None:
        """Stop what runs here, and wait for it; the grace of the configuration is kept."""
        self._closing.set()
        self._wake.set()
        rooms = self._rooms
        if rooms is not None:
            rooms.server.stop(signal)
            grace = rooms.server.service.configuration.settings.grace
            if not rooms.server.wait(grace):
                from mcmirror.movers.mc.process import kill_children

                kill_children()
                rooms.server.wait(LAST)
        self._leave(LAST)
        if rooms is not None:
            self._rooms = None
            rooms.end(TELLING)

    def ours(self) -> tuple[str, ...]:
        """Runs of this process, and verifications: a plan is quickly made again."""
        rooms = self._rooms
        running = [job.name for job in rooms.server.state().jobs if job.run] if rooms else []
        looks = rooms.server.inspections.all() if rooms else ()
        running += [f"{one.job} (verify)" for one in looks if one.verb == VERIFY and one.report is None]
        return tuple(running)


def _silent(level: str, event: str, text: str, /, **fields: object) -> None:
    """The screen shows what the log would say."""
