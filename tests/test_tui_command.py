"""`mcmirror tui` and `run --tui` on a real terminal: what they need, how they end, and with which exit code."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path
from typing import Self

import pytest

from tests.conftest import Pair
from tests.servers.command import COMMAND, Cli
from tests.test_tui_local import configured, quick

PATIENCE = 120.0


class Terminal:
    """A command on a terminal of its own. Use as a context manager."""

    def __init__(self, cli: Cli, *arguments: str, **variables: str) -> None:
        self._near, far = pty.openpty()
        fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        environment = {**cli.environment, "TERM": "xterm-256color", **variables}
        self.process = subprocess.Popen(
            [COMMAND, *arguments], cwd=cli.folder, env=environment, stdin=far, stdout=far, stderr=far,
            start_new_session=True,
        )  # fmt: skip
        os.close(far)
        self.seen = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._near)

    def _read(self) -> bool:
        """Whether anything came."""
        if not select.select([self._near], [], [], 0.05)[0]:
            return False
        try:
            self.seen += os.read(self._near, 65536)
        except OSError:
            return False
        return True

    def until(self, words: str) -> None:
        """Wait for words on the screen, and forget what came before them."""
        deadline = time.monotonic() + PATIENCE
        while words.encode() not in self.seen:
            assert time.monotonic() < deadline, self.seen[-3000:].decode(errors="replace")
            assert self._read() or self.process.poll() is None, self.seen[-3000:].decode(errors="replace")
        self.seen = self.seen.partition(words.encode())[2]

    def press(self, keys: str) -> None:
        """As a person types."""
        os.write(self._near, keys.encode())

    def end(self) -> int:
        """Wait for the end; the exit code."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None or self._read():
            self._read()
            assert time.monotonic() < deadline, self.seen[-3000:].decode(errors="replace")
        return self.process.returncode


@pytest.mark.parametrize("command", [("tui",), ("run", "--tui")])
def test_without_a_terminal_it_says_so(cli: Cli, bucket_pair: Pair, command: tuple[str, ...]) -> None:
    configured(cli, {"copy": quick(bucket_pair)})
    result = cli(*command)
    assert 2 == result.code
    assert "needs a terminal" in result.stderr
    assert "do:" in result.stderr
    assert {} == bucket_pair.target.sizes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("tui", "--attach", "ftp://x"), "no address of a server"),
        (("tui", "--attach", "http://127.0.0.1:1", "--schedules"), "keeps its own schedules"),
        (("tui", "--attach", "http://127.0.0.1:1", "--config", "x"), "has its own configuration"),
        (("run", "--tui", "--json"), "--json and --quiet do not"),
    ],
)
def test_what_does_not_go_together_is_a_usage_error(cli: Cli, arguments: tuple[str, ...], words: str) -> None:
    with Terminal(cli, *arguments) as terminal:
        terminal.until(words.rsplit(maxsplit=1)[-1])
        assert 2 == terminal.end()


def test_a_run_from_the_key_to_the_copy_and_out(cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"a": b"1"})
    configured(cli, {"copy": quick(bucket_pair)})
    with Terminal(cli, "tui") as terminal:
        terminal.until("never ran")
        terminal.press("r")
        terminal.until("verified")
        terminal.press("q")
        assert 0 == terminal.end()
    assert bucket_pair.equal


@pytest.mark.parametrize(("break_it", "code", "words"), [(False, 0, "verified"), (True, 1, "failed")])
def test_a_watched_run_ends_with_its_exit_code_and_its_report(
    cli: Cli, bucket_pair: Pair, break_it: bool, code: int, words: str
) -> None:
    bucket_pair.source.put({"a": b"1"})
    job = quick(bucket_pair)
    configured(cli, {"copy": {**job, "source": f"{job['source']}-not-there"} if break_it else job})
    with Terminal(cli, "run", "--tui", "--report-json", "report.json") as terminal:
        terminal.until(words)
        terminal.press("q")
        assert code == terminal.end()
        # After the screen has gone, the report is on the terminal as ever.
        assert f"copy {words}:".encode() in terminal.seen
    assert (cli.folder / "report.json").exists()
    assert break_it or bucket_pair.equal


def test_leaving_a_watched_run_stops_it(cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({f"big/{number}": os.urandom(2**20) for number in range(20)})
    configured(cli, {"copy": quick(bucket_pair, limit_upload="128KiB")})
    with Terminal(cli, "run", "--tui") as terminal:
        terminal.until("copying")
        terminal.press("q")
        terminal.until("1 run goes on. Stop and quit?")
        terminal.press("y")
        assert 130 == terminal.end()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_wish_to_end_from_outside_stops_what_runs(
    cli: Cli, bucket_pair: Pair, number: signal.Signals, code: int
) -> None:
    bucket_pair.source.put({f"big/{number}": os.urandom(2**20) for number in range(20)})
    configured(cli, {"copy": quick(bucket_pair, limit_upload="128KiB")})
    with Terminal(cli, "tui") as terminal:
        terminal.until("never ran")
        terminal.press("r")
        terminal.until("copying")
        terminal.process.send_signal(number)
        assert code == terminal.end()
    assert [] == cli.leftovers


def test_the_first_picture_loads_nothing_that_it_does_not_show(tmp_path: Path) -> None:
    code = (
        "import sys, mcmirror.cli.main, mcmirror.cli.dashboard, mcmirror.tui.app, mcmirror.tui.local,"
        " mcmirror.tui.overview\n"
        "print(*{name.partition('.')[0] for name in sys.modules} & {'pydantic', 'sqlalchemy', 'sh', 'tomlkit',"
        " 'slack_sdk', 'prometheus_client', 'structlog', 'psutil', 'orjson'})"
    )
    result = subprocess.run(
        [COMMAND.with_name("python"), "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "" == result.stdout.strip()


def test_attached_it_asks_for_the_token_and_never_shows_it(cli: Cli) -> None:
    with Terminal(cli, "tui", "--attach", "http://127.0.0.1:9") as terminal:
        terminal.until("Token of the API")
        terminal.press("the-secret-token\r")
        terminal.until("nobody listens there")
        terminal.press("q")
        assert 0 == terminal.end()
        assert b"the-secret-token" not in terminal.seen
