"""Limits the heap of the C library (glibc), so that a server returns the memory of a busy moment to the system.

Other C libraries than glibc have no such calls, and need none.
"""

import ctypes
from contextlib import suppress

_M_ARENA_MAX = -8


def one_arena() -> None:
    """Let all threads share one heap, before the first of them begins: else each run's gets a part of its own."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Hand the pages that lie free between what is used to the system; a millisecond."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
