"""Who is told of which run, how often, and what it costs when nobody answers."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mcmirror.config import Configuration, load
from mcmirror.model.event import RunFinished, RunStarted
from mcmirror.model.plan import Count
from mcmirror.model.report import RunReport, Status, Tally
from mcmirror.model.stop import Stop
from mcmirror.model.streak import Streak
from mcmirror.notify import tell
from mcmirror.notify.listener import audience
from mcmirror.notify.message import NotTold
from mcmirror.notify.tell import Teller
from mcmirror.store.verdicts import Verdicts
from tests.servers.slack import CHANNEL, PING, TOKEN, FakeSlack
from tests.ui_samples import PARTIAL, VERIFIED

FAILED = replace(PARTIAL, status=Status.FAILED, verified=False, tally=Tally(), remaining=())
IDLE = replace(VERIFIED, tally=Tally(equal=Count(5, 5)))
JOBS = """
[job.photos]
source = "./a"
target = "./b"
notify = ["ops"]
[job.docs]
source = "./c"
target = "./d"
notify = ["ops"]
[notify.ops]
"""


@pytest.fixture
def fake() -> Iterator[FakeSlack]:
    with FakeSlack() as server:
        yield server


class Nights:
    """The same jobs, a night after the other; each night a new process."""

    def __init__(self, folder: Path, fake: FakeSlack, notifier: str) -> None:
        self.folder = folder
        self.state = f"sqlite:///{folder}/state/state.db"
        (folder / "mcmirror.toml").write_text(JOBS + notifier)
        self.environ = {"HOME": str(folder), "TOKEN": TOKEN, "HOOK": fake.hook, "PING": fake.ping}
        self.environ["SLACK_API_URL"] = fake.api_url
        self.now = datetime(2026, 11, 21, 2, tzinfo=UTC)
        self.stop = Stop()

    @property
    def configuration(self) -> Configuration:
        return load(None, self.environ, self.folder, needs_jobs=True)

    def __call__(self, *reports: RunReport, after: timedelta = timedelta(minutes=5)) -> tuple[NotTold, ...]:
        """Run the jobs that have a report; return what could not be told."""
        self.now += after
        configuration = self.configuration
        jobs = [configuration.jobs[report.job] for report in reports]
        found = audience(configuration, jobs, self.environ)
        teller = Teller(
            found.listeners, Verdicts(self.state), failed=found.failed, service="shop", now=lambda: self.now
        )
        for report in reports:
            teller(RunStarted(report.job, report.source, report.target, report.dry_run))
        for report in reports:
            teller(RunFinished(report.job, report))
        return teller.finish(self.stop)


@pytest.fixture
def nights(tmp_path: Path, fake: FakeSlack) -> Callable[[str], Nights]:
    return lambda notifier: Nights(tmp_path, fake, notifier)


SLACK = f'type = "slack"\ntoken = "{{env:TOKEN}}"\nchannel = "{CHANNEL}"\n'
HOOK = 'type = "slack"\nwebhook = "{env:HOOK}"\n'
CHECK = 'type = "webhook"\nurl = "{env:PING}"\n'


def test_an_outage_is_told_at_growing_distances_and_its_end_once(
    nights: Callable[[str], Nights], fake: FakeSlack
) -> None:
    night = nights(SLACK)
    for report in (IDLE, *(FAILED,) * 9, IDLE, IDLE):
        assert () == night(report)
    failed = "❌ photos: failed: no verdict reached"
    assert [failed] * 4 + ["✅ photos: works again, verified: nothing to do"] == fake.titles
    assert "*History*  8 failures in a row, since 2026-11-21T02:10:00+00:00" in fake.posts[3].shown
    assert "*History*  after 9 failures in a row, since 2026-11-21T02:10:00+00:00" in fake.posts[4].shown
    assert "*Service*  shop" in fake.posts[0].shown


def test_by_default_only_what_people_must_know_is_told(nights: Callable[[str], Nights], fake: FakeSlack) -> None:
    night = nights(SLACK)
    night(IDLE)
    night(replace(VERIFIED, dry_run=True))
    night(replace(FAILED, status=Status.CANCELLED, signal=15))
    assert [] == fake.titles
    night(VERIFIED)
    night(replace(FAILED, job="docs", status=Status.SKIPPED))
    assert [
        "✅ photos: verified: 1,204 objects, 3.0 GiB copied",
        "❌ docs: skipped: another run is at work on this target",
    ] == fake.titles


def test_with_start_every_run_is_one_message_brought_up_to_date(
    nights: Callable[[str], Nights], fake: FakeSlack
) -> None:
    night = nights(SLACK + 'on = ["start", "failure"]\n')
    for report in (IDLE, *(FAILED,) * 3, replace(FAILED, status=Status.CANCELLED, signal=15)):
        night(report)
    roots, replies = ([post for post in fake.posts if bool(post.thread) is reply] for reply in (False, True))
    assert ["✅", "❌", "❌", "❌", "⏹"] == [post.blocks[0]["text"]["text"][0] for post in roots]
    assert [1] * 5 == [post.updates for post in roots]
    # The third failure in a row rings no bell.
    assert [roots[1].ts, roots[2].ts] == [post.thread for post in replies]


def test_where_nothing_can_be_changed_start_and_end_are_two_posts(
    nights: Callable[[str], Nights], fake: FakeSlack
) -> None:
    nights(HOOK + 'on = ["start"]\n')(IDLE)
    assert ["▶ photos: started", "✅ photos: verified: nothing to do"] == fake.titles


def test_what_did_not_arrive_is_told_the_next_time(nights: Callable[[str], Nights], fake: FakeSlack) -> None:
    night = nights(SLACK)
    fake.always = "not_in_channel"
    (failure,) = night(FAILED)
    assert ("ops: Slack was not told", "Slack answered not_in_channel") == (failure.what, failure.why)
    assert "/invite @YourBotName" in failure.remedy
    night(FAILED)
    fake.always = ""
    night(FAILED)
    assert "*History*  3 failures in a row" in fake.posts[0].shown
    fake.always = "not_in_channel"
    night(IDLE)
    fake.always = ""
    night(IDLE)
    night(IDLE)
    assert ["❌ photos: failed: no verdict reached", "✅ photos: works again, verified: nothing to do"] == fake.titles


def test_the_jobs_of_a_run_are_one_ping_and_no_success_hides_a_failure(
    nights: Callable[[str], Nights], fake: FakeSlack
) -> None:
    night = nights(CHECK)
    night(FAILED, replace(IDLE, job="docs"))
    night(replace(VERIFIED), replace(IDLE, job="docs"))
    assert ["/start", "/fail", "/start", ""] == [path for path, _ in fake.pings]
    assert "mcmirror started\nphotos\ndocs" == fake.pings[0][1]
    assert "photos: failed: no verdict reached" == fake.pings[1][1].splitlines()[0]
    assert "Do: Give the key s3:PutObject." in fake.pings[1][1]
    assert "\n\ndocs: verified: nothing to do" in fake.pings[1][1]


def test_every_failure_is_pinged_and_a_cancelled_run_is_not(nights: Callable[[str], Nights], fake: FakeSlack) -> None:
    night = nights(CHECK + 'on = ["failure"]\n')
    for report in (FAILED, FAILED, FAILED, IDLE, replace(FAILED, status=Status.CANCELLED)):
        night(report)
    assert ["/fail"] * 3 == [path for path, _ in fake.pings]


def test_pings_of_a_recovery(nights: Callable[[str], Nights], fake: FakeSlack) -> None:
    night = nights(CHECK + 'on = ["recovery"]\n')
    for report in (IDLE, FAILED, IDLE, IDLE):
        night(report)
    assert [""] == [path for path, _ in fake.pings]


def test_a_notifier_that_cannot_be_used_is_said_and_hinders_no_other(
    nights: Callable[[str], Nights], fake: FakeSlack
) -> None:
    night = nights(
        CHECK + f'[notify.chat]\n{SLACK}[defaults]\nnotify = ["chat"]\n[job.more]\nsource = "./e"\ntarget = "./f"\n'
    )
    del night.environ["TOKEN"]
    (failure,) = night(FAILED, replace(IDLE, job="more"))
    assert "chat: nothing was told" == failure.what
    assert "notify.chat.token: the variable TOKEN is not set" == failure.why
    assert "TOKEN_FILE" in failure.remedy
    assert "/fail" in [path for path, _ in fake.pings]


def test_nobody_waits_longer_than_the_limit(
    nights: Callable[[str], Nights], fake: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tell, "LIMIT", 0.5)
    fake.always = "hang"
    begun = time.monotonic()
    (failure,) = nights(SLACK)(FAILED)
    assert 0.4 < time.monotonic() - begun < 2
    assert ("ops: not everything was told", "its service was too slow, and the run is over") == (
        failure.what,
        failure.why,
    )


def test_whoever_wants_to_stop_waits_less(
    nights: Callable[[str], Nights], fake: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tell, "LIMIT_STOPPED", 0.2)
    fake.always = "hang"
    night = nights(SLACK)
    night.stop.request(15)
    begun = time.monotonic()
    assert 1 == len(night(FAILED))
    assert time.monotonic() - begun < 2


def test_a_state_that_cannot_be_used_is_a_note_and_each_failure_the_first(
    nights: Callable[[str], Nights], fake: FakeSlack, tmp_path: Path
) -> None:
    night = nights(SLACK)
    (tmp_path / "state").write_text("no folder")
    for _ in range(3):
        (note,) = night(FAILED)
        assert "who was told what is not remembered" == note.what
        assert "File exists" in note.why
    assert 3 == len(fake.posts)


def test_secrets_are_known(nights: Callable[[str], Nights], fake: FakeSlack) -> None:
    night = nights(CHECK)
    configuration = night.configuration
    found = audience(configuration, configuration.jobs.values(), night.environ)
    assert {fake.ping, PING.strip("/"), PING.rpartition("/")[2]} == found.secrets
    assert TOKEN not in repr(configuration)


def test_a_streak_survives_and_another_versions_too(tmp_path: Path) -> None:
    state = f"sqlite:///{tmp_path}/state.db"
    streak = Streak("failed", "2026-11-21T02:00:00+00:00", 3, 2, 2, "2026-11-21T02:05:00+00:00", ("failed quota",))
    first = Verdicts(state)
    assert Streak() == first.read("photos", "ops")
    first.write("photos", "ops", streak)
    first.write("photos", "other", Streak("succeeded"))
    first.close()
    assert streak == Verdicts(state).read("photos", "ops")
    with sqlite3.connect(tmp_path / "state.db") as database:
        database.execute("ALTER TABLE verdict ADD COLUMN later TEXT")
        database.execute("UPDATE verdict SET streak = '{\"failures\": 7, \"later\": 1}' WHERE listener = 'ops'")
        database.execute("UPDATE verdict SET streak = 'no json' WHERE listener = 'other'")
    database.close()
    second = Verdicts(state)
    assert Streak(failures=7) == second.read("photos", "ops")
    assert Streak() == second.read("photos", "other")
    second.write("photos", "ops", streak)
    assert (streak, "") == (second.read("photos", "ops"), second.warning)
    second.close()
