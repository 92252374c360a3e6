"""The display that moves: redrawn ten times a second by its own thread, and taken away before anything is printed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

INTERVAL = 0.1
"""Seconds between two pictures."""
PATIENCE = 0.25
"""Seconds before the first: a short run needs none, and mc starts without waiting for rich."""


class Display:
    """Draws the lines of ``picture`` at the bottom of a terminal until it is closed."""

    def __init__(self, stream: TextIO, picture: Callable[[int], list[str]]) -> None:
        """``picture`` is given the terminal's width and returns lines with ANSI colours."""
        self._stream = stream
        self._picture = picture
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._console: Console | None = None
        self._live: Live | None = None
        self._paused = 0
        self._thread = threading.Thread(target=self._draw, name="display", daemon=True)
        self._thread.start()

    def _draw(self) -> None:
        if self._ended.wait(PATIENCE):
            return
        from rich.console import Console

        console = Console(file=self._stream, force_terminal=True, highlight=False, soft_wrap=False)
        while not self._ended.wait(INTERVAL):
            with self._lock:
                if self._paused or self._ended.is_set():
                    continue
                self._console = console
                self._refresh(console)

    def _refresh(self, console: "Console") -> None:
        from rich.live import Live
        from rich.text import Text

        lines = self._picture(console.width)
        text = Text("\n", no_wrap=True, overflow="crop").join(Text.from_ansi(line) for line in lines)
        text.no_wrap, text.overflow = True, "crop"
        if self._live is None:
            self._live = Live(
                text,
                console=console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
                vertical_overflow="crop",
            )
            self._live.start()
        self._live.update(text, refresh=True)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Take the display off the screen while something else is printed."""
        with self._lock:
            self._paused += 1
            self._erase()
        try:
            yield
        finally:
            with self._lock:
                self._paused -= 1

    def _erase(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def close(self) -> None:
        """Take it off for good; the cursor is shown again."""
        self._ended.set()
        with self._lock:
            self._erase()
        self._thread.join(timeout=5)
