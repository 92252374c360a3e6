"""The real dashboard in a real terminal, against real servers: a mirror is made, breaks, is mended and recovers."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from mcmirror.tui import connections_form, jobs_form
from mcmirror.tui.form import Field
from tests.conftest import Pair, Side
from tests.servers.command import clean_environment
from tests.waiting import until

PATIENCE = 120.0
PROGRAM = [sys.executable, "-m", "mcmirror.cli.main"]


@dataclass(frozen=True)
class Terminal:
    """A tmux of its own with one window."""

    socket: Path
    folder: Path
    environment: dict[str, str]

    def _tmux(self, *words: str) -> str:
        program = shutil.which("tmux")
        assert program, "tmux is needed for this test: bin/tools installs it"
        command = [program, "-S", str(self.socket), "-f", "/dev/null", *words]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        return done.stdout

    def start(self, *words: str) -> None:
        """Run a command; the window stays when it has ended, and says with what code."""
        line = " ".join(f"'{word}'" for word in words)
        # The shell outlives its terminal, and what it starts does not ignore that.
        after = "code=$?; echo $code >ended; echo ended with $code; [ $gone ] || exec sleep 1000"
        self._tmux("new-session", "-d", "-x", "100", "-y", "30", f"trap gone=1 HUP; {line}; {after}")

    def end(self) -> None:
        self._tmux("kill-server")

    def vanish(self) -> None:
        """As a window that is closed."""
        self._tmux("kill-session")

    @property
    def text(self) -> str:
        """What stands on the screen."""
        return self._tmux("capture-pane", "-p")

    def until(self, pattern: str) -> str:
        """Wait for it to be seen."""
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, text := self.text, re.DOTALL):
            assert time.monotonic() < deadline, f"{pattern!r} was not seen:\n{text}"
            time.sleep(0.1)
        return text

    def press(self, key: str, then: str = "") -> str:
        """Press a key, and wait for what it brings."""
        self._tmux("send-keys", key)
        return self.until(then) if then else ""

    def fill(self, fields: Sequence[Field], *values: str) -> None:
        """Type into the first fields; what is typed ahead of the cursor would go into the wrong one."""
        for at, value in enumerate(values):
            self._tmux("send-keys", "-l", value)
            self.until(re.escape(value))
            self.press("Tab", re.escape(fields[at + 1].hint[:40]))


@pytest.fixture
def terminal(tmp_path: Path, mc: Path) -> Iterator[Terminal]:
    folder = tmp_path / "work"
    folder.mkdir()
    keys = {"KEY": "minioroot", "SECRET": "minioroot-secret", "MCMIRROR_MC": str(mc), "TERM": "xterm-256color"}
    made = Terminal(tmp_path / "tmux", folder, clean_environment(tmp_path / "home", keys))
    yield made
    made.end()


@pytest.mark.timeout(900)
def test_a_newcomer_makes_a_mirror_sees_it_break_and_mends_it(
    terminal: Terminal, new_side: Callable[..., Side], tmp_path: Path
) -> None:
    source, target = new_side("from"), new_side("to")
    source.put({"a/one.txt": b"one", "a/two.txt": b"two"})
    file = terminal.folder / "mcmirror.toml"
    file.write_text("# mine\n[defaults]\nretries = 0  # at once\n")
    terminal.start(*PROGRAM, "tui")
    terminal.until("0 jobs")

    terminal.press("2", "0 connections")
    for name, side in (("from", source), ("to", target)):
        terminal.press("a", "New connection")
        terminal.fill(connections_form.FIELDS, name, side.server.url, "{env:KEY}", "{env:SECRET}")
        terminal.press("C-s", rf"{name} +http.*keys  accepted")

    terminal.press("3", "There is no job yet")
    terminal.press("a", "New job")
    terminal.fill(jobs_form.FIELDS, "pictures", f"from/{source.bucket}", f"to/{target.bucket}")
    terminal.press("C-s", "1 job ")

    terminal.press("r", "pictures verified: .*copied +2 objects")
    assert {"a/one.txt": 3, "a/two.txt": 3} == target.sizes()

    source.put({"a/three.txt": b"three"})
    target.server.kill()
    terminal.press("r", "✗ pictures failed")
    terminal.until(r"(do:|do  ).*address\s+and\s+port")
    terminal.press("1", "✗ 1 needs you")
    terminal.until("why .*do  ")

    target.server.start()
    terminal.press("r", "✓ 1 good")
    assert {"a/one.txt": 3, "a/three.txt": 5, "a/two.txt": 3} == target.sizes()
    text = terminal.press("4", "3 runs.* pictures .* pictures .* pictures ")
    assert [True, False, True] == ["✓" in line for line in text.splitlines() if " pictures " in line]
    terminal.press("q", "ended with 0")

    written = file.read_text()
    assert written.startswith("# mine\n[defaults]\nretries = 0  # at once\n")
    assert "minioroot" not in written
    assert {"source": f"from/{source.bucket}", "target": f"to/{target.bucket}"} == tomllib.loads(written)["job"][
        "pictures"
    ]
    source.put({"four.txt": b"four"})
    done = subprocess.run(
        [*PROGRAM, "run"], cwd=terminal.folder, env=terminal.environment, capture_output=True, text=True, check=False
    )
    assert 0 == done.returncode, done.stderr
    assert "four.txt" in target.sizes()


def slow(terminal: Terminal, pair: Pair) -> None:
    """A job that would take minutes."""
    pair.source.put({f"big/{number}": os.urandom(2**20) for number in range(20)})
    terminal.environment.update(MC_HOST_src=pair.source.server.mc_host(), MC_HOST_dst=pair.target.server.mc_host())
    places = f'source = "src/{pair.source.bucket}"\ntarget = "dst/{pair.target.bucket}"'
    (terminal.folder / "mcmirror.toml").write_text(f'[job.copy]\n{places}\nlimit_upload = "100KiB"\n')


def ended(terminal: Terminal) -> str:
    """The exit code of what was started, once there is one."""
    file = terminal.folder / "ended"
    until(lambda: file.exists() and file.read_text().endswith("\n"))
    return file.read_text().strip()


@pytest.mark.parametrize("asked", [False, True])
def test_the_dashboard_ends_with_its_terminal_and_stops_mc(terminal: Terminal, bucket_pair: Pair, asked: bool) -> None:
    slow(terminal, bucket_pair)
    terminal.start(*PROGRAM, "tui")
    terminal.until("1 job ")
    terminal.press("r", "copying")
    if asked:
        terminal.press("C-c", "Stop and quit")
    terminal.vanish()
    assert "129" == ended(terminal)
    shown = subprocess.run(
        [*PROGRAM, "history", "--json"], cwd=terminal.folder, env=terminal.environment, capture_output=True, check=True
    )
    assert ["cancelled"] == [run["status"] for run in json.loads(shown.stdout)]


def test_a_watched_run_ends_with_its_terminal_and_writes_its_report(terminal: Terminal, bucket_pair: Pair) -> None:
    slow(terminal, bucket_pair)
    terminal.start(*PROGRAM, "run", "--tui", "--report-json", "report.json")
    terminal.until("copying")
    terminal.vanish()
    assert "130" == ended(terminal)
    (report,) = json.loads((terminal.folder / "report.json").read_text())["reports"]
    assert "cancelled" == report["status"]


def test_attached_it_ends_with_its_terminal(terminal: Terminal) -> None:
    terminal.environment["MCMIRROR_API_TOKEN"] = "token"
    terminal.start(*PROGRAM, "tui", "--attach", "http://127.0.0.1:9")
    terminal.until("nobody listens there")
    terminal.vanish()
    assert "129" == ended(terminal)


STUCK = """
import queue, sys
from mcmirror.tui.shutdown import Shutdown
ending = Shutdown(lambda number: print("closed", number, flush=True))
ending.obey(lambda code: print("told", code, flush=True))
print("stands", flush=True)
queue.Queue().get()
"""


def test_a_screen_that_is_stuck_ends_all_the_same() -> None:
    """As one does that waits for a terminal which was stopped by Ctrl-S."""
    with subprocess.Popen([sys.executable, "-c", STUCK], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "stands\n" == process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert "told 143\nclosed 15\n" == process.communicate(timeout=PATIENCE)[0]
    assert 143 == process.returncode
