"""The process room: everything read, nothing left running."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from mcmirror.model.stop import Stop
from mcmirror.movers.mc.process import LONGEST_LINE, STDERR_KEPT, Exit, Process, capture

SHELL = "/bin/sh"


def lines(script: str, **how: float) -> tuple[list[bytes], Exit]:
    process = Process(SHELL, ["-c", script], env={"PATH": os.environ["PATH"]}, **how)  # type: ignore[arg-type]
    read = [line for batch in process.lines() for line in batch]
    return read, process.exit


def gone(pid: int) -> bool:
    """Whether the process has ended; a zombie, which its new parent has yet to reap, has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_until_gone(pid: int) -> None:
    end = time.monotonic() + 60
    while not gone(pid):
        assert time.monotonic() < end, f"{pid} is still running"
        time.sleep(0.02)


def test_every_line_arrives_also_to_a_slow_reader() -> None:
    process = Process(SHELL, ["-c", "seq 300000"], env={"PATH": os.environ["PATH"]})
    read = 0
    for batch in process.lines():
        read += len(batch)
        time.sleep(0.001)
    assert (read, process.exit.code) == (300000, 0)


def test_a_last_line_without_newline_and_no_other_separator() -> None:
    read, end = lines(r"printf 'a\r\nb\302\205c\nlast'; echo trouble >&2; exit 3")
    assert read == [b"a\r", "b\u0085c".encode(), b"last"]
    assert end == Exit(3, "trouble\n")


def test_a_line_without_an_end_is_cut_and_the_next_one_is_whole() -> None:
    read, end = lines(
        f"head -c {20 * LONGEST_LINE} /dev/zero | tr '\\0' x; echo; echo next; yes '' | head -3; printf z"
    )
    assert [LONGEST_LINE + 1, 4, 0, 0, 0, 1] == [len(line) for line in read]
    assert (b"next", b"z", 0) == (read[1], read[-1], end.code)


def test_a_flood_on_stderr_is_followed_to_its_end_and_its_tail_is_kept() -> None:
    seen = list[bytes]()
    script = "yes | head -c 3000000 >&2; echo out; echo last >&2"
    process = Process(SHELL, ["-c", script], env={"PATH": os.environ["PATH"]}, trace=seen.append)
    assert [b"out"] == [line for batch in process.lines() for line in batch]
    assert 3000005 == sum(map(len, seen))
    assert process.exit.stderr.endswith("y\nlast\n")
    assert STDERR_KEPT == len(process.exit.stderr)


def test_a_process_that_takes_too_much_memory_is_stopped() -> None:
    greedy = "held = []\nwhile True: held.append(bytearray(b'x') * (1 << 20))"
    _, end = lines(f'exec {sys.executable} -c "{greedy}"', memory=100 << 20)
    assert end.outgrown > 100 << 20
    assert (-signal.SIGTERM, False, False) == (end.code, end.stalled, end.stopped)


def test_a_silent_process_is_stopped_and_killed_if_need_be() -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1000)"
    _, end = lines(f"exec {sys.executable} -c '{deaf}'", stall_timeout=3.0, grace=0.5)
    assert (end.code, end.stalled, end.stopped) == (-signal.SIGKILL, True, False)


def test_a_process_that_works_in_silence_is_not_stalled() -> None:
    busy = 'import time\nfor _ in range(30): open("/dev/zero", "rb").read(65536); time.sleep(0.2)'
    _, end = lines(f"exec {sys.executable} -c '{busy}'", stall_timeout=3.0)
    assert (end.code, end.stalled) == (0, False)


def test_a_stop_ends_a_chatty_process() -> None:
    stop = Stop()
    process = Process("/usr/bin/yes", [], env={}, stop=stop)
    threading.Timer(0.3, stop.request).start()
    for _ in process.chunks():
        pass
    assert (process.exit.code, process.exit.stopped) == (-signal.SIGTERM, True)


def test_a_reader_that_leaves_takes_the_process_with_it() -> None:
    process = Process("/usr/bin/yes", [], env={})
    chunks = process.chunks()
    next(chunks)
    pid = process._running.pid
    chunks.close()
    wait_until_gone(pid)


def test_kill_minus_nine_of_the_parent_takes_the_child_with_it(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import sys
        from mcmirror.movers.mc.process import Process
        process = Process("/bin/sh", ["-c", "echo $$; exec sleep 1000"], env={"PATH": "/usr/bin:/bin"})
        for batch in process.lines():
            for line in batch:
                print(line.decode(), flush=True)
        """
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert parent.stdout
    child = int(parent.stdout.readline())
    assert not gone(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until_gone(child)


def test_a_closed_stdin_of_ours_is_no_stdin_of_theirs(tmp_path: Path) -> None:
    call = "capture('/bin/sh', ['-c', 'cat; echo end'], env={'PATH': '/usr/bin:/bin'}, timeout=60)"
    script = f"import os; os.close(0); from mcmirror.movers.mc.process import capture; print({call})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout == "(0, 'end\\n', '')\n"


def test_no_descriptor_and_no_thread_is_left() -> None:
    def held() -> tuple[set[str], set[threading.Thread]]:
        return {path.name for path in Path("/proc/self/fd").iterdir()}, set(threading.enumerate())

    def left() -> tuple[set[str], set[threading.Thread]]:
        files, threads = held()
        return files - before[0], threads - before[1]

    before = held()
    for _ in range(5):
        lines("echo x; echo y >&2")
    end = time.monotonic() + 60
    while left() != (set(), set()) and time.monotonic() < end:
        time.sleep(0.1)  # sh's thread looks once a second whether it may end
    assert left() == (set(), set())


def test_capture_cuts_what_floods_it() -> None:
    _, output, _ = capture("/usr/bin/yes", [], env={}, timeout=60, most=1000)
    assert output == "y\n" * 500


@pytest.mark.parametrize("program", ["/nonexistent/mc", "/etc/hostname"])
def test_what_cannot_be_run_is_an_oserror(program: str) -> None:
    with pytest.raises(OSError, match=r"cannot be run|can be run"):
        capture(program, ["--version"], env={}, timeout=60)


FORKS = """
import os, threading, time
from concurrent.futures import ThreadPoolExecutor
from mcmirror.movers.mc.process import Process

at_once, most, lock = 0, 0, threading.Lock()

def before():
    global at_once, most
    with lock:
        at_once += 1
        most = max(most, at_once)
    time.sleep(0.05)

def after():
    global at_once
    with lock:
        at_once -= 1

os.register_at_fork(before=before, after_in_parent=after)
run = lambda _: [*Process("/bin/sh", ["-c", "exit 0"], env={}).chunks()]
with ThreadPoolExecutor(8) as pool:
    [*pool.map(run, range(16))]
print(most)
"""


def test_threads_fork_one_after_another() -> None:
    """From Python 3.12 on, filelock raises RuntimeError in a thread that forks while another one does."""
    done = subprocess.run([sys.executable, "-c", FORKS], capture_output=True, text=True, check=True, timeout=120)
    assert "1\n" == done.stdout
