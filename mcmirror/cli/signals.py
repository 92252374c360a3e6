"""Ctrl-C and SIGTERM: the first asks everything to stop, the second kills mc, the third ends us at once."""

import atexit
import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

from mcmirror.model.stop import Stop

GRACE = 5.0
"""Seconds to tidy up after mc was killed."""


def before_a_run() -> None:
    """Let Ctrl-C interrupt once; a second one leaves time for the tidying up that follows, a third ends us at once."""
    asked = 0

    def handle(number: int, _: FrameType | None) -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise KeyboardInterrupt
        if asked > 2:
            _leave(number)

    signal.signal(signal.SIGINT, handle)


def at_the_end() -> None:
    """All is done but Python's own end, where an interrupt would be a traceback and a death by signal."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda number, _: _leave(number))
        # After the threads have ended: handlers are taken away then, and the default one kills.
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)


@contextlib.contextmanager
def stopping(stop: Stop) -> Iterator[None]:
    """Hand SIGINT and SIGTERM to ``stop`` while the block runs; only the main thread can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = 0

    def handle(number: int, _: FrameType | None) -> None:
        nonlocal asked
        asked += 1
        stop.request(number)
        if asked == 1:
            _say(b"\nStopping mc; once more to kill it.\n")
        elif asked == 2:
            # Not here: a handler must not import or wait.
            threading.Thread(target=_kill, args=(number,), daemon=True).start()
        else:
            _leave(number)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _kill(number: int) -> None:
    """Kill what we started, leave time for the tidying up that follows, and end in any case."""
    from mcmirror.movers.mc.process import kill_children

    kill_children()
    time.sleep(GRACE)
    _leave(number)


def _leave(number: int) -> None:
    if os.isatty(2):
        _say(b"\x1b[?25h")
    os._exit(128 + number)


def _say(text: bytes) -> None:
    # A handler may interrupt a print: only a plain write is safe in it.
    with contextlib.suppress(OSError):
        os.write(2, text)
