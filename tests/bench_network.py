"""The speed of a run beside bare mc and rclone on networks with a delay: the table and the plot of docs/speed.md.

``bin/bench network`` runs it. Each tool works in turn, each measurement is repeated, and its median is taken; boto3
counts afterwards what is on the target. A proxy delays each direction by half the round trip.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mcmirror import __version__
from tests import docs
from tests.bench import Bench, Ran, benches, seconds_of
from tests.bench_plot import plot
from tests.machine import ROOT
from tests.servers import binaries
from tests.servers.minio import Minio, sizes
from tests.servers.server import free_port

PAGE = docs.FOLDER / "speed.md"
PLOT = docs.FOLDER / "speed.svg"
TOOLS = ("mc", "rclone", "mcmirror")
RCLONE = Path(sys.executable).with_name("rclone")
PROXY = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "mcmirror", "tools", "server")
"""Toxiproxy, whose command is named so."""
TRANSFERS = ("--transfers", "32", "--checkers", "32", "--fast-list")


@dataclass(frozen=True)
class Work:
    """One row: what lies at the source, how far the servers are, and what is missing on the target."""

    name: str
    title: str
    objects: int
    size: int
    folders: int
    round_trip: float
    """Milliseconds."""
    missing: float
    """Share of the objects that the target lacks, 0 to 1."""
    limit: float
    """Wanted: at most so many times ..."""
    beside: str
    """... what this tool takes."""

    def key(self, number: int) -> str:
        """The key of an object; folders hold ranges of numbers."""
        folder = number * self.folders // self.objects
        return f"folder-{folder:02}/object-{number:05}.bin" if self.folders > 1 else f"object-{number:05}.bin"

    @property
    def keys(self) -> list[str]:
        return [self.key(number) for number in range(self.objects)]

    @property
    def absent(self) -> list[str]:
        """The keys that the target lacks before each run."""
        step = max(1, round(1 / self.missing)) if self.missing else self.objects + 1
        return self.keys[::step]


WORKS = (
    Work("far", "2,000 x 4 KiB in 20 folders, 20 ms", 2_000, 4096, 20, 20, 1.0, 1.1, "rclone"),
    Work("farther", "1,000 x 4 KiB, 100 ms", 1_000, 4096, 1, 100, 1.0, 1.0, "rclone"),
    Work("near", "2,000 x 4 KiB in 20 folders, loopback", 2_000, 4096, 20, 0, 1.0, 1.0, "mc"),
    Work("large", "16 x 64 MiB, loopback", 16, 64 << 20, 1, 0, 1.0, 1.0, "mc"),
    Work("one", "1 x 1 GiB, loopback", 1, 1 << 30, 1, 0, 1.0, 1.0, "mc"),
    Work("nothing", "5,000, nothing to do, 20 ms", 5_000, 100, 5, 20, 0.0, 1.4, "mc"),
    Work("few", "5,000, 1 % missing, 20 ms", 5_000, 100, 5, 20, 0.01, 1.2, "mc"),
)


@contextmanager
def delayed(servers: Sequence[Minio], round_trip: float) -> Iterator[list[str]]:
    """Addresses by which the servers answer after ``round_trip`` milliseconds; their own when that is 0."""
    if not round_trip:
        yield [server.url for server in servers]
        return
    control = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [PROXY, "-host", "127.0.0.1", "-port", control.rpartition(":")[2]],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        addresses = [f"127.0.0.1:{free_port()}" for _ in servers]
        for number, (server, address) in enumerate(zip(servers, addresses, strict=True)):
            _post(control, "/proxies", {"name": f"s{number}", "listen": address, "upstream": server.address})
            for stream in ("upstream", "downstream"):
                toxic = {"type": "latency", "stream": stream, "attributes": {"latency": round(round_trip / 2)}}
                _post(control, f"/proxies/s{number}/toxics", toxic)
        yield [f"http://{address}" for address in addresses]
    finally:
        process.terminate()
        process.wait()


def _post(control: str, path: str, body: object) -> None:
    request = urllib.request.Request(f"http://{control}{path}", json.dumps(body).encode(), method="POST")
    for attempt in range(50):
        try:
            urllib.request.urlopen(request, timeout=5).close()
        except urllib.error.HTTPError as error:
            sys.exit(f"the proxy refused {path}: {error.read().decode()}")
        except OSError:
            if attempt == 49:
                raise
            time.sleep(0.1)
        else:
            return


def at(bench: Bench, urls: Sequence[str]) -> Bench:
    """The same bench whose tools reach the servers by these addresses."""
    name = f"mc-{abs(hash(tuple(urls)))}"
    shutil.copytree(bench.folder / "mc", bench.folder / name, dirs_exist_ok=True)
    path = bench.folder / name / "config.json"
    configuration: dict[str, Any] = json.loads(path.read_text())
    variables = dict(bench.environment) | {"MC_CONFIG_DIR": str(path.parent), "RCLONE_CONFIG": "/dev/null"}
    for alias, url in zip(("src", "dst"), urls, strict=True):
        about = configuration["aliases"][alias]
        about["url"] = url
        remote = {
            "TYPE": "s3",
            "PROVIDER": "Minio",
            "ENDPOINT": url,
            "ACCESS_KEY_ID": about["accessKey"],
            "SECRET_ACCESS_KEY": about["secretKey"],
        }
        variables |= {f"RCLONE_CONFIG_{alias.upper()}_{key}": value for key, value in remote.items()}
    path.write_text(json.dumps(configuration))
    return replace(bench, environment=variables)


def ways(bench: Bench, bucket: str, target: str) -> dict[str, Callable[[], Ran]]:
    """How each tool is asked to do the work."""
    mc = binaries.mc()
    folder = bench.environment["MC_CONFIG_DIR"]
    return {
        "mc": lambda: bench.run(mc, "--config-dir", folder, "--json", "mirror", f"src/{bucket}", f"dst/{target}"),
        "rclone": lambda: bench.run(RCLONE, "copy", f"src:{bucket}", f"dst:{target}", *TRANSFERS),
        "mcmirror": lambda: bench.mcmirror("mirror", f"src/{bucket}", f"dst/{target}", "--overwrite"),
    }


def fill(server: Minio, bucket: str, work: Work, keys: Sequence[str]) -> None:
    client = server.client()
    for key in keys:
        client.put_object(Bucket=bucket, Key=key, Body=os.urandom(min(work.size, 1 << 20)) * max(1, work.size >> 20))


def measure(bench: Bench, work: Work, rounds: int) -> dict[str, list[Ran]]:
    """Run every tool in turn; a target that lacks objects afterwards ends the bench."""
    source, target = bench.source.client(), bench.target.client()
    bucket = work.name
    source.create_bucket(Bucket=bucket)
    fill(bench.source, bucket, work, work.keys)
    runs: dict[str, list[Ran]] = {tool: [] for tool in TOOLS}
    with delayed((bench.source, bench.target), work.round_trip) as urls:
        there = at(bench, urls)
        for tool in TOOLS:
            target.create_bucket(Bucket=f"{bucket}-{tool}")
            if work.missing < 1:
                bench.mc("mirror", f"src/{bucket}", f"dst/{bucket}-{tool}")
        for _ in range(rounds):
            for tool in TOOLS:
                name = f"{bucket}-{tool}"
                if work.missing == 1:
                    bench.mc("rb", "--force", f"dst/{name}")
                    target.create_bucket(Bucket=name)
                for key in work.absent if 0 < work.missing < 1 else ():
                    target.delete_object(Bucket=name, Key=key)
                runs[tool].append(ways(there, bucket, name)[tool]())
                if set(work.keys) != sizes(target, name).keys():
                    sys.exit(f"{tool} left objects out of {name}")
    for server, names in ((bench.source, [bucket]), (bench.target, [f"{bucket}-{tool}" for tool in TOOLS])):
        alias = "src" if server is bench.source else "dst"
        for name in names:
            bench.mc("rb", "--force", f"{alias}/{name}")
    return runs


def line(work: Work, runs: dict[str, list[Ran]]) -> list[str]:
    """One row of the table."""
    taken = {tool: seconds_of(runs[tool]) for tool in TOOLS}
    ratio = taken["mcmirror"] / taken[work.beside]
    kept = "" if ratio <= work.limit else f" ({ratio - work.limit:.2f} over)"
    return [
        work.title,
        *(f"{taken[tool]:.2f}" for tool in TOOLS),
        f"{ratio:.2f} x {work.beside}{kept}",
        f"{work.limit:.1f} x {work.beside}",
    ]


def written(page: str) -> dict[str, list[str]]:
    """The rows that stand in the page, by their titles: those that are not measured now stay."""
    found = dict[str, list[str]]()
    for row in docs.block(page, "speed").splitlines()[2:]:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        found[cells[0]] = cells
    return found


def table(rows: Sequence[Sequence[str]]) -> str:
    head = ["work", *(f"{tool} (s)" for tool in TOOLS), "mcmirror is", "wanted, at most"]
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def machine(rounds: int) -> str:
    """Where and when this was measured."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)
    rclone = subprocess.run([RCLONE, "version"], capture_output=True, text=True, check=True).stdout.split()[1]
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: mcmirror {__version__}, rclone {rclone}, {os.cpu_count()} cores,"
        f" {memory:.0f} GiB, {platform.system()} {platform.machine()}; MinIO on both sides; medians of {rounds}"
        " rounds.\n"
    )


