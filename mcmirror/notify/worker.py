"""A thread that can be started again after its death, and says why it died."""

import logging
import threading
from collections.abc import Callable

from mcmirror.notify.message import NotTold

REMEDY = "It is started again by itself. If it dies again, report what the log says, please."


class Worker:
    """A daemon thread that no exit waits for. Its methods may be called by any thread."""

    def __init__(self, work: Callable[[], None], name: str) -> None:
        """``work`` returns when there is nothing left to do; whatever it raises ends the thread."""
        self._work = work
        self._name = name
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self.died: NotTold | None = None
        """Why the thread died last, until ``forgive``."""

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def started(self) -> bool:
        """Whether it was ever to run."""
        return self._thread is not None or self.died is not None

    def ensure(self) -> None:
        """Start the thread unless it runs."""
        with self._guard:
            if self.alive:
                return
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            try:
                self._thread.start()
            except (RuntimeError, MemoryError) as error:
                self._thread = None
                self._mourn(error)

    def forgive(self) -> None:
        """It has worked since it died."""
        self.died = None

    def join(self, seconds: float) -> None:
        """Wait for its end, for so long at most."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001  nobody above a thread would see it
            self._mourn(error)

    def _mourn(self, error: BaseException) -> None:
        # Its words may hold what it was given.
        self.died = NotTold("a thread died", f"the thread {self._name} ended by {type(error).__name__}", REMEDY)
        logging.getLogger(__name__).warning("%s; it is started again", self.died.why)
