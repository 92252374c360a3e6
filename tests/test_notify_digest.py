"""A day in one message: when, what is in it, and that nobody gets it twice."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from mcmirror.model.record import Record
from mcmirror.model.report import RunReport
from mcmirror.notify import digest
from mcmirror.notify.digest import Outlook
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
    known: Mapping[str, Outlook] = field(default_factory=dict)

    def since(self, moment: datetime) -> Iterable[Record]:
        self.asked += 1
        if not self.readable:
            raise LookupError
        return [record for record in self.records if datetime.fromisoformat(record.started) >= moment]

    def outlooks(self, jobs: Iterable[str], now: float) -> Mapping[str, Outlook]:
        found = {}
        for job in jobs:
            runs = sorted((one for one in self.records if one.job == job), key=lambda one: one.started)
            success = [datetime.fromisoformat(one.finished).timestamp() for one in runs if one.succeeded]
            last = runs[-1] if runs else None
            found[job] = self.known.get(job) or Outlook(last, max(success, default=0.0), next_run=now + 3600)
        return found


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
    success = "last success 2026-11-20 12:00 CET (20h 01m ago)"
    assert [
        "🗓 shop: 24 hours, 3 runs, 1 of 2 jobs not well",
        "*photos*  ⚠ 1 partial; 5 objects, 50 B copied; no success yet; next run 2026-11-21 09:01 CET",
        f"*docs*  2 succeeded; 1,204 objects, 3.0 GiB copied; {success}; next run 2026-11-21 09:01 CET",
        "*Problem*  photos: The target refuses to store objects",
        "*Why*  Access Denied.",
        "*Do*  Give the key s3:PutObject.",
    ] == post.shown.splitlines()
    assert "last success <!date^1795172400^{date_num} {time}|2026-11-20 12:00 CET> (20h 01m ago)" in post.raw
    assert success in post.text


def test_silence_is_told_too(nights: Callable[[str], Nights], fake: FakeSlack) -> None:
    night = nights(AT_EIGHT)
    due, day = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp(), 86400.0
    past = Past(known={"photos": Outlook(due=due, late=True), "docs": Outlook(None, due - 6 * day, due + day)})
    look(night, past, datetime(2026, 11, 20, 7, tzinfo=UTC))
    look(night, past, datetime(2026, 11, 21, 7, tzinfo=UTC))
    (post,) = fake.posts
    assert [
        "🗓 shop: 24 hours, 0 runs, 1 of 2 jobs not well",
        "*photos*  ⚠ 0 runs; no success yet; the next was due 2026-11-20 13:00 CET",
        "*docs*  0 runs; last success 2026-11-14 13:00 CET (6d 19h ago)",
    ] == post.shown.splitlines()


def test_what_failed_days_ago_is_not_well_and_what_is_paused_is_nobodys_trouble(
    nights: Callable[[str], Nights], fake: FakeSlack
) -> None:
    night = nights(AT_EIGHT)
    bad = ran(night, datetime(2026, 11, 16, 3, tzinfo=UTC), PARTIAL)
    late = datetime(2026, 11, 16, 2, tzinfo=UTC).timestamp()
    past = Past(known={"photos": Outlook(bad, running=True), "docs": Outlook(None, 0.0, late, late=True, paused=True)})
    look(night, past, datetime(2026, 11, 20, 7, tzinfo=UTC))
    look(night, past, datetime(2026, 11, 21, 7, tzinfo=UTC))
    (post,) = fake.posts
    assert [
        "🗓 shop: 24 hours, 0 runs, 1 of 2 jobs not well",
        "*photos*  ⚠ 0 runs, the last one partial 2026-11-16 04:00 CET; no success yet; running",
        "*docs*  0 runs; no success yet; paused",
        "*Problem*  photos: The target refuses to store objects",
    ] == post.shown.splitlines()[:4]


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
    outlooks = {record.job: Outlook(record) for record in records}
    found = digest.message(digest.lines(names, records, outlooks), Desk("shop"), night.now)
    assert "shop: 24 hours, 2,000 runs, 2,000 of 2,000 jobs not well" == found.title
    assert ("and more", "1,940 jobs, 1,940 runs") == found.facts[-1]
