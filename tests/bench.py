"""What mcmirror costs beside bare mc: wall times, memory, start-up. Printed as a table; ``bin/bench`` runs it.

Each measurement is repeated, bare mc and mcmirror in turn, and its median is taken. Nothing here holds more than a few
megabytes: a child's peak of memory would begin at ours.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import fake_mc
from tests.servers import binaries
from tests.servers.command import COMMAND, clean_environment
from tests.servers.minio import Minio

SMALL, LARGE, RERUN, PLAN = 10_000, 16, 50_000, 1_000_000
LARGE_SIZE = 64 << 20


@dataclass(frozen=True)
class Ran:
    """One command, measured."""

    seconds: float
    peak: int
    """Resident bytes of the process, or of its largest child."""
    output: bytes

    @property
    def report(self) -> dict[str, Any]:
        """The report of the last ``run_finished`` line."""
        report: dict[str, Any] = json.loads(self.output.rstrip().rpartition(b"\n")[2])["report"]
        return report


@dataclass
class Bench:
    """Two servers, and an environment in which ``src`` and ``dst`` name them."""

    source: Minio
    target: Minio
    folder: Path
    rounds: int
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *command: str | Path, **variables: str) -> Ran:
        """Run a command to its end, measured; anything but success ends the bench."""
        with tempfile.TemporaryFile() as output:
            begun = time.monotonic()
            process = subprocess.Popen(
                [os.fspath(part) for part in command],
                cwd=self.folder,
                env={**self.environment, **variables},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.PIPE,
                # Linux shares the cores out by session, and mcmirror gives mc one of its own: bare mc has one too.
                start_new_session=True,
            )
            assert process.stderr
            words = process.stderr.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            seconds = time.monotonic() - begun
            process.stderr.close()
            output.seek(0)
            said = output.read()
        if process.returncode:
            sys.exit(f"{' '.join(map(str, command))}\n{said[-2000:].decode()}\n{words[-2000:].decode()}")
        return Ran(seconds, usage.ru_maxrss * 1024, said)

    def mc(self, *arguments: str) -> Ran:
        """Bare mc."""
        return self.run(binaries.mc(), "--config-dir", self.folder / "mc", "--json", *arguments)

    def mcmirror(self, *arguments: str, **variables: str) -> Ran:
        """The command under test."""
        return self.run(COMMAND, *arguments, "--json", **variables)

    def fill(self, bucket: str, objects: int, size: int) -> None:
        """Make a bucket at the source with so many objects, a thousand a folder."""
        self.mc("mb", f"src/{bucket}")
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            for number in range(objects):
                path = Path(name, f"folder-{number // 1000:02}", f"object-{number:05}.bin")
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(os.urandom(min(size, 1 << 20)) * max(1, size >> 20))
            self.mc("mirror", name, f"src/{bucket}")


def seconds_of(runs: list[Ran]) -> float:
    """The median."""
    return statistics.median(run.seconds for run in runs)


def phases_of(runs: list[Ran]) -> str:
    """Where the time of the median run went."""
    run = sorted(runs, key=lambda run: run.seconds)[len(runs) // 2]
    phases = run.report["phases"]
    rest = run.seconds - sum(phases.values())
    return ", ".join(f"{name} {seconds:.2f}" for name, seconds in {**phases, "start and end": rest}.items())


def first_copy(bench: Bench, what: str, bucket: str) -> None:
    """Bare mc, full assurance and none, each into a bucket of its own."""
    runs: dict[str, list[Ran]] = {"mc": [], "full": [], "off": []}
    for _ in range(bench.rounds):
        for name, taken in runs.items():
            target = f"dst/{bucket}-{name}"
            bench.mc("mb", target)
            if name == "mc":
                taken.append(bench.mc("mirror", f"src/{bucket}", target))
            else:
                taken.append(bench.mcmirror("mirror", f"src/{bucket}", target, f"--assurance={name}"))
            bench.mc("rb", "--force", target)
    compare(f"{what}, first copy", runs, full=1.15, off=1.05)


def rerun(bench: Bench, bucket: str) -> None:
    """Nothing to do, as on most nights."""
    runs: dict[str, list[Ran]] = {"mc": [], "full": [], "off": []}
    bench.mc("mb", f"dst/{bucket}")
    bench.mc("mirror", f"src/{bucket}", f"dst/{bucket}")
    for _ in range(bench.rounds):
        for name, taken in runs.items():
            if name == "mc":
                taken.append(bench.mc("mirror", f"src/{bucket}", f"dst/{bucket}"))
            else:
                taken.append(
                    bench.mcmirror("mirror", f"src/{bucket}", f"dst/{bucket}", f"--assurance={name}", "--overwrite")
                )
    compare("a re-run that finds nothing", runs, full=2.0, off=1.2)


def compare(what: str, runs: dict[str, list[Ran]], *, full: float, off: float) -> None:
    """Print the three times and whether the limits, as multiples of bare mc, are kept."""
    bare = seconds_of(runs["mc"])
    row(what, "bare mc mirror", f"{bare:.2f} s")
    for name, limit in (("full", full), ("off", off)):
        taken = seconds_of(runs[name])
        row("", f"assurance {name}", f"{taken:.2f} s", f"{taken / bare:.2f} x", f"{limit:g} x", taken / bare <= limit)
        print(f"    {phases_of(runs[name])}")


def start_up(bench: Bench) -> None:
    """Time that is ours alone."""
    runs = [bench.run(COMMAND, "--help") for _ in range(bench.rounds * 3)]
    row("start", "mcmirror --help", f"{seconds_of(runs) * 1000:.0f} ms", "", "150 ms", seconds_of(runs) <= 0.150)
    folder = bench.folder / "stopwatch"
    folder.mkdir()
    program = fake_mc.make(folder, {"a": 0, "b": 0})
    script = program.read_text().partition("\n")[2]
    program.write_text(f"#!/bin/sh\ndate +%s%N >>'{folder}/starts'\n{script}")
    taken = []
    for _ in range(bench.rounds * 3):
        (folder / "starts").unlink(missing_ok=True)
        begun = time.time_ns()
        bench.mcmirror("mirror", "src/a", "dst/b", MCMIRROR_MC=str(program))
        taken.append((int((folder / "starts").read_text().split()[0]) - begun) / 1e9)
    median = statistics.median(taken)
    row("", "until the first mc starts", f"{median * 1000:.0f} ms", "", "300 ms", median <= 0.300)


def plan(bench: Bench, objects: int) -> None:
    """A plan of many objects, all equal, from an mc that only prints."""
    folder = bench.folder / "listings"
    folder.mkdir()
    program = fake_mc.make(folder, {"a": objects, "b": objects})
    runs = [bench.mcmirror("plan", "src/a", "dst/b", MCMIRROR_MC=str(program)) for _ in range(bench.rounds)]
    for run in runs:
        assert run.report["equal"]["objects"] == objects, run.report
    rate = objects / statistics.median(run.report["phases"]["plan"] for run in runs)
    peak = max(run.peak for run in runs) / (1 << 20)
    what = f"plan {objects:,} : {objects:,}"
    row(what, "pairs of objects a second", f"{rate:,.0f}", "", "100,000", rate >= 100_000)
    row("", "resident memory, peak", f"{peak:.0f} MiB", "", "80 MiB", peak <= 80)
    shutil.rmtree(folder)


def row(*cells: str | bool) -> None:
    """One line of the table; the last cell may be whether a limit is kept."""
    verdict = ("ok" if cells[-1] else "OVER") if isinstance(cells[-1], bool) else ""
    texts = [str(cell) for cell in cells if not isinstance(cell, bool)]
    texts += [""] * (5 - len(texts))
    line = f"{texts[0]:<32} {texts[1]:<28} {texts[2]:>12} {texts[3]:>8} {texts[4]:>9}  {verdict}"
    print(line.rstrip(), flush=True)


@contextmanager
def benches(rounds: int) -> Iterator[Bench]:
    """Two servers and a folder, all gone afterwards."""
    with ExitStack() as stack:
        servers = [Minio.make(f"bench-{name}") for name in ("source", "target")]
        source, target = (stack.enter_context(server) for server in servers)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=source.folder)))
        # Both take the aliases from config.json, where `mc alias set` puts them: mc reads it again for each object,
        # which costs a tenth beside MC_HOST_*.
        aliases = {
            name: {
                "url": server.url,
                "accessKey": server.root.access_key,
                "secretKey": server.root.secret_key,
                "api": "S3v4",
                "path": "auto",
            }
            for name, server in (("src", source), ("dst", target))
        }
        (folder / "mc").mkdir()
        (folder / "mc" / "config.json").write_text(json.dumps({"version": "10", "aliases": aliases}))
        variables = {"MCMIRROR_MC": str(binaries.mc()), "MC_CONFIG_DIR": str(folder / "mc")}
        yield Bench(source, target, folder, rounds, clean_environment(folder / "home", variables))


def main() -> None:
    """Measure what was asked for, or everything."""
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    parser.add_argument("what", nargs="*", help="of: start plan small large rerun; all when none is named")
    parser.add_argument("--rounds", type=int, default=3, help="repetitions of each measurement (3)")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the objects, to try the bench itself (1.0)")
    options = parser.parse_args()

    def scaled(objects: int) -> int:
        return max(1, int(objects * options.scale))

    with benches(options.rounds) as bench:

        def small() -> None:
            bench.fill("small", scaled(SMALL), 4096)
            first_copy(bench, f"{scaled(SMALL):,} x 4 KiB", "small")

        def large() -> None:
            bench.fill("large", scaled(LARGE), LARGE_SIZE)
            first_copy(bench, f"{scaled(LARGE)} x 64 MiB", "large")

        def nothing() -> None:
            bench.fill("rerun", scaled(RERUN), 100)
            rerun(bench, "rerun")

        measures: dict[str, Callable[[], None]] = {
            "start": lambda: start_up(bench),
            "plan": lambda: plan(bench, scaled(PLAN)),
            "small": small,
            "large": large,
            "rerun": nothing,
        }
        row("what", "", "median", "of mc's", "limit")
        for name in options.what or measures:
            if name not in measures:
                parser.error(f"{name} is none of: {', '.join(measures)}")
            measures[name]()


if __name__ == "__main__":
    main()
