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
import threading
import time
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

from mcmirror.model.stop import Stop

READ_SIZE = 256 * 1024
PIPE_SIZE = 1024 * 1024
TICK = 0.5
"""Seconds between two looks at the clock, the stop and the I/O counters."""
STDERR_KEPT = 64 * 1024
LONGEST_LINE = 1024 * 1024
"""Bytes of a line that are kept; what is longer is cut, and then no JSON. mc's longest real lines have some 12 KB."""
WAKE_UP = 8
"""Bytes of an eventfd, by which Go's runtime wakes its threads."""
_PR_SET_PDEATHSIG = 1
_ANY_END = tuple(range(-64, 256))
"""sh shall raise on no exit code and no signal: the judging is ours."""
_FORKING = threading.Lock()
"""Held while one thread forks: from Python 3.12 on, filelock raises when two fork at once."""
_FORKED = "This process .* is multi-threaded"
"""Python 3.12 and later warn of a fork beside threads; with ``-W error`` 3.15 raises that. sh forks to exec at once."""


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
    outgrown: int = 0
    """We stopped it: it had so many bytes of memory, more than it may."""


class _Io(NamedTuple):
    """A process's reads and writes so far, in bytes, and how many calls they took."""

    read: int
    written: int
    calls: int


class _Look(NamedTuple):
    """What the system counts of a process at one moment."""

    io: _Io | None
    """None where there is no ``/proc/PID/io``."""
    memory: int
    """Bytes; 0 where that is not told."""


class _Watch:
    """Says when a process has to be stopped, and why."""

    def __init__(self, stop: Stop | None, stall_timeout: float, memory: int, look: _Look) -> None:
        self.stalled = self.stopped = False
        self.outgrown = 0
        self._stop = stop
        self._stall_timeout = stall_timeout
        self._memory = memory
        self._quiet, self._seen, self._looked = 0.0, look.io, 0.0

    def over(self, now: float, *, quiet: float, look: Callable[[], _Look]) -> bool:
        """Whether it is over; ``quiet`` is for how many seconds the process has just said nothing."""
        if not quiet:
            self._quiet = 0.0
        if quiet or now - self._looked >= TICK:
            self._looked, seen = now, look()
            self._quiet = 0.0 if _moved(self._seen, seen.io) else self._quiet + quiet
            self._seen = seen.io
            self.outgrown = seen.memory if 0 < self._memory < seen.memory else 0
        self.stopped = self._stop is not None and self._stop.requested
        self.stalled = not self.stopped and 0 < self._stall_timeout < self._quiet
        return self.stopped or self.stalled or bool(self.outgrown)


