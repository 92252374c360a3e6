"""``mcmirror backlog`` as people and cron run it, between two MinIO servers."""

import json
import os
import signal
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from tests.conftest import Pair
from tests.servers.command import Cli
from tests.servers.minio import Minio, deny
from tests.servers.slack import CHANNEL, FakeSlack
from tests.waiting import until

FILE = """
[job.old]
source = "{source}"
target = "{target}"
overwrite = true
{more}
"""


@pytest.fixture
def write(cli: Cli, bucket_pair: Pair) -> Callable[..., None]:
    def write(more: str = "", source: str = "") -> None:
        cli.write(
            FILE.format(source=source or bucket_pair.source.location, target=bucket_pair.target.location, more=more)
        )

    return write


def objects(number: int) -> dict[str, bytes]:
    """So many as an application stores them, and a few of other layouts."""
    made = {f"item/{uuid.UUID(int=place * 7919 << 64, version=4)}/name.txt": b"%d" % place for place in range(number)}
    return made | {"flat1": b"1", "flat2": b"22", "deep/er/still": b"3", "é ü/ (x)": b"4", "empty": b""}


def status(cli: Cli) -> dict[str, Any]:
    (found,) = json.loads(cli("backlog", "status", "old", "--json").stdout)
    return dict(found)


def test_what_differs_is_put_in_worked_off_and_verified(
    cli: Cli, bucket_pair: Pair, write: Callable[..., None]
) -> None:
    write()
    bucket_pair.source.put(objects(60))
    bucket_pair.target.put({"flat2": b"11", "its own": b"5"})

    first, second = cli("backlog", "prepare", "old"), cli("backlog", "prepare", "old")

    assert (0, "old: 65 objects put in\n") == (first.code, first.stdout)
    assert "mcmirror backlog process old carries it out" in first.stderr
    assert "old: 0 objects put in, 65 waited already\n" == second.stdout
    assert {"flat2": b"11", "its own": b"5"}.keys() == bucket_pair.target.contents().keys(), "nothing is copied yet"
    once = cli("backlog", "process", "old", "--batch-size", "20", "--once", "--json")
    assert (0, 20, 45) == (once.code, json.loads(once.stdout)["done"], status(cli)["pending"])
    done = cli("backlog", "process", "old")
    assert 0 == done.code
    assert "45 objects done, 45 copied" in done.stderr
    assert bucket_pair.source.contents() == {
        key: etag for key, etag in bucket_pair.target.contents().items() if key != "its own"
    }
    assert (0, 65) == (status(cli)["pending"], status(cli)["done"])
    assert "old: 65 objects forgotten\n" == cli("backlog", "purge", "old").stdout
    assert "old: 0 objects put in\n" == cli("backlog", "prepare", "old").stdout


def test_a_killed_process_loses_and_doubles_nothing(cli: Cli, bucket_pair: Pair, write: Callable[..., None]) -> None:
    write()
    bucket_pair.source.put(objects(300))
    cli("backlog", "prepare", "old")
    process = cli.start("backlog", "process", "old", "--batch-size", "50")
    until(lambda: _leased(cli) > 0, 60)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    left = _leased(cli)
    assert left > 0

    assert 0 == cli("backlog", "process", "old").code, "the others go on at once"
    assert left == status(cli)["leased"]
    _a_minute_passes(cli)
    assert (left, 0) == (status(cli)["pending"], status(cli)["failed"]), "that their process died is no failure"
    assert 0 == cli("backlog", "process", "old").code

    assert bucket_pair.equal
    assert {"pending": 0, "leased": 0, "failed": 0, "dead": 0, "done": 305} == {
        name: status(cli)[name] for name in ("pending", "leased", "failed", "dead", "done")
    }


def _state(cli: Cli) -> str:
    return cli.environment["HOME"] + "/.local/state/mcmirror/state.db"


def _leased(cli: Cli) -> int:
    with closing(sqlite3.connect(_state(cli))) as connection:
        return int(connection.execute("SELECT COUNT(*) FROM backlog WHERE lease > 0").fetchone()[0])


def _a_minute_passes(cli: Cli) -> None:
    with closing(sqlite3.connect(_state(cli))) as connection:
        connection.execute("UPDATE backlog SET lease = lease - 60, due = due - 60 WHERE state = 0")
        connection.commit()


