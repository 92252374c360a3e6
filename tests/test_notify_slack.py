"""Slack as it is told: against a server that keeps to Slack's limits and breaks on command."""

import json
import logging
import re
import uuid
from dataclasses import replace

import pytest

from mcmirror.model.cost import Requests
from mcmirror.model.delivery import Delivery, delivery_id
from mcmirror.model.plan import Count
from mcmirror.model.problem import Category, Problem
from mcmirror.model.record import Cause, Record
from mcmirror.model.report import Remaining, Status, Tally
from mcmirror.model.streak import Streak
from mcmirror.notify import http_request as opener_module
from mcmirror.notify.message import Desk, Message, NotTold, Occasion, finished, started
from mcmirror.notify.slack import Slack, SlackWebhook
from mcmirror.notify.slack_blocks import blocks
from tests.machine import ROOT, fenced
from tests.servers.server import free_port
from tests.servers.slack import CHANNEL, HOOK, TOKEN, FakeSlack
from tests.ui_samples import DENIED, PARTIAL, VERIFIED

RUN = "20261121T020000-9f86d081"
FIRST, SECOND = "20261119T170000-7be31d90", "20261119T231500-40aa97d1"
START = started(Record(RUN, "photos", "onprem/photos", "aws/photos-dr", Cause.HAND, ""), "shop")
FAILURE = finished(PARTIAL, Occasion.FAILURE, Streak("partial", failures=1))
CHANGE = finished(VERIFIED, Occasion.CHANGE, Streak())


@pytest.fixture
def bot(fake: FakeSlack) -> Slack:
    return Slack(TOKEN, CHANNEL, fake.api_url)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opener_module, "STEP", 0.2)


def tell(channel: Slack | SlackWebhook, message: Message, thread: str = "") -> str:
    """What was returned for a message that came out of the outbox."""
    number = delivery_id("ops", RUN, message.occasion.value)
    payload = json.loads(json.dumps(channel.payload(number, message, Desk(), None)))
    return channel.deliver(Delivery(number, "ops", "photos", RUN, message.occasion.value, payload, thread=thread))


def refusal(channel: Slack | SlackWebhook, message: Message = FAILURE) -> tuple[str, str, str]:
    with pytest.raises(NotTold) as caught:
        tell(channel, message)
    assert TOKEN not in repr(caught.value) + caught.value.why + caught.value.remedy
    assert HOOK not in caught.value.why
    assert caught.value.__cause__ is None
    return caught.value.what, caught.value.why, caught.value.remedy


def test_a_failure_as_its_reader_sees_it(fake: FakeSlack, bot: Slack) -> None:
    tell(bot, FAILURE)
    (post,) = fake.posts
    lines = post.shown.splitlines()
    assert [
        "❌ photos partial: 25 objects not as planned on the target: The target refuses to store objects",
        "*Source*  onprem/photos",
        "*Target*  aws/photos-dr",
        "*Copied*  5 of 30 objects, 50 B of 300 B",
        "*Remaining*  25 objects, 250 B",
        "*Began*  2026-01-01 00:00 UTC",
        "*Duration*  9.0 s",
        "*Problem*  The target refuses to store objects (and 17 more like it)",
        "*Why*  Access Denied.",
        "*Do*  Give the key s3:PutObject.",
        "*Objects remaining*",
    ] == lines[:11]
    assert "• `a\\n::error::x\\x1b[2J\\u202eb\\\\c\\ttail: not on the target`" == lines[11]
    assert "and 15 more" == lines[-1]
    assert post.text.startswith(
        "❌ photos partial: 25 objects not as planned on the target: The target refuses to store objects\n"
        "Source: onprem/photos"
    )


