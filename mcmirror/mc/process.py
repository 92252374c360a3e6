"""Run mc: the one place that starts it, reads it, stops it and reaps it, and the only door to ``sh``.

mc's output goes through a pipe of our own, which this thread reads: ``sh`` never touches a line, a slow reader slows mc
down instead of losing lines, and the thread that starts mc also waits for it, as the parent-death signal demands.
"""

import contextlib
import ctypes
import fcntl
import logging
import os
import select
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

from mcmirror.mc.unexpected import problem_of, temporary_folder
from mcmirror.model.problem import Trouble
from mcmirror.model.stop import Stop

READ_SIZE = 256 * 1024
PIPE_SIZE = 1024 * 1024
TICK = 0.5
"""Seconds between two looks at the clock, the stop and the I/O counters."""
STDERR_KEPT = 64 * 1024
WAKE_UP = 8
"""Bytes of an eventfd, by which Go's runtime wakes its threads."""
_PR_SET_PDEATHSIG = 1
_ANY_END = tuple(range(-64, 256))
"""sh shall raise on no exit code and no signal: the judging is ours."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended."""

    code: int
    """Its exit code; negative: the signal that killed it."""
    stderr: str
    stalled: bool = False
    """We stopped it: nothing was read, written or printed for the stall timeout."""
    stopped: bool = False
    """We stopped it: a stop was requested."""


class _Io(NamedTuple):
    """A process's reads and writes so far, in bytes, and how many calls they took."""

    read: int
    written: int
    calls: int


class Process:
    """One running mc. Iterate ``chunks`` or ``lines`` to its end, then read ``exit``."""

    def __init__(  # noqa: PLR0913
        self,
        program: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        folder: str | None = None,
        stdin: Path | None = None,
        stop: Stop | None = None,
        stall_timeout: float = 0.0,
        grace: float = 5.0,
        linger: float = 0.0,
        trace: Callable[[IO[bytes]], None] | None = None,
    ) -> None:
        """Take what is to run; nothing starts before the first read.

        ``stall_timeout`` in seconds, 0 for none; ``grace`` is the time between SIGTERM and SIGKILL; ``linger`` is
        how many seconds a line may wait for more, which spares an mc at work a thousand wake-ups of ours; ``trace`` is
        given the whole of stderr once mc has ended.
        """
        self._program = program
        self._argv = list(argv)
        self._env = dict(env)
        self._folder = folder
        self._stdin = stdin
        self._stop = stop
        self._stall_timeout = stall_timeout
        self._grace = grace
        self._linger = linger
        self._trace = trace
        self._running: Any = None
        self._counters: Callable[[], Any] | None = None
        self.exit = Exit(0, "")

    def lines(self) -> Generator[list[bytes], None, None]:
        """Yield complete lines in batches, without their newline; an empty batch is a tick of the clock."""
        rest = b""
        for chunk in self.chunks():
            if not chunk:
                yield []
                continue
            lines = (rest + chunk).split(b"\n")
            rest = lines.pop()
            if lines:
                yield lines
        if rest:
            yield [rest]

    def chunks(self) -> Generator[bytes, None, None]:
        """Yield stdout as it comes; an empty chunk is a tick of the clock."""
        _keep_standard_descriptors()
        reader, writer = os.pipe()
        try:
            with (self._stdin or Path(os.devnull)).open("rb") as stdin, _scratch() as stderr:
                try:
                    try:
                        _enlarge(writer)
                        self._running = self._start(stdin, writer, stderr)
                    finally:
                        os.close(writer)
                    stalled, stopped = yield from self._read(reader)
                    self._reap()
                    if self._trace is not None:
                        stderr.seek(0)
                        self._trace(stderr)
                    self.exit = Exit(self._running.process.exit_code, _tail(stderr), stalled, stopped)
                finally:
                    self._kill()
        finally:
            os.close(reader)

    def written(self) -> int:
        """Bytes that the process has written so far; -1 where the system keeps no such count."""
        counters = self._io()
        return counters.written if counters else -1

    def _start(self, stdin: IO[bytes], writer: int, stderr: IO[bytes]) -> Any:
        import sh

        logging.getLogger("sh").setLevel(logging.WARNING)
        options: dict[str, Any] = {
            "_in": stdin,
            "_out": writer,
            "_err": stderr.fileno(),
            "_bg": True,
            "_bg_exc": False,
            "_new_session": True,
            "_env": self._env,
            "_cwd": self._folder,
            "_ok_code": _ANY_END,
            "_internal_bufsize": 200,
            "_decode_errors": "replace",
            "_preexec_fn": _death_with_parent(),
            "_log_msg": lambda *_: "mc",
        }
        try:
            return sh.Command(self._program)(*self._argv, **options)
        except sh.CommandNotFound:
            raise FileNotFoundError(f"{self._program} is not a program that can be run") from None
        except sh.ForkException as failure:
            raise OSError(f"{self._program} cannot be run: {str(failure).strip().splitlines()[-1]}") from None

    def _read(self, reader: int) -> Generator[bytes, None, tuple[bool, bool]]:
        """Yield chunks and ticks to the end; return whether we stopped it for a stall, and on request."""
        poll = select.poll()
        poll.register(reader, select.POLLIN | select.POLLHUP)
        quiet, seen, deadline = 0.0, self._io(), 0.0
        stalled = stopped = False
        while True:
            before = time.monotonic()
            ready = poll.poll(TICK * 1000)
            now = time.monotonic()
            if ready:
                chunk = os.read(reader, READ_SIZE)
                if not chunk:
                    return stalled, stopped
                quiet = 0.0
                yield chunk
                if self._linger and len(chunk) < READ_SIZE and not deadline:
                    time.sleep(self._linger)
            else:
                earlier, seen = seen, self._io()
                quiet = 0.0 if _moved(earlier, seen) else quiet + now - before
                yield b""
            if deadline:
                if now > deadline:
                    self._signal(signal.SIGKILL)
                continue
            stopped = self._stop is not None and self._stop.requested
            stalled = not stopped and 0 < self._stall_timeout < quiet
            if stopped or stalled:
                self._signal(signal.SIGTERM)
                deadline = now + self._grace

    def _reap(self) -> None:
        """Wait for the end, and kill what is late for it; sh by itself would look ten times a second."""
        pause, left = 0.001, self._grace
        while self._running.is_alive():
            if left <= 0:
                self._signal(signal.SIGKILL)
                break
            time.sleep(pause)
            left -= pause
            pause = min(pause * 2, 0.05)
        self._running.wait()

    def _kill(self) -> None:
        """Leave nothing behind, whatever the reader did."""
        if self._running is not None and self._running.process.exit_code is None and self._running.is_alive():
            self._signal(signal.SIGTERM)
            self._reap()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._running.pid, number)

    def _io(self) -> "_Io | None":
        """What ``/proc/PID/io`` counts; None where there is no such thing."""
        import psutil

        try:
            if self._counters is None:
                self._counters = psutil.Process(self._running.pid).io_counters
            now = self._counters()
            return _Io(now.read_chars, now.write_chars, now.read_count + now.write_count)
        except (psutil.Error, AttributeError, OSError):
            return None


