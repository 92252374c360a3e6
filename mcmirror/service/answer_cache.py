"""What a state that may be slow has last answered: whoever asks waits a moment at most."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
PATIENCE = 1.0
"""Seconds that the newest answer is waited for; after that the one before it has to do."""


class AnswerCache(Generic[T]):
    """For any number of threads; the question is asked once at a time, beside."""

    def __init__(self, ask: Callable[[], T], first: T, spawn: Callable[[Callable[[], None], str], None]) -> None:
        """``first`` is the answer until there is one; ``spawn`` does something beside, under a name."""
        self._ask = ask
        self._spawn = spawn
        self._there = threading.Condition()
        self.newest = first
        """The newest answer."""
        self._puts = 0
        self._asking = False
        self._number = 0

    def get(self) -> T:
        """The answer; an older one while the question is being asked for longer than a moment."""
        with self._there:
            if self._asking:
                return self.newest
            self._asking, number = True, self._number
        try:
            self._spawn(self._work, "known")
        except RuntimeError:  # no thread: the older answer has to do
            with self._there:
                self._asking = False
                return self.newest
        with self._there:
            self._there.wait_for(lambda: self._number > number, PATIENCE)
            return self.newest

    def put(self, answer: T) -> None:
        """Know better than whatever was asked before."""
        with self._there:
            self.newest = answer
            self._puts += 1

    def _work(self) -> None:
        puts = self._puts
        try:
            answer = self._ask()
        except BaseException:
            with self._there:
                self._asking = False
            raise
        with self._there:
            self._asking = False
            if puts == self._puts:
                self.newest = answer
            self._number += 1
            self._there.notify_all()
