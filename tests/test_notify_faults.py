"""Who is told when things break: services that are down or slow, a state that is gone, runs that were killed."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

from mcmirror.model.delivery import Decision, Delivery, delivery_id
from mcmirror.model.record import Record, interrupted
from mcmirror.model.stop import Stop
from mcmirror.notify.rules import Notice
from mcmirror.service.notifications import NotificationThread
from mcmirror.service.root import Service
from mcmirror.store.database import Database, sql
from mcmirror.store.outbox import Outbox
from tests.notify_samples import CHECK, FAILED, HOOK, IDLE, JOBS, JSON, SLACK, Nights, endings
from tests.servers.hook import FakeHook
from tests.servers.slack import FakeSlack
from tests.ui_samples import VERIFIED
from tests.waiting import until

REFUSED = Notice("configuration", "the configuration was refused", "job.x: no source", "Mend what is named.")
MENDED = Notice("configuration", "the configuration is in use again", "", "", good=True)


def test_a_listener_that_is_down_or_slow_holds_no_other_up(nights: Callable[[str], Nights], fake: FakeSlack) -> None:
    with ExitStack() as stack:
        hooks = {name: stack.enter_context(FakeHook()) for name in ("hangs", "drips", "works")}
        hooks["hangs"].always, hooks["drips"].always, fake.always = "hang", "drip", "500"
        tables = "".join(f"[notify.{name}]\n{JSON.replace('JSON', name.upper())}" for name in hooks)
        heard = ", ".join(f'"{name}"' for name in hooks)
        night = nights(SLACK + tables)
        night.environ |= {name.upper(): hook.url for name, hook in hooks.items()}
        (night.folder / "mcmirror.toml").write_text(
            JOBS.replace('["ops"]', f'["ops", {heard}]') + SLACK + tables,
        )
        teller = night.teller()
        teller.finished(night.ended(FAILED))
        teller.finished(night.ended(replace(IDLE)))
        until(lambda: 2 == len(hooks["works"].taken))
        assert ["failure", "recovery"] == [one.document["occasion"] for one in hooks["works"].taken]
        owed = {"ops": 2, "hangs": 2, "drips": 2, "works": 0}
        until(lambda: owed == {one.name: one.waiting for one in teller.state()})
        assert {"hangs", "drips"} <= {one.what.partition(":")[0] for one in teller.stop(lambda: 0.2)}


def test_what_waits_arrives_when_the_service_is_back_and_once(nights: Callable[[str], Nights], fake: FakeSlack) -> None:
    night = nights(SLACK)
    fake.always = "500"
    (failed,) = night(FAILED)
    assert "status.slack.com" in failed.remedy
    assert night.later(seconds=11)
    (state,) = night.teller().state()
    assert ("ops", 1, 2) == (state.name, state.waiting, state.failures)
    assert state.error.startswith("Slack was not told: ")
    fake.always = ""
    # Not yet: the second distance is longer.
    assert () == night.later(seconds=11)
    assert [] == fake.posts
    assert () == night.later(seconds=30)
    assert () == night.later(seconds=300)
    assert ["❌ photos failed: The target refuses to store objects"] == fake.titles
    assert [0, 0, ""] == [getattr(night.teller().state()[0], name) for name in ("waiting", "failures", "error")]


def test_a_service_that_asks_for_time_is_left_alone_by_everybody(
    nights: Callable[[str], Nights], fake: FakeSlack
) -> None:
    night = nights(SLACK)
    fake.faults.append("429:60")
    (limited,) = night(FAILED)
    assert "Slack answered ratelimited (HTTP 429)" == limited.why
    # Another run of another job, in another process, half a minute later.
    (held,) = night(replace(FAILED, job="docs"), after=timedelta(seconds=30))
    assert ("ops: not everything was told yet", "its service asks to be left alone for 30 s") == (held.what, held.why)
    assert 1 == len(fake.requests)
    assert () == night.later(seconds=31)
    assert {f"❌ {job} failed: The target refuses to store objects" for job in ("photos", "docs")} == set(fake.titles)
    assert 0 == night.teller().state()[0].waiting


def test_nobody_is_told_of_the_day_before_yesterday(nights: Callable[[str], Nights], fake: FakeSlack) -> None:
    night = nights(SLACK)
    fake.always = "500"
    night(FAILED)
    record = night.ended(replace(FAILED, job="docs"))
    night.later(hours=25)
    assert 1 == night.teller().state()[0].given_up
    fake.always = ""
    teller = night.teller()
    teller.finished(record)
    assert () == teller.stop(lambda: night.limit)
    assert [] == fake.posts


def test_a_run_that_was_killed_is_a_failure_whose_start_is_brought_up_to_date(
    nights: Callable[[str], Nights], fake: FakeSlack
) -> None:
    night = nights(SLACK + 'on = ["start", "failure", "recovery"]\n')
    teller, record = night.teller(), night.begun()
    teller.begun(record)
    teller.stop(lambda: night.limit)
    assert ["▶ photos started"] == fake.titles
    # Another process finds out.
    night.now += timedelta(minutes=9)
    found = replace(night.killed(), id=record.id)
    teller = night.teller()
    teller.finished(found)
    teller.finished(found)
    teller.stop(lambda: night.limit)
    night(IDLE)
    title = "❌ photos interrupted: mcmirror was killed in mid-run"
    mended = "✅ photos works again, verified: nothing to do, the target was up to date"
    assert [title, title, mended, mended] == fake.titles
    first, reply, *_ = fake.posts
    assert (1, first.ts) == (first.updates, reply.thread)
    assert "*Why*  kill -9, too little memory, a power cut, or a container that was removed" in first.shown


def test_an_outage_is_told_once_whoever_is_killed_in_it(nights: Callable[[str], Nights], fake: FakeSlack) -> None:
    night = nights(SLACK)
    records = list[Record]()
    for report in (IDLE, FAILED, FAILED, IDLE, IDLE):
        night.now += timedelta(minutes=5)
        records.append(night.ended(report))
        # Each process has decided, delivers nothing, and never ends in peace; the next one is told all of it again.
        outbox = night.outbox()
        teller = night.teller(outbox=outbox)
        for record in records:
            teller.finished(record)
        teller.stop(lambda: night.limit)
    failed = "❌ photos failed: The target refuses to store objects"
    assert [
        failed,
        f"{failed} (2nd time)",
        "✅ photos works again, verified: nothing to do, the target was up to date",
    ] == fake.titles


def test_a_configuration_that_is_refused_is_told_at_growing_distances_and_its_end_once(
    nights: Callable[[str], Nights], fake: FakeSlack
) -> None:
    night = nights(SLACK)
    teller = night.teller()
    teller.notice(MENDED)
    for _ in range(5):
        night.now += timedelta(minutes=1)
        teller.notice(REFUSED)
    night.now += timedelta(minutes=1)
    teller.notice(MENDED)
    teller.notice(MENDED)
    teller.stop(lambda: night.limit)
    refused = "❌ shop: the configuration was refused"
    assert [refused] * 3 + ["✅ shop: the configuration is in use again"] == fake.titles
    assert [
        refused,
        "*Service*  shop",
        "*Problem*  the configuration was refused",
        "*Why*  job.x: no source",
        "*Do*  Mend what is named.",
    ] == fake.posts[0].shown.splitlines()


def test_a_check_is_about_runs_only(nights: Callable[[str], Nights], fake: FakeSlack) -> None:
    night = nights(CHECK)
    teller = night.teller()
    teller.notice(REFUSED)
    teller.finished(night.ended(IDLE))
    teller.stop(lambda: night.limit)
    assert [""] == endings(fake)


def test_another_configuration_tells_others_from_then_on(nights: Callable[[str], Nights], fake: FakeSlack) -> None:
    night = nights(SLACK)
    teller = night.teller()
    fake.always = "not_in_channel"
    teller.finished(night.ended(FAILED))
    until(lambda: 1 == teller.state()[0].failures)
    fake.always = ""
    (night.folder / "mcmirror.toml").write_text(JOBS + SLACK + "[notify.chat]\n" + HOOK)
    second = night.teller()
    # What waits is tried at once: perhaps it was mended.
    teller.replace(second._audience, second._desk)
    until(lambda: 1 == len(fake.posts))
    (night.folder / "mcmirror.toml").write_text(JOBS.replace('["ops"]', '["chat"]') + SLACK + "[notify.chat]\n" + HOOK)
    third = night.teller()
    teller.replace(third._audience, third._desk)
    teller.finished(night.ended(replace(VERIFIED, job="docs")))
    assert () == teller.stop(lambda: night.limit)
    assert ["", "✅ docs verified: 1,204 objects, 3.0 GiB copied"] == [fake.posts[1].ts, fake.titles[1]]


class Broken:
    """A state in a folder that is there or not, and the clock of those who wait to try it again."""

    def __init__(self, night: Nights) -> None:
        self.time = 0.0
        self._folder = night.folder / "state"
        self._away = night.folder / "away"
        self.outbox = Outbox(Database(night.state, clock=lambda: self.time))

    def out(self) -> None:
        """It cannot be used."""
        self._folder.rename(self._away)
        self._folder.write_text("no folder")

    def back(self) -> None:
        """It can be used, and time has passed."""
        self._folder.unlink()
        self._away.rename(self._folder)
        self.time += 1000.0


def test_while_the_state_is_gone_everything_goes_on_from_memory(
    nights: Callable[[str], Nights], fake: FakeSlack
) -> None:
    night = nights(SLACK)
    night(IDLE)
    broken = Broken(night)
    teller = night.teller(outbox=broken.outbox)
    known = night.ended(FAILED)
    teller.finished(known)
    until(lambda: 1 == len(fake.posts))
    until(lambda: 0 == teller.state()[0].waiting)
    broken.out()
    # What was decided before is still known.
    teller.finished(known)
    night.now += timedelta(minutes=5)
    second = night.ended(FAILED)
    teller.finished(second)
    until(lambda: 2 == len(fake.posts))
    assert "2 failures in a row" in fake.posts[1].shown
    fake.always = "500"
    night.now += timedelta(minutes=5)
    teller.finished(night.ended(IDLE))
    until(lambda: 1 == teller.state()[0].failures)
    assert 1 == broken.outbox.lost
    assert broken.outbox.warning
    broken.back()
    # The next word to the state brings it all there.
    teller.finished(second)
    night.now += timedelta(minutes=5)
    teller.finished(night.ended(replace(IDLE, job="docs")))
    assert ("", 0) == (broken.outbox.warning, broken.outbox.lost)
    teller.stop(lambda: night.limit)
    fake.always = ""
    assert () == night.later(minutes=5)
    failed = "❌ photos failed: The target refuses to store objects"
    assert [
        failed,
        f"{failed} (2nd time)",
        "✅ photos works again, verified: nothing to do, the target was up to date",
    ] == fake.titles
    # Another process does not tell it again.
    assert () == night(replace(IDLE, job="docs"))
    teller = night.teller()
    teller.finished(second)
    teller.stop(lambda: night.limit)
    assert 3 == len(fake.posts)


def test_a_wish_for_time_is_kept_while_the_state_is_gone(nights: Callable[[str], Nights]) -> None:
    night = nights(SLACK)
    broken, now = Broken(night), night.now.timestamp()

    def decide(run: str) -> None:
        delivery = Delivery(delivery_id(run), "ops", run, run, "failure", {})
        assert broken.outbox.decide("ops", [run], [run], lambda _: Decision({}, (delivery,)), now)

    decide("one")
    taken = broken.outbox.take("ops", now)
    assert taken is not None
    broken.out()
    broken.outbox.failed(taken, "busy", now, wait=600)
    decide("two")
    assert None is broken.outbox.take("ops", now + 599)
    assert 1 == broken.outbox.states()["ops"].waiting
    broken.back()
    decide("three")
    other = night.outbox()
    assert None is other.take("ops", now + 599)
    assert "busy" == other.states()["ops"].error
    assert 3 == other.states()["ops"].waiting
    assert None is not other.take("ops", now + 600)


def test_what_would_be_lost_with_this_process_is_said(nights: Callable[[str], Nights], fake: FakeSlack) -> None:
    night = nights(SLACK)
    (night.folder / "state").write_text("no folder")
    fake.always = "500"
    told, lost = night(FAILED)
    assert "ops: Slack was not told" == told.what
    assert "what was not told is lost" == lost.what
    assert "state = ..." in lost.remedy


def test_what_comes_back_from_memory_goes_behind_what_waits(nights: Callable[[str], Nights], fake: FakeSlack) -> None:
    night = nights(SLACK)
    fake.always = "500"
    night(FAILED)
    broken = Broken(night)
    teller = night.teller(outbox=broken.outbox)
    assert 1 == teller.state()[0].waiting
    broken.out()
    night.now += timedelta(seconds=1)
    teller.finished(night.ended(VERIFIED))
    until(lambda: 1 == broken.outbox.lost)
    broken.back()
    teller.stop(lambda: night.limit)
    broken.outbox.hurry([], 0.0)
    assert 0 == broken.outbox.lost
    fake.always = ""
    assert () == night.later(minutes=5)
    changed = "✅ photos verified: 1,204 objects, 3.0 GiB copied"
    assert ["❌ photos failed: The target refuses to store objects", changed] == fake.titles


def test_a_run_that_ends_before_the_first_look_is_told_in_its_turn(
    nights: Callable[[str], Nights], fake: FakeSlack
) -> None:
    night = nights(CHECK)
    service = Service(night.configuration, night.environ)
    jobs = service.jobs()
    telling = NotificationThread(service, jobs, once=True)
    ended = []
    for job, report in zip(jobs, (FAILED, IDLE), strict=True):
        record = service.record(job)
        telling.begun(record)
        opened = service.inbox.open(record)
        assert opened is not None
        ended.append(replace(record, finished=record.started, report=replace(report, job=job.name)))
        opened.close(ended[-1])
    telling.start()
    for record in ended:
        telling.finished(record)
    assert () == telling.finish(Stop())
    assert ["/start", "/fail"] == endings(fake)


def test_what_another_job_left_untold_is_left_to_its_own_next_run(
    nights: Callable[[str], Nights], fake: FakeSlack
) -> None:
    night = nights(SLACK)
    service = Service(night.configuration, night.environ)
    killed = [replace(service.record(job), pid=1) for job in service.jobs()]
    for record in killed:
        opened = service.inbox.open(record)
        assert opened is not None
        opened.close(interrupted(record, record.started))
    for name in ("photos", "docs"):
        telling = NotificationThread(service, service.jobs([name]), once=True)
        telling.start()
        telling.finish(Stop())
        database = Database(service.state)
        with database.begin() as connection:
            connection.execute(sql("UPDATE run SET handed = 0"))
        database.close()
    assert [
        "❌ photos interrupted: mcmirror was killed in mid-run",
        "❌ docs interrupted: mcmirror was killed in mid-run",
    ] == fake.titles
