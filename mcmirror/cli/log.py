"""What mcmirror logs while a command runs: notes on the screen, without secrets, beside the display and not in it."""

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from mcmirror.cli.console import Console
from mcmirror.model.wording import harmless


class _Notes(logging.Handler):
    def __init__(self, console: Console, *, debug: bool) -> None:
        super().__init__(logging.DEBUG if debug else logging.WARNING)
        self._console = console
        self._debug = debug

    def emit(self, record: logging.LogRecord) -> None:
        lines = [f"note: {record.getMessage()}"]
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            lines[0] += f": {type(error).__name__}: {error}"
            if self._debug:
                lines += "".join(traceback.format_exception(error)).splitlines()
        self._console.say(map(harmless, lines))


@contextmanager
def noted(console: Console, *, debug: bool) -> Iterator[None]:
    """Show on ``console`` what the package logs while the block runs; tracebacks for debugging only."""
    logger, notes = logging.getLogger("mcmirror"), _Notes(console, debug=debug)
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(notes)
    try:
        yield
    finally:
        logger.removeHandler(notes)
        logger.propagate = propagate
