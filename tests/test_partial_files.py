"""What a killed mc leaves in a target folder goes with the next run, and nobody's own file does."""

import os
import re
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import Pair
from tests.servers.command import Cli
from tests.waiting import until

LARGE = bytes(range(256)) * (8 << 12)
"""8 MiB, no part of which repeats its beginning at once."""
UUID = re.compile(r"[0-9a-f-]{36}")


def _torn(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if UUID.fullmatch(path.name) and _size(path) > 1]


def _size(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def _kill(cli: Cli, source: str, folder: Path, *options: str) -> Path:
    """kill -9 in mid-copy; the file that is left."""
    before = set(_torn(folder))
    process = cli.start("mirror", source, str(folder), "--limit-download", "64KiB", *options)
    until(lambda: set(_torn(folder)) - before)
    process.kill()
    process.communicate()
    (left,) = set(_torn(folder)) - before
    return left


@pytest.fixture
def folder(cli: Cli) -> Path:
    made = cli.folder / "target"
    made.mkdir()
    return made


@pytest.mark.parametrize("options", [(), ("--remove",)])
def test_a_torn_file_goes(options: tuple[str, ...], cli: Cli, bucket_pair: Pair, folder: Path) -> None:
    bucket_pair.source.put({"deep/large": LARGE})
    place = bucket_pair.source.location
    torn = _kill(cli, place, folder, *options)
    assert torn.parent == folder / "deep"
    again = cli("mirror", place, str(folder), "--json", *options)
    assert (0, "succeeded") == (again.code, again.report["status"]), again.stderr
    assert [folder / "deep" / "large"] == [path for path in folder.rglob("*") if path.is_file()]
    assert f"note: {torn}: removed; an mc that was killed left it, torn" in again.stderr
    assert 0 == again.report["extraneous"]["objects"] == again.report["removed"]["objects"]
    third = cli("mirror", place, str(folder), "--quiet", *options)
    assert (0, "") == (third.code, third.stderr)


def test_what_is_not_copied_yet_proves_nothing(cli: Cli, bucket_pair: Pair, folder: Path) -> None:
    bucket_pair.source.put({"large": LARGE, "small": b"1"})
    place = bucket_pair.source.location
    left = {_kill(cli, place, folder), _kill(cli, place, folder)}
    assert left <= set(folder.iterdir())
    assert 0 == cli("mirror", place, str(folder)).code
    assert {"large", "small"} == {path.name for path in folder.iterdir()}


def test_a_file_of_somebody_stays(cli: Cli, bucket_pair: Pair, folder: Path) -> None:
    bucket_pair.source.put({"large": LARGE})
    place = bucket_pair.source.location
    before, during = folder / str(uuid4()), folder / str(uuid4())
    torn = _kill(cli, place, folder)
    during.write_bytes(b"mine")
    before.write_bytes(LARGE[:100])
    os.utime(before, (1_000_000_000, 1_000_000_000))
    again = cli("mirror", place, str(folder), "--json")
    assert {"large", before.name, during.name} == {path.name for path in folder.iterdir()}
    assert (0, 2) == (again.code, again.report["extraneous"]["objects"])
    assert f"note: {torn}: removed" in again.stderr
    assert f"note: {during}: perhaps left by an mc that was killed" in again.stderr
    assert before.name not in again.stderr
    third = cli("mirror", place, str(folder), "--quiet")
    assert (0, "") == (third.code, third.stderr)
    assert b"mine" == during.read_bytes()
