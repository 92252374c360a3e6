"""Several movers at once: every event arrives, none outlives its reader."""

import threading
from collections.abc import Generator

import pytest

from mcmirror.engine.concurrent import Pace, Task, run_concurrently
from mcmirror.model.event import CopyStarted, Event, Moved, ProblemFound
from mcmirror.model.problem import Category, Problem

THROTTLED = Problem(Category.THROTTLED, "slow down", "503", "wait", retryable=True)


def idle() -> float:
    return 0.0


def copies(name: str, number: int) -> Task:
    def events() -> Generator[Event, None, None]:
        for count in range(number):
            yield CopyStarted("j", f"{name}{count}", 1)
            yield Moved("j", count + 1)

    return events


def test_all_events_of_all_tasks_come_each_tasks_own_in_order() -> None:
    events = list(run_concurrently("j", [copies(name, 400) for name in "abcdefgh"], Pace(3, 3, idle)))

    keys = [event.key for event in events if isinstance(event, CopyStarted)]
    for name in "abcdefgh":
        assert [f"{name}{count}" for count in range(400)] == [key for key in keys if key.startswith(name)]


def test_moved_bytes_are_the_sum_and_never_go_back() -> None:
    moved = [
        event.bytes
        for event in run_concurrently("j", [copies(name, 50) for name in "abc"], Pace(2, 2, idle))
        if isinstance(event, Moved)
    ]

    assert moved == sorted(moved)
    assert 150 == moved[-1]


def test_no_more_run_at_once_than_the_pace_allows() -> None:
    running, most, guard = 0, 0, threading.Lock()

    def task() -> Generator[Event, None, None]:
        nonlocal running, most
        with guard:
            running += 1
            most = max(most, running)
        yield CopyStarted("j", "k", 1)
        with guard:
            running -= 1

    list(run_concurrently("j", [task] * 30, Pace(4, 4, idle)))

    assert 1 <= most <= 4


def test_what_one_raises_ends_all_and_is_raised() -> None:
    closed = threading.Event()

    def endless() -> Generator[Event, None, None]:
        try:
            while True:
                yield CopyStarted("j", "k", 1)
        finally:
            closed.set()

    def broken() -> Generator[Event, None, None]:
        yield CopyStarted("j", "b", 1)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(run_concurrently("j", [endless, broken], Pace(2, 2, idle)))
    assert closed.is_set()


def test_a_reader_that_goes_away_closes_every_task_before_it_is_gone() -> None:
    closed = list[int]()

    def endless() -> Generator[Event, None, None]:
        try:
            while True:
                yield CopyStarted("j", "k", 1)
        finally:
            closed.append(1)

    events = run_concurrently("j", [endless] * 5, Pace(5, 5, idle))
    next(events)
    events.close()

    assert [1] * 5 == closed
    assert not [thread for thread in threading.enumerate() if thread.name == "mover"]


def test_the_pace_doubles_while_processors_are_free_and_halves_when_a_server_is_overloaded() -> None:
    busy = 0.2
    pace = Pace(4, 20, lambda: busy)

    pace.look()
    assert 8 == pace.limit
    busy = 0.95
    pace.look()
    assert 8 == pace.limit
    pace.slow_down()
    assert 4 == pace.limit
    busy = 0.2
    pace.look()
    assert 4 == pace.limit


def test_an_overloaded_server_gets_fewer_movers() -> None:
    def complaining() -> Generator[Event, None, None]:
        yield ProblemFound("j", THROTTLED)

    def content() -> Generator[Event, None, None]:
        yield CopyStarted("j", "a", 1)

    pace = Pace(8, 8, idle)
    list(run_concurrently("j", [complaining, content], pace))

    assert 4 == pace.limit
