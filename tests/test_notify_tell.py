"""Who is told of which run, how often, and what it costs when nobody answers."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from mcmirror.model.report import Status
from mcmirror.model.streak import Streak
from mcmirror.notify.listener import audience
from mcmirror.store import streak_table
from mcmirror.store.database import Database
from tests.notify_samples import CHECK, FAILED, HOOK, IDLE, SLACK, Nights, endings
from tests.servers.slack import PING, TOKEN, FakeSlack
from tests.ui_samples import VERIFIED


def test_an_outage_is_told_at_growing_distances_and_its_end_once(
    nights: Callable[[str], Nights], fake: FakeSlack
) -> None:
    night = nights(SLACK)
    for report in (IDLE, *(FAILED,) * 9, IDLE, IDLE):
        assert () == night(report)
    failed = "❌ photos failed: The target refuses to store objects"
    told = [failed, *(f"{failed} ({number} time)" for number in ("2nd", "4th", "8th"))]
    assert [*told, "✅ photos works again, verified: nothing to do, the target was up to date"] == fake.titles
    assert "*History*  8 failures in a row, since 2026-11-21 02:10 UTC" in fake.posts[3].shown
    assert "*History*  after 9 failures in a row, since 2026-11-21 02:10 UTC" in fake.posts[4].shown
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
        "✅ photos verified: 1,204 objects, 3.0 GiB copied",
        "❌ docs skipped: another run is at work on this target",
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
    assert ["▶ photos started", "✅ photos verified: nothing to do, the target was up to date"] == fake.titles


def test_what_did_not_arrive_waits_and_a_later_failure_takes_its_place(
    nights: Callable[[str], Nights], fake: FakeSlack
) -> None:
    night = nights(SLACK)
    fake.always = "not_in_channel"
    (failure,) = night(FAILED)
    assert ("ops: Slack was not told", "Slack answered not_in_channel") == (failure.what, failure.why)
    assert "/invite @YourBotName" in failure.remedy
    night(FAILED)
    fake.always = ""
    night(FAILED)
    assert "*History*  2 failures in a row" in fake.posts[0].shown
    fake.always = "not_in_channel"
    night(IDLE)
    fake.always = ""
    night(IDLE)
    night(IDLE)
    assert [
        "❌ photos failed: The target refuses to store objects (2nd time)",
        "✅ photos works again, verified: nothing to do, the target was up to date",
    ] == fake.titles


def test_a_start_that_was_never_delivered_gives_way_to_the_end(
    nights: Callable[[str], Nights], fake: FakeSlack
) -> None:
    night = nights(SLACK + 'on = ["start", "failure"]\n')
    fake.always = "500"
    teller, begun = night.teller(), night.begun()
    teller.begun(begun)
    assert teller.stop(lambda: night.limit)
    night.later(minutes=1)
    fake.always = ""
    teller = night.teller()
    teller.finished(night.ended(FAILED, begun))
    assert () == teller.stop(lambda: night.limit)
    assert ["❌ photos failed: The target refuses to store objects"] == fake.titles
    assert 0 == fake.posts[0].updates


def test_the_jobs_of_a_command_are_one_run_to_a_check_and_no_success_hides_a_failure(
    nights: Callable[[str], Nights], fake: FakeSlack
) -> None:
    night = nights(CHECK)
    night(FAILED, replace(IDLE, job="docs"))
    night(replace(VERIFIED), replace(IDLE, job="docs"))
    assert ["/start", "/fail", "/start", ""] == endings(fake)
    rids = [urlsplit(path).query for path, _ in fake.pings]
    assert rids[0] == rids[1] != rids[2] == rids[3]
    assert "mcmirror: started\ndocs\nphotos" == fake.pings[0][1]
    assert "photos failed: The target refuses to store objects" == fake.pings[1][1].splitlines()[0]
    assert "Do: Give the key s3:PutObject." in fake.pings[1][1]
    assert "\n\ndocs verified: nothing to do, the target was up to date" in fake.pings[1][1]


def test_under_serve_each_job_is_a_run_to_a_check_and_all_is_well_when_all_jobs_are(
    nights: Callable[[str], Nights], fake: FakeSlack
) -> None:
    night = nights(CHECK)
    teller = night.teller()
    for report in (FAILED, replace(IDLE, job="docs"), IDLE, replace(IDLE, job="docs")):
        record = night.begun(report.job)
        teller.begun(record)
        teller.finished(night.ended(report, record))
    teller.stop(lambda: night.limit)
    # The second run went well, and photos does not: no success.
    assert ["/start", "/fail", "/start", "/start", "", "/start", ""] == endings(fake)
    rids = [urlsplit(path).query for path, _ in fake.pings]
    assert [rids[0], rids[3], rids[5]] == [rids[1], rids[4], rids[6]]
    assert 4 == len(set(rids))


def test_what_an_earlier_process_left_untold_is_no_part_of_this_command(
    nights: Callable[[str], Nights], fake: FakeSlack
) -> None:
    night = nights(CHECK)
    teller = night.teller(together=["photos", "docs"])
    teller.finished(night.killed())
    for report in (IDLE, replace(IDLE, job="docs")):
        record = night.begun(report.job)
        teller.begun(record)
        teller.finished(night.ended(report, record))
    teller.stop(lambda: night.limit)
    assert ["/fail", "/start", ""] == endings(fake)
    assert "photos interrupted: mcmirror was killed in mid-run" == fake.pings[0][1].splitlines()[0]


def test_every_failure_is_pinged_and_a_cancelled_run_is_not(nights: Callable[[str], Nights], fake: FakeSlack) -> None:
    night = nights(CHECK + 'on = ["failure"]\n')
    for report in (FAILED, FAILED, FAILED, IDLE, replace(FAILED, status=Status.CANCELLED)):
        night(report)
    assert ["/fail"] * 3 == endings(fake)


def test_pings_of_a_recovery(nights: Callable[[str], Nights], fake: FakeSlack) -> None:
    night = nights(CHECK + 'on = ["recovery"]\n')
    for report in (IDLE, FAILED, IDLE, IDLE):
        night(report)
    assert [""] == endings(fake)


def test_a_notifier_that_cannot_be_used_is_said_and_hinders_no_other(
    nights: Callable[[str], Nights], fake: FakeSlack
) -> None:
    night = nights(
        CHECK + f'[notify.chat]\n{SLACK}[defaults]\nnotify = ["chat"]\n[job.more]\nsource = "./e"\ntarget = "./f"\n'
    )
    del night.environ["TOKEN"]
    (failure,) = night(FAILED, replace(IDLE, job="more"))
    assert "chat: nothing was told" == failure.what
    assert "notify.chat.token: TOKEN is not set" == failure.why
    assert "TOKEN_FILE" in failure.remedy
    assert "/fail" in endings(fake)


def test_nobody_waits_longer_than_the_limit_and_nothing_is_lost(
    nights: Callable[[str], Nights], fake: FakeSlack
) -> None:
    fake.always = "hang"
    night = nights(SLACK)
    night.limit = 0.5
    (failure,) = night(FAILED)
    assert ("ops: not everything was told", "its service was too slow, and the run is over") == (
        failure.what,
        failure.why,
    )
    assert 1 == night.outbox().states()["ops"].waiting


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
    database = Database(f"sqlite:///{tmp_path}/state.db")
    streak = Streak("failed", "2026-11-21T02:00:00+00:00", 3, 2, 2, "2026-11-21T02:05:00+00:00", ("failed quota",))
    with database.begin() as connection:
        assert {} == streak_table.read(connection, "ops", ["photos"])
        streak_table.write(connection, "ops", {"photos": streak})
        streak_table.write(connection, "other", {"photos": Streak("succeeded")})
    database.close()
    with closing(sqlite3.connect(tmp_path / "state.db")) as file, file:
        file.execute("ALTER TABLE verdict ADD COLUMN later TEXT")
        file.execute("UPDATE verdict SET streak = '{\"failures\": 7, \"later\": 1}' WHERE listener = 'other'")
        file.execute("INSERT INTO verdict (job, listener, status, since, streak) VALUES ('docs', 'ops', '', '', 'no')")
    with database.begin() as connection:
        assert {"photos": streak, "docs": Streak()} == streak_table.read(connection, "ops", ["photos", "docs", "none"])
        assert {"photos": Streak(failures=7)} == streak_table.read(connection, "other", ["photos"])
        streak_table.write(connection, "other", {"photos": streak})
        assert {"photos": streak} == streak_table.read(connection, "other", ["photos"])
    database.close()
