"""The metrics of runs that have ended with their process: a file for node_exporter, and a push to a Pushgateway."""

import fcntl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mcmirror.model.record import Cause, Record
from mcmirror.model.report import RunReport, Status
from mcmirror.model.state import JobState
from mcmirror.notify import files
from mcmirror.notify.http_request import Limit, opener
from mcmirror.notify.message import NotTold
from mcmirror.notify.metrics import NAME, text_of

FILE = "mcmirror.prom"
PATIENCE = 10.0
"""Seconds for all requests to a Pushgateway, and for another process that writes the file."""
SAID = 300
"""Bytes that are read of what it says against a push."""
GROUP = "mcmirror"
LARGEST = 64 * 1024 * 1024
"""Bytes of an earlier file that are read."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What is known of a job beside its report. Seconds, those of times since the epoch; 0 for what is not known."""

    max_age: float = 0.0
    succeeded: float = 0.0
    """When the last run ended that succeeded."""
    since: float = 0.0
    """When the first run began of a job that has never succeeded: from then on its age counts."""


def job_states(
    reports: Sequence[RunReport], ended: datetime, promises: Mapping[str, Promise] | None = None
) -> tuple[JobState, ...]:
    """The jobs of these reports, as far as they tell; a dry run tells nothing.

    ``ended`` is when they had all been run; ``promises`` are by job.
    """
    return tuple(
        _job_state(report, ended, (promises or {}).get(report.job, Promise()))
        for report in reports
        if not report.dry_run
    )


def _job_state(report: RunReport, ended: datetime, promise: Promise) -> JobState:
    started = datetime.fromisoformat(report.started).timestamp() if report.started else 0.0
    finished = min(started + report.seconds, ended.timestamp()) if started else ended.timestamp()
    success = finished if report.status is Status.SUCCEEDED else promise.succeeded
    counted, max_age = success or promise.since, promise.max_age
    when = datetime.fromtimestamp(finished, UTC).isoformat(timespec="milliseconds")
    record = Record(
        "", report.job, report.source, report.target, Cause.HAND, report.started, finished=when, report=report
    )
    return JobState(
        report.job,
        report.source,
        report.target,
        "",
        last=record,
        last_success=success,
        max_age=max_age,
        overdue_since=counted + max_age if counted and max_age else 0.0,
    )


def write_textfile(folder: Path, jobs: Sequence[JobState]) -> None:
    """Bring ``mcmirror.prom`` up to date, in one step; what it says of other jobs stays. Raises OSError."""
    if not jobs:
        return
    path = folder / FILE
    with _alone(folder / f".{FILE}.lock"):
        files.write_whole(path, text_of(jobs, _earlier(path)))


def _earlier(path: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        if path.stat().st_size <= LARGEST:
            return path.read_text(encoding="utf-8")
    return ""


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock; without it after a while, for a file that is not quite whole is better than none."""
    try:
        handle = path.open("ab")
    except PermissionError:
        # Another user's lock; the file itself may still be ours to write.
        yield
        return
    with handle:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    break
                time.sleep(0.02)
            else:
                break
        yield


def push(url: str, jobs: Sequence[JobState]) -> None:
    """Bring a Pushgateway up to date, each job a group of its own: ``job="mcmirror"``, ``job_name``. Raises NotTold.

    What this run does not know, such as the last success when it has failed, the gateway keeps.
    """
    limit = Limit(PATIENCE)
    for job in jobs:
        _post(url, _group(job.name), text_of([job]).encode(), limit)


def _group(job: str) -> str:
    """The path of a job's group; base64 takes any name."""
    from base64 import urlsafe_b64encode

    return f"/metrics/job/{GROUP}/{NAME}@base64/{urlsafe_b64encode(job.encode()).decode()}"


def _post(url: str, path: str, body: bytes, limit: Limit) -> None:
    from base64 import b64encode
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.parse import unquote, urlsplit
    from urllib.request import Request

    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host = parts.netloc.rpartition("@")[2]
        request = Request(  # noqa: S310  http or https: checked below
            f"{parts.scheme}://{host}{parts.path.rstrip('/')}{path}",
            body,
            {"Content-Type": "text/plain; version=0.0.4"},
        )
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise _not_pushed(url, "this is no http or https address")
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            request.add_unredirected_header("Authorization", f"Basic {b64encode(pair.encode()).decode()}")
        with opener(limit).open(request):
            return
    except HTTPError as error:
        said = ""
        with error, suppress(OSError, HTTPException):
            said = error.read(SAID).decode(errors="replace").strip() if error.code in {400, 413} else ""
        raise _not_pushed(url, f"it answered HTTP {error.code}{f': {said}' if said else ''}") from None
    except (OSError, ValueError, HTTPException) as error:
        reason = error.reason if isinstance(error, URLError) else error
        # Only the words of the system: any other text may quote the address.
        why = (reason.strerror or str(reason)) if isinstance(reason, OSError) else type(reason).__name__
        raise _not_pushed(url, str(limit) if isinstance(reason, TimeoutError) else why) from None


def _not_pushed(url: str, why: str) -> NotTold:
    from urllib.parse import urlsplit

    try:
        host = urlsplit(url if "://" in url else f"http://{url}").hostname or "the address"
    except ValueError:
        host = "the address"
    return NotTold(
        "the metrics were not pushed",
        f"{host}: {why}",
        "Check the Pushgateway's address, and that this machine reaches it; what the run did stands.",
    )
