"""A source over a running `mcmirror serve`: it comes back by itself, and says since when it is stale."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mcmirror.tui.watched import LEAVING, LOOK, Watched

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcmirror.model.control import Control
    from mcmirror.model.state import State


class RemoteSource(Watched):
    """Implements ``source.Source``. The server does not notice when it goes away."""

    def __init__(
        self, control: Control, address: str, *, clock: Callable[[], float] = time.time, look: float = LOOK
    ) -> None:
        super().__init__(f"Asking {address} ...", clock=clock, look=look)
        self._control, self._server, self._address = control, control, address

    @property
    def where(self) -> str:
        """The server's address."""
        return self._address

    def start(self) -> None:
        """Begin to ask."""
        self._spawn(lambda: self._watch(self._server), "attached")

    def close(self, signal: int = 0) -> None:
        """Go away."""
        del signal
        self._leave(LEAVING)

    def _seen(self, state: State) -> tuple[State, str, bool]:
        return state, "attached", True

    def ours(self) -> tuple[str, ...]:
        """Nothing ends with us."""
        return ()

    def reload(self) -> None:
        """Nothing is written from here."""
