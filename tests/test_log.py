"""The log of a server: for people in the sidecar's words, for machines as JSON; true, redacted, a line each."""

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from mcmirror.config import load
from mcmirror.model.event import (
    CopyStarted,
    Event,
    Listed,
    McSaid,
    Moved,
    Phase,
    PhaseStarted,
    Planned,
    ProblemFound,
    Removed,
    Retrying,
    RunFinished,
    RunStarted,
    StillMissing,
    Waiting,
)
from mcmirror.model.plan import Count
from mcmirror.model.record import Cause, Record
from mcmirror.model.report import RunReport, Status, Tally
from mcmirror.notify.log import Log
from mcmirror.notify.log_lines import Line, Narrator
from tests.ui_samples import DENIED, EVIL, PLAN, VERIFIED

NOW = datetime(2025, 12, 3, 10, 30, tzinfo=UTC)
JOB = "s3-sync"
SIDECAR = {
    "S3_SYNC_ENABLED": "true",
    "S3_SYNC_ACCESS_KEY": "remote-access",
    "S3_SYNC_SECRET_KEY": "remote-secret",
    "S3_SYNC_BUCKET": "relics-backup",
    "SERVICE": "Relic",
}
GOOD = replace(VERIFIED, job=JOB)
BAD = replace(GOOD, status=Status.FAILED, verified=False, problems=(DENIED, DENIED))


def run(report: RunReport = GOOD) -> Iterator[Event]:
    yield RunStarted(report.job, "source/relics", "dest/relics-backup", dry_run=False)
    yield PhaseStarted(report.job, Phase.PREFLIGHT)
    yield PhaseStarted(report.job, Phase.PLAN)
    yield Planned(report.job, PLAN)
    yield PhaseStarted(report.job, Phase.MIRROR)
    yield CopyStarted(report.job, "a/new.txt", 1000)
    yield RunFinished(report.job, report)


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def log(out: io.StringIO) -> Callable[..., Log]:
    def make(style: str = "text", **how: Any) -> Log:
        zone = ZoneInfo(how.pop("zone", "UTC"))
        return Log(style, out, zone, how.pop("redact", str), now=lambda: NOW, **how)

    return make


