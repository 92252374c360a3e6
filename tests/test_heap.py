"""Memory that was taken and freed goes back to the system, and a server that waits sees to it."""

import subprocess
import sys
import threading
from queue import SimpleQueue
from typing import Any

import pytest

from mcmirror.cli import malloc, serve
from tests.waiting import until

HOLES = """
import psutil
from mcmirror.cli.malloc import give_back, one_arena

one_arena()
held = [b"x" * 20_000 for _ in range(4000)]
held[::2] = [None] * 2000
before = psutil.Process().memory_info().rss
give_back()
print(before - psutil.Process().memory_info().rss)
"""


def test_free_pages_between_what_is_used_are_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, text=True, check=True)
    # Of 40 MB that are free in pieces of 20 kB; the rest shares pages with what is used.
    assert int(done.stdout) > 20_000_000


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    malloc.one_arena()
    malloc.give_back()


def test_a_server_that_waits_gives_back_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    given, wishes, server = list[None](), SimpleQueue[int | None](), Any
    monkeypatch.setattr(malloc, "give_back", lambda: given.append(None))
    monkeypatch.setattr(serve, "GIVING_BACK", 0.0)
    monkeypatch.setattr(serve, "GLANCE", 0.01)
    thread = threading.Thread(target=serve._obey, args=(server, wishes), daemon=True)
    thread.start()
    until(lambda: len(given) > 2)
    wishes.put(None)
    thread.join()
