"""A backlog of `item/UUID/name`: how fast it is worked off, what `prepare` takes, and whether chaos costs an item.

`bin/bench backlog` runs it. ``speed`` sets it beside the way of an application that copies each upload by a Celery task
of its own with boto3, on Redis, two workers each. ``chaos`` kills workers and servers at random; another client counts.
``memory`` has a listing of a million objects put in.
"""

import argparse
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from tests import fake_mc
from tests.bench_network import delayed
from tests.servers import binaries
from tests.servers.command import COMMAND, Cli, clean_environment
from tests.servers.minio import Minio
from tests.servers.server import free_port

BUCKET = "items"
JOB = '[settings]\nstate = "{state}"\n[job.items]\nsource = "src/items"\ntarget = "dst/items"\noverwrite = true\n'
TASKS = '''
"""One task and one copy an item, as text 003 has it."""
import os
import boto3
from celery import Celery

app = Celery("naive", broker=os.environ["BROKER"])
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=4, broker_connection_retry_on_startup=True)
clients = {}


def client(name):
    if name not in clients:
        given = {"aws_access_key_id": os.environ["ACCESS"], "aws_secret_access_key": os.environ["SECRET"]}
        clients[name] = boto3.client("s3", endpoint_url=os.environ[name], **given)
    return clients[name]


@app.task
def mirror(key):
    body = client("SOURCE").get_object(Bucket="items", Key=key)["Body"]
    client("TARGET").upload_fileobj(body, "items", key)
'''


def names(number: int) -> list[str]:
    """So many keys, the same each time."""
    dice = random.Random(7)
    return [f"item/{uuid.UUID(int=dice.getrandbits(128), version=4)}/name.jpg" for _ in range(number)]


