"""The state's disk is full or read-only, its database is away: a warning, and the mirror goes on."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Pair
from tests.serve.house import House, Serve
from tests.serve.receiver import Receiver
from tests.servers.postgres import Postgres


class _Disk:
    """A small file system that only ``serve`` sees, at a folder of ours."""

    def __init__(self, house: House, size: str = "4m", options: str = "") -> None:
        self.folder = house.folder / "disk"
        self.folder.mkdir()
        self.settings = f"size={size}{options}"
        house.settings["state"] = f"sqlite:///{self.folder}/state.db"
        self._user = [] if os.geteuid() == 0 else ["--map-root-user"]

    def start(self, house: House) -> Serve:
        """Start a server that has it."""
        mount = f"mount -t tmpfs -o {self.settings} tmpfs '{self.folder}' && exec \"$@\""
        return house.start(before=("unshare", "--mount", *self._user, "sh", "-c", mount, "sh"))

    def inside(self, serve: Serve) -> Path:
        """The folder as it sees it."""
        return Path(f"/proc/{serve.process.pid}/root{self.folder}")

    def fill(self, serve: Serve) -> None:
        """Leave no byte free."""
        block = b"x" * 4096
        with (self.inside(serve) / "full").open("ab", buffering=0) as file:
            while True:
                try:
                    file.write(block)
                except OSError:
                    return

    def remount(self, serve: Serve, how: str) -> None:
        """``ro`` or ``rw``."""
        user = ["--user", "--preserve-credentials"] if self._user else []
        subprocess.run(
            ["nsenter", "--target", str(serve.process.pid), *user, "--mount", "--wdns=/", "mount", "-o",
             f"remount,{how}", str(self.folder)],
            check=True,
        )  # fmt: skip


def _runs(serve: Serve) -> dict[str, str]:
    """By id: the verdict, of every run that the server knows."""
    found: dict[str, str] = {}
    before = ""
    while True:
        page = serve.ask("GET", f"runs?limit=500{before}")[1]
        found |= {run["id"]: run["status"] for run in page["runs"]}
        if not page["next"]:
            return found
        before = f"&before={page['next']}"


def _logged(serve: Serve) -> set[str]:
    """The ids of the runs that the log says ended."""
    return {line["run"] for line in serve.said("run_finished")}


def _warned(serve: Serve) -> bool:
    return bool(serve.ask("GET", "status")[1]["warnings"])


def _more(serve: Serve, number: int) -> None:
    """So many more runs end."""
    before = len(_logged(serve))
    serve.until(lambda: len(_logged(serve)) >= before + number)


def _all_there(serve: Serve) -> None:
    """The warning goes, and every run that the log names is remembered."""
    serve.until(lambda: not _warned(serve))
    ended = _logged(serve)
    serve.until(lambda: ended <= _runs(serve).keys())
    assert {"succeeded"} == {_runs(serve)[run] for run in ended}
    assert (200, 200) == (serve.status("/readyz"), serve.status("/healthz"))


def test_the_disk_is_full_for_a_while(house: House, receiver: Receiver, bucket_pair: Pair) -> None:
    disk = _Disk(house)
    bucket_pair.source.put({"a": b"1"})
    serve = disk.start(house)
    _more(serve, 2)
    disk.fill(serve)
    bucket_pair.source.put({"b": b"2" * 5000})
    serve.until(lambda: _warned(serve))
    _more(serve, 4)
    assert bucket_pair.equal
    assert 200 == serve.status("/healthz"), "a warning, no ailment"

    (disk.inside(serve) / "full").unlink()

    _all_there(serve)
    assert 143 == serve.stop()
    assert [] == receiver.got, "nothing failed"


def test_the_disk_is_read_only_for_a_while(house: House, receiver: Receiver, bucket_pair: Pair) -> None:
    disk = _Disk(house, options=",ro")
    bucket_pair.source.put({"a": b"1"})
    serve = disk.start(house)
    serve.until(lambda: _warned(serve))
    _more(serve, 3)
    assert bucket_pair.equal
    disk.remount(serve, "rw")
    _all_there(serve)
    _more(serve, 2)
    assert 143 == serve.stop()
    assert [] == receiver.got


@pytest.fixture
def server() -> Iterator[Postgres]:
    """A PostgreSQL of this test's own, to be stopped."""
    with Postgres.make() as server:
        yield server


def test_the_database_is_away_for_a_while(
    house: House, receiver: Receiver, bucket_pair: Pair, server: Postgres
) -> None:
    house.settings["state"] = server.url(server.database())
    bucket_pair.source.put({"a": b"1"})
    serve = house.start()
    _more(serve, 2)
    server.stop()
    bucket_pair.source.put({"b": b"2"})
    serve.until(lambda: _warned(serve))
    _more(serve, 3)
    assert bucket_pair.equal
    server.start()
    _all_there(serve)
    assert 143 == serve.stop()
    again = house.start()
    assert _logged(again) <= _runs(again).keys()
    assert 143 == again.stop()
    assert [] == receiver.got


def test_the_database_hangs_for_a_while(house: House, receiver: Receiver, bucket_pair: Pair, server: Postgres) -> None:
    house.settings["state"] = server.url(server.database())
    bucket_pair.source.put({"a": b"1"})
    serve = house.start()
    _more(serve, 2)
    with server.frozen():
        # A probe gives up after some seconds.
        for path in ("/healthz", "/readyz", "/metrics") * 4:
            assert 200 == serve.status(path), path
        bucket_pair.source.put({"b": b"2"})
        serve.until(lambda: bucket_pair.equal)
        serve.until(lambda: _warned(serve))
        assert serve.up, "whoever asks for health is answered"
    _all_there(serve)
    assert 143 == serve.stop()


def test_the_database_is_away_at_the_start(house: House, bucket_pair: Pair, server: Postgres) -> None:
    house.settings["state"] = server.url(server.database())
    bucket_pair.source.put({"a": b"1"})
    server.stop()
    serve = house.start()
    _more(serve, 2)
    assert bucket_pair.equal
    server.start()
    _all_there(serve)
    assert 143 == serve.stop()


def test_a_state_that_is_no_database(house: House, bucket_pair: Pair) -> None:
    folder = house.folder / "home/.local/state/mcmirror"
    folder.mkdir(parents=True)
    (folder / "state.db").write_bytes(b"this is no database at all" * 100)
    bucket_pair.source.put({"a": b"1"})
    serve = house.start()
    _more(serve, 2)
    assert bucket_pair.equal
    assert _warned(serve)
    assert 143 == serve.stop()
