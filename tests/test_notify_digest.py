"""A day in one message: when, what is in it, and that nobody gets it twice."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mcmirror.model.record import Record
from mcmirror.model.report import RunReport
from mcmirror.notify import digest
from mcmirror.notify.listener import Listener
from mcmirror.notify.message import Desk
from mcmirror.notify.webhook import Hook
from tests.notify_samples import IDLE, SLACK, Nights
from tests.servers.slack import FakeSlack
from tests.ui_samples import PARTIAL, VERIFIED

AT_EIGHT = SLACK + 'digest = "08:00"\ntimezone = "Europe/Berlin"\non = []\n'


@dataclass
class Past:
    """What is remembered; nothing while it cannot be read."""

    records: tuple[Record, ...] = ()
    readable: bool = True
    asked: int = 0

    def since(self, moment: datetime) -> Iterable[Record]:
        self.asked += 1
        if not self.readable:
            raise LookupError
        return [record for record in self.records if datetime.fromisoformat(record.started) >= moment]

    def last_success(self, jobs: Iterable[str]) -> Mapping[str, float]:
        good = [record for record in self.records if record.succeeded and record.job in set(jobs)]
        return {record.job: datetime.fromisoformat(record.finished).timestamp() for record in good}


@pytest.fixture
def fake() -> Iterator[FakeSlack]:
    with FakeSlack() as server:
        yield server


@pytest.fixture
def nights(tmp_path: Path, fake: FakeSlack) -> Callable[[str], Nights]:
    return lambda notifier: Nights(tmp_path, fake, notifier)


def look(night: Nights, past: Past, at: datetime) -> None:
    """A process that looks at the clock, and ends."""
    night.now = at
    teller = night.teller(history=past)
    teller.tell_digests()
    assert () == teller.stop(lambda: night.limit)


def ran(night: Nights, at: datetime, report: RunReport) -> Record:
    night.now = at
    return night.ended(report)


def test_a_digest_as_its_reader_sees_it(nights: Callable[[str], Nights], fake: FakeSlack) -> None:
    night = nights(AT_EIGHT)
    day = datetime(2026, 11, 20, 7, tzinfo=UTC)
    past = Past(
        (
            ran(night, day - timedelta(hours=1), PARTIAL),
            ran(night, day + timedelta(hours=3), replace(VERIFIED, job="docs")),
            ran(night, day + timedelta(hours=4), replace(IDLE, job="docs")),
            ran(night, day + timedelta(hours=5), PARTIAL),
        )
    )
    look(night, past, day)
    assert [] == fake.posts
    look(night, past, day + timedelta(days=1, minutes=1))
    (post,) = fake.posts
    assert [
        "🗓 shop: 24 hours, 3 runs, 1 of 2 jobs not well",
        "*photos*  ⚠ 1 partial; 5 objects, 50 B copied; never succeeded",
        "*docs*  2 succeeded; 1,204 objects, 3.0 GiB copied; last success 20h 01m ago",
        "*Problem*  photos: The target refuses to store objects",
        "*Why*  Access Denied.",
        "*Do*  Give the key s3:PutObject.",
    ] == post.shown.splitlines()


def test_silence_is_told_too(nights: Callable[[str], Nights], fake: FakeSlack) -> None:
    night = nights(AT_EIGHT)
    look(night, Past(), datetime(2026, 11, 20, 7, tzinfo=UTC))
    look(night, Past(), datetime(2026, 11, 21, 7, tzinfo=UTC))
    (post,) = fake.posts
    assert [
        "🗓 shop: 24 hours, 0 runs, 2 of 2 jobs not well",
        "*docs*  ⚠ 0 runs; never succeeded",
        "*photos*  ⚠ 0 runs; never succeeded",
    ] == post.shown.splitlines()


def test_it_comes_once_a_day_across_restarts_and_what_was_missed_comes_once(
    nights: Callable[[str], Nights], fake: FakeSlack
) -> None:
    night, past = nights(AT_EIGHT), Past()
    moment = datetime(2026, 11, 20, 6, tzinfo=UTC)
    while moment < datetime(2026, 11, 22, 9, tzinfo=UTC):
        look(night, past, moment)
        moment += timedelta(minutes=30)
    assert 3 == len(fake.posts)
    # Nobody was there for three days.
    look(night, past, datetime(2026, 11, 25, 3, tzinfo=UTC))
    look(night, past, datetime(2026, 11, 25, 4, tzinfo=UTC))
    assert 4 == len(fake.posts)


def test_the_past_is_read_once_a_day(nights: Callable[[str], Nights], fake: FakeSlack) -> None:
    night, past = nights(AT_EIGHT), Past()
    teller = night.teller(history=past)
    for minutes in range(0, 48 * 60, 60):
        night.now = datetime(2026, 11, 20, 6, 30, tzinfo=UTC) + timedelta(minutes=minutes)
        teller.tell_digests()
    teller.stop(lambda: night.limit)
    assert (3, 2) == (past.asked, len(fake.posts))


def test_a_digest_that_knows_nothing_waits_until_it_does(nights: Callable[[str], Nights], fake: FakeSlack) -> None:
    night, past = nights(AT_EIGHT), Past()
    look(night, past, datetime(2026, 11, 20, 7, tzinfo=UTC))
    past.readable = False
    look(night, past, datetime(2026, 11, 21, 7, tzinfo=UTC))
    assert [] == fake.posts
    past.readable = True
    look(night, past, datetime(2026, 11, 21, 7, 30, tzinfo=UTC))
    assert 1 == len(fake.posts)


@pytest.mark.parametrize(
    ("zone", "at", "day", "moments"),
    [
        # 02:30 is left out in this night: it is told when the clock would have shown it.
        ("Europe/Berlin", "02:30", "2026-03-29", ["2026-03-29T01:30:00+00:00"]),
        # 02:30 comes twice in this night: the first.
        ("Europe/Berlin", "02:30", "2026-10-25", ["2026-10-25T00:30:00+00:00"]),
        ("Asia/Seoul", "08:00", "2026-11-21", ["2026-11-20T23:00:00+00:00"]),
        ("America/New_York", "23:59", "2026-11-01", ["2026-11-02T04:59:00+00:00"]),
    ],
)
def test_the_time_of_day_in_nights_that_are_longer_or_shorter(zone: str, at: str, day: str, moments: list[str]) -> None:
    listener = Listener("ops", Hook("http://127.0.0.1/"), frozenset(), {}, at, zone)
    begun = datetime.fromisoformat(f"{day}T00:00:00+00:00") - timedelta(days=1)
    seen = [begun + timedelta(minutes=minute) for minute in range(3 * 1440)]
    days = [digest.due(listener, moment).isoformat() for moment in seen]
    assert days == sorted(days)
    assert moments == [seen[days.index(day)].isoformat()]


def test_thousands_of_jobs_fit(nights: Callable[[str], Nights], fake: FakeSlack) -> None:
    night = nights(AT_EIGHT)
    record = night.ended(PARTIAL)
    names = [f"job {number:04}" for number in range(2000)]
    records = [replace(record, job=name, report=replace(PARTIAL, job=name)) for name in names]
    found = digest.message(digest.lines(names, records, {}), Desk("shop"), night.now)
    assert "shop: 24 hours, 2,000 runs, 2,000 of 2,000 jobs not well" == found.title
    assert ("and more", "1,940 jobs, 1,940 runs") == found.facts[-1]
