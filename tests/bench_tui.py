"""The dashboard, measured: its first picture, keys under a storm of events, memory over ten million of them.

``bin/bench tui`` prints it as a table. A machine that is busy with other things keeps no limit, so the processor time
is printed beside the first picture.
"""

import argparse
import asyncio
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from textual.events import Key

from mcmirror.cli.dashboard import SWITCH
from mcmirror.model.event import (
    CopyStarted,
    Event,
    Moved,
    Phase,
    PhaseStarted,
    Planned,
    ProblemFound,
    Removed,
    RunStarted,
)
from mcmirror.model.plan import Count, Plan
from mcmirror.tui.app import dashboard
from mcmirror.tui.fold import Fold
from mcmirror.tui.rows import Rows
from tests.bench import row
from tests.servers.command import COMMAND, clean_environment
from tests.tui_samples import NOW, Still, still
from tests.ui_samples import DENIED

if TYPE_CHECKING:
    from collections.abc import Callable

RATE = 100_000
"""Events a second."""
BATCH = 500
PRESSES = 300
FLOOD = 10_000_000
RUN = "run-logs"
MIB = 1 << 20
FIRST, KEY = 600, 100
"""Milliseconds: the first picture, and the 99th of a hundred keys."""
GROWTH = 3 * MIB
"""Bytes that the allocator may take in passing."""


def first_picture(rounds: int) -> None:
    """From the command to the overview on a terminal: wall and processor time, the median."""
    walls, processor = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "mcmirror.toml").write_text(f'[settings]\nstate = "sqlite:///{name}/state.db"\n')
        environment = {**clean_environment(folder / "home", {}), "TERM": "xterm-256color"}
        for _ in range(rounds):
            wall, spent = _one_start(folder, environment)
            walls.append(wall)
            processor.append(spent)
    wall, spent = (statistics.median(times) * 1000 for times in (walls, processor))
    row("first picture", "wall time", f"{wall:.0f} ms", "", f"{FIRST} ms", wall <= FIRST)
    row("", "processor time of it", f"{spent:.0f} ms")


def _one_start(folder: Path, environment: dict[str, str]) -> tuple[float, float]:
    near, far = pty.openpty()
    fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    begun = time.monotonic()
    process = subprocess.Popen(
        [COMMAND, "tui"], cwd=folder, env=environment, stdin=far, stdout=far, stderr=far, start_new_session=True
    )
    os.close(far)
    seen = b""
    while b"Overview" not in seen:
        seen += os.read(near, 65536)
    wall = time.monotonic() - begun
    times = psutil.Process(process.pid).cpu_times()
    process.send_signal(signal.SIGTERM)
    while process.poll() is None:
        if select.select([near], [], [], 0.05)[0]:
            try:
                os.read(near, 65536)
            except OSError:
                break
    process.wait()
    os.close(near)
    return wall, times.user + times.system


def event(number: int) -> Event:
    """One of a storm."""
    match number % 20:
        case 0:
            return Moved("logs", number * 1000)
        case 1:
            return Removed("logs", f"old/{number}")
        case _:
            return CopyStarted("logs", f"2026/11/object-{number}.bin", 1000)


def begun(fold: Fold) -> None:
    """A run in the middle of its copying."""
    fold.hear(RUN, RunStarted("logs", "onprem/logs", "aws/logs", dry_run=False))
    fold.hear(RUN, Planned("logs", Plan(missing=Count(FLOOD, FLOOD * 1000))))
    fold.hear(RUN, PhaseStarted("logs", Phase.MIRROR))


class Storm(threading.Thread):
    """Sends events at a steady rate until it is told to end."""

    def __init__(self, fold: Fold, rate: int) -> None:
        super().__init__(daemon=True)
        self._fold, self._rate = fold, rate
        self.ending = threading.Event()
        self.sent = 0
        self.seconds = 0.0

    def run(self) -> None:
        started = time.monotonic()
        while not self.ending.is_set():
            for number in range(self.sent, self.sent + BATCH):
                self._fold.hear(RUN, event(number))
            self.sent += BATCH
            ahead = self.sent / self._rate - (time.monotonic() - started)
            if ahead > 0:
                time.sleep(ahead)
        self.seconds = time.monotonic() - started


