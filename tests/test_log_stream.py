"""Log lines on streams that are closed, full, or read by nobody: nothing raises, nothing waits, and gaps are told."""

import io
import json
import os
import select
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TextIO

import pytest

from mcmirror.model.event import RunFinished, RunStarted
from mcmirror.notify.log import Log
from mcmirror.notify.log_stream import Stream
from tests.ui_samples import VERIFIED


def lost(number: int) -> str:
    return f"lost {number}"


@pytest.fixture
def pipe() -> Iterator[tuple[int, TextIO]]:
    reading, writing = os.pipe()
    stream = os.fdopen(writing, "w", encoding="utf-8")
    yield reading, stream
    with suppress(OSError):
        stream.close()
    with suppress(OSError):
        os.close(reading)


def test_a_line_is_there_at_once(pipe: tuple[int, TextIO]) -> None:
    Stream(pipe[1], lost).write("one ✓\n")
    assert "one ✓\n" == os.read(pipe[0], 100).decode()


@pytest.mark.parametrize("style", ["text", "json"])
def test_a_reader_who_is_gone_ends_nothing(pipe: tuple[int, TextIO], style: str) -> None:
    log = Log(style, pipe[1])
    os.close(pipe[0])
    for _ in range(3):
        log.event(RunStarted("photos", "a/b", "c/d", dry_run=False))
        log.event(RunFinished("photos", VERIFIED))
        log.say("info", "next_run", "Next", job="photos", seconds=1.0)


def test_a_stream_that_is_closed_ends_nothing() -> None:
    stream = io.StringIO()
    log = Log("json", stream)
    stream.close()
    log.say("info", "stopped", "Stopped.")
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="utf-8") as real:
        log = Log("text", real)
    log.say("info", "stopped", "Stopped.")
    os.close(reading)


def test_a_full_disk_ends_nothing() -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123
        log = Log("text", full)
        for _ in range(100):
            log.say("error", "x", "No space is left for this")


def test_nobody_is_waited_for_and_the_gap_is_told(pipe: tuple[int, TextIO]) -> None:
    log = Log("json", pipe[1])
    done = threading.Event()

    def write() -> None:
        for number in range(3000):
            log.say("info", "line", "x" * 100, number=number)
        done.set()

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    assert done.wait(60), "a log that nobody reads held its writer up"
    writer.join()
    read = bytearray()

    def drain() -> None:
        while data := os.read(pipe[0], 65536):
            read.extend(data)

    reader = threading.Thread(target=drain)
    reader.start()
    deadline = time.monotonic() + 60
    while not select.select([], [pipe[1]], [], 1)[1] or select.select([pipe[0]], [], [], 0)[0]:
        assert time.monotonic() < deadline
    for number in range(200):
        log.say("info", "after", "y", number=number)
    pipe[1].close()
    reader.join(60)
    lines = [line for line in read.decode().split("\n") if line]
    documents, torn = [], 0
    for line in lines:
        try:
            documents.append(json.loads(line))
        except ValueError:
            torn += 1
    assert torn <= 1, "only the line that the stream broke off in may be cut"
    gaps = [document["lines"] for document in documents if document["event"] == "lines_lost"]
    assert gaps
    assert 3200 == sum(gaps) + len(documents) - len(gaps)
    assert 199 == documents[-1]["number"]


def test_marks_that_a_stream_cannot_carry_are_spelled_out() -> None:
    raw = io.BytesIO()
    ascii_only = io.TextIOWrapper(raw, encoding="ascii", errors="backslashreplace")
    log = Log("text", ascii_only)
    log.event(RunFinished("photos", VERIFIED))
    log.say("error", "x", "bad: ü")
    text = raw.getvalue().decode("ascii")
    assert "photos: OK Run completed successfully" in text
    assert "X ERROR: bad: \\xfc" in text


def test_lines_of_many_threads_do_not_mix(pipe: tuple[int, TextIO]) -> None:
    log = Log("json", pipe[1])
    read = bytearray()

    def drain() -> None:
        while data := os.read(pipe[0], 65536):
            read.extend(data)

    def write(name: str) -> None:
        for _ in range(100):
            log.say("info", name, name * 200)

    reader = threading.Thread(target=drain)
    reader.start()
    writers = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    pipe[1].close()
    reader.join(60)
    events = [json.loads(line)["event"] for line in read.decode().splitlines()]
    assert dict.fromkeys("abcd", 100) == {name: events.count(name) for name in "abcd"}
