"""`mcmirror status`: how jobs stand at a glance, with and without a server, and how little that takes."""

import json
import re
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcmirror.config.summary import summary
from mcmirror.model.report import Status
from mcmirror.store import paths
from mcmirror.store.database import Database
from mcmirror.store.inbox import Inbox
from mcmirror.store.pauses import Pauses
from mcmirror.store.presence import Presence
from mcmirror.store.rows import enter
from mcmirror.store.runs import Runs
from tests.servers.command import Cli
from tests.store_samples import begun, ended, ran
from tests.waiting import until

PATIENCE = 60
JOBS = """
[settings]
listen = "off"
[job.photos]
source = "./photos"
target = "./copy"
every = "2s"
max_age = "1h"
[job.nightly]
source = "./photos"
target = "./nightly"
cron = "0 2 * * *"
timezone = "Asia/Seoul"
[job.broken]
source = "./nowhere"
target = "./broken"
every = "1h"
at_start = true
[job.hand]
source = "./photos"
target = "./hand"
"""


@pytest.fixture
def state(cli: Cli) -> str:
    return f"sqlite:///{cli.environment['HOME']}/.local/state/mcmirror/state.db"


@contextmanager
def _serving(cli: Cli) -> Iterator[None]:
    process = cli.start("serve")
    try:
        yield
    finally:
        process.kill()
        process.communicate()


def _status(cli: Cli) -> dict[str, Any]:
    said = cli("status", "--json")
    assert (0, "") == (said.code, said.stderr)
    document: dict[str, Any] = json.loads(said.stdout)
    return {**document, "jobs": {job["name"]: job for job in document["jobs"]}}


def _until(cli: Cli, condition: Any) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while not condition(found := _status(cli)):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found


def test_before_anything_has_run(cli: Cli) -> None:
    cli.write(JOBS)

    said = cli("status")

    assert (0, "") == (said.code, said.stderr)
    assert [
        "JOB      LAST RUN   LAST SUCCESS           NEXT RUN  TRIGGER",
        "photos   never ran  never, max_age 1h 00m            every 2s",
        "nightly  never ran                                   cron 0 2 * * * (Asia/Seoul)",
        "broken   never ran                                   every 1h",
        "hand     never ran                                   by hand",
        "",
        "mcmirror serve does not run here: nothing begins by itself",
    ] == said.stdout.splitlines()
    # Looking makes nothing.
    assert not Path(cli.environment["HOME"], ".local").exists()


def test_beside_a_real_server(cli: Cli) -> None:
    cli.write(JOBS)
    photos = cli.folder / "photos"
    photos.mkdir()
    (photos / "a.jpg").write_text("a")
    with _serving(cli):
        found = _until(
            cli, lambda seen: seen["jobs"]["photos"]["last_success"] and seen["jobs"]["broken"]["status"] == "failed"
        )
        photos_line = r"^photos +(succeeded .+ ago|running, .+) +.+ ago +(now|in \d.*s) +every 2s$"
        until(lambda: re.search(photos_line, cli("status").stdout, re.MULTILINE))
        text = cli("status").stdout
        photos_now, nightly, hand = (found["jobs"][name] for name in ("photos", "nightly", "hand"))
        assert found["server"]["pid"] > 0
        assert (False, False) == (photos_now["stale"], photos_now["paused"])
        assert re.search(r"^nightly +never ran +in \d+.* cron 0 2", text, re.MULTILINE), text
        assert re.search(r"^broken +failed .* ago +never +in .* every 1h$", text, re.MULTILINE), text
        assert nightly["next_run"].endswith("T17:00:00.000Z")  # two o'clock in Seoul
        assert (None, None) == (hand["next_run"], hand["last"])
        assert "mcmirror serve runs, process " in text
        first = photos_now["last"]["run"]
        _until(cli, lambda seen: seen["jobs"]["photos"]["last"]["run"] != first)

    after = _status(cli)
    assert (None, None) == (after["server"], after["jobs"]["photos"]["next_run"])
    assert after["jobs"]["photos"]["last_success"]


def test_what_runs_what_is_paused_and_what_is_too_old(cli: Cli, state: str) -> None:
    cli.write(JOBS.replace("./photos", "src/photos").replace("./copy", "dst/photos"))
    inbox, database = Inbox(paths.inbox(state)), Database(state)
    ran(inbox, ago=9000)
    ran(inbox, ago=100, status=Status.PARTIAL)
    Pauses(database).add("nightly")
    record = begun(ago=30)
    opened = inbox.open(record)
    with Presence(paths.presence(state)):
        found = _status(cli)["jobs"]
        text = cli("status").stdout
        Pauses(database).add("")
        everything = cli("status").stdout
    opened.close(ended(record))

    photos = found["photos"]
    assert ("running", record.id, "partial", True) == (
        photos["status"], photos["run"], photos["last"]["status"], photos["stale"]
    )  # fmt: skip
    assert (True, None) == (found["nightly"]["paused"], found["nightly"]["next_run"])
    assert re.search(r"^photos +running, \d.* +\dh .* ago, max_age 1h 00m", text, re.MULTILINE), text
    assert re.search(r"^nightly +never ran +paused +cron", text, re.MULTILINE), text
    assert "everything is paused" in everything
    assert 4 == everything.count(" paused ")
    database.close()