async def keys(screen: str, rate: int, presses: int) -> None:
    """From a key to its effect, painted, while the storm goes on."""
    source: Still = still()
    source.fold = Fold(clock=lambda: NOW)
    begun(source.fold)
    app = dashboard(source)
    storm = Storm(source.fold, rate)
    waits = []
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        if screen == "run":
            for number in range(20):
                source.fold.hear(RUN, ProblemFound("logs", replace(DENIED, object=str(number))))
            app.open_run("logs")
            await pilot.pause()
            app.screen.query_one(Rows).focus()
            await pilot.pause()
        if rate:
            storm.start()
        for press in range(presses):
            key = "home" if press % 5 == 4 else "down"
            waits.append(await _pressed(app, key, lambda: app.screen.query_one(Rows).highlighted))
            await asyncio.sleep(0.02)
        storm.ending.set()
        if rate:
            await asyncio.to_thread(storm.join)
    waits.sort()
    half, late = statistics.median(waits) * 1000, waits[len(waits) * 99 // 100] * 1000
    row(f"{screen}, {'in a storm' if rate else 'quiet'}", "key to effect, half of them", f"{half:.0f} ms")
    row("", "99 of 100", f"{late:.0f} ms", "", f"{KEY} ms", late < KEY)
    row("", "all of them", f"{waits[-1] * 1000:.0f} ms")
    if rate:
        came = storm.sent / storm.seconds
        row("", "events a second", f"{came:,.0f}", "", f"{rate:,}", came > 0.95 * rate)


async def _pressed(app, key, state) -> float:  # type: ignore[no-untyped-def]
    before, begin = state(), time.monotonic()
    app.post_message(Key(key, None))
    while state() == before:
        assert time.monotonic() - begin < 5, "the key has no effect"
        await asyncio.sleep(0)
    painted = asyncio.Event()
    app.screen.call_after_refresh(painted.set)
    await painted.wait()
    return time.monotonic() - begin


def flood(events: int) -> None:
    """Memory after a tenth and after all of them."""
    process, fold = psutil.Process(), Fold()
    begun(fold)
    started, early = time.monotonic(), 0
    for number in range(events):
        fold.hear(RUN, event(number))
        if number == events // 10:
            early = process.memory_info().rss
        if not number % 50_000:
            fold.look(RUN)
    late = process.memory_info().rss
    rate = events / (time.monotonic() - started)
    row(f"{events:,} events", "resident after a tenth", f"{early / MIB:.1f} MiB")
    row(
        "",
        "after all of them",
        f"{late / MIB:.1f} MiB",
        "",
        f"{(early + GROWTH) / MIB:.1f} MiB",
        late <= early + GROWTH,
    )
    row("", "taken in a second", f"{rate:,.0f}")


def main() -> None:
    """Measure what was asked for, or everything."""
    parser = argparse.ArgumentParser(prog="bin/bench tui", description=__doc__)
    parser.add_argument("what", nargs="*", help="of: start keys flood; all when none is named")
    parser.add_argument("--rounds", type=int, default=7, help="starts (7)")
    parser.add_argument("--presses", type=int, default=PRESSES, help=f"of keys ({PRESSES})")
    parser.add_argument("--flood", type=int, default=FLOOD, help=f"events ({FLOOD:,})")
    given = parser.parse_args()
    sys.setswitchinterval(SWITCH)

    def pressed() -> None:
        for screen in ("overview", "run"):
            for rate in (0, RATE):
                asyncio.run(keys(screen, rate, given.presses))

    measures: dict[str, Callable[[], None]] = {
        "start": lambda: first_picture(given.rounds),
        "keys": pressed,
        "flood": lambda: flood(given.flood),
    }
    for name in given.what:
        if name not in measures:
            parser.error(f"{name} is none of: {', '.join(measures)}")
    row("what", "", "measured", "", "limit")
    for name in given.what or measures:
        measures[name]()


if __name__ == "__main__":
    main()