def main() -> None:
    """Measure what was asked for; everything rewrites the page."""
    parser = argparse.ArgumentParser(prog="bin/bench network", description=__doc__)
    parser.add_argument(
        "what",
        nargs="*",
        help=f"of: {' '.join(work.name for work in WORKS)}; all when none is named; others stay as they stand",
    )
    parser.add_argument("--rounds", type=int, default=5, help="repetitions of each measurement (5)")
    options = parser.parse_args()
    unknown = set(options.what) - {work.name for work in WORKS}
    if unknown:
        parser.error(f"no such row: {' '.join(sorted(unknown))}")
    rows = written(PAGE.read_text())
    with benches(options.rounds) as bench:
        for work in WORKS:
            if options.what and work.name not in options.what:
                continue
            runs = measure(bench, work, options.rounds)
            rows[work.title] = line(work, runs)
            print(" | ".join(rows[work.title]), flush=True)
            fastest = min(runs["mcmirror"], key=lambda ran: ran.seconds)
            print("   ", fastest.report["phases"], f"{fastest.seconds:.2f}", flush=True)
    known = {work.title: rows[work.title] for work in WORKS if work.title in rows}
    page = PAGE.read_text()
    PAGE.write_text(docs.replaced(page, {"speed": table(list(known.values())), "machine": machine(options.rounds)}))
    PLOT.write_text(plot({title: dict(zip(TOOLS, map(float, row[1:4]), strict=True)) for title, row in known.items()}))
    print(f"written to {PAGE.relative_to(ROOT)} and {PLOT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