def test_the_readme_shows_messages_as_they_are(fake: FakeSlack, bot: Slack) -> None:
    full = Problem(
        Category.QUOTA,
        "2026/11/19/0062.jpg was not copied: the target bucket's quota is used up",
        "Bucket quota exceeded",
        "Raise it (mc quota set ALIAS/BUCKET --size 2TiB) or make room in the bucket.",
    )
    copied, missing = Count(61, 383 * 2**20), Count(141, 861 * 2**20)
    failed = replace(
        PARTIAL,
        target="aws/photos-copy",
        started="2026-11-19T17:00:00+00:00",
        seconds=26.0,
        tally=Tally(planned=Count(202, copied.bytes + missing.bytes), done=copied, remaining=missing),
        problems=(full,),
        remaining=tuple(Remaining(f"2026/11/19/{number:04}.jpg", "not on the target") for number in range(62, 203)),
        requests=Requests(source_list=297, source_get=202, target_list=297, target_put=202),
    )
    mended = replace(
        failed,
        status=Status.SUCCEEDED,
        started="2026-11-19T23:15:00+00:00",
        seconds=48.0,
        tally=Tally(planned=missing, done=missing),
        problems=(),
        remaining=(),
    )
    streak = Streak("partial", "2026-11-19T17:00:26+00:00", failures=1)
    tell(bot, finished(failed, Occasion.FAILURE, streak, service="shop", run=FIRST, zone="Asia/Seoul"))
    tell(bot, finished(mended, Occasion.RECOVERY, streak, service="shop", run=SECOND, zone="Asia/Seoul"))
    shown = "\n\n".join(re.sub(r"[*`]", "", post.shown) for post in fake.posts)
    (block,) = [block for block in fenced((ROOT / "docs" / "notify.md").read_text(), "text") if block.startswith("❌")]
    assert shown == block.rstrip()


def test_times_are_those_of_each_reader_and_of_the_configured_zone_where_that_is_not_shown(
    fake: FakeSlack, bot: Slack
) -> None:
    begun = "2026-11-21T02:00:07.250+00:00"
    record = Record(FIRST, "photos", "onprem/photos", "aws/photos-dr", Cause.SCHEDULE, begun)
    tell(bot, started(record, "shop", "Asia/Seoul"))
    # In the same minute as the run began: one text, of two moments.
    streak = Streak("partial", "2026-11-21T02:00:59+00:00", failures=4)
    tell(bot, finished(replace(PARTIAL, started=begun), Occasion.FAILURE, streak, zone="Asia/Seoul"))
    start, end = fake.posts
    token = "<!date^1795226407^{date_num} {time}|2026-11-21 11:00 KST>"
    assert f"*Began*  {token}" in start.raw.splitlines()
    assert "Began: 2026-11-21 11:00 KST" in start.text.splitlines()
    assert {f"*Began*  {token.replace('407', '459')}", "*Duration*  9.0 s"} <= set(end.raw.splitlines())
    assert "*History*  4 failures in a row, since 2026-11-21 11:00 KST" in end.shown.splitlines()
    assert ["Began: 2026-11-21 11:00 KST", "Duration: 9.0 s"] == end.text.splitlines()[5:7]


def test_what_an_earlier_version_left_is_told_as_it_is(fake: FakeSlack, bot: Slack) -> None:
    payload = dict(bot.payload("", FAILURE, Desk(), None))
    del payload["moments"]
    bot.deliver(Delivery(delivery_id("old"), "ops", "photos", RUN, "failure", payload))
    assert "*Began*  2026-01-01 00:00 UTC" in fake.posts[0].raw.splitlines()


def test_start_and_success_are_one_message(fake: FakeSlack, bot: Slack) -> None:
    thread = tell(bot, START)
    assert ["▶ photos started"] == fake.titles
    assert f"{CHANNEL} {fake.posts[0].ts}" == thread
    # Another process: all it knows is what was returned.
    assert "" == tell(Slack(TOKEN, CHANNEL, fake.api_url), replace(CHANGE, loud=False), thread)
    assert ["✅ photos verified: 1,204 objects, 3.0 GiB copied"] == fake.titles
    assert 1 == fake.posts[0].updates


def test_a_failure_that_updates_a_start_also_rings_in_its_thread(fake: FakeSlack, bot: Slack) -> None:
    tell(bot, FAILURE, tell(bot, START))
    first, second = fake.posts
    assert (1, FAILURE.title) == (first.updates, first.blocks[0]["text"]["text"][2:])
    assert (first.ts, True, 1) == (second.thread, second.broadcast, len(second.blocks))


