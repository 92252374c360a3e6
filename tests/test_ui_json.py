"""What machines read: event lines, report files, JUnit, GitHub."""

import io
import json
import os
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mcmirror.cli.differences import Differences
from mcmirror.cli.jsonl import JsonLines
from mcmirror.cli.stdout import Stdout
from mcmirror.codec.documents import json_report
from mcmirror.model.event import Event, McSaid, Planned, RunFinished, Verified
from mcmirror.model.plan import Count
from mcmirror.model.report import RunReport, Status
from mcmirror.model.wording import checked
from mcmirror.notify import files
from mcmirror.notify.github import annotations, summary
from mcmirror.notify.junit import junit
from tests.ui_samples import DENIED, EVIL, PARTIAL, PLAN, VERIFIED, run_events


def written(*events: Event, differences: bool = False, redact: Callable[[str], str] = str) -> list[dict[str, Any]]:
    stream = io.BytesIO()
    out = Stdout(stream, redact=redact)
    observer = JsonLines(out, differences=differences, now=lambda: datetime(2026, 1, 2, 3, 4, 5, 6789, UTC))
    for event in events:
        observer(event)
    return [json.loads(line) for line in stream.getvalue().split(b"\n")[:-1]]


def test_an_event_is_a_line_that_begins_with_event_job_and_time() -> None:
    (line,) = written(Verified("photos", Count(4, 3500), Count()))
    assert ["event", "job", "time", "done", "remaining"] == list(line)
    assert {
        "event": "verified",
        "job": "photos",
        "time": "2026-01-02T03:04:05.006Z",
        "done": {"objects": 4, "bytes": 3500},
        "remaining": {"objects": 0, "bytes": 0},
    } == line


def test_each_event_of_a_run_is_one_line_and_the_last_is_its_end() -> None:
    lines = written(*run_events())
    assert len(run_events()) == len(lines)
    names = [line["event"] for line in lines]
    assert ["run_started", "phase_started", "phase_started", "planned"] == names[:4]
    assert ["phase_started", "removed", "run_finished"] == names[-3:]
    assert "mirror" == lines[5]["phase"]
    assert EVIL == lines[6]["key"]
    assert "permission" == lines[8]["problem"]["category"]


def test_the_report_holds_counts_problems_requests_and_duration() -> None:
    (line,) = written(RunFinished("photos", PARTIAL))
    report = line["report"]
    assert ("partial", 3, True, 9.0) == (
        report["status"],
        report["exit_code"],
        report["verified"],
        report["duration_seconds"],
    )
    assert {"objects": 25, "bytes": 250} == report["remaining"]
    assert {"key": EVIL, "reason": "not on the target"} == report["remaining_keys"][0]
    assert {
        "category": "permission",
        "message": DENIED.message,
        "cause": "Access Denied.",
        "remedy": "Give the key s3:PutObject.",
        "retryable": False,
        "object": "a",
    } == report["problems"][0]
    assert {
        "source_list",
        "source_get",
        "target_list",
        "target_get",
        "target_put",
        "target_delete",
        "source_head",
        "target_head",
    } == set(report["requests"])


def test_a_plan_has_its_counts_and_when_asked_each_difference() -> None:
    planned, *differences = written(Planned("photos", PLAN), differences=True)
    assert {"objects": 3, "bytes": 3000} == planned["plan"]["missing"]
    assert "differences" not in planned["plan"]
    assert ["missing", "changed", "extraneous", "kept", "missing"] == [line["kind"] for line in differences]
    assert {
        "event": "difference",
        "job": "photos",
        "kind": "changed",
        "key": "b",
        "reason": "size",
        "source": {"size": 500, "etag": "0" * 32, "modified": "2026-01-01T00:00:00Z"},
        "target": {"size": 400, "etag": "0" * 32, "modified": "2026-01-01T00:00:00Z"},
    } == differences[1]
    assert EVIL == differences[4]["key"]


def test_a_file_name_that_is_not_utf8_is_still_a_line() -> None:
    (line,) = written(McSaid("photos", "caf\udce9"))
    assert "caf\udce9" == line["text"]


def test_secrets_are_taken_out_of_every_line() -> None:
    (line,) = written(McSaid("photos", "key hunter22"), redact=lambda text: text.replace("hunter22", "***"))
    assert "key ***" == line["text"]


def test_a_reader_that_has_gone_is_noticed_once_and_ends_the_plan() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    broken: list[int] = []
    with os.fdopen(writing, "wb", buffering=0) as stream:
        out = Stdout(stream, on_broken=lambda: broken.append(1))
        observer = Differences(out, ())
        observer(Planned("photos", PLAN))
        observer(Planned("photos", PLAN))
    assert ([1], True) == (broken, out.broken)


