"""What the image's command meets in a container: it is process 1, the root is read-only, and its health is asked."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mcmirror.store.paths import DEFAULT_FOLDER
from tests.conftest import Pair
from tests.machine import ROOT
from tests.servers.command import COMMAND, Cli
from tests.servers.docker import instructions
from tests.servers.server import free_port
from tests.serving import PATIENCE, Serving

(HEALTH,) = [arguments for word, arguments in instructions((ROOT / "Dockerfile").read_text()) if word == "HEALTHCHECK"]
AS_ROOT = os.geteuid() == 0
UNSHARE = ["unshare", *([] if AS_ROOT else ["--map-root-user"]), "--mount", "--kill-child"]
CONTAINER = [*UNSHARE, "--pid", "--fork", "--mount-proc"]
READ_ONLY = """
set -eu
mount --make-rprivate /
for folder in "$HOME/$STATE" "$TMPDIR"; do mount --bind "$folder" "$folder"; done
for place in "$(findmnt -nro TARGET -T "$HOME")" /; do mount -o remount,bind,ro "$place"; done
if touch "$HOME/x" 2>/dev/null; then echo 'the root can be written' >&2; exit 99; fi
exec "$@"
"""


@pytest.fixture
def pair(bucket_pair: Pair) -> dict[str, str]:
    """The variables of a pair."""
    source, target = bucket_pair.source, bucket_pair.target
    return {
        "MINIO_URL": source.server.url,
        "MINIO_ACCESS_KEY": source.server.root.access_key,
        "MINIO_SECRET_KEY": source.server.root.secret_key,
        "AWS_URL": target.server.url,
        "AWS_ACCESS_KEY": target.server.root.access_key,
        "AWS_SECRET_KEY": target.server.root.secret_key,
        "BUCKET_PAIR": f"minio/{source.bucket}:aws/{target.bucket}",
    }


@pytest.fixture
def serving(cli: Cli, bucket_pair: Pair) -> Iterator[Serving]:
    """`mcmirror serve` as process 1, with a job each second."""
    port = free_port()
    cli.write(
        f'[settings]\nlisten = "127.0.0.1:{port}"\n[job.photos]\nsource = "{bucket_pair.source.location}"\n'
        f'target = "{bucket_pair.target.location}"\nevery = "1s"\nat_start = true\nmax_age = "1h"\n'
    )
    with Serving([*CONTAINER, COMMAND, "serve"], cli.environment, cli.folder, port) as made:
        yield made


def first(process: subprocess.Popen[bytes]) -> psutil.Process:
    """What is process 1 inside."""
    deadline = time.monotonic() + PATIENCE
    while True:
        for child in psutil.Process(process.pid).children():
            if Path(child.exe()).name != "unshare":
                return child
        assert time.monotonic() < deadline
        time.sleep(0.02)


def health(inside: psutil.Process, cli: Cli) -> int:
    """The image's health check, run as an engine runs it: inside, beside process 1."""
    enter = ["nsenter", "--target", str(inside.pid), *([] if AS_ROOT else ["--user", "--preserve-credentials"])]
    options, _, command = HEALTH.partition("CMD ")
    assert "--timeout=10s" in options.split()
    # What an engine enters has the container's working directory, where the file is found; nsenter begins at the root.
    where = {"MCMIRROR_CONFIG": str(cli.folder / "mcmirror.toml"), "PATH": f"{COMMAND.parent}:{os.defpath}"}
    environment = {**cli.environment, **where}
    words = [*enter, "--mount", "--pid", *json.loads(command)]
    return subprocess.run(words, env=environment, capture_output=True, check=False).returncode


def test_process_1_gets_its_signals_and_leaves_nothing_behind(
    cli: Cli, bucket_pair: Pair, pair: dict[str, str]
) -> None:
    bucket_pair.source.put({"big": b"x" * 5_000_000})
    cli.write(
        f'[job.slow]\nsource = "{bucket_pair.source.location}"\ntarget = "{bucket_pair.target.location}"\n'
        'limit_upload = "100KiB"\n'
    )
    with Serving([*CONTAINER, COMMAND, "run"], cli.environment, cli.folder, 0) as running:
        inside = first(running.process)
        running.until(lambda: any(child.name() == "mc" for child in inside.children(recursive=True)))
        inside.send_signal(signal.SIGTERM)
        assert 143 == running.process.wait(PATIENCE), running.log
    assert not inside.is_running()
    assert [] == cli.leftovers


def test_process_1_collects_its_dead(serving: Serving, bucket_pair: Pair, cli: Cli) -> None:
    bucket_pair.source.put({"a": b"a"})
    serving.until(lambda: bucket_pair.equal)
    inside = first(serving.process)
    for name in "bcd":
        bucket_pair.source.put({name: name.encode()})
        serving.until(lambda: bucket_pair.equal)

    def dead() -> list[psutil.Process]:
        return [child for child in inside.children() if child.status() == psutil.STATUS_ZOMBIE]

    # One that ends just now is dead until it is looked at.
    serving.until(lambda: not dead())
    inside.send_signal(signal.SIGTERM)
    assert 143 == serving.process.wait(PATIENCE), serving.log


def test_serve_answers_for_its_health(serving: Serving, cli: Cli) -> None:
    serving.until(lambda: serving.status("/readyz") == 200)
    inside = first(serving.process)

    serving.until(lambda: health(inside, cli) == 0)
    inside.suspend()
    assert 1 == health(inside, cli)
    inside.resume()
    serving.until(lambda: health(inside, cli) == 0)


def test_a_single_run_counts_as_healthy_while_it_lasts(cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"big": b"x" * 5_000_000})
    cli.write(
        f'[job.slow]\nsource = "{bucket_pair.source.location}"\ntarget = "{bucket_pair.target.location}"\n'
        'limit_upload = "100KiB"\n'
    )
    with Serving([*CONTAINER, COMMAND, "run"], cli.environment, cli.folder, 0) as running:
        inside = first(running.process)
        running.until(lambda: health(inside, cli) == 0)
        assert running.process.poll() is None


def test_a_root_that_is_read_only_is_enough(cli: Cli, bucket_pair: Pair, pair: dict[str, str]) -> None:
    bucket_pair.source.put({"2026/ü": b"a", "b": b"bb"})
    state = DEFAULT_FOLDER.removeprefix("~/")
    home = Path(cli.environment["HOME"])
    (home / state).mkdir(parents=True)
    environment = {**cli.environment, **pair, "STATE": state}

    def run() -> subprocess.CompletedProcess[str]:
        words = [*UNSHARE, "sh", "-c", READ_ONLY, "sh", str(COMMAND), "run"]
        return subprocess.run(words, cwd=cli.folder, env=environment, capture_output=True, text=True, check=False)

    done = run()

    assert 0 == done.returncode, done.stderr
    assert bucket_pair.equal
    assert "note:" not in done.stderr
    assert 0 == run().returncode