def test_who_asks_for_the_end_makes_no_item_fail(cli: Cli, bucket_pair: Pair, write: Callable[..., None]) -> None:
    write('limit_upload = "64KiB"')
    bucket_pair.source.put({f"k{number:02}": b"x" * 65536 for number in range(20)})
    cli("backlog", "prepare", "old")
    process = cli.start("backlog", "process", "old", "--follow")
    until(lambda: _leased(cli) > 0 and bool(bucket_pair.target.contents()), 60)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)

    assert 143 == process.returncode
    found = status(cli)
    assert (0, 0, 0, "") == tuple(found[name] for name in ("leased", "failed", "dead", "error"))
    assert found["pending"] + found["done"] == 20


def test_two_processes_share_the_work(cli: Cli, bucket_pair: Pair, write: Callable[..., None]) -> None:
    write()
    bucket_pair.source.put(objects(120))
    cli("backlog", "prepare", "old")

    two = [cli.start("backlog", "process", "old", "--batch-size", "10", "--json") for _ in range(2)]
    done = [json.loads(process.communicate(timeout=120)[0])["done"] for process in two]

    assert (125, True) == (sum(done), min(done) > 0)
    assert bucket_pair.equal


def test_one_that_is_denied_fails_with_its_reason_and_holds_up_nobody(
    cli: Cli, bucket_pair: Pair, write: Callable[..., None], source: Minio
) -> None:
    write()
    bucket_pair.source.put({"a": b"1", "secret/b": b"2", "z": b"3"})
    cli("backlog", "prepare", "old")
    reader = source.user(deny(["GetObject"], [f"{bucket_pair.source.bucket}/secret/*"]))

    done = cli("backlog", "process", "old", MC_HOST_src=source.mc_host(reader))

    assert 3 == done.code
    assert {"a", "z"} == bucket_pair.target.contents().keys()
    (item,) = json.loads(cli("backlog", "list", "old", "--json").stdout)
    assert ("secret/b", "failed", 1) == (item["key"], item["state"], item["attempts"])
    assert "403 Forbidden" == item["error"]
    assert "mcmirror backlog list old --state failed names them." in done.stderr
    assert 0 == cli("backlog", "process", "old").code, "it is not due yet"
    assert "old: 1 object tried again\n" == cli("backlog", "retry", "old").stdout
    assert 0 == cli("backlog", "process", "old").code
    assert bucket_pair.equal


def test_one_that_is_denied_keeps_no_other_from_arriving_in_a_job_that_stops_at_errors(
    cli: Cli, bucket_pair: Pair, write: Callable[..., None], source: Minio
) -> None:
    write("skip_errors = false")
    bucket_pair.source.put({f"a/{number:02}": b"1" for number in range(20)} | {"a/00": b"denied"})
    cli("backlog", "prepare", "old")
    reader = source.user(deny(["GetObject"], [f"{bucket_pair.source.bucket}/a/00"]))

    done = cli("backlog", "process", "old", "--json", MC_HOST_src=source.mc_host(reader))

    document = json.loads(done.stdout)
    assert (3, 19, 1, "403 Forbidden") == (done.code, document["done"], document["failed"], document["error"])


def test_a_server_that_is_down_decides_nothing(cli: Cli, bucket_pair: Pair, write: Callable[..., None]) -> None:
    write()
    bucket_pair.source.put({"a": b"1", "b": b"2"})
    cli("backlog", "prepare", "old")

    done = cli("backlog", "process", "old", MC_HOST_src="http://minioadmin:minioadmin@127.0.0.1:1")

    assert 1 == done.code
    assert "refused" in done.stderr
    assert (2, 0) == (status(cli)["pending"], status(cli)["failed"])
    assert 0 == cli("backlog", "process", "old").code
    assert bucket_pair.equal