def capture(
    program: str, argv: Sequence[str], *, env: Mapping[str, str], timeout: float, most: int = 1024 * 1024
) -> tuple[int, str, str]:
    """Run a short command and return its exit code, stdout and stderr.

    One that prints nothing for ``timeout`` seconds is stopped (code -15); output beyond ``most`` bytes is dropped.
    Raises OSError when the program cannot be started.
    """
    process = Process(program, argv, env=env, stall_timeout=timeout, grace=1.0)
    output = b""
    for chunk in process.chunks():
        output += chunk[: most - len(output)]
        if len(output) >= most:
            break
    return process.exit.code, output.decode(errors="replace"), process.exit.stderr


def _moved(before: _Io | None, after: _Io | None) -> bool:
    """Whether data went through: Go's runtime reads and writes wake-ups of its own also while all stands still."""
    if before is None or after is None:
        return before is not after
    data = after.read + after.written - before.read - before.written
    return data > WAKE_UP * (after.calls - before.calls)


def _death_with_parent() -> Callable[[], None] | None:
    """For the child, between fork and exec: die when we do. Linux only; elsewhere mc dies at its next line."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def arm() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return arm


def _enlarge(writer: int) -> None:
    """A larger pipe lets mc run ahead of us; a system that has none keeps its own size."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):
            fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE_SIZE)


def _keep_standard_descriptors() -> None:
    """Occupy 0 to 2: sh takes descriptor 0 for "none", and a daemon's closed stdin must not become our pipe."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)


def _scratch() -> IO[bytes]:
    """A file for what mc says on stderr; raises Trouble when there is no room for one."""
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        raise Trouble(problem_of(error, f"no file could be made in {temporary_folder()} for mc's messages")) from error


def _tail(file: IO[bytes]) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - STDERR_KEPT))
    return file.read().decode(errors="replace")