def fill(server: Minio, keys: list[str], size: int) -> None:
    """Put them, each with other bytes."""
    server.client().create_bucket(Bucket=BUCKET)
    client = server.client()

    def put(key: str) -> None:
        client.put_object(Bucket=BUCKET, Key=key, Body=(key.encode() * (size // len(key) + 1))[:size])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, keys))


def contents(server: Minio) -> dict[str, str]:
    """Each key with its ETag."""
    pages = server.client().get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return {one["Key"]: one["ETag"] for page in pages for one in page.get("Contents", ())}


def empty(server: Minio) -> None:
    """Remove all objects of the target."""
    server.admin("rb", "--force", f"it/{BUCKET}")
    server.client().create_bucket(Bucket=BUCKET)


@contextmanager
def redis() -> Iterator[str]:
    """A server of our own on loopback, without files."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        time.sleep(0.5)
        try:
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()


class Ground:
    """Two servers, and a folder in which `mcmirror` knows them."""

    def __init__(self, stack: ExitStack, round_trip: float = 0.0) -> None:
        """``round_trip``: milliseconds to each server and back, beside those of loopback."""
        self.source, self.target = (stack.enter_context(Minio.make(name)) for name in ("source", "target"))
        urls = [self.source.url, self.target.url]
        if round_trip:
            urls = stack.enter_context(delayed((self.source, self.target), round_trip))
        self.source_url, self.target_url = urls
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        at_source, at_target = (url.partition("://")[2] for url in urls)
        known = {"MCMIRROR_MC": str(binaries.mc()), "MC_HOST_src": self.source.mc_host(address=at_source),
                 "MC_HOST_dst": self.target.mc_host(address=at_target)}  # fmt: skip
        self.cli = Cli(folder, clean_environment(folder / "home", known))
        self.cli.write(JOB.format(state=f"sqlite:///{folder / 'state.db'}"))
        (folder / "naive.py").write_text(TASKS)

    def status(self) -> dict[str, Any]:
        (found,) = json.loads(self.cli("backlog", "status", "items", "--json").stdout)
        return dict(found)

    def equal(self) -> bool:
        return contents(self.source) == contents(self.target)

    def worker(self, *more: str) -> subprocess.Popen[bytes]:
        """A process that works the backlog off, in a group of its own."""
        command = [str(COMMAND), "backlog", "process", "items", "--quiet", *more]
        return subprocess.Popen(
            command, cwd=self.cli.folder, env=self.cli.environment, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip


def ours(ground: Ground, batch: int) -> float:
    """Seconds for all items by two workers."""
    ground.cli("backlog", "prepare", "items", timeout=3600)
    begun = time.monotonic()
    for process in [ground.worker("--batch-size", str(batch)) for _ in range(2)]:
        process.wait()
    return time.monotonic() - begun


def naive(ground: Ground, keys: list[str]) -> float:
    """Seconds for all items by a task each, two workers."""
    with redis() as broker:
        root = ground.source.root
        variables = {"BROKER": broker, "SOURCE": ground.source_url, "TARGET": ground.target_url,
                     "ACCESS": root.access_key, "SECRET": root.secret_key}  # fmt: skip
        environment = {**ground.cli.environment, **variables, "PYTHONPATH": str(ground.cli.folder)}
        send = "import sys, naive\nfor line in sys.stdin: naive.mirror.delay(line.strip())"
        python = [sys.executable, "-c", send]
        begun = time.monotonic()
        subprocess.run(python, env=environment, input="\n".join(keys).encode(), check=True)
        command = [sys.executable, "-m", "celery", "-A", "naive", "worker", "--concurrency", "1", "--without-gossip",
                   "--without-mingle", "--loglevel", "ERROR"]  # fmt: skip
        workers = [
            subprocess.Popen([*command, "-n", f"w{number}@bench"], env=environment, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, cwd=ground.cli.folder)
            for number in range(2)
        ]  # fmt: skip
        try:
            while len(contents(ground.target)) < len(keys):
                time.sleep(0.5)
            return time.monotonic() - begun
        finally:
            for worker in workers:
                worker.terminate()
                worker.wait()


def speed(options: argparse.Namespace) -> None:
    """Both ways in turn."""
    with ExitStack() as stack:
        ground, keys = Ground(stack, options.round_trip), names(options.items)
        fill(ground.source, keys, options.size)
        ground.target.client().create_bucket(Bucket=BUCKET)
        for way, run in (("a task and a copy each", lambda: naive(ground, keys)),
                         ("backlog", lambda: ours(ground, options.batch))) * options.rounds:  # fmt: skip
            empty(ground.target)
            taken = run()
            left = ground.status() if way == "backlog" else {"pending": 0, "leased": 0}
            print(f"{way}: {len(keys) / taken:,.0f} items a second, {taken:.1f} s; equal: {ground.equal()}; "
                  f"{left['pending']} pending, {left['leased']} leased", flush=True)  # fmt: skip
            ground.cli("backlog", "purge", "items")


def chaos(options: argparse.Namespace) -> None:
    """Workers and servers die at random until the time is over; then two workers finish."""
    dice = random.Random(options.seed)
    with ExitStack() as stack:
        ground, keys = Ground(stack), names(options.items)
        fill(ground.source, keys, options.size)
        ground.target.client().create_bucket(Bucket=BUCKET)
        ground.cli("backlog", "prepare", "items", timeout=3600)
        workers, turns = [ground.worker("--follow") for _ in range(2)], dict[str, int]()
        until = time.monotonic() + options.seconds
        while time.monotonic() < until:
            time.sleep(dice.uniform(2, 10))
            turn = dice.choice(("worker", "worker", "worker", "source", "target"))
            turns[turn] = turns.get(turn, 0) + 1
            if turn == "worker":
                place = dice.randrange(2)
                _kill(workers[place])
                workers[place] = ground.worker("--follow")
            else:
                server = ground.source if turn == "source" else ground.target
                server.kill()
                time.sleep(dice.uniform(0, 3))
                server.start()
        print(f"killed: {turns}; {ground.status()['done']:,} of {len(keys):,} done", flush=True)
        quiet = time.monotonic()
        while (left := ground.status()) and left["pending"] + left["leased"] + left["failed"] and \
                time.monotonic() - quiet < options.patience:  # fmt: skip
            if left["failed"]:
                ground.cli("backlog", "retry", "items")
            time.sleep(2)
        for worker in workers:
            _kill(worker)
        print(f"equal {time.monotonic() - quiet:.0f} s later: {ground.equal()}; {json.dumps(ground.status())}")
        if not ground.equal() or ground.status()["leased"]:
            sys.exit("not equal, or items are left in work")


def _kill(worker: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()


def memory(options: argparse.Namespace) -> None:
    """The largest that ``prepare`` is, over a listing of so many objects."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = fake_mc.make(folder, {"items": options.objects, "none": 0})
        known = {"MCMIRROR_MC": str(program), "MC_HOST_src": "http://a:secretsecret@127.0.0.1:1",
                 "MC_HOST_dst": "http://a:secretsecret@127.0.0.1:1"}  # fmt: skip
        cli = Cli(folder, clean_environment(folder / "home", known))
        text = JOB.format(state=f"sqlite:///{folder / 'state.db'}").replace("dst/items", "dst/none")
        cli.write(text)
        begun = time.monotonic()
        done = cli("backlog", "prepare", "items", timeout=3600)
        taken = time.monotonic() - begun
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"{done.stdout.strip()} in {taken:.0f} s; the largest process: {peak:.0f} MiB")
        if done.code:
            sys.exit(done.stderr)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="bin/bench backlog", description=__doc__)
    parser.add_argument("what", choices=("speed", "chaos", "memory"))
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--size", type=int, default=4096, help="bytes of an object (4096)")
    parser.add_argument("--batch", type=int, default=400, help="items of a batch (400)")
    parser.add_argument("--round-trip", type=float, default=0.0, help="milliseconds to each server and back (0)")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=600.0, help="of chaos (600)")
    parser.add_argument("--patience", type=float, default=900.0, help="seconds to finish after chaos (900)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--objects", type=int, default=1_000_000)
    options = parser.parse_args()
    ways: dict[str, Callable[[argparse.Namespace], None]] = {"speed": speed, "chaos": chaos, "memory": memory}
    ways[options.what](options)


if __name__ == "__main__":
    main()
