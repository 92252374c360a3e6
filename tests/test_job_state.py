"""The state of a job in words: one group each, and the verdict of its last run."""

from dataclasses import replace

import pytest

from mcmirror.messages.job_state import Group, group, last_verdict, state_word, status_verdict, waiting_text
from mcmirror.model.record import Cause, Record
from mcmirror.model.report import RunReport, Status
from mcmirror.model.state import JobState
from tests.ui_samples import PARTIAL, VERIFIED

NEW = JobState("photos", "onprem/photos", "aws/photos-dr", "by hand")


def after(report: RunReport) -> JobState:
    last = Record("1", "photos", "onprem/photos", "aws/photos-dr", Cause.HAND, "", finished="x", report=report)
    return replace(NEW, last=last)


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (NEW, Group.NEVER_RAN),
        (replace(NEW, paused=True), Group.PAUSED),
        (replace(after(PARTIAL), paused=True), Group.NEEDS_YOU),
        (replace(after(PARTIAL), run="2"), Group.RUNNING),
        (after(VERIFIED), Group.GOOD),
        (after(replace(VERIFIED, status=Status.CANCELLED)), Group.OTHER),
        (after(replace(VERIFIED, status=Status.SKIPPED)), Group.OTHER),
        (replace(after(VERIFIED), max_age=60.0, overdue_since=99.0), Group.NEEDS_YOU),
        (replace(after(VERIFIED), max_age=60.0, overdue_since=99.0, paused=True), Group.PAUSED),
    ],
)
def test_each_job_is_in_one_group(job: JobState, expected: Group) -> None:
    assert expected is group(job, 100.0)


def test_the_pause_of_all_jobs_pauses_no_single_one() -> None:
    assert Group.NEVER_RAN is group(replace(NEW, paused=True), 100.0, paused=True)


def test_state_words() -> None:
    assert "running" == state_word(running=True, status="failed")
    assert "failed" == state_word(running=False, status="failed")
    assert ["never ran", "unknown"] == [state_word(running=False, status="", known=known) for known in (True, False)]
    assert "" == waiting_text("mirror")
    assert "turn" in waiting_text("queued")


def test_a_status_alone_has_the_mark_of_its_verdict() -> None:
    assert ("○", "never ran") == (last_verdict(NEW).mark, last_verdict(NEW).word)
    for report in (VERIFIED, PARTIAL, replace(VERIFIED, status=Status.CANCELLED)):
        known = last_verdict(after(report))
        assert (known.mark, known.tone) == (
            status_verdict(report.status.value).mark,
            status_verdict(report.status.value).tone,
        )
