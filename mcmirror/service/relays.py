"""The relays of a configuration: they take events over HTTP and hand them on, beside the jobs."""

import os
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from mcmirror.config import relays as configured
from mcmirror.model.relay import RelayState
from mcmirror.notify.relay import Relay
from mcmirror.service.answer_cache import AnswerCache
from mcmirror.service.dependencies import Say, spawn
from mcmirror.store.database import Database, Unusable
from mcmirror.store.relay_queue import RelayQueue

if TYPE_CHECKING:
    from mcmirror.config import Relay as Settings
    from mcmirror.service.root import Service

ENDING = 2.0
"""Seconds for deliveries under way, however long runs took to end."""


class Relays:
    """Its methods may be called from any thread."""

    def __init__(self, service: "Service", database: Database, say: Say, *, run: bool) -> None:
        """With ``run`` they work here, else their state is only shown. Raises ConfigError."""
        self._queue = RelayQueue(database)
        self._say = say
        self._run = run
        self._states = AnswerCache[Mapping[str, RelayState]](self._read, {}, spawn)
        self._names = tuple(service.configuration.relays)
        self._settings = self._resolved(service)
        self._relays: dict[str, Relay] = {}
        """By path."""
        self._stopped = 0.0

    @property
    def receivers(self) -> Mapping[str, Relay]:
        """Those that take events, by the path under which they do."""
        return self._relays

    def begin(self) -> None:
        """Take events and hand them on from now on."""
        self._replace(self._settings)

    def replace(self, service: "Service") -> None:
        """Another configuration is in use. Raises ConfigError when it cannot be: all stays as it was."""
        settings = self._resolved(service)
        self._names = tuple(service.configuration.relays)
        self._replace(settings)

    def stop(self) -> None:
        """Hand on no more."""
        self._stopped = time.monotonic()
        for relay in self._relays.values():
            relay.stop()

    def end(self, grace: float) -> None:
        """Wait for deliveries under way, until so many seconds after ``stop``; one that is cut is made again later."""
        until = max(self._stopped + grace, time.monotonic() + ENDING)
        for relay in self._relays.values():
            relay.stop()
            relay.wait(max(0.0, until - time.monotonic()))

    def states(self) -> tuple[RelayState, ...]:
        """How each relay of the configuration is doing, wherever it works."""
        if not self._names:
            return ()
        known = self._states.get()
        return tuple(known.get(name, RelayState(name)) for name in self._names)

    def _read(self) -> Mapping[str, RelayState]:
        try:
            return self._queue.states()
        except Unusable:
            return self._states.newest

    def _resolved(self, service: "Service") -> "tuple[Settings, ...]":
        if not self._run:
            return ()
        settings = configured.resolved(service.configuration, os.environ)
        service.hidden.add(secret for one in settings for secret in configured.secrets(one))
        return settings

    def _replace(self, settings: "Iterable[Settings]") -> None:
        before = {relay.settings: relay for relay in self._relays.values()}
        after = {one.listen: before.get(one) or Relay(one, self._queue, self._say) for one in settings}
        self._relays = after
        for relay in before.values():
            if relay not in after.values():
                # What it has under way is leased: the new one leaves it alone.
                relay.stop()
        for relay in after.values():
            if not relay.start():
                continue
            self._say(
                "info",
                "relay_listening",
                f"relay {relay.settings.name} takes events at {relay.settings.listen}",
                relay=relay.settings.name,
                path=relay.settings.listen,
            )
