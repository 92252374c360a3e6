"""What is said about a run, and when it is said."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mcmirror.model.plan import Count
from mcmirror.model.problem import Category
from mcmirror.model.record import Cause, Record
from mcmirror.model.report import Remaining, RunReport, Status, Tally
from mcmirror.model.streak import Streak
from mcmirror.notify.message import Occasion, finished, occasion, plain, started, wanted
from tests.ui_samples import DENIED, EVIL, EVIL_SHOWN, PARTIAL, VERIFIED

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
FAILING = Streak("failed", "2026-11-20T02:00:00+00:00", failures=3)
IDLE = replace(VERIFIED, tally=Tally(equal=Count(5, 5)))
REMOVING = replace(IDLE, tally=Tally(removed=Count(1, 1), to_remove=Count(1, 1)), removed=("gone",))
FAILED = replace(PARTIAL, status=Status.FAILED, verified=False, tally=Tally(), remaining=())
DEFAULT = ("failure", "change", "recovery")


@pytest.mark.parametrize(
    ("report", "before", "what", "heard_by"),
    [
        (IDLE, Streak(), Occasion.SUCCESS, {"success"}),
        (VERIFIED, Streak(), Occasion.CHANGE, {"success", "change"}),
        (REMOVING, Streak(), Occasion.CHANGE, {"success", "change"}),
        (IDLE, FAILING, Occasion.RECOVERY, {"success", "recovery"}),
        (VERIFIED, FAILING, Occasion.RECOVERY, {"success", "change", "recovery"}),
        *(
            (replace(FAILED, status=status), FAILING, Occasion.FAILURE, {"failure"})
            for status in (Status.FAILED, Status.SKIPPED, Status.INTERRUPTED)
        ),
        (PARTIAL, FAILING, Occasion.FAILURE, {"failure", "partial"}),
        (replace(FAILED, status=Status.REFUSED), Streak(), Occasion.FAILURE, {"failure", "refused"}),
        (replace(FAILED, status=Status.CANCELLED, signal=2), FAILING, Occasion.CANCELLED, set()),
    ],
)
def test_each_verdict_is_an_occasion_for_those_who_asked(
    report: RunReport, before: Streak, what: Occasion, heard_by: set[str]
) -> None:
    assert what is occasion(report, before)
    names = ("start", "success", "change", "failure", "partial", "refused", "recovery", "digest")
    assert heard_by == {name for name in names if wanted(what, report, [name])}


def told(reports: list[RunReport], every: timedelta) -> list[int]:
    """The numbers of the failures that are told."""
    streak, numbers = Streak(), []
    for number, report in enumerate(reports, start=1):
        now = NOW + every * number
        streak = streak.after(report, now)
        if streak.failures and streak.due(report, now):
            streak = streak.heard(report, now)
            numbers.append(number)
    return numbers


def test_the_same_failure_is_told_at_growing_distances_and_at_least_once_a_day() -> None:
    assert [1, 2, 4, 8, 16, 32, 64] == told([FAILED] * 100, timedelta(minutes=5))
    assert [1, 2, 3, 4, 5] == told([FAILED] * 5, timedelta(days=1))
    assert [1, 2, 4, 8, 12, 16] == told([FAILED] * 16, timedelta(hours=6))


def test_another_failure_is_told_at_once_and_a_flapping_one_is_no_news() -> None:
    denied, quota = FAILED, replace(FAILED, problems=(replace(DENIED, category=Category.QUOTA),))
    assert [1, 2, 4, 5, 10] == told([denied] * 4 + [quota, denied] * 3, timedelta(minutes=5))
    lost, stalled = (
        replace(FAILED, problems=(replace(DENIED, category=category, retryable=True),))
        for category in (Category.CONNECTION_LOST, Category.STALLED)
    )
    assert [1, 2, 4] == told([lost, stalled, lost, stalled, lost], timedelta(minutes=5))


def test_a_success_ends_the_row_and_the_next_failure_is_the_first() -> None:
    assert [1, 3] == told([FAILED, IDLE, FAILED], HOUR)
    streak = Streak().after(FAILED, NOW).after(FAILED, NOW + HOUR)
    assert ("2026-11-21T02:00:00+00:00", 2) == (streak.since, streak.failures)
    good = streak.after(IDLE, NOW + 2 * HOUR).after(IDLE, NOW + 3 * HOUR)
    assert Streak("succeeded", "2026-11-21T04:00:00+00:00") == good


def test_a_change_in_plain_words() -> None:
    report = replace(REMOVING, source="onprem/photos/2026/11", target="aws/dr/2026/11", attempts=2)
    report = replace(report, tally=replace(report.tally, planned=Count(2, 2048), done=Count(2, 2048)))
    message = finished(report, Occasion.CHANGE, Streak(), service="shop", source="onprem/photos")
    assert (
        "photos verified: 2 objects, 2.0 KiB copied, 1 object removed\n"
        "Service: shop\nSource: onprem/photos\nTarget: aws/dr\nPrefix: 2026/11\n"
        "Copied: 2 objects, 2.0 KiB\nRemoved: 1 object, 1 B\n"
        "Began: 2026-01-01 00:00 UTC\nDuration: 1m 12s, 2 attempts\n"
        "Requests: 200 LIST + 1,204 GET at the source; 200 LIST + 1,300 PUT at the target\n"
        "Objects removed:\n- gone"
    ) == plain(message, 4000)


def test_a_failure_names_what_why_what_to_do_and_ten_keys() -> None:
    message = finished(PARTIAL, Occasion.FAILURE, replace(FAILING, status="partial", failures=4))
    text = plain(message, 4000)
    assert text.startswith(
        "photos partial: 25 objects not as planned on the target: The target refuses to store objects (4th time)\n"
    )
    assert "Copied: 5 of 30 objects, 50 B of 300 B\nRemaining: 25 objects, 250 B\n" in text
    assert "History: 4 failures in a row, since 2026-11-20 02:00 UTC\n" in text
    assert (
        "Problem: The target refuses to store objects (and 17 more like it)\n"
        "Why: Access Denied.\nDo: Give the key s3:PutObject.\n"
    ) in text
    assert f"- {EVIL_SHOWN}: not on the target" in text
    assert EVIL not in text
    assert text.endswith("- key8: not on the target\n- and 15 more")
    assert 100 == len(plain(message, 100))


def test_a_recovery_says_after_what() -> None:
    recovered = finished(IDLE, Occasion.RECOVERY, FAILING)
    assert "photos works again, verified: nothing to do, the target was up to date" == recovered.title
    assert ("History", "after 3 failures in a row, since 2026-11-20 02:00 UTC") in recovered.facts
    once = finished(IDLE, Occasion.RECOVERY, replace(FAILING, failures=1))
    assert ("History", "after one failure, since 2026-11-20 02:00 UTC") in once.facts


def test_a_start_names_the_places() -> None:
    record = Record("20261121T020000-9f86d081", "photos", "onprem/photos", "aws/dr", Cause.HAND, "")
    assert (
        "photos started\nService: shop\nSource: onprem/photos\nTarget: aws/dr\nRun: 20261121T020000-9f86d081"
    ) == plain(started(record, "shop"), 200)


def test_every_part_is_redacted() -> None:
    secret = "hunter22"
    problem = replace(DENIED, message=f"1{secret}", cause=f"2{secret}", remedy=f"3{secret}")
    report = replace(
        PARTIAL, job=secret, source=f"{secret}/a", problems=(problem,), remaining=(Remaining(secret, "because"),)
    )
    message = finished(report, Occasion.FAILURE, FAILING, service=secret)
    redacted = repr(message.redacted(lambda text: text.replace(secret, "***")))
    assert secret not in redacted
    assert all(part in redacted for part in ("1***", "2***", "3***", "***/a", "***: because"))
