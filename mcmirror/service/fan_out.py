"""One event to all who want to hear it."""

import logging
import threading
from collections.abc import Sequence

from mcmirror.model.event import Event, Observer


class FanOut:
    """Calls the observers, one event at a time, from however many threads."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)
        self._lock = threading.RLock()

    def __call__(self, event: Event) -> None:
        """Tell everybody; one that raises is logged and harms nothing."""
        with self._lock:
            for observer in self._observers:
                try:
                    observer(event)
                except Exception:
                    logging.getLogger(__name__).exception("an observer failed at %s", type(event).__name__)
