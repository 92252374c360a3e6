"""The wish to stop, shared by everything a process runs."""

import threading


class Stop:
    """Set once by a signal handler or a caller; polled by runs and by the process room."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.signal = 0
        """The signal number that asked, or 0."""

    def request(self, signal: int = 0) -> None:
        """Ask everything to stop; the first signal is remembered."""
        self.signal = self.signal or signal
        self._event.set()

    @property
    def requested(self) -> bool:
        """Whether anyone asked."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleep, or return True at once when asked to stop."""
        return self._event.wait(seconds)
