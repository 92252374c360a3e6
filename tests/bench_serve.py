"""What ``mcmirror serve`` costs while it waits, how late it starts two thousand jobs, how fast ``status`` answers.

``bin/bench serve``. The two thousand run a stand-in for the engine, so that what is measured is ours: the schedule, the
queue, the record of each run as a file and in the state.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from tests.bench import row
from tests.serve.house import House, in_time
from tests.serve.receiver import Channel
from tests.servers import binaries
from tests.servers.command import COMMAND, Cli, clean_environment
from tests.servers.minio import Minio
from tests.servers.slack import CHANNEL, TOKEN

ROOT = Path(__file__).parent.parent
MANY = 2000
MIB = 1 << 20
NEVER = "0 0 1 1 *"


def idle(house: House, seconds: float) -> None:
    """Ten jobs that wait for next year: before anything ran, and after each has run once."""
    house.defaults = {"overwrite": True}
    for number in range(10):
        house.jobs[f"job{number}"] = {"source": "src/bench", "target": f"./local/{number}", "cron": NEVER}
    serve = house.start()
    time.sleep(3)
    process = psutil.Process(serve.process.pid)
    memory = process.memory_full_info()
    what = "idle, ten jobs"
    row(what, "resident, nothing ran yet", f"{memory.rss / MIB:.1f} MiB", "", "80 MiB", memory.rss <= 80 * MIB)
    runs = [serve.post(f"jobs/{name}/run")["run"] for name in house.jobs]
    serve.until(lambda: all(serve.ask("GET", f"runs/{run}")[1]["status"] == "succeeded" for run in runs))
    time.sleep(3)
    memory = process.memory_full_info()
    row("", "resident, each has run", f"{memory.rss / MIB:.1f} MiB", "", "80 MiB", memory.rss <= 80 * MIB)
    row("", "of it ours alone", f"{memory.uss / MIB:.1f} MiB")
    before = process.cpu_times()
    time.sleep(seconds)
    after = process.cpu_times()
    used = (after.user + after.system - before.user - before.system) / seconds
    row("", "processor, of one core", f"{used:.2%}", "", "0.5 %", used <= 0.005)
    row("", "threads, descriptors", f"{process.num_threads()}, {process.num_fds()}")
    serve.stop()


def crowd(house: House, jobs: int) -> None:
    """Two thousand jobs of every minute, none of which lasts."""
    house.defaults, house.notify = {}, {}
    house.settings["parallel"] = 256
    for number in range(jobs):
        target = f"dst/bucket-{number:04}"
        house.jobs[f"job{number:04}"] = {"source": "src/bench", "target": target, "cron": "* * * * *"}
    queued = house.folder / "queued"
    command = (sys.executable, "-m", "tests.bench_serve", "--stand-in")
    serve = house.start(command=command, PYTHONPATH=str(ROOT), QUEUED=str(queued))
    process = psutil.Process(serve.process.pid)
    what = f"{jobs:,} jobs of every minute"
    row(what, "resident", f"{process.memory_info().rss / MIB:.1f} MiB")
    in_time(lambda: len(house.records(status="succeeded")) >= jobs or None)
    minute = time.time() // 60 * 60
    used = process.cpu_times()
    serve.until(lambda: time.time() > minute + 85)
    spent = process.cpu_times()
    by_minute: dict[float, list[float]] = {}
    for record in house.records():
        began = datetime.fromisoformat(record.started).timestamp()
        by_minute.setdefault(began // 60 * 60, []).append(began % 60)
    times = [float(line) % 60 for line in queued.read_text().split() if float(line) // 60 * 60 == minute + 60]
    row("", "the last one's turn late by", f"{max(times):.2f} s", "", "1 s", max(times) <= 1 and len(times) == jobs)
    late = sorted(by_minute[minute + 60])
    row("", "started", f"{len(late):,}", "", f"{jobs:,}", len(late) == jobs)
    row("", "256 at once: half began after", f"{late[len(late) // 2]:.2f} s")
    row("", "the last one began after", f"{late[-1]:.2f} s")
    row("", "processor, of one core", f"{(spent.user + spent.system - used.user - used.system) / 85:.1%}")
    row("", "resident", f"{process.memory_info().rss / MIB:.1f} MiB")
    for path in ("/metrics", "/readyz"):
        answers(f"GET {path}", partial(serve.answer, path))
    answers("GET /api/v1/jobs", lambda: serve.ask("GET", "jobs"))
    row("", "resident", f"{process.memory_info().rss / MIB:.1f} MiB")
    status(house)
    serve.stop()
    status(house)


def status(house: House) -> None:
    """Its wall time beside, and without, a server."""
    command = [str(COMMAND), "status", "--config", str(house.folder / house.name)]

    def run() -> None:
        done = subprocess.run(command, cwd=house.folder, env=house.cli.environment, capture_output=True, check=False)
        assert b"job0000" in done.stdout, done.stdout + done.stderr

    answers("mcmirror status", run)


def answers(what: str, work: Callable[[], object]) -> None:
    """How long it takes; ask between two minutes, when nothing runs."""
    taken = statistics.median(_took(work) for _ in range(5))
    row("", what, f"{taken:.0f} ms", "", "300 ms", taken <= 300)


def _took(work: Any) -> float:
    """Milliseconds."""
    begun = time.monotonic()
    work()
    return (time.monotonic() - begun) * 1000


def stand_in() -> None:
    """Become ``mcmirror serve``, with runs that end at once."""
    from mcmirror.cli.main import main as mcmirror
    from mcmirror.model.event import Event, RunFinished, RunStarted
    from mcmirror.model.report import RunReport, Status
    from mcmirror.service import queue, root

    def events(job: Any, *_: object) -> Iterator[Event]:
        yield RunStarted(job.name, str(job.source), str(job.target), dry_run=False)
        report = RunReport(job.name, str(job.source), str(job.target), Status.SUCCEEDED, verified=True)
        yield RunFinished(job.name, report)

    vars(root)["events"] = events
    add, file = queue.Queue.add, Path(os.environ["QUEUED"]).open("a", buffering=1)  # noqa: SIM115  as long as we live

    def added(self: Any, place: Any) -> None:
        add(self, place)
        file.write(f"{time.time()}\n")

    vars(queue)["Queue"].add = added
    sys.argv[:2] = ["mcmirror"]
    mcmirror()


@contextmanager
def houses() -> Iterator[House]:
    """A house with a server behind it, gone afterwards."""
    with ExitStack() as stack:
        minio, slack = stack.enter_context(Minio.make("bench")), stack.enter_context(Channel())
        minio.client().create_bucket(Bucket="bench")
        minio.client().put_object(Bucket="bench", Key="a", Body=b"1")
        folder = Path(minio.folder / "cli")
        folder.mkdir()
        variables = {"MCMIRROR_MC": str(binaries.mc()), "SLACK_TOKEN_OF_TEST": TOKEN}
        variables |= {f"MC_HOST_{alias}": minio.mc_host() for alias in ("src", "dst")}
        house = House(Cli(folder, clean_environment(folder / "home", variables)), stack)
        house.notify["slack"] = {
            "type": "slack",
            "token": "{env:SLACK_TOKEN_OF_TEST}",
            "channel": CHANNEL,
            "api_url": slack.api_url,
        }
        yield house


def main() -> None:
    """Measure both."""
    if sys.argv[1:2] == ["--stand-in"]:
        stand_in()
        return
    parser = argparse.ArgumentParser(prog="bin/bench serve", description=__doc__)
    parser.add_argument("what", nargs="*", help="of: idle crowd; both when none is named")
    parser.add_argument("--seconds", type=float, default=60, help="for which idleness is watched (60)")
    parser.add_argument("--jobs", type=int, default=MANY, help="in the crowd (2000)")
    options = parser.parse_args()
    row("what", "", "measured", "", "limit")
    if not options.what or "idle" in options.what:
        with houses() as house:
            idle(house, options.seconds)
    if not options.what or "crowd" in options.what:
        with houses() as house:
            crowd(house, options.jobs)


if __name__ == "__main__":
    main()