class _Pipe:
    """A pipe that goes with ``ends``; its write end is the child's."""

    def __init__(self, ends: contextlib.ExitStack) -> None:
        self.reader, self.writer = os.pipe()
        ends.callback(os.close, self.reader)
        self._open = ends.enter_context(contextlib.ExitStack())
        self._open.callback(os.close, self.writer)
        _enlarge(self.writer)

    def close_writer(self) -> None:
        """The child has it now."""
        self._open.close()


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
        memory: int = 0,
        trace: Callable[[bytes], None] | None = None,
    ) -> None:
        """Take what is to run; nothing starts before the first read.

        ``stall_timeout`` in seconds, 0 for none; ``grace`` is the time between SIGTERM and SIGKILL; ``linger`` is
        how many seconds a line may wait for more, which spares an mc at work a thousand wake-ups of ours; ``memory`` is
        how many bytes it may have, 0 for any number; ``trace`` is given stderr as it comes.
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
        self._memory = memory
        self._trace = trace
        self._errors = b""
        self._running: Any = None
        self._observed: Any = None
        self.exit = Exit(0, "")

    def lines(self) -> Generator[list[bytes], None, None]:
        """Yield complete lines in batches, without their newline; an empty batch is a tick of the clock."""
        begun, length = list[bytes](), 0
        for chunk in self.chunks():
            if not chunk:
                yield []
                continue
            first, *others = chunk.split(b"\n")
            if length <= LONGEST_LINE:
                begun.append(first[: LONGEST_LINE + 1 - length])
                length += len(begun[-1])
            if others:
                others[:0] = [b"".join(begun)]
                begun = [others.pop()]
                length = len(begun[0])
                yield others
        if length:
            yield [b"".join(begun)]

    def chunks(self) -> Generator[bytes, None, None]:
        """Yield stdout as it comes; an empty chunk is a tick of the clock. The first one says that mc runs."""
        _keep_standard_descriptors()
        with contextlib.ExitStack() as ends:
            stdin = ends.enter_context((self._stdin or Path(os.devnull)).open("rb"))
            output, errors = _Pipe(ends), _Pipe(ends)
            ends.callback(self._kill)
            try:
                self._running = self._start(stdin, output.writer, errors.writer)
            finally:
                output.close_writer()
                errors.close_writer()
            yield b""
            self.exit = yield from self._read(output.reader, errors.reader)

    def written(self) -> int:
        """Bytes that the process has written so far; -1 where the system keeps no such count."""
        io = self._look().io
        return io.written if io else -1

    def _start(self, stdin: IO[bytes], output: int, errors: int) -> Any:
        import sh

        logging.getLogger("sh").setLevel(logging.WARNING)
        warnings.filterwarnings("ignore", _FORKED, DeprecationWarning)
        options: dict[str, Any] = {
            "_in": stdin,
            "_out": output,
            "_err": errors,
            "_bg": True,
            "_bg_exc": False,
            "_new_session": True,
            "_env": self._env,
            "_cwd": self._folder,
            "_ok_code": _ANY_END,
            "_internal_bufsize": 200,
            "_decode_errors": "replace",
            "_preexec_fn": death_with_parent(),
            "_log_msg": lambda *_: "mc",
        }
        try:
            with _FORKING:
                return sh.Command(self._program)(*self._argv, **options)
        except sh.CommandNotFound:
            raise FileNotFoundError(f"{self._program} is not a program that can be run") from None
        except sh.ForkException as failure:
            raise OSError(f"{self._program} cannot be run: {str(failure).strip().splitlines()[-1]}") from None

    def _read(self, output: int, errors: int) -> Generator[bytes, None, Exit]:
        """Yield chunks and ticks to the end, reap, and return how it ended."""
        poll = select.poll()
        for reader in (output, errors):
            poll.register(reader, select.POLLIN | select.POLLHUP)
        watch = _Watch(self._stop, self._stall_timeout, self._memory, self._look())
        told, deadline = time.monotonic(), 0.0
        while True:
            before = time.monotonic()
            ready = {reader for reader, _ in poll.poll(TICK * 1000)}
            now = time.monotonic()
            if errors in ready and not self._take(errors):
                poll.unregister(errors)
            if output in ready:
                chunk = os.read(output, READ_SIZE)
                if not chunk:
                    break
                told = now
                yield chunk
                if self._linger and len(chunk) < READ_SIZE and not deadline:
                    time.sleep(self._linger)
            elif now - told >= TICK:
                told = now
                yield b""
            if deadline and now > deadline:
                self._signal(signal.SIGKILL)
            elif not deadline and watch.over(now, quiet=0.0 if ready else now - before, look=self._look):
                self._signal(signal.SIGTERM)
                deadline = now + self._grace
        return self._end(errors, watch)

    def _take(self, errors: int) -> bool:
        """Read on in stderr and keep its end; return whether there can be more."""
        said = os.read(errors, READ_SIZE)
        if self._trace is not None and said:
            self._trace(said)
        self._errors = (self._errors + said)[-STDERR_KEPT:]
        return bool(said)

    def _end(self, errors: int, watch: _Watch) -> Exit:
        self._reap()
        os.set_blocking(errors, False)
        with contextlib.suppress(BlockingIOError):  # somebody whom it started still holds the other end
            while self._take(errors):
                pass
        said = self._errors.decode(errors="replace")
        return Exit(self._running.process.exit_code, said, watch.stalled, watch.stopped, watch.outgrown)

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

    def _look(self) -> "_Look":
        """What the system counts of the process."""
        import psutil

        io, memory = None, 0
        try:
            if self._observed is None:
                self._observed = psutil.Process(self._running.pid)
            memory = self._observed.memory_info().rss
            now = self._observed.io_counters()
            io = _Io(now.read_chars, now.write_chars, now.read_count + now.write_count)
        except (psutil.Error, AttributeError, OSError):
            pass
        return _Look(io, memory)


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


def processor_share() -> Callable[[], float]:
    """Return a function that tells which share of the machine's processor time was used since its last call, 0 to 1."""
    import psutil

    def share() -> float:
        return psutil.cpu_percent() / 100

    return share


def _moved(before: _Io | None, after: _Io | None) -> bool:
    """Whether data went through: Go's runtime reads and writes wake-ups of its own also while all stands still."""
    if before is None or after is None:
        return before is not after
    data = after.read + after.written - before.read - before.written
    return data > WAKE_UP * (after.calls - before.calls)


def death_with_parent() -> Callable[[], None] | None:
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


def kill_children() -> None:
    """Kill every process that this one has started."""
    import psutil

    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            child.kill()
