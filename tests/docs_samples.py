"""A week of a mirror, as the documents show it: values, rendered by the program."""

import html
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

from mcmirror.cli.history import list_lines
from mcmirror.cli.job_status import JobStatus, StatusOverview
from mcmirror.cli.status import lines
from mcmirror.http.pages import Pages
from mcmirror.messages.error_lookup import classify
from mcmirror.messages.record_text import fate_lines, show_lines
from mcmirror.messages.replication_status import status_lines
from mcmirror.messages.text_style import Style
from mcmirror.model.cost import Requests
from mcmirror.model.location import Location
from mcmirror.model.plan import Count
from mcmirror.model.problem import Problem
from mcmirror.model.record import Cause, Outcome, Record
from mcmirror.model.replication import Direction
from mcmirror.model.replication_status import Comparison, DirectionStatus, ReplicationMark
from mcmirror.model.replication_status import Tally as Versions
from mcmirror.model.report import Remaining, RunReport, Status, Tally
from mcmirror.model.state import JobState, NotifierState, State
from mcmirror.model.streak import Streak
from mcmirror.notify import digest, webhook
from mcmirror.notify.message import Desk, Message, Occasion, finished
from mcmirror.notify.slack_blocks import blocks
from mcmirror.store.presence import Server
from mcmirror.store.runs import Standing
from tests.servers.slack import undated

if TYPE_CHECKING:
    from mcmirror.http.answer import Request
    from mcmirror.model.control import Control

PLAIN = str.maketrans("", "", "*`")
NOW = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Seoul")
SERVICE = "shop"
SOURCE, TARGET = "onprem/photos", "aws/photos-copy"
NIGHTS = (
    ("20261117T170000-1f0c6b52", Count(212, 1_310_000_000), 9),
    ("20261118T170000-c2a94e07", Count(198, 1_190_000_000), 0),
    ("20261119T170000-7be31d90", Count(61, 402_000_000), 0),
    ("20261120T170000-e84d02af", Count(344, 2_070_000_000), 3),
)
"""Run, copied, removed."""
BROKEN = 2
"""The night on which the target had no room."""
LEFT = Count(141, 903_000_000)
REMOVED = ("2026/11/draft 1.jpg", "2026/11/draft 2.jpg", "2026/11/draft 3.jpg")


def quota() -> Problem:
    """What went wrong in that night."""
    return classify("Failed to copy", "Bucket quota exceeded", object="2026/11/19/0062.jpg")


