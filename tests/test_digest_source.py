"""What a digest is made of: how each job stands beside what its own schedule promises."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mcmirror.config import load
from mcmirror.model.record import Cause, Record, run_id
from mcmirror.model.report import RunReport
from mcmirror.notify.digest import Outlook
from mcmirror.service.digest import DigestSource
from mcmirror.service.root import Service
from mcmirror.store.database import Database
from mcmirror.store.pauses import Pauses
from mcmirror.store.runs import Runs
from tests.notify_samples import FAILED, IDLE

MONDAY = datetime(2026, 11, 16, 3, 5, tzinfo=UTC)
HOUR, DAY = 3600.0, 86400.0


def seconds(moment: datetime, after: float = 0.0) -> float:
    return moment.timestamp() + after


class House:
    """One job, what became of it, and a server that began on the first of November."""

    def __init__(self, folder: Path, schedule: str) -> None:
        (folder / "mcmirror.toml").write_text(f'[job.one]\nsource = "./a"\ntarget = "./b"\n{schedule}\n')
        environ = {"HOME": str(folder), "MCMIRROR_STATE": f"sqlite:///{folder}/state/state.db"}
        self.service = Service(load(None, environ, folder, needs_jobs=True), environ)
        self.database = Database(self.service.state)
        self.runs = Runs(self.database, self.service.inbox)
        began = datetime(2026, 11, 1, tzinfo=UTC)
        self.past = DigestSource(self.database, self.runs, lambda: self.service.configuration, began.timestamp)

    def ran(self, ended: datetime, report: RunReport | None) -> Record:
        """A run of five minutes that ended then, or of which no end is known."""
        job = self.service.configuration.jobs["one"]
        begun = (ended - timedelta(minutes=5)).isoformat(timespec="milliseconds")
        record = Record(run_id(ended), "one", str(job.source), str(job.target), Cause.SCHEDULE, begun, "here", 1)
        opened = self.service.inbox.open(record)
        assert opened is not None
        if report is None:
            return record
        report = replace(report, job="one", source=record.source, target=record.target)
        record = replace(record, finished=ended.isoformat(timespec="milliseconds"), report=report)
        opened.close(record)
        self.runs.take_in()
        return record

    def look(self, now: datetime) -> Outlook:
        """How it stands."""
        return self.past.outlooks(["one", "no such job"], now.timestamp())["one"]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Callable[[str], House]]:
    built = list[House]()

    def build(schedule: str) -> House:
        built.append(House(tmp_path, schedule))
        return built[-1]

    yield build
    for one in built:
        one.runs.close()
        one.database.close()


def test_a_weekly_job_is_well_until_its_own_day(house: Callable[[str], House]) -> None:
    weekly = house('cron = "0 3 * * 1"')
    record = weekly.ran(MONDAY, IDLE)
    saturday = weekly.look(MONDAY + timedelta(days=5))
    due = seconds(MONDAY, 7 * DAY - 300)
    assert Outlook(record, seconds(MONDAY), due, next_run=due) == saturday
    # A moment after its time it may be at it, or about to be.
    assert not weekly.look(MONDAY + timedelta(days=7)).late
    late = weekly.look(MONDAY + timedelta(days=7, minutes=11))
    assert (True, due, due + 7 * DAY) == (late.late, late.due, late.next_run)
    failed = weekly.ran(MONDAY + timedelta(days=7), FAILED)
    assert (failed, seconds(MONDAY), True) == (
        (after := weekly.look(MONDAY + timedelta(days=7, hours=1))).last,
        after.last_success,
        after.late,
    )


@pytest.mark.parametrize(
    ("schedule", "due", "patience"),
    [
        ('every = "1h"', HOUR, 900),
        ('every = "1h"\njitter = "10m"', HOUR, 1500),
        ('every = "1h"\nmax_age = "3h"', 3 * HOUR, 0),
        ('max_age = "3h"', 3 * HOUR, 0),
        ('cron = "0 * * * *"\ntimezone = "Asia/Kolkata"', 1500, 900),
    ],
)
def test_when_a_job_is_late(house: Callable[[str], House], schedule: str, due: float, patience: float) -> None:
    one = house(schedule)
    one.ran(MONDAY, IDLE)
    moment = seconds(MONDAY, due)
    found = [one.look(datetime.fromtimestamp(moment + patience + more, UTC)) for more in (-1, 1)]
    assert [(moment, False), (moment, True)] == [(look.due, look.late) for look in found]


def test_a_job_that_is_asked_for_is_never_late(house: Callable[[str], House]) -> None:
    assert Outlook() == house("").look(MONDAY)


def test_what_never_succeeded_is_late_when_a_time_has_passed_that_this_process_saw(
    house: Callable[[str], House],
) -> None:
    monthly = house('cron = "0 3 10 * *"')
    assert not monthly.look(datetime(2026, 11, 9, tzinfo=UTC)).late
    looked = monthly.look(MONDAY)
    assert (True, datetime(2026, 11, 10, 3, tzinfo=UTC).timestamp(), 0.0) == (
        looked.late,
        looked.due,
        looked.last_success,
    )


def test_a_run_that_goes_on_is_what_was_promised_unless_max_age_asks_for_more(house: Callable[[str], House]) -> None:
    hourly = house('every = "1h"')
    hourly.ran(MONDAY, IDLE)
    hourly.ran(MONDAY + timedelta(minutes=60), None)
    looked = hourly.look(MONDAY + timedelta(hours=5))
    assert (True, False) == (looked.running, looked.late)
    assert seconds(MONDAY, 6 * HOUR - 300) == looked.next_run
    strict = house('every = "1h"\nmax_age = "2h"')
    looked = strict.look(MONDAY + timedelta(hours=5))
    assert (True, True) == (looked.running, looked.late)


@pytest.mark.parametrize("name", ["one", ""])
def test_a_pause_is_seen(house: Callable[[str], House], name: str) -> None:
    one = house('every = "1h"')
    assert not one.look(MONDAY).paused
    Pauses(one.database).add(name)
    assert one.look(MONDAY).paused


def test_a_state_that_cannot_be_read_is_no_answer(house: Callable[[str], House], tmp_path: Path) -> None:
    one = house('every = "1h"')
    one.ran(MONDAY, IDLE)
    one.database.close()
    (tmp_path / "state" / "state.db").write_text("no database" * 100)
    with pytest.raises(LookupError):
        one.look(MONDAY)
    with pytest.raises(LookupError):
        list(one.past.since(MONDAY))