def test_the_report_file_is_one_document() -> None:
    document = json.loads(json_report([VERIFIED, PARTIAL]))
    assert ["succeeded", "partial"] == [report["status"] for report in document["reports"]]


def test_junit_has_a_case_a_job_and_three_parts_in_a_failure() -> None:
    skipped = replace(VERIFIED, status=Status.SKIPPED, job="later")
    failed = replace(PARTIAL, status=Status.FAILED, job="down\x00\x1b")
    root = ET.fromstring(junit([VERIFIED, PARTIAL, skipped, failed]))
    assert ("4", "1", "1", "1") == tuple(root.attrib[name] for name in ("tests", "failures", "errors", "skipped"))
    cases = list(root.iter("testcase"))
    assert [["system-out"], ["failure"], ["skipped"], ["error"]] == [[child.tag for child in case] for case in cases]
    text = cases[1][0].text or ""
    assert "why: Access Denied." in text
    assert "do:  Give the key s3:PutObject." in text
    assert "a\\n::error::x" in text


def test_a_success_says_what_was_checked_and_found_equal() -> None:
    (case,) = ET.fromstring(junit([VERIFIED])).iter("testcase")
    assert checked(VERIFIED) == case[0].text
    assert checked(VERIFIED) in summary([VERIFIED])
    assert " equal on both sides" in checked(VERIFIED)
    assert "" == checked(replace(VERIFIED, verified=False))


def test_what_was_left_different_is_never_shown_as_a_clean_success() -> None:
    left = replace(VERIFIED, tally=replace(VERIFIED.tally, kept=Count(2, 20)))
    (case,) = ET.fromstring(junit([left])).iter("testcase")
    (said,) = case
    assert ("system-out", True) == (said.tag, str(said.text).endswith("; 2 objects left different, overwrite is off"))
    assert "| done: 1,204 objects, 3.0 GiB copied; 2 objects differ and were left, overwrite is off (strict" in summary(
        [left]
    )


def test_an_annotation_is_one_line_whatever_a_key_holds() -> None:
    problem = replace(DENIED, message=f"100% of {EVIL}", cause="a\r\nb")
    (line,) = annotations(replace(PARTIAL, job="a,b:c", problems=(problem, problem)))
    assert line.startswith("::error title=mcmirror a%2Cb%3Ac%3A partial::100%25 of a\\n::error")
    assert "%0AWhy: a\\r b%0ADo: Give the key" in line
    assert not set(line) & set("\r\n\x1b\u202e")


@pytest.mark.parametrize(
    ("report", "start"),
    [
        (replace(VERIFIED, problems=(DENIED,)), ["::warning "]),
        (VERIFIED, []),
        (
            replace(PARTIAL, problems=()),
            ["::error title=mcmirror photos%3A partial::25 objects not as planned on the target"],
        ),
    ],
)
def test_a_success_warns_at_most_and_a_failure_is_never_silent(report: RunReport, start: list[str]) -> None:
    lines = annotations(report)
    assert len(start) == len(lines)
    assert all(line.startswith(beginning) for line, beginning in zip(lines, start, strict=True))


def test_the_summary_page_is_a_table_that_no_key_can_break() -> None:
    evil = replace(PARTIAL, job="a|b<script>@me[x](http://h)")
    page = summary([VERIFIED, evil])
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    places = "**photos**<br>onprem/photos → aws/photos-dr"
    assert (
        f"| ✅ | {places} | verified: 1,204 objects, 3.0 GiB copied | {checked(VERIFIED)} | 1,204 of 1,204<br>3.0 GiB"
        in page
    )
    assert 3 == len(rows)
    assert [9, 9, 9] == [line.replace("\\|", "").count("|") for line in rows]
    assert "<script>" not in page
    assert "@me" not in page
    assert "\x1b" not in page
    assert "- and 5 more" in page


def test_a_report_file_that_cannot_be_written_is_found_before_the_run(tmp_path: Path) -> None:
    assert "" == files.writable(tmp_path / "r.json")
    assert [] == list(tmp_path.iterdir())
    assert f"the folder {tmp_path / 'no'} does not exist" == files.writable(tmp_path / "no" / "r.json")
    assert "it is a folder" == files.writable(tmp_path)
    assert "" == files.writable(Path("/dev/null"))


def test_a_report_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o640)
    before = path.stat().st_ino
    files.write_whole(path, "new caf\udce9\n")
    assert ("new caf\\udce9\n", 0o640) == (path.read_text(encoding="utf-8"), path.stat().st_mode & 0o777)
    assert before != path.stat().st_ino
    assert [path] == list(tmp_path.iterdir())
    files.append(path, "more")
    assert path.read_text(encoding="utf-8").endswith("\nmore")
