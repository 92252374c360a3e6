"""A single run whose state is full, read-only, away or no state at all."""

import json
import os
import subprocess

import pytest

from tests.conftest import Pair
from tests.servers.command import COMMAND, Cli
from tests.servers.server import free_port

FULL = """
mount -t tmpfs -o size=1m tmpfs "$DISK" || exit 99
mkdir "$DISK/state.db.inbox" || exit 99
cat /dev/zero > "$DISK/filler" 2>/dev/null
"$@" --quiet
code=$?
find "$DISK" -type f ! -name filler
rm "$DISK/filler"
"$@" --quiet || exit 99
exit $code
"""
READ_ONLY = """
mount -t tmpfs -o size=1m,ro tmpfs "$DISK" || exit 99
exec "$@" --quiet
"""


@pytest.mark.parametrize(("script", "why"), [(FULL, "No space left on device"), (READ_ONLY, "Read-only file system")])
def test_a_run_that_cannot_be_written_down_says_so_and_goes_on(
    script: str, why: str, cli: Cli, bucket_pair: Pair
) -> None:
    bucket_pair.source.put({"a": b"1"})
    disk = cli.folder / "disk"
    disk.mkdir()
    unshare = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    places = [bucket_pair.source.location, bucket_pair.target.location]
    done = subprocess.run(
        [*unshare, "sh", "-c", script, "sh", COMMAND, "mirror", *places],
        env={**cli.environment, "DISK": str(disk), "MCMIRROR_STATE": f"sqlite:///{disk}/state.db"},
        cwd=cli.folder, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert (0, "") == (done.returncode, done.stdout), done.stderr
    assert bucket_pair.equal
    assert [
        "note: a run is not remembered: history lacks its end",
        f"  why: {disk}/state.db.inbox: {why}",
        "  do:  Make room there and let this user write, or name another state. What the run did stands.",
    ] == done.stderr.splitlines()


def test_a_run_is_remembered_once_an_unreachable_database_is_back(cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"a": b"1"})
    state = f"postgresql://user@127.0.0.1:{free_port()}/mcmirror"
    places = bucket_pair.source.location, bucket_pair.target.location
    done = cli("mirror", *places, "--quiet", MCMIRROR_STATE=state)
    assert (0, "", True) == (done.code, done.stderr, bucket_pair.equal)
    shown = cli("history", "--json", MCMIRROR_STATE=state)
    assert ["succeeded"] == [run["status"] for run in json.loads(shown.stdout)]


def test_a_folder_and_a_file_of_somebody_else_are_no_state(cli: Cli, bucket_pair: Pair) -> None:
    folder = cli.folder / "theirs"
    folder.mkdir()
    file = folder / "passwd"
    file.write_text("root:x:0:0\n" * 10)
    for state, what in ((folder, "is a folder"), (file, "is no SQLite database, and mcmirror has not made it")):
        done = cli(
            "mirror", bucket_pair.source.location, bucket_pair.target.location, MCMIRROR_STATE=f"sqlite:///{state}"
        )
        assert (2, True) == (done.code, f"MCMIRROR_STATE: {state} {what}" in done.stderr), done.stderr
    assert [file] == list(folder.iterdir())


def test_a_state_of_ours_that_broke_stops_no_mirror(cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"a": b"1"})
    state = cli.folder / "ours" / "state.db"
    places, named = (bucket_pair.source.location, bucket_pair.target.location), f"sqlite:///{state}"
    assert 0 == cli("mirror", *places, MCMIRROR_STATE=named).code
    state.write_text("no database any more" * 10)
    done = cli("mirror", *places, MCMIRROR_STATE=named)
    assert 0 == done.code, done.stderr