def test_a_message_that_is_posted_has_the_deliverys_number(fake: FakeSlack, bot: Slack) -> None:
    tell(bot, FAILURE)
    tell(bot, FAILURE)
    assert [str(uuid.UUID(fake.posts[0].number))] * 2 == [post.number for post in fake.posts]


@pytest.mark.parametrize("fault", ["duplicate_message_not_found", "duplicate_channel_not_found"])
def test_a_number_that_slack_knows_without_a_message_is_left_out(fake: FakeSlack, bot: Slack, fault: str) -> None:
    fake.faults.append(fault)
    tell(bot, FAILURE)
    (post,) = fake.posts
    assert ("", f"❌ {FAILURE.title}") == (post.number, fake.titles[0])


def test_a_start_that_somebody_deleted_costs_no_failure(fake: FakeSlack, bot: Slack) -> None:
    thread = tell(bot, START)
    fake.posts.clear()
    tell(bot, FAILURE, thread)
    assert [f"❌ {FAILURE.title}"] == fake.titles


def test_what_is_quiet_and_has_no_start_is_not_posted(fake: FakeSlack, bot: Slack) -> None:
    tell(bot, replace(CHANGE, loud=False))
    assert [] == fake.requests


def test_markup_in_names_is_text(fake: FakeSlack, bot: Slack) -> None:
    problem = replace(DENIED, cause="<!channel> & <https://evil|ok>")
    report = replace(PARTIAL, job="<!here>", problems=(problem,), removed=("`<@U1>`",))
    tell(bot, finished(report, Occasion.FAILURE, Streak()))
    (post,) = fake.posts
    assert "*Why*  &lt;!channel&gt; &amp; &lt;https://evil|ok&gt;" in post.shown.splitlines()
    assert "• `'&lt;@U1&gt;'`" in post.shown.splitlines()
    assert post.text.startswith("❌ &lt;!here&gt; partial")
    # A header is plain text to Slack, whatever stands in it.
    assert "plain_text" == post.blocks[0]["text"]["type"]


def test_slacks_limits_are_kept_whatever_the_report_holds(fake: FakeSlack, bot: Slack) -> None:
    long = "<&>" * 3000
    problems = tuple(replace(DENIED, category=category, cause=long, remedy=long) for category in Category)
    report = replace(PARTIAL, job="j" * 300, source=long, target=long, problems=problems, removed=(long,) * 50)
    message = finished(report, Occasion.FAILURE, Streak())
    tell(bot, message)
    assert ["/api/chat.postMessage"] == fake.requests
    assert len(blocks(message)) <= 50
    assert "problems more" in fake.posts[0].shown


def test_blocks_that_slack_dislikes_are_left_out(fake: FakeSlack, bot: Slack) -> None:
    fake.faults.append("invalid_blocks")
    tell(bot, FAILURE)
    (post,) = fake.posts
    assert [] == post.blocks
    assert "Do: Give the key s3:PutObject." in post.text


@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        ("not_in_channel", "/invite @YourBotName"),
        ("channel_not_found", "/invite @YourBotName"),
        ("invalid_auth", "xoxb-"),
        ("missing_scope", "chat:write"),
        ("is_archived", "Unarchive"),
        ("some_new_word", "docs.slack.dev"),
        ("429:3600", "fewer occasions"),
        ("500", "status.slack.com"),
        ("html", "reaches the address"),
    ],
)
def test_each_refusal_says_what_to_do(fake: FakeSlack, bot: Slack, fault: str, remedy: str) -> None:
    fake.always = fault
    what, why, do = refusal(bot)
    assert "Slack was not told" == what
    assert remedy in do
    assert "<html>" not in why
    if not fault[0].isdigit() and fault != "html":
        assert f"Slack answered {fault}" == why