def test_batches_of_one_folder_take_turns(cli: Cli, bucket_pair: Pair) -> None:
    folder = cli.folder / "copies"
    folder.mkdir()
    cli.write(FILE.format(source=bucket_pair.source.location, target=folder, more=""))
    made = {key: body for key, body in objects(30).items() if body}
    bucket_pair.source.put(made)
    cli("backlog", "prepare", "old")

    two = [cli.start("backlog", "process", "old", "--batch-size", "5", "--json") for _ in range(2)]
    done = [json.loads(process.communicate(timeout=120)[0])["done"] for process in two]

    assert len(made) == sum(done)
    assert made == {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("keys", [{"alone": b"1"}, {"a": b"1", "b": b"2"}])
def test_a_target_that_is_down_costs_no_attempt(
    cli: Cli, bucket_pair: Pair, write: Callable[..., None], keys: dict[str, bytes]
) -> None:
    """A key is copied without a question to the target at first, and so fails alone."""
    write()
    bucket_pair.source.put(keys)
    cli("backlog", "prepare", "old")

    for _ in range(2):
        done = cli("backlog", "process", "old", MC_HOST_dst="http://minioadmin:minioadmin@127.0.0.1:1")
        assert (1, True) == (done.code, "refused" in done.stderr), done.stderr
        assert (len(keys), 0) == (status(cli)["pending"], status(cli)["failed"])
    assert 0 == cli("backlog", "process", "old").code
    assert bucket_pair.equal


def test_removals_are_put_in_where_the_job_removes(cli: Cli, bucket_pair: Pair, write: Callable[..., None]) -> None:
    write("remove = true")
    bucket_pair.source.put({f"k{number}": b"1" for number in range(40)})
    bucket_pair.target.put({f"k{number}": b"1" for number in range(45)})
    cli("backlog", "prepare", "old")
    assert ["remove"] * 5 == [one["action"] for one in json.loads(cli("backlog", "list", "old", "--json").stdout)]

    assert 0 == cli("backlog", "process", "old").code

    assert bucket_pair.equal


def test_a_pause_holds_for_every_process(cli: Cli, bucket_pair: Pair, write: Callable[..., None]) -> None:
    write()
    bucket_pair.source.put({"a": b"1"})
    assert "old: 1 object put in, 0 waited already\n" == cli("backlog", "add", "old", "a").stdout
    assert "backlog of old: paused\n" == cli("backlog", "pause", "old").stdout

    cli("backlog", "process", "old")

    assert {} == bucket_pair.target.contents()
    assert status(cli)["paused"]
    everything = cli("status", "--json")
    assert (1, True) == tuple(
        json.loads(everything.stdout)["jobs"][0]["backlog"][name] for name in ("pending", "paused")
    )
    assert "old: backlog: 1 object to do, paused" in cli("status").stdout
    cli("backlog", "resume", "old")
    cli("backlog", "process", "old")
    assert bucket_pair.equal


def test_jobs_that_cannot_have_a_backlog_say_so(cli: Cli, write: Callable[..., None]) -> None:
    for more in ("dry_run = true", 'assurance = "off"', 'prefix = "{today:%Y}"'):
        write(more)
        done = cli("backlog", "process", "old")
        assert (2, True) == (done.code, f"job.old.{more.partition(' ')[0]}" in done.stderr), done.stderr
    write()
    assert "did you mean" in cli("backlog", "process", "odl").stderr.lower()
    assert 2 == cli("backlog", "process", "old", "--once", "--follow").code


def test_failures_and_the_end_are_told_once_each(
    cli: Cli, bucket_pair: Pair, write: Callable[..., None], source: Minio, fake: FakeSlack
) -> None:
    write(
        f'notify = ["ops"]\n\n[notify.ops]\ntype = "slack"\ntoken = "{{env:SLACK_BOT_TOKEN}}"\nchannel = "{CHANNEL}"\n'
    )
    bucket_pair.source.put({"a": b"1", "secret/b": b"2"})
    cli("backlog", "prepare", "old")
    denied = source.mc_host(source.user(deny(["GetObject"], [f"{bucket_pair.source.bucket}/secret/*"])))

    for _ in range(2):
        cli("backlog", "process", "old", MC_HOST_src=denied, **fake.environment)
        cli("backlog", "retry", "old")
    assert 1 == len(fake.titles)
    assert "old: 1 object of the backlog could not be copied" in fake.posts[0].shown
    assert "403 Forbidden" in fake.posts[0].shown
    for _ in range(2):
        cli("backlog", "process", "old", **fake.environment)

    assert 2 == len(fake.titles)
    assert "old: the backlog is empty, 2 objects done" in fake.posts[1].shown
