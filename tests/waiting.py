"""Waiting for what must become true, however slow the machine is."""

import time
from collections.abc import Callable

LONG = 120.0
"""Seconds."""


def until(true: Callable[[], object], seconds: float = LONG) -> None:
    """Return once ``true()`` holds; fail when it never does."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(0.02)