def night(number: int) -> Record:
    """One of the nights."""
    run, copied, removed = NIGHTS[number]
    begun = datetime.strptime(run[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    left = LEFT if number == BROKEN else Count()
    seconds = copied.bytes / 24_000_000
    planned = copied + left
    report = RunReport(
        job="photos",
        source=SOURCE,
        target=TARGET,
        status=Status.PARTIAL if left.objects else Status.SUCCEEDED,
        verified=True,
        started=begun.isoformat(),
        seconds=seconds + 9.6,
        phases={"plan": 4.1, "mirror": seconds, "verify": 5.5},
        tally=Tally(
            planned=planned,
            done=copied,
            to_remove=Count(removed, removed * 4_000_000),
            removed=Count(removed, removed * 4_000_000),
            equal=Count(98_020, 610_000_000_000),
            remaining=left,
        ),
        problems=(quota(),) if left.objects else (),
        remaining=tuple(
            Remaining(f"2026/11/19/{62 + place:04}.jpg", "not on the target") for place in range(left.objects)
        ),
        removed=REMOVED[:removed],
        requests=Requests(
            source_list=297, source_get=planned.objects, target_list=297, target_put=planned.objects,
            target_delete=1 if removed else 0,
        ),
    )  # fmt: skip
    end = datetime.fromtimestamp(begun.timestamp() + report.seconds, UTC)
    return Record(run, "photos", SOURCE, TARGET, Cause.SCHEDULE, _text(begun), "nas", 812, _text(end), report)


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def week() -> tuple[Record, ...]:
    """All nights, the newest first, and one run by hand."""
    nights = [night(number) for number in reversed(range(len(NIGHTS)))]
    assert nights[1].report is not None
    nothing = replace(
        nights[0],
        id="20261119T231500-40aa97d1",
        cause=Cause.HAND,
        started="2026-11-19T23:15:00.000+00:00",
        finished="2026-11-19T23:15:48.200+00:00",
        pid=4711,
        report=replace(
            nights[1].report,
            status=Status.SUCCEEDED,
            started="2026-11-19T23:15:00+00:00",
            problems=(),
            remaining=(),
            tally=Tally(planned=LEFT, done=LEFT, equal=Count(98_081, 610_402_000_000)),
            seconds=48.2,
        ),
    )
    return (nights[0], nothing, *nights[1:])


def status() -> str:
    """`mcmirror status` at half past five in the afternoon."""
    now = NOW.timestamp()
    last = week()[0]
    report = last.report
    assert report is not None
    ended = datetime.fromisoformat(last.finished).timestamp()
    photos = JobStatus(
        name="photos",
        source=SOURCE,
        target=TARGET,
        trigger="cron 0 2 * * * (Asia/Seoul)",
        paused=False,
        run="",
        run_started=0.0,
        last=Standing(last.id, "succeeded", ended - report.seconds, ended, last.id, ended),
        next_run=datetime(2026, 11, 21, 17, tzinfo=UTC).timestamp(),
        max_age=26 * 3600.0,
        stale=False,
        dry_run=False,
    )
    files = replace(
        photos,
        name="files",
        trigger="every 30m",
        last=Standing(last.id, "failed", now - 700, now - 660, last.id, now - 9060),
        next_run=now + 1140,
        max_age=7200.0,
        stale=True,
    )
    albums = replace(photos, name="albums", trigger="every 30m", run=last.id, run_started=now - 95, next_run=now + 900)
    owed = NotifierState("ops", 1, 3, 0, "Slack answered not_in_channel")
    glance = StatusOverview(
        now=now,
        service=SERVICE,
        timezone="Asia/Seoul",
        origin="mcmirror.toml",
        state="",
        server=Server(812, now - 12 * 86400 - 4 * 3600),
        paused=False,
        jobs=(photos, files, albums),
        notifiers=(owed,),
        relays=(),
        warnings=(),
    )
    return _shown("mcmirror status", "\n".join(lines(glance, Style())))


def replication_status() -> str:
    """`mcmirror replicate status` while the target is away."""
    late = Versions(versions=3, markers=1, bytes=52_000_000)
    found = Comparison(Versions(1204, 12, 3_100_000_000), Versions(), late, Versions(), Versions(), whole=False)
    away = classify("Unable to list", "dial tcp 10.1.2.3:9000: connect: connection refused", object="aws/intermediate")
    direction = Direction(Location.parse("onprem/intermediate"), Location.parse("aws/intermediate"))
    status = DirectionStatus(
        direction,
        rule="mcmirror-link",
        enabled=True,
        online=False,
        last_online="2026-11-21T08:12:31.52Z",
        comparison=found,
        marks={ReplicationMark.FAILED: 3, ReplicationMark.UNKNOWN: 1},
        lag=1049.0,
        problem=away,
    )
    return _shown("mcmirror replicate status link", "\n".join(status_lines(status, Style())))


def history() -> str:
    """`mcmirror history photos`."""
    return _shown("mcmirror history photos", "\n".join(list_lines(week(), ZONE, Style())))


def history_show() -> str:
    """`mcmirror history show` of the bad night."""
    record = night(BROKEN)
    assert record.report is not None
    fates = [(Outcome.COPIED, f"2026/11/19/{place:04}.jpg") for place in range(1, 62)]
    shown = [*show_lines(record, ZONE, Style()), *fate_lines(fates, record, Style())]
    text = re.sub(r"((?:\n    (?:- )?2026[^\n]*){3})(?:\n    (?:- )?2026[^\n]*)+", r"\1\n    ...", "\n".join(shown))
    return _shown(f"mcmirror history show {record.id[:16]}", text.rstrip())


def _shown(command: str, text: str) -> str:
    return f"```text\n$ {command}\n{text}\n```\n"


def failure() -> Message:
    """What is said of the bad night."""
    return _told(night(BROKEN), Occasion.FAILURE)


def recovery() -> Message:
    """What is said of the run by hand that followed it."""
    return _told(week()[1], Occasion.RECOVERY)


def _told(record: Record, what: Occasion) -> Message:
    bad = night(BROKEN)
    assert record.report is not None
    assert bad.report is not None
    streak = Streak().after(bad.report, datetime.fromisoformat(bad.finished))
    return finished(record.report, what, streak, service=SERVICE, source=SOURCE, run=record.id, zone=str(ZONE))


def as_read(message: Message) -> str:
    """Slack's blocks as their reader sees them, without bold and code, and with times as in the configured zone."""
    return html.unescape(undated("\n".join(block["text"]["text"] for block in blocks(message)))).translate(PLAIN)


def slack_messages() -> str:
    """A failure and a recovery in a channel."""
    return f"```text\n{as_read(failure())}\n\n{as_read(recovery())}\n```\n"


def slack_digest() -> str:
    """A day in one message."""
    records = (night(len(NIGHTS) - 1),)
    last = datetime.fromisoformat(records[0].finished).timestamp()
    now = NOW.timestamp()
    monday = datetime(2026, 11, 15, 18, tzinfo=UTC).timestamp()
    outlooks = {
        "photos": digest.Outlook(records[0], last, next_run=datetime(2026, 11, 21, 17, tzinfo=UTC).timestamp()),
        "files": digest.Outlook(None, now - 90_060, due=now - 90_060 + 7200, late=True, next_run=now + 1140),
        "archive": digest.Outlook(None, monday + 312, next_run=monday + 7 * 86400),
    }
    message = digest.message(digest.lines(outlooks, records, outlooks), Desk(SERVICE), NOW, str(ZONE))
    return f"```text\n{as_read(message)}\n```\n"


def post() -> str:
    """The document of a JSON webhook, its long parts cut."""
    document = webhook.document("5d2b8e0c-6a58-5c0e-9b0e-2f6f0a6a7a11", failure(), SERVICE, night(BROKEN))
    report = document["run"]["report"]
    kept = {name: report[name] for name in ("status", "verified", "planned", "done", "remaining")}
    run = {**document["run"], "report": {**kept, "...": "..."}}
    shorter = {**document, "text": "...", "facts": {"...": "..."}, "run": run}
    return "```json\n" + _compact(shorter) + "\n```\n"


def _compact(document: object) -> str:
    """JSON, what is small on one line."""
    text = json.dumps(document, ensure_ascii=False, indent=2)
    return re.sub(r"\{\s+([^{}\[\]]{1,90}?)\s+\}", lambda found: "{" + re.sub(r"\s+", " ", found[1]) + "}", text)


class _Fixed:
    """A server of which only this moment is known."""

    def __init__(self, state: State) -> None:
        self._state = state

    def state(self) -> State:
        return self._state


def ready() -> str:
    """`/readyz` while a copy is too old."""
    now = NOW.timestamp()
    files = JobState("files", "", "", "every 30m", last_success=now - 9060, max_age=7200.0, overdue_since=now - 1860)
    page = Pages(cast("Control", _Fixed(State(now, now, now, jobs=(files,)))), ()).ready(cast("Request", None))
    return f"```text\n$ curl http://127.0.0.1:8080/readyz\n{page.body.decode().strip()}\n```\n"