@pytest.mark.parametrize(("asked", "wait"), [("7", 7.0), ("0", 0.0), ("99999999", 3600.0), ("soon", 0.0)])
def test_a_rate_limit_is_for_the_outbox_to_wait_out(fake: FakeSlack, bot: Slack, asked: str, wait: float) -> None:
    fake.always = f"429:{asked}"
    for channel in (bot, SlackWebhook(fake.hook)):
        with pytest.raises(NotTold) as caught:
            tell(channel, FAILURE)
        assert (wait, False) == (caught.value.wait, caught.value.final)
    assert 2 == len(fake.requests)


def test_what_slack_will_never_take_is_not_sent_again(fake: FakeSlack, bot: Slack) -> None:
    fake.always = "msg_too_long"
    with pytest.raises(NotTold) as caught:
        tell(bot, FAILURE)
    assert caught.value.final


def test_one_server_error_is_tried_again(fake: FakeSlack, bot: Slack) -> None:
    fake.faults.append("500")
    tell(bot, FAILURE)
    assert 1 == len(fake.posts)


def test_a_slack_that_hangs_or_is_not_there_is_named(fake: FakeSlack, bot: Slack, impatient: None) -> None:
    fake.always = "hang"
    assert "127.0.0.1: no answer within 0.2 s" == refusal(bot)[1]
    gone = Slack(TOKEN, CHANNEL, f"http://127.0.0.1:{free_port()}/api/")
    assert "Connection refused" in refusal(gone)[1]
    assert "HTTPS_PROXY" in refusal(gone)[2]


@pytest.mark.parametrize("fault", ["drip", "drip:200", "drip:500"])
def test_an_answer_that_drips_ends_in_time(
    fake: FakeSlack, bot: Slack, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    # A step is never late: only the whole of it is.
    monkeypatch.setattr(opener_module, "STEP", 60)
    monkeypatch.setattr(opener_module, "LIMIT", 0.5)
    fake.always = fault
    for channel in (bot, SlackWebhook(fake.hook)):
        assert "127.0.0.1: no whole answer within 0.5 s" == refusal(channel)[1]


def test_an_answer_without_end_is_not_read_to_its_end(fake: FakeSlack, bot: Slack) -> None:
    fake.always = "flood"
    assert "reaches the address" in refusal(bot)[2]


def test_the_token_goes_to_no_other_address(fake: FakeSlack, bot: Slack) -> None:
    with FakeSlack() as elsewhere:
        fake.always = f"302:{elsewhere.api_url}chat.postMessage"
        for channel in (bot, SlackWebhook(fake.hook)):
            assert "(HTTP 302)" in refusal(channel)[1]
        assert [] == elsewhere.requests


def test_a_token_that_no_header_carries_is_not_quoted(fake: FakeSlack) -> None:
    assert "127.0.0.1: ValueError" == refusal(Slack(f"{TOKEN}\n{TOKEN}", CHANNEL, fake.api_url))[1]


def test_the_library_logs_nothing(fake: FakeSlack, bot: Slack, caplog: pytest.LogCaptureFixture) -> None:
    fake.faults.extend(["html", "500"])
    with caplog.at_level(logging.DEBUG):
        refusal(bot)
        tell(bot, FAILURE)
    assert [] == caplog.records


def test_an_incoming_webhook_is_posted_to(fake: FakeSlack) -> None:
    hook = SlackWebhook(fake.hook)
    tell(hook, START)
    tell(hook, FAILURE)
    assert ["▶ photos started", f"❌ {FAILURE.title}"] == fake.titles
    fake.faults.append("invalid_blocks")
    tell(hook, CHANGE)
    assert [] == fake.posts[2].blocks


@pytest.mark.parametrize(
    ("fault", "remedy"),
    [("no_service", "Incoming Webhooks"), ("channel_is_archived", "Unarchive"), ("404", "reaches the address")],
)
def test_an_incoming_webhook_that_is_refused(fake: FakeSlack, fault: str, remedy: str) -> None:
    fake.always = fault
    assert remedy in refusal(SlackWebhook(fake.hook))[2]


def test_an_incoming_webhook_that_hangs(fake: FakeSlack, impatient: None) -> None:
    fake.always = "hang"
    assert "127.0.0.1: no answer within 0.2 s" == refusal(SlackWebhook(fake.hook))[1]
