"""Servers, mc and mcmirror are killed in mid-run."""

import contextlib
import os
import random
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Side
from tests.faults.conftest import NewStage, Play
from tests.faults.fault import Fault, Mc
from tests.faults.stage import Stage, kill_mc, processes
from tests.servers.command import Cli
from tests.servers.proxy import Call, Delay, Hang
from tests.waiting import until

MANY = {f"{number:02}": b"x" * number for number in range(30)}
LARGE = 20 << 20
KILLS = 20


def _restarted(alias: str) -> Any:
    def scene(stage: Stage) -> None:
        stage.source.put(MANY)
        side = stage.move(alias)
        # A machine that is busy needs a while to start a server.
        stage.again = ("--retries", "20", "--retry-delay", "1", "--stall-timeout", "120")
        kind = "get" if alias == "src" else "put"
        stage.proxy(side).on(kind, Call(side.server.restart), first=10, times=1)
        stage.aftermath = lambda: until(side.server.answers)

    return scene


def _down(alias: str) -> Any:
    def scene(stage: Stage) -> None:
        side = stage.move(alias)
        stage.again = ("--retries", "0", "--stall-timeout", "4")
        kind = "get" if alias == "src" else "put"

        def kill() -> None:
            if alias == "dst":
                until(side.contents)  # else timing decides whether anything arrived
            side.server.kill()

        stage.proxy(side).on(kind, Call(kill), first=4, times=1)
        stage.aftermath = side.server.start

    return scene


def _mc_killed(stage: Stage) -> None:
    stage.source.put(MANY)
    target, proxy = stage.target, stage.proxy(stage.target)

    def kill() -> None:
        until(target.sizes)  # else timing decides whether anything arrived, or all
        kill_mc(stage.source_place)

    proxy.on("put", Call(kill), first=3, times=1)
    proxy.on("put", Hang(), first=4)


FAULTS = (
    Fault(
        "source-restarted",
        "source server killed and restarted in mid-run",
        _restarted("src"),
        Mc(0, arrived="all", by_chance=True),
        "succeeded",
        0,
        None,
    ),
    Fault(
        "target-restarted",
        "target server killed and restarted in mid-run",
        _restarted("dst"),
        Mc(1, "", "some", by_chance=True),
        "succeeded",
        0,
        None,
    ),
    Fault(
        "target-killed",
        "target server killed in mid-run",
        _down("dst"),
        Mc(1, "Failed to copy", "some"),
        "failed",
        1,
        "connection-lost",
    ),
    Fault(
        "mc-killed",
        "mc itself killed (-9) in mid-run",
        _mc_killed,
        Mc(-9, arrived="some"),
        "partial",
        3,
        "mc-died",
    ),
)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_the_verdict_is_the_truth(fault: Fault, play: Play) -> None:
    play(fault)


def test_a_source_that_dies_is_no_success(new_stage: NewStage, cli: Cli) -> None:
    """Bare mc needs 20 s and blames the target: not a row."""
    stage = new_stage()
    _down("src")(stage)

    result = stage.run(cli)
    stage.source.server.start()

    assert (1, "failed") == (result.code, result.report["status"]), result.stdout
    assert stage.truth().missing


def test_killed_twenty_times_and_then_run_to_the_end(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    stage.source.put({f"k{number:03}": os.urandom(2000) for number in range(80)})
    stage.source.put({"large/a": os.urandom(LARGE), "large/b": os.urandom(LARGE)})
    stage.target.put({"extra": b"1"})
    stage.flags += ["--remove"]
    stage.proxy(stage.target).delay = 0.1
    dice = random.Random(4)
    killed = 0
    for _ in range(KILLS):
        process = cli.start(*stage.arguments(), **stage.hosts)
        try:
            process.wait(dice.uniform(0.2, 1.4))
        except subprocess.TimeoutExpired:
            killed += 1
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.communicate()
    _assert_no_mc(stage)
    for folder in (cli.folder / "tmp").iterdir():
        os.utime(folder, (0, 0))  # one that was killed before it had its lock must be a minute old

    last = stage.run(cli)

    assert (0, "succeeded") == (last.code, last.report["status"]), last.stdout
    assert ([], []) == (stage.truth().due(stage.flags), cli.leftovers)
    assert [] == _open_uploads(stage.target, "large/a", "large/b")
    assert killed > KILLS // 2, "the kills came too late to prove anything"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["term", "int"])
def test_a_signal_leaves_nothing_behind(number: int, code: int, new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    stage.source.put({"large": os.urandom(LARGE)})
    proxy = stage.proxy(stage.target)
    proxy.on("part", Delay(600), first=2, times=1)
    stage.again = ("--retries", "0", "--stall-timeout", "600")
    process = cli.start(*stage.arguments(), **stage.hosts)
    until(lambda: proxy.counts["part"] >= 2)
    until(lambda: _open_uploads(stage.target, "large"))

    process.send_signal(number)
    process.communicate(timeout=120)

    assert code == process.returncode
    _assert_no_mc(stage)
    assert ([], []) == (cli.leftovers, _open_uploads(stage.target, "large"))
    proxy.clear()
    again = stage.run(cli)
    assert (0, "all") == (again.code, stage.truth().arrived), "the lock survived"


def test_a_signal_while_a_listing_hangs(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    proxy = stage.proxy(stage.source)
    proxy.on("list", Hang())
    stage.again = ("--stall-timeout", "600")
    process = cli.start(*stage.arguments(), **stage.hosts)
    until(lambda: proxy.counts["list"])

    process.terminate()
    process.communicate(timeout=120)

    assert (143, []) == (process.returncode, cli.leftovers)
    _assert_no_mc(stage)


def _assert_no_mc(stage: Stage) -> None:
    """None of this stage's; it may take the kernel a moment."""

    def gone() -> bool:
        places = (stage.source.bucket, stage.target.bucket)
        return not [
            argv
            for pid, argv in processes()
            if argv[:1] and Path(argv[0]).name == "mc" and any(place in part for place in places for part in argv)
        ]

    until(gone)


def _open_uploads(side: Side, *keys: str) -> list[str]:
    """MinIO names open uploads only to who asks for the exact key."""
    return [
        upload["Key"]
        for key in keys
        for upload in side.client.list_multipart_uploads(Bucket=side.bucket, Prefix=key).get("Uploads", [])
    ]