def objects(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_the_sidecar_reads_as_its_users_know_it(log: Callable[..., Log], out: io.StringIO, tmp_path: Path) -> None:
    written = log(sidecar=True)
    written.begin(load(None, {"HOME": str(tmp_path), **SIDECAR}, tmp_path, needs_jobs=True))
    for event in run():
        written.event(event)
    written.say("info", "next_run", "Next sync in 1800 seconds...", job=JOB, seconds=1800.0)
    for event in run():
        written.event(event)
    written.say("info", "next_run", "Next sync in 1800 seconds...", job=JOB, seconds=1800.0)
    assert """\
=========================================
  Relic S3 Bucket Sync Service
=========================================

[2025-12-03 10:30:00] Configuring MinIO client aliases...
[2025-12-03 10:30:00] ✓ Source alias configured: http://minio:9000
[2025-12-03 10:30:00] ✓ Destination alias configured: https://s3.amazonaws.com

Configuration:
  Source:      http://minio:9000/relics
  Destination: s3.amazonaws.com/relics-backup
  Interval:    1800 seconds after each sync
  Max Retries: 3
  Removal:     on, at most 25%

[2025-12-03 10:30:00] Performing initial sync...
[2025-12-03 10:30:00] Starting sync (attempt 1/4)...
[2025-12-03 10:30:00] Checking bucket accessibility...
[2025-12-03 10:30:00] ✓ Source bucket accessible: relics
[2025-12-03 10:30:00] ✓ Destination bucket accessible: relics-backup
[2025-12-03 10:30:00] 1,205 objects at the source: 4 to copy (3.4 KiB), 1,200 equal, 1 different and kept, \
2 on the target only
[2025-12-03 10:30:00] ✓ Sync completed successfully; verified: 1,204 objects, 3.0 GiB copied (1m 12s)
[2025-12-03 10:30:00] Starting continuous sync loop...
[2025-12-03 10:30:00] Next sync in 1800 seconds...
[2025-12-03 10:30:00] Starting sync (attempt 1/4)...
""" == out.getvalue()[: out.getvalue().rindex("[2025-12-03 10:30:00] Checking bucket")]
    assert 1 == out.getvalue().count("Performing initial sync")
    assert 1 == out.getvalue().count("Starting continuous sync loop")
    assert "error" not in out.getvalue().lower()


def test_a_failure_is_found_by_who_looks_for_error(log: Callable[..., Log], out: io.StringIO) -> None:
    written = log(sidecar=True)
    for event in run(BAD):
        written.event(event)
    found = [line for line in out.getvalue().splitlines() if re.search("error", line, re.IGNORECASE)]
    assert [
        "[2025-12-03 10:30:00] ✗ ERROR: Sync failed: The target refuses to store objects (1m 12s)",
        "[2025-12-03 10:30:00] ✗ ERROR: The target refuses to store objects (and 1 more like it)",
        "[2025-12-03 10:30:00] ✗ ERROR:   why: Access Denied.",
        "[2025-12-03 10:30:00] ✗ ERROR:   do:  Give the key s3:PutObject.",
    ] == found
    assert "successfully" not in out.getvalue()


@pytest.mark.parametrize(
    ("report", "mark", "words"),
    [
        (GOOD, "✓", "Run completed successfully; verified: "),
        (
            replace(GOOD, tally=replace(GOOD.tally, kept=Count(2, 2))),
            "✓",
            "2 objects differ and were left",
        ),
        (replace(GOOD, verified=False), "! WARNING:", "Run not verified: "),
        (replace(GOOD, verified=False, dry_run=True), "", "Dry run: 1,204 objects, 3.0 GiB to copy"),
        (replace(GOOD, status=Status.PARTIAL), "✗ ERROR:", "Run partial: "),
        (replace(GOOD, status=Status.FAILED), "✗ ERROR:", "nothing of what was planned was done"),
        (replace(GOOD, status=Status.REFUSED), "✗ ERROR:", "Run refused: nothing was written"),
        (replace(GOOD, status=Status.INTERRUPTED), "✗ ERROR:", "mcmirror was killed in mid-run"),
        (replace(GOOD, status=Status.SKIPPED), "! WARNING:", "another run is at work"),
        (
            replace(GOOD, status=Status.CANCELLED, signal=15),
            "! WARNING:",
            "Run cancelled: stopped by SIGTERM",
        ),
        (
            replace(GOOD, status=Status.CANCELLED, tally=Tally()),
            "! WARNING:",
            "Run cancelled: stopped on request",
        ),
        (replace(GOOD, tally=Tally(equal=Count(5, 5))), "✓", "verified: nothing to do, the target was up to date"),
    ],
)
def test_the_verdict_is_no_better_than_it_is(
    log: Callable[..., Log], out: io.StringIO, report: RunReport, mark: str, words: str
) -> None:
    log().event(RunFinished(JOB, report))
    first = out.getvalue().splitlines()[0]
    assert first.startswith(f"[2025-12-03 10:30:00] {JOB}: {mark}")
    assert words in first
    kept_or_unproven = report.tally.kept.objects or not report.verified or report.status is not Status.SUCCEEDED
    assert bool(kept_or_unproven) == ("; verified:" not in first)


def test_several_jobs_are_named_and_times_are_of_the_zone(log: Callable[..., Log], out: io.StringIO) -> None:
    written = log(zone="Asia/Seoul")
    written.event(RunStarted("photos", "a/b", "c/d", dry_run=True))
    written.event(Waiting("music", "c/d"))
    written.say("info", "next_run", "Next sync in 90 seconds...", job="photos", seconds=90.0)
    assert [
        "[2025-12-03 19:30:00] photos: Starting: a/b → c/d, dry run",
        "[2025-12-03 19:30:00] music: ! Another run writes to c/d; waiting until it has ended",
        "[2025-12-03 19:30:00] photos: Next run at 2025-12-03 19:31:30, in 1m 30s",
    ] == out.getvalue().splitlines()


def test_each_json_line_is_an_object_with_time_level_event_job_and_run(
    log: Callable[..., Log], out: io.StringIO
) -> None:
    written = log("json", zone="Asia/Seoul")
    written.begun(Record("20251203T103000-00", JOB, "a", "b", Cause.START, ""))
    for event in run(BAD):
        written.event(event)
    written.say("warning", "paused", "Paused.\nReally", job="other", reason="x\ny")
    first, *_, last, said = objects(out)
    assert ["time", "level", "event", "job", "run"] == list(first)[:5]
    assert ("2025-12-03T19:30:00.000+09:00", "info", "run_started", JOB, "20251203T103000-00") == tuple(first.values())[
        :5
    ]
    assert ("error", "run_finished", "failed", False, 1) == tuple(
        last[key] for key in ("level", "event", "status", "verified", "exit_code")
    )
    assert {"category", "message", "cause", "remedy", "retryable", "object"} == set(last["problems"][0])
    assert {"objects": 1204, "bytes": 3221225472} == last["done"]
    assert ("paused", "other", "x\ny") == (said["event"], said["job"], said["reason"])
    assert "run" not in said
    written.event(RunStarted(JOB, "a", "b", dry_run=False))
    assert "run" not in objects(out)[-1]


def test_what_is_evil_stays_on_its_line(log: Callable[..., Log], out: io.StringIO) -> None:
    for style in ("text", "json"):
        written = log(style, debug=True)
        written.event(CopyStarted(JOB, EVIL, 5))
        written.event(StillMissing(JOB, EVIL, EVIL))
        written.event(McSaid(JOB, EVIL))
        written.say("error", "x", EVIL, why=EVIL)
    lines = out.getvalue().split("\n")
    assert 3 + 2 + 4 + 1 == len(lines)
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", out.getvalue())
    assert EVIL == json.loads(lines[-3])["text"]


def test_no_secret_is_written(log: Callable[..., Log], out: io.StringIO) -> None:
    secret = 'se"cret-\u00fc'
    for style in ("text", "json"):
        written = log(style, redact=lambda text: text.replace(secret, "***"), debug=True)
        problem = replace(DENIED, cause=f"key {secret} is wrong", object=secret)
        for event in run(replace(BAD, problems=(problem,))):
            written.event(event)
        written.event(ProblemFound(JOB, problem))
        written.event(McSaid(JOB, f"mc --header {secret}"))
        written.say(
            "error", "refused", f"no {secret}", why=secret, nested={"a": [secret, ("b", secret)]}, path=Path(secret)
        )
        logger = logging.getLogger("mcmirror.test")
        logger.addHandler(written.handler)
        logger.error("with %s", secret, exc_info=ValueError(secret))
        logger.removeHandler(written.handler)
    assert "cret-" not in out.getvalue()
    assert 14 < out.getvalue().count("***")


def test_what_the_package_logs_is_a_line_too(log: Callable[..., Log], out: io.StringIO) -> None:
    logger = logging.getLogger("mcmirror.somewhere")
    for style in ("text", "json"):
        written = log(style)
        logger.addHandler(written.handler)
        try:
            logger.info("not worth a line")
            logger.warning("no lock for %s", "x")
            logger.error("bad", exc_info=OSError(28, "No space left on device"))
        finally:
            logger.removeHandler(written.handler)
    plain, wrong, *documents = out.getvalue().splitlines()
    assert "[2025-12-03 10:30:00] ! WARNING: no lock for x" == plain
    assert "✗ ERROR: bad: OSError: [Errno 28] No space left on device" in wrong
    first, second = map(json.loads, documents)
    assert ("warning", "mcmirror.somewhere") == (first["level"], first["logger"])
    assert "No space left on device" in second["traceback"]


def test_objects_and_mc_speak_only_for_debugging(log: Callable[..., Log], out: io.StringIO) -> None:
    talk = (CopyStarted(JOB, "a", 1), Removed(JOB, "b"), StillMissing(JOB, "c", "why"), McSaid(JOB, "argv"))
    for style in ("text", "json"):
        for event in talk:
            log(style).event(event)
    assert "" == out.getvalue()
    for event in talk:
        log(debug=True).event(event)
    assert ["copying a, 1 B", "removed b", "c: why", "mc: argv"] == [
        line.split(f"{JOB}: ")[1] for line in out.getvalue().splitlines()
    ]


def test_colours_only_on_a_terminal_that_wants_them(log: Callable[..., Log], out: io.StringIO) -> None:
    terminal = {"TERM": "xterm"}
    for environ in (terminal, terminal | {"NO_COLOR": "1"}, {"TERM": "dumb"}, {}):
        log(environ=environ).event(RunFinished(JOB, GOOD))
    assert "\x1b" not in out.getvalue()
    out.isatty = lambda: True  # type: ignore[method-assign]
    for environ in (terminal | {"NO_COLOR": "1"}, {"TERM": "dumb"}, {}):
        log(environ=environ).event(RunFinished(JOB, GOOD))
    assert "\x1b" not in out.getvalue()
    log(environ=terminal).event(RunFinished(JOB, GOOD))
    assert "\x1b[32m" in out.getvalue()


def test_a_paused_sidecar_says_so_and_needs_no_keys(log: Callable[..., Log], out: io.StringIO, tmp_path: Path) -> None:
    configuration = load(None, {"HOME": str(tmp_path), "S3_SYNC_ENABLED": "false"}, tmp_path, needs_jobs=True)
    log(sidecar=True).begin(configuration)
    assert "S3_SYNC_ENABLED is not true. Nothing runs; health checks are answered." in out.getvalue()
    log("json", sidecar=True).begin(configuration)
    started, paused = map(json.loads, out.getvalue().splitlines()[-2:])
    assert (True, "warning", "paused") == (started["paused"], paused["level"], paused["event"])


def test_jobs_without_a_schedule_are_noticed(log: Callable[..., Log], out: io.StringIO, tmp_path: Path) -> None:
    file = tmp_path / "mcmirror.toml"
    file.write_text('[job.one]\nsource = "./a"\ntarget = "./b"\n')
    log().begin(load(file, {"HOME": str(tmp_path)}, tmp_path, needs_jobs=True))
    assert "Serving 1 job from" in out.getvalue()
    assert "No job has a schedule" in out.getvalue()
    assert "do:  set cron or every in a job" in out.getvalue()
    log("json").begin(load(file, {"HOME": str(tmp_path)}, tmp_path, needs_jobs=True))
    assert ["started", "no_schedule"] == [json.loads(line)["event"] for line in out.getvalue().splitlines()[-2:]]
    file.write_text('[job.one]\nsource = "./a"\ntarget = "./b"\nevery = "1h"\n')
    before = len(out.getvalue())
    log().begin(load(file, {"HOME": str(tmp_path)}, tmp_path, needs_jobs=True))
    assert "No job has a schedule" not in out.getvalue()[before:]


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def heard(narrator: Narrator, *events: Event) -> list[Line]:
    return [line for event in events for line in narrator.hear(event) if not line.quiet]


def test_progress_is_said_every_thirty_seconds() -> None:
    clock = Clock()
    narrator = Narrator(clock=clock)
    heard(narrator, RunStarted(JOB, "a/b", "c/d", dry_run=False), PhaseStarted(JOB, Phase.PLAN))
    said: list[str] = []
    for second in range(100):
        clock.time = float(second)
        said += [line.text for line in heard(narrator, Listed(JOB, second, second))]
    assert [f"Listing: {n} objects at the source, {n} on the target listed" for n in (30, 60, 90)] == said
    heard(narrator, Planned(JOB, PLAN), PhaseStarted(JOB, Phase.MIRROR))
    clock.time += 31
    assert [] == heard(narrator, CopyStarted(JOB, "a", 1024))[1:]
    clock.time += 31
    (line,) = heard(narrator, Moved(JOB, 2048))
    assert "Copying: 1 of 4 objects begun, 1.0 KiB of 3.4 KiB" == line.text
    heard(narrator, PhaseStarted(JOB, Phase.REMOVE))
    clock.time += 31
    assert ["Removing: 1 of 2 objects removed"] == [line.text for line in heard(narrator, Removed(JOB, "x"))]


def test_a_problem_is_said_at_once_once_a_category_and_a_retry_says_when() -> None:
    narrator = Narrator(sidecar=True)
    narrator.attempts = {JOB: 4}
    lines = heard(narrator, ProblemFound(JOB, DENIED), ProblemFound(JOB, DENIED), Retrying(JOB, 2, 60.0, 3))
    lines += heard(narrator, PhaseStarted(JOB, Phase.MIRROR), PhaseStarted(JOB, Phase.VERIFY))
    assert [
        ("warning", "The target refuses to store objects"),
        ("warning", "Trying 3 objects again in 1m 00s (attempt 2/4)"),
        ("info", "Starting sync (attempt 2/4)..."),
    ] == [(line.level, line.text) for line in lines]


def test_a_run_that_ended_leaves_nothing_behind() -> None:
    narrator = Narrator()
    for number in range(50):
        for event in run(replace(GOOD, job=f"job-{number}")):
            list(narrator.hear(event))
    assert {} == narrator._tracks
