"""The relays of a configuration: they take events over HTTP and hand them on, beside the jobs."""

import os
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
"""Seconds for deliveries under way; one that is cut is made again by the next process."""


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

    def end(self, seconds: float = ENDING) -> None:
        """Take and hand on no more; wait for deliveries under way, so long at most."""
        relays, self._relays = self._relays, {}
        _stop(relays.values(), seconds)

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
        # What they have under way is theirs for a while: the new ones leave it alone.
        _stop([relay for relay in before.values() if relay not in after.values()], 0.0)
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


def _stop(relays: Iterable[Relay], seconds: float) -> None:
    for relay in relays:
        relay.stop(seconds)
