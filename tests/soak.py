"""``mcmirror serve`` for a while: real runs every few seconds, faults now and then, and what it holds on to.

``python -m tests.soak MINUTES`` or ``bin/bench soak MINUTES``. Each look waits until nothing runs: what runs take and
give back does not count. The first third of the time is for warming up. Flat is: over the rest, the median of the
slopes between any two looks adds less than 3 MiB, and not one descriptor and not one thread.
"""

import argparse
import itertools
import os
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.conftest import Side
from tests.serve.house import House, Serve, in_time
from tests.serve.receiver import Channel, Receiver
from tests.servers import binaries
from tests.servers.command import Cli, clean_environment
from tests.servers.minio import Minio
from tests.servers.slack import CHANNEL, TOKEN

JOBS = 4
EVERY = 20.0
"""Seconds between two looks."""
MIB = 1 << 20
GROWTH = 3 * MIB
"""Bytes that resident memory may grow by after the first third, however long that takes: the longer the soak, the
smaller the leak that it tells. Ten minutes grow by two: Python's table of interned names doubles once, by 0.9 MiB, when
names of temporary folders have come and gone in it, and the allocator's pieces find their places."""


@dataclass(frozen=True)
class Sample:
    """What the process holds while nothing runs, at its least within a second: somebody may still be told."""

    minute: float
    memory: int
    """Resident bytes."""
    descriptors: int
    threads: int
    runs: int


@dataclass
class Soak:
    """A server that works, and what goes on around it."""

    house: House
    serve: Serve
    source: Side
    targets: list[Side]
    receiver: Receiver
    slack: Channel
    dice: random.Random = field(default_factory=lambda: random.Random(5))
    number: int = 0
    done: Counter[str] = field(default_factory=Counter)

    def change(self) -> None:
        """A few objects come, one goes."""
        self.number += 1
        self.source.put({f"{self.number % 200:03}/{self.dice.randrange(3)}": self.dice.randbytes(500)})
        if self.number % 3 == 0:
            keys = sorted(self.source.sizes())
            self.source.delete(self.dice.choice(keys))

    def faults(self) -> Iterator[tuple[str, Callable[[], object]]]:
        """One after the other, for ever."""

        def reload() -> None:
            self.house.defaults["retries"] = 3 - self.house.defaults["retries"]
            self.house.write()

        def slack(always: str) -> None:
            self.slack.always, self.receiver.wrong = always, 503 if always else 0

        while True:
            yield "target restarted", self.targets[0].server.restart
            yield "Slack down", lambda: slack("500")
            yield "Slack back", lambda: slack("")
            yield "configuration changed", reload
            yield "target killed", self.targets[1].server.kill
            yield "target back", self.targets[1].server.start
            yield "configuration broken", lambda: (self.house.folder / self.house.name).write_text("[job")
            yield "configuration mended", self.house.write

    def waiting(self) -> list[int]:
        """How many messages each notifier has still to deliver."""
        return [one["waiting"] for one in self.serve.ask("GET", "status")[1]["notifiers"]]

    def sample(self, begun: float) -> Sample:
        """Let no run begin, wait for the end of those that go on, and look for a second."""
        self.serve.post("pause", 200)
        in_time(lambda: not any(job["run"] for job in self.serve.ask("GET", "jobs")[1]["jobs"]))
        process, looks = psutil.Process(self.serve.process.pid), list[tuple[int, int, int]]()
        for _ in range(8):
            time.sleep(0.12)
            with process.oneshot():
                looks.append((process.memory_info().rss, process.num_fds(), process.num_threads()))
        self.serve.post("resume", 200)
        memory, descriptors, threads = (min(column) for column in zip(*looks, strict=True))
        runs = sum(self.serve.log.count(f'"status": "{status}"') for status in ("succeeded", "partial", "failed"))
        return Sample((time.monotonic() - begun) / 60, memory, descriptors, threads, runs)

    def work(self, minutes: float, pause: float) -> list[Sample]:
        """Let time pass, with a fault every ``pause`` seconds."""
        begun = time.monotonic()
        samples, faults, next_fault, next_sample = list[Sample](), self.faults(), begun + pause, begun
        while time.monotonic() < begun + minutes * 60:
            self.change()
            if time.monotonic() >= next_fault:
                name, fault = next(faults)
                fault()
                self.done[name] += 1
                next_fault = time.monotonic() + pause
            if time.monotonic() >= next_sample:
                samples.append(self.sample(begun))
                show(samples[-1])
                next_sample = time.monotonic() + EVERY
            time.sleep(1)
        for name, fault in faults:
            if name == "configuration mended":
                fault()
                break
            if name in {"Slack back", "target back"}:
                fault()
        return samples


