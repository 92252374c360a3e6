"""What is remembered of runs: one contract, on SQLite and on PostgreSQL."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from mcmirror.model.job import Job
from mcmirror.model.location import Location
from mcmirror.model.record import Outcome, Record
from mcmirror.model.report import Status
from mcmirror.store.database import Database, sql
from mcmirror.store.inbox import Inbox
from mcmirror.store.pauses import Pauses
from mcmirror.store.runs import Runs, Standing
from tests.store_samples import begun, ended, ran, when

DAY = 86400.0


@pytest.fixture(params=["sqlite", "postgresql"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state/state.db"
    server = request.getfixturevalue("postgres")
    return str(server.url(server.database()))


@pytest.fixture
def database(state: str) -> Iterator[Database]:
    database = Database(state)
    yield database
    database.close()


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path / "inbox")


@pytest.fixture
def runs(database: Database, inbox: Inbox) -> Runs:
    return Runs(database, inbox)


def _job(name: str) -> Job:
    return Job(name, Location.parse(f"src/{name}"), Location.parse(f"dst/{name}"))


def test_a_run_is_the_same_after_it_was_taken_in(runs: Runs, inbox: Inbox, tmp_path: Path) -> None:
    done = ran(inbox, status=Status.PARTIAL)

    assert done == runs.get(done.id)
    assert (done,) == runs.take_in()
    assert [] == list((tmp_path / "inbox").iterdir())
    assert done == runs.get(done.id)
    assert (done,) == runs.runs()
    assert "" == runs.warning


def test_failures_in_a_row_are_counted_from_files_and_rows(runs: Runs, inbox: Inbox) -> None:
    assert 0 == runs.failures(begun(ago=0.0))
    for ago, status in enumerate((Status.FAILED, Status.CANCELLED, Status.PARTIAL, Status.SUCCEEDED, Status.FAILED), 1):
        ran(inbox, ago=100.0 * ago, status=status)
    ran(inbox, job="docs", ago=50.0)
    assert [2, 0] == [runs.failures(begun(job, ago=0.0)) for job in ("photos", "docs")]
    runs.take_in()
    ran(inbox, ago=20.0, status=Status.INTERRUPTED)
    assert [3, 1, 0] == [runs.failures(begun(ago=ago)) for ago in (0.0, 250.0, 350.0)]


def test_a_job_that_never_succeeded_is_unproven_since_its_first_run(runs: Runs, inbox: Inbox) -> None:
    assert 0.0 == runs.unproven_since("photos")
    ran(inbox, ago=900.0, status=Status.FAILED)
    first = ran(inbox, ago=3600.0, status=Status.FAILED)
    ran(inbox, job="docs", ago=9000.0, status=Status.FAILED)

    assert datetime.fromisoformat(first.started).timestamp() == runs.unproven_since("photos")
    runs.take_in()
    assert datetime.fromisoformat(first.started).timestamp() == runs.unproven_since("photos")
    ran(inbox, ago=60.0)
    assert 0.0 == runs.unproven_since("photos")


def test_a_record_is_handed_to_one_caller(runs: Runs, database: Database, inbox: Inbox) -> None:
    done = ran(inbox)
    other = Runs(database, inbox)

    assert (done,) == runs.take_in()
    assert ((), ()) == (runs.take_in(), other.take_in())


def test_what_was_handed_to_somebody_who_died_is_handed_out_again(database: Database, inbox: Inbox) -> None:
    done = ran(inbox)
    assert (done,) == Runs(database, inbox).take_in()
    # As if a minute had passed.
    with database.begin() as connection:
        connection.execute(sql("UPDATE run SET handed = handed - 61"))

    assert (done,) == Runs(database, inbox).take_in()


def test_what_was_handed_out_and_handled_is_nobodys_news_again(database: Database, inbox: Inbox) -> None:
    ran(inbox)
    first = Runs(database, inbox)
    first.take_in()
    first.close()
    with database.begin() as connection:
        connection.execute(sql("UPDATE run SET handed = handed - 61"))

    assert () == Runs(database, inbox).take_in()


def test_who_only_looks_takes_nobodys_news(runs: Runs, inbox: Inbox, database: Database) -> None:
    done = ran(inbox)
    onlooker = Runs(database, inbox)
    onlooker.absorb()

    assert (done,) == onlooker.runs()
    assert (done,) == runs.take_in()


def test_the_end_of_a_run_of_last_week_is_no_news(runs: Runs, inbox: Inbox) -> None:
    done = ran(inbox, ago=7 * DAY)

    assert () == runs.take_in()
    assert (done,) == runs.runs()


def test_runs_are_listed_by_job_verdict_and_page(runs: Runs, inbox: Inbox) -> None:
    photos = [ran(inbox, "photos", ago) for ago in (50, 40, 30)]
    failed = ran(inbox, "music", 35, Status.FAILED)
    runs.absorb()
    late = ran(inbox, "photos", 20)  # is still in the inbox
    newest_first = (late, photos[2], failed, photos[1], photos[0])

    assert newest_first == runs.runs()
    assert (late, photos[2], photos[1], photos[0]) == runs.runs(job="photos")
    assert (failed,) == runs.runs(status="failed")
    assert () == runs.runs(job="music", status="succeeded")
    assert newest_first[:2] == runs.runs(limit=2)
    assert newest_first[2:4] == runs.runs(limit=2, before=photos[2].id)
    assert () == runs.runs(before=photos[0].id)
    assert newest_first[1:] == runs.runs(before=late.id)


def test_a_run_that_goes_on_is_running(runs: Runs, inbox: Inbox, database: Database) -> None:
    record = begun()
    opened = inbox.open(record)
    runs.take_in()

    assert (record,) == runs.runs(status="running")
    assert record == runs.get(record.id)
    runs.beat()
    assert (record,) == runs.runs()
    opened.close(ended(record))
    assert ("succeeded",) == tuple(one.status for one in runs.runs())
    assert (ended(record),) == runs.take_in()


def test_another_machine_sees_what_runs_here_and_buries_what_has_fallen_silent(
    database: Database, inbox: Inbox, runs: Runs, tmp_path: Path
) -> None:
    record = begun()
    opened = inbox.open(record)
    runs.beat()
    patient = Runs(database, Inbox(tmp_path / "there"))
    assert () == patient.take_in()
    assert (record,) == patient.runs()

    impatient = Runs(database, Inbox(tmp_path / "there"), stale=-1.0)
    (buried,) = impatient.take_in()

    assert (record.id, "interrupted", "here") == (buried.id, buried.status, buried.host)
    assert (buried,) == impatient.runs()
    # It was only cut off: what it came to replaces what was assumed.
    runs.beat()
    assert (record,) == patient.runs()
    opened.close(ended(record))
    assert (ended(record),) == runs.take_in()
    assert (ended(record),) == impatient.runs()


def test_a_run_that_lives_here_is_never_buried(database: Database, inbox: Inbox) -> None:
    record = begun()
    opened = inbox.open(record)
    runs = Runs(database, inbox, stale=-1.0)
    runs.beat()

    assert () == runs.take_in()
    assert (record,) == runs.runs()
    opened.close(ended(record))


def test_fates_are_kept_and_come_back_in_order(runs: Runs, inbox: Inbox) -> None:
    record = begun()
    opened = inbox.open(record)
    odd = [
        (Outcome.COPIED, "ü\n\ud800/京都"),
        (Outcome.REMOVED, 'a "b" \\ c'),
        (Outcome.KEPT, ""),
        (Outcome.REMAINING, "\x00"),
    ]
    many = [(Outcome.COPIED, os.urandom(300).hex()) for _ in range(3000)]  # more than one part
    for fate, key in odd + many:
        opened.fate(fate, key)
    opened.close(ended(record))

    assert odd + many == list(runs.fates(record.id))
    runs.absorb()
    assert odd + many == list(runs.fates(record.id))
    assert [] == list(runs.fates("20261121T000000-00000000"))
    assert [] == list(runs.fates("../inbox/x"))


def test_fates_of_a_run_that_goes_on_are_seen(runs: Runs, inbox: Inbox) -> None:
    record = begun()
    opened = inbox.open(record)
    for number in range(1000):
        opened.fate(Outcome.COPIED, str(number))

    seen = list(runs.fates(record.id))

    assert [(Outcome.COPIED, str(number)) for number in range(len(seen))] == seen
    assert len(seen) >= 500
    opened.close(ended(record))


def test_ids_are_found_by_their_beginning(runs: Runs, inbox: Inbox) -> None:
    first, second = ran(inbox, ago=3 * DAY), ran(inbox, ago=60)
    runs.absorb()
    third = ran(inbox, ago=50)

    assert tuple(sorted((third.id, second.id, first.id), reverse=True)) == runs.ids()
    assert (first.id,) == runs.ids(first.id[:8])
    assert (second.id,) == runs.ids(second.id)
    assert (third.id,) == runs.ids(third.id[:-1])
    assert () == runs.ids("1999")
    assert () == runs.ids("%")
    assert () == runs.ids("' OR 1=1")


def test_how_each_job_stands(runs: Runs, inbox: Inbox) -> None:
    good = ran(inbox, "photos", 300, equal=7)
    bad = ran(inbox, "photos", 200, Status.FAILED)
    other = ran(inbox, "music", 100, Status.REFUSED)
    runs.absorb()

    last, success = runs.latest([_job("photos"), _job("music"), _job("films")])

    assert {"photos": bad, "music": other} == last
    assert {"photos": good} == success
    standing = runs.standing("photos", "src/photos", "dst/photos")
    assert standing is not None
    assert (bad.id, "failed", good.id, 9) == (standing.run, standing.status, standing.success, standing.source_objects)
    assert standing.succeeded == standing.started - 100 + 10
    assert None is runs.standing("photos", "src/photos", "dst/elsewhere")


def test_how_a_job_stands_does_not_depend_on_where_its_runs_lie(runs: Runs, inbox: Inbox) -> None:
    runs_of_a_day = [("photos", 300, Status.SUCCEEDED), ("photos", 200, Status.FAILED), ("music", 90, Status.PARTIAL)]
    for job, ago, status in runs_of_a_day:
        ran(inbox, job, ago, status)
    before = runs.standings()
    runs.absorb()

    assert before == runs.standings()


def test_an_older_run_that_is_taken_in_later_does_not_become_the_latest(runs: Runs, inbox: Inbox) -> None:
    newer = ran(inbox, ago=100)
    runs.absorb()
    ran(inbox, ago=500, status=Status.FAILED)
    ran(inbox, ago=600)
    runs.absorb()

    assert ({"photos": newer}, {"photos": newer}) == runs.latest([_job("photos")])


def test_two_thousand_jobs_are_at_hand(runs: Runs, database: Database, inbox: Inbox) -> None:
    from mcmirror.store.rows import enter

    for first in range(0, 2000, 100):  # a transaction has its limit of time
        with database.begin() as connection:
            for number in range(first, first + 100):
                enter(connection, ended(begun(f"job-{number}", ago=3600 + number)), 0.0)

    standings = runs.standings()

    assert 2000 == len(standings)
    assert all(isinstance(one, Standing) and one.success for one in standings.values())
    last, success = runs.latest([_job(f"job-{number}") for number in range(2000)])
    assert (2000, 2000) == (len(last), len(success))


def test_old_runs_are_forgotten_but_not_the_last_success(runs: Runs, inbox: Inbox) -> None:
    success = begun("photos", 200 * DAY)
    opened = inbox.open(success)
    opened.fate(Outcome.COPIED, "a")
    success = ended(success)
    opened.close(success)
    old = ran(inbox, "photos", 150 * DAY, Status.FAILED)
    older = ran(inbox, "photos", 300 * DAY)
    recent = ran(inbox, "photos", 2 * DAY, Status.FAILED)
    runs.absorb()

    runs.prune(90 * DAY, 0)

    assert (recent, success) == runs.runs()
    assert (None, None) == (runs.get(old.id), runs.get(older.id))
    assert [] == list(runs.fates(success.id))


def test_of_each_job_so_many_runs_are_kept(runs: Runs, inbox: Inbox) -> None:
    success = ran(inbox, "photos", 1000)
    photos = [ran(inbox, "photos", 900 - number, Status.FAILED) for number in range(8)]
    music = [ran(inbox, "music", 900 - number) for number in range(3)]
    runs.absorb()

    runs.prune(0, 5)

    assert (*reversed(photos[-5:]), success) == runs.runs(job="photos")
    assert tuple(reversed(music)) == runs.runs(job="music")


def test_what_runs_is_never_forgotten(runs: Runs, inbox: Inbox) -> None:
    record = begun("photos", 100 * DAY)
    opened = inbox.open(record)
    runs.beat()

    runs.prune(DAY, 1)

    assert (record,) == runs.runs()
    opened.close(ended(record))


def test_names_that_no_database_takes(runs: Runs, inbox: Inbox) -> None:
    record = replace(begun(), job="/tmp/\udcff\x00 → dst/b", source="/tmp/\udcff\x00")
    opened = inbox.open(record)
    opened.close(ended(record))

    assert (ended(record),) == runs.take_in()
    assert (ended(record),) == runs.runs(job=record.job)
    assert "" == runs.warning


def test_two_who_take_in_at_once(state: str, tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    inbox = Inbox(tmp_path / "inbox")
    expected = {ran(inbox, ago=60 + number).id for number in range(60)}
    databases = [Database(state) for _ in range(4)]

    def work(database: Database) -> tuple[Record, ...]:
        return Runs(database, Inbox(tmp_path / "inbox")).take_in()

    with ThreadPoolExecutor(4) as pool:
        found = [record.id for records in pool.map(work, databases) for record in records]
    found += [record.id for record in work(databases[0])]

    assert sorted(expected) == sorted(found)
    for database in databases:
        assert "" == database.warning
        database.close()


def test_pauses_outlive_the_process(database: Database, state: str) -> None:
    pauses = Pauses(database)
    for job in ("photos", "music", "", "photos"):
        pauses.add(job)
    pauses.remove("music")
    pauses.remove("never")

    other = Database(state)
    assert frozenset({"photos", ""}) == pauses.read() == Pauses(other).read()
    Pauses(other).remove("")
    other.close()
    assert frozenset({"photos"}) == pauses.read()


def test_the_same_second_is_sorted_by_its_milliseconds(runs: Runs, inbox: Inbox) -> None:
    records = []
    for number in range(5):
        record = replace(begun(ago=60), started=when(60).replace(".000", f".{number:03}"))
        inbox.open(record).close(ended(record))
        records.append(ended(record))
    runs.absorb()

    assert tuple(reversed(records)) == runs.runs()
    assert {"photos": records[-1]} == runs.latest([_job("photos")])[0]
