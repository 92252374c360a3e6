"""Run several movers at once and merge their events into one stream."""

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice

from mcmirror.model.event import Event, Moved, ProblemFound
from mcmirror.model.problem import Category

Task = Callable[[], Generator[Event, None, None]]
"""Makes the events of one mover; it is called, walked and closed by one thread, as the process room demands."""

FIRST = 8
"""Movers that run at once from the start."""
MOST = 24
LOOK = 0.5
"""Seconds between two decisions about their number."""
BUSY = 0.9
"""Share of the processors' time from which one more mover would only take turns."""
WAITING = 1000
"""Events that wait for the reader; a mover that is ahead waits too."""


class Pace:
    """How many movers may run at once: more while processors are free, fewer when a server is overloaded."""

    def __init__(self, first: int, most: int, busy: Callable[[], float]) -> None:
        """``busy`` returns the share of the processors' time that was used since the last call, 0 to 1."""
        self._limit = min(first, most)
        self._most = most
        self._busy = busy
        busy()

    @property
    def limit(self) -> int:
        """Movers that may run at once now."""
        return self._limit

    def look(self) -> None:
        """Decide anew; called every LOOK seconds."""
        if self._limit < self._most and self._busy() < BUSY:
            self._limit = min(self._most, self._limit * 2)

    def slow_down(self) -> None:
        """A server answered that it gets too many requests: halve, for good."""
        self._most = self._limit = max(1, self._limit // 2)


@dataclass(frozen=True, slots=True)
class _Ended:
    error: BaseException | None = None


def run_concurrently(job: str, tasks: Iterable[Task], pace: Pace) -> Generator[Event, None, None]:
    """Yield the events of all tasks as they come; ``Moved`` carries the sum of their bytes.

    Tasks start in order. An exception of one ends all and is raised here. When the generator is closed, every task is
    closed by its thread, and all have ended before this returns.
    """
    waiting = iter(tasks)
    first = list(islice(waiting, 2))
    waiting = chain(first, waiting)
    if pace.limit == 1 or len(first) < 2:
        yield from _one_by_one(job, waiting)
        return
    crew = _Crew()
    moved = dict[int, int]()
    looked = time.monotonic()
    try:
        more = True
        while True:
            while more and crew.running < pace.limit:
                task = next(waiting, None)
                more = task is not None
                if task is not None:
                    crew.start(task)
            if not crew.running:
                return
            for number, event in crew.events():
                match event:
                    case Moved(_, written):
                        moved[number] = max(written, moved.get(number, 0))
                        yield Moved(job, sum(moved.values()) if written >= 0 else -1)
                        continue
                    case ProblemFound(_, problem) if problem.category is Category.THROTTLED:
                        pace.slow_down()
                    case _:
                        pass
                yield event
            if time.monotonic() - looked >= LOOK:
                looked = time.monotonic()
                pace.look()
    finally:
        crew.dismiss()


def _one_by_one(job: str, tasks: Iterable[Task]) -> Generator[Event, None, None]:
    """Run the tasks in this thread."""
    before = last = 0
    for task in tasks:
        with closing(task()) as steps:
            for event in steps:
                if isinstance(event, Moved):
                    last = before + max(0, event.bytes)
                    yield Moved(job, last if event.bytes >= 0 else -1)
                else:
                    yield event
        before = last


class _Crew:
    """The threads, one a task, and the queue that they fill."""

    def __init__(self) -> None:
        self._events: queue.Queue[tuple[int, Event | _Ended]] = queue.Queue(WAITING)
        self._threads = dict[int, threading.Thread]()
        self._closing = threading.Event()
        self._started = 0

    @property
    def running(self) -> int:
        return len(self._threads)

    def start(self, task: Task) -> None:
        self._started += 1
        thread = threading.Thread(target=self._run, args=(self._started, task), name="mover", daemon=True)
        self._threads[self._started] = thread
        thread.start()

    def events(self) -> Iterator[tuple[int, Event]]:
        """Yield what has come, after waiting for the first for a moment; raises what a task raised."""
        for count in range(WAITING):
            try:
                number, event = self._events.get(block=not count, timeout=LOOK)
            except queue.Empty:
                return
            if not isinstance(event, _Ended):
                yield number, event
                continue
            self._threads.pop(number).join()
            if event.error is not None:
                raise event.error

    def dismiss(self) -> None:
        """Close every task that still runs, and wait for its thread."""
        self._closing.set()
        for thread in self._threads.values():
            thread.join()

    def _run(self, number: int, task: Task) -> None:
        error: BaseException | None = None
        try:
            steps = task()
            try:
                for event in steps:
                    if not self._put(number, event):
                        break
            finally:
                steps.close()
        except BaseException as raised:  # noqa: BLE001  # it is raised again by the reader
            error = raised
        self._put(number, _Ended(error))

    def _put(self, number: int, event: Event | _Ended) -> bool:
        """Hand one over; False when nobody reads any more."""
        while not self._closing.is_set():
            try:
                self._events.put((number, event), timeout=LOOK)
            except queue.Full:
                continue
            return True
        return False
