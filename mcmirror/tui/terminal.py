"""A terminal that may go away: Textual's driver would write to it, and read from it, for ever."""

from __future__ import annotations

import select
import signal
import sys
import threading
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, cast

from textual.drivers.linux_driver import LinuxDriver

from mcmirror.notify.log_stream import forget

if TYPE_CHECKING:
    from mcmirror.tui.app import Dashboard


class Outlet:
    """Where pictures go: into nothing, once the terminal takes none."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self.fileno = stream.fileno

    def write(self, text: str) -> None:
        """Write, or forget it: an error would end the thread that writes, and the screen would wait for it."""
        try:
            self._stream.write(text)
        except OSError:
            forget(self._stream)

    def flush(self) -> None:
        """As ``write``."""
        try:
            self._stream.flush()
        except OSError:
            forget(self._stream)


class Terminal(LinuxDriver):
    """Ends the dashboard when its terminal has gone, as SIGHUP does: that may be ignored, or sent to others."""

    def __init__(self, app: Any, **how: Any) -> None:
        super().__init__(app, **how)
        self._file = cast("Any", Outlet(sys.__stderr__ or sys.stderr))
        self._watched = False

    def start_application_mode(self) -> None:
        """Also after it was suspended."""
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual's
        if self.input_tty and not self._watched:
            self._watched = True
            threading.Thread(target=self._watch, name="terminal", daemon=True).start()

    def _watch(self) -> None:
        line = select.poll()
        line.register(self.fileno, 0)
        # No event is asked for: what comes is that it hung up.
        line.poll()
        # Reading at the end of a file gives nothing, again and again.
        self.exit_event.set()
        dashboard = cast("Dashboard", self._app)
        dashboard.ending.demand(signal.SIGHUP, dashboard.told)

    def run_input_thread(self) -> None:
        """Read keys; that they cannot be read any more is no mistake of ours."""
        with suppress(OSError):
            super().run_input_thread()