def test_what_notifiers_owe(cli: Cli, state: str) -> None:
    cli.write(JOBS)
    database = Database(state)
    with database.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO outbox (id, number, listener, job, run, kind, payload, created, due, lease, attempts)"
            " VALUES ('1', 1, 'ops', 'photos', '', 'failure', '{}', 1, 1, 0, 3)"
        )
        connection.exec_driver_sql(
            "INSERT INTO notifier (name, failures, given_up, error) VALUES ('ops', 3, 0, 'connection refused')"
        )
    database.close()

    assert [
        {"name": "ops", "waiting": 1, "failures": 3, "given_up": 0, "error": "connection refused"}
    ] == _status(cli)["notifiers"]  # fmt: skip
    assert "notifier ops: 1 waiting, 3 attempts failed: connection refused\n" in cli("status").stdout


def test_a_job_that_never_ran_is_as_old_as_the_server_that_would_run_it(cli: Cli, state: str) -> None:
    """As readiness and health have it: nobody can be late who had no time yet."""
    cli.write(JOBS)

    def stale() -> bool:
        photos = json.loads(cli("status", "--json").stdout)["jobs"][0]
        assert ("photos", None) == (photos["name"], photos["last"])
        return bool(photos["stale"])

    assert stale()
    with Presence(paths.presence(state)) as seen:
        assert not stale()
        seen._server = replace(seen._server, started=time.time() - 7200)
        seen.answers("", "")
        assert stale()


def test_a_state_that_cannot_be_read_is_a_warning(cli: Cli, state: str) -> None:
    cli.write(JOBS)
    file = Path(state.removeprefix("sqlite:///"))
    file.parent.mkdir(parents=True)
    file.write_bytes(b"broken" * 1000)

    said = cli("status")

    assert 1 == said.code
    assert "never" not in said.stdout
    assert "photos   unknown   unknown" in said.stdout
    assert f"warning: {file}: the state cannot be used: file is not a database." in said.stderr
    assert said.stderr.rstrip().endswith("a new one is made, without the history.")


def test_what_is_kept_of_a_configuration_is_that_of_the_file_as_it_is(cli: Cli) -> None:
    file = cli.write(JOBS)
    first = summary(file, cli.environment, cli.folder)
    kept = list((Path(cli.environment["HOME"]) / ".cache" / "mcmirror" / "outlines").iterdir())
    assert 1 == len(kept)
    assert first == summary(file, cli.environment, cli.folder)

    cli.write(JOBS.replace("job.hand", "job.head"))
    second = summary(file, cli.environment, cli.folder)
    assert ["photos", "nightly", "broken", "head"] == [job.name for job in second.jobs]
    for broken in ("", "{}", '{"mark": [], "columns": [], "jobs": []}', "[]"):
        kept[0].write_text(broken)
        assert second == summary(file, cli.environment, cli.folder)


def test_a_state_that_the_environment_names_is_looked_up_each_time(cli: Cli) -> None:
    file = cli.write(JOBS.replace("[settings]", '[settings]\nstate = "{env:WHERE}"'))

    for where in ("sqlite:////one.db", "sqlite:////two.db"):
        assert where == summary(file, {**cli.environment, "WHERE": where}, cli.folder).state


def test_what_the_environment_says_of_the_state_holds_at_once(cli: Cli) -> None:
    file = cli.write(JOBS)

    for where in ("sqlite:////one.db", "sqlite:////two.db"):
        said = {**cli.environment, "MCMIRROR_STATE": where}
        assert where == summary(file, said, cli.folder).state
        (cli.folder / "where").write_text(f"{where}-by-file\n")
        said = {**cli.environment, "MCMIRROR_STATE_FILE": str(cli.folder / "where")}
        assert f"{where}-by-file" == summary(file, said, cli.folder).state


def _processor_time() -> float:
    """Seconds that the commands of this process have worked so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_two_thousand_jobs_take_no_library_and_little_time(cli: Cli, state: str) -> None:
    job = '[job.job-{0}]\nsource = "src/bucket-{0}"\ntarget = "dst/bucket-{0}"\nevery = "1m"\nremove = true\n'
    cli.write("".join(job.format(number) for number in range(2000)))
    database = Database(state)
    with database.begin() as connection:
        for number in range(2000):
            enter(connection, ended(begun(f"job-{number}")), 0.0)
    assert 2000 == len(Runs(database, Inbox(paths.inbox(state))).standings())
    database.close()
    assert 2001 < len(cli("status").stdout.splitlines())

    spent = []
    for _ in range(5):
        start = _processor_time()
        said = cli("status", PYTHONPROFILEIMPORTTIME="1")
        spent.append(_processor_time() - start)

    assert 2001 < len(said.stdout.splitlines())
    loaded = {line.rpartition("|")[2].strip() for line in said.stderr.splitlines()}
    assert {"mcmirror.cli.table", "sqlite3"} <= loaded
    assert not {"pydantic", "sqlalchemy", "tomllib", "rich", "mcmirror.service.root"} & loaded
    # 0.15 s on a quiet machine with two cores; the processor's time, since this one may be busy.
    assert min(spent) < 1.5
