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
        self._failed = dict[int, str]()
        """Why an observer failed first, by its place."""

    @property
    def failed(self) -> tuple[str, ...]:
        """What to say of each observer that has failed."""
        return tuple(self._failed.values())

    def __call__(self, event: Event) -> None:
        """Tell everybody; one that raises harms nothing, and its first exception is logged."""
        with self._lock:
            for place, observer in enumerate(self._observers):
                try:
                    observer(event)
                except Exception as error:
                    if place not in self._failed:
                        name = getattr(observer, "__qualname__", type(observer).__name__)
                        what = f"{name} failed at {type(event).__name__}"
                        self._failed[place] = f"{what}: {type(error).__name__}"
                        logging.getLogger(__name__).exception("an observer failed: %s", what)
