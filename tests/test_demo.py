"""The first minute, as a newcomer lives it: on both kinds of servers, to the end and cut short."""

import os
import pty
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mcmirror.cli import demo as demonstration
from mcmirror.cli.demo_servers import Kind, find_kind, servers
from mcmirror.messages.text_style import Style
from mcmirror.model.problem import Trouble
from mcmirror.model.report import RunReport, Status
from mcmirror.model.stop import Stop
from tests.servers import binaries
from tests.servers.command import COMMAND, Cli, clean_environment
from tests.waiting import LONG, until

pytestmark = pytest.mark.real

PLAN = [
    "  -         54506 extraneous 2025/not in the source.jpg",
    "  +         51226 missing    2025/summer holiday/beach 01.jpg",
    "  ~         54506 content    2025/京都/金閣寺.jpg",
]


@pytest.fixture
def newcomer(tmp_path: Path) -> Cli:
    """A machine where nothing was configured."""
    return Cli(tmp_path, clean_environment(tmp_path / "home", {"MCMIRROR_MC": str(binaries.mc())}))


@pytest.fixture(params=["minio", "moto"])
def servers_found(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """What makes the demonstration find one kind of server or the other."""
    if request.param == "minio":
        return {"MCMIRROR_MINIO": str(binaries.minio())}
    return {"PATH": "/nonexistent"}


def processes(folder: Path) -> list[str]:
    """Command lines of all processes whose environment names a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.fsencode(folder) in (process / "environ").read_bytes() and int(process.name) != os.getpid():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return [line for line in found if line]


def nothing_stays(cli: Cli) -> bool:
    """Whether neither a process nor a file of the demonstration is left."""
    until(lambda: not processes(cli.folder / "tmp"))
    assert [] == cli.leftovers
    assert [] == list((cli.folder / "home").rglob("*"))
    return True


def test_it_mirrors_damages_and_repairs(newcomer: Cli, servers_found: Mapping[str, str]) -> None:
    newcomer.environment.update(servers_found)
    done = newcomer("demo", timeout=400)

    assert (0, "") == (done.code, done.stdout), done.stderr
    lines = done.stderr.splitlines()
    kind = "MinIO" if "MCMIRROR_MINIO" in servers_found else "moto"
    assert any(line.startswith("  servers ") and line.endswith(f"({kind})") for line in lines)
    assert PLAN == [line for line in lines if re.match(r"  [-+~] ", line)]
    assert 3 == sum(line.startswith("✓ demo verified") for line in lines)
    assert any(re.fullmatch(r"  read +51 objects, 22.1 MiB, the same bytes on both sides", line) for line in lines)
    assert nothing_stays(newcomer)


@pytest.mark.parametrize(
    ("words", "number", "code"),
    [("Two throw-away", signal.SIGTERM, 143), ("  data ", signal.SIGINT, 130), ("2. Somebody", signal.SIGTERM, 143)],
    ids=["while servers start", "while it mirrors", "before the plan"],
)
def test_cut_short_it_leaves_nothing(
    words: str, number: signal.Signals, code: int, newcomer: Cli, servers_found: Mapping[str, str]
) -> None:
    process = newcomer.start("demo", **servers_found)
    assert process.stderr
    said = b""
    while words.encode() not in said:
        line = process.stderr.readline()
        assert line, said
        said += line

    process.send_signal(number)
    _, rest = process.communicate(timeout=LONG)

    assert code == process.returncode, (said + rest).decode()
    assert b"4. The film" not in said + rest
    assert nothing_stays(newcomer)


def test_killed_it_takes_its_servers_along(newcomer: Cli, servers_found: Mapping[str, str]) -> None:
    process = newcomer.start("demo", **servers_found)
    assert process.stderr
    while b"1. A first" not in process.stderr.readline():
        assert process.poll() is None
    process.kill()
    process.communicate(timeout=LONG)

    until(lambda: not processes(newcomer.folder / "tmp"))


def test_on_a_terminal_it_shows_what_moves(newcomer: Cli) -> None:
    above, below = pty.openpty()
    environment = {**newcomer.environment, "MCMIRROR_MINIO": str(binaries.minio()), "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(
        [COMMAND, "demo"], cwd=newcomer.folder, env=environment, stdin=below, stdout=below, stderr=below
    ) as process:
        os.close(below)
        screen = b"".join(_read(above))
    os.close(above)

    assert 0 == process.returncode, screen.decode()
    assert b"\x1b[1m1. A first mirror" in screen
    # Which phase it shows depends on how fast the machine is.
    assert re.search(rb"\x1b\[\?25l (checking|listing|copying|verifying|removing)", screen), screen
    assert nothing_stays(newcomer)


def _read(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            block = os.read(terminal, 65536)
        except OSError:
            # Linux: the other end was closed.
            return
        if not block:
            return
        yield block


def test_only_verified_is_success() -> None:
    report = RunReport("demo", "a", "b", Status.SUCCEEDED, verified=False)

    assert 1 == ended_with(report)
    assert 3 == ended_with(replace(report, status=Status.PARTIAL, verified=True))
    assert 0 == ended_with(replace(report, verified=True))


def ended_with(report: RunReport) -> int:
    """The exit code of a demonstration whose run comes to this report."""
    service = SimpleNamespace(redact=str, run=lambda *_, **__: (report,))
    stage = SimpleNamespace(service=service, style=Style(), job=None, stop=Stop())
    try:
        demonstration._run(cast("Any", stage), "run")
    except demonstration._Ended as ended:
        return ended.code
    return 0


def test_a_server_that_was_named_must_be_there() -> None:
    with pytest.raises(Trouble) as caught:
        find_kind({"MCMIRROR_MINIO": "/nowhere/minio", "PATH": os.defpath})

    assert "/nowhere/minio" in caught.value.problem.cause
    assert caught.value.problem.remedy


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    program = tmp_path / "minio"
    program.write_text("#!/bin/sh\necho the disk is on fire\nexit 1\n")
    program.chmod(0o755)

    with pytest.raises(Trouble) as caught, servers(Kind("MinIO", str(program)), ["one"], tmp_path, Stop()):
        pass

    assert "the disk is on fire" in caught.value.problem.cause


def test_agents_work_and_one_is_killed(newcomer: Cli) -> None:
    done = newcomer("demo", "--agents", timeout=400, MCMIRROR_MINIO=str(binaries.minio()))

    assert 0 == done.code, done.stderr
    for text in (
        "✓ photos verified: 51 objects",
        "✓ albums verified: 40 objects",
        "Agent seoul lost the run; it begins again.",
        "The servers and their data are gone again.",
    ):
        assert text in done.stderr
    assert nothing_stays(newcomer)


def test_killed_it_takes_its_agents_along(newcomer: Cli) -> None:
    process = newcomer.start("demo", "--agents", MCMIRROR_MINIO=str(binaries.minio()))
    assert process.stderr is not None
    assert any(b"photos: copying" in line for line in process.stderr)
    process.kill()
    process.communicate()
    until(lambda: not processes(newcomer.folder / "tmp"))