@contextmanager
def soaking() -> Iterator[Soak]:
    """Servers, listeners and a server of ours, all gone afterwards."""
    with ExitStack() as stack:
        minios = [stack.enter_context(Minio.make(f"soak-{name}")) for name in ("source", "one", "two")]
        receiver, slack = stack.enter_context(Receiver()), stack.enter_context(Channel())
        folder = Path(minios[0].folder / "cli")
        folder.mkdir()
        hosts = dict(zip(("src", "one", "two"), (minio.mc_host() for minio in minios), strict=True))
        variables = {"MCMIRROR_MC": str(binaries.mc()), "SLACK_TOKEN_OF_TEST": TOKEN}
        variables |= {f"MC_HOST_{alias}": host for alias, host in hosts.items()}
        sides = [Side(minio, minio.client(), "soak", alias) for minio, alias in zip(minios, hosts, strict=True)]
        for side in sides:
            side.client.create_bucket(Bucket="soak")
        house = House(Cli(folder, clean_environment(folder / "home", variables)), stack)
        for number in range(JOBS):
            target = f"{('one', 'two')[number % 2]}/soak/{number}" if number < JOBS - 1 else "./local"
            house.jobs[f"job{number}"] = {"source": "src/soak", "target": target, "every": f"{2 + number % 2}s"}
        house.notify["hook"] = receiver.notifier("start", "success", "failure", "recovery")
        house.notify["slack"] = {
            "type": "slack",
            "token": "{env:SLACK_TOKEN_OF_TEST}",
            "channel": CHANNEL,
            "api_url": slack.api_url,
            "on": ["start", "change", "failure", "recovery"],
        }
        yield Soak(house, house.start(), sides[0], sides[1:], receiver, slack)


def show(sample: Sample) -> None:
    """A line of the table."""
    print(
        f"{sample.minute:>7.1f} {sample.memory / MIB:>9.1f} {sample.descriptors:>12} {sample.threads:>8}"
        f" {sample.runs:>7}",
        flush=True,
    )


def verdict(samples: list[Sample]) -> bool:
    """Print what became more once it was warm; whether it is flat."""
    warm = [sample for sample in samples if sample.minute >= samples[-1].minute / 3]
    good = True
    for name, unit, text, limit in (
        ("memory", MIB, "MiB", GROWTH),
        ("descriptors", 1, "", 1),
        ("threads", 1, "", 1),
    ):
        first, last = (getattr(sample, name) / unit for sample in (warm[0], warm[-1]))
        more = growth([(sample.minute, getattr(sample, name)) for sample in warm])
        flat = more < limit
        print(
            f"{name:<12} {first:.4g} -> {last:.4g} {text:<3}  grows by {more / unit:.2g}  {'flat' if flat else 'GROWS'}"
        )
        good = good and flat
    return good


def growth(points: list[tuple[float, float]]) -> float:
    """How much is added from the first to the last, by the median of all slopes: a few odd looks do not count."""
    slopes = [(late[1] - early[1]) / (late[0] - early[0]) for early, late in itertools.combinations(points, 2)]
    return statistics.median(slopes) * (points[-1][0] - points[0][0]) if slopes else 0.0


def main() -> None:
    """Soak for so many minutes; exit 1 when something grows or is not as it should be."""
    parser = argparse.ArgumentParser(prog="bin/bench soak", description=__doc__)
    parser.add_argument("minutes", type=float, nargs="?", default=10.0)
    parser.add_argument("--pause", type=float, default=15.0, help="seconds between two faults (15)")
    options = parser.parse_args()
    with soaking() as soak:
        print(f"pid {soak.serve.process.pid}\n minute    memory  descriptors  threads    runs")
        samples = soak.work(options.minutes, options.pause)
        for number in range(JOBS):
            soak.house.another(f"job{number}")
        verdicts = Counter(record.status for record in soak.house.records())
        in_time(lambda: not any(soak.waiting()))
        code = soak.serve.stop()
        equal = all(_same(soak, number) for number in range(JOBS - 1))
        print(f"runs         {dict(verdicts)}")
        print(f"faults       {dict(soak.done)}")
        print(f"told         {len(soak.receiver.got)} by webhook, {len(soak.slack.posts)} in Slack")
        print(f"buckets      {'equal' if equal else 'DIFFERENT'}; it ended with {code}")
        print(f"left behind  {soak.house.cli.leftovers}")
        flat = verdict(samples)
        if os.environ.get("SOAK_LOG"):
            Path(os.environ["SOAK_LOG"]).write_text(soak.serve.log)
    sys.exit(0 if flat and equal and code == 143 else 1)


def _same(soak: Soak, number: int) -> bool:
    """Whether the job's target holds what the source does."""
    side, prefix = soak.targets[number % 2], f"{number}/"
    there = {key.removeprefix(prefix): size for key, size in side.sizes().items() if key.startswith(prefix)}
    return there == soak.source.sizes()


if __name__ == "__main__":
    main()
