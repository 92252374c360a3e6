"""Tables of the documents, from what the program knows."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mcmirror.config import sidecar
from mcmirror.config.values import Configuration
from mcmirror.model.agent import AgentState
from mcmirror.model.backlog import BacklogState
from mcmirror.model.plan import Count
from mcmirror.model.problem import Category, Problem
from mcmirror.model.realtime import RealtimeState
from mcmirror.model.record import Cause, Record
from mcmirror.model.report import RunReport, Status, Tally
from mcmirror.model.state import JobState, NotifierState, State, Totals
from mcmirror.model.template import FIELDS
from mcmirror.notify.metrics import job_families, server_families

NEEDED = {
    "S3_SYNC_ACCESS_KEY": "access key of the target",
    "S3_SYNC_SECRET_KEY": "its secret key",
    "S3_SYNC_BUCKET": "bucket at the target, a prefix behind it if you like; made when it is missing",
}
"""Of the sidecar: what has no default."""
MEANINGS = {
    "S3_SYNC_ENABLED": "`true`; otherwise nothing runs, and health checks are answered",
    "S3_SYNC_ENDPOINT": "the target's server; without a scheme https, one with a scheme is taken as it is",
    "S3_SYNC_REGION": "of the target, and of a bucket that is made",
    "S3_SYNC_INTERVAL": "seconds from the end of a run to the start of the next",
    "S3_SYNC_MAX_RETRIES": "how often what is still missing is tried again, after trouble in transport",
    "S3_SYNC_RETRY_DELAY": "seconds before the first of them; they double, with jitter",
    "S3_SYNC_TIMEZONE": "of the log and of dates",
    "TZ": "the zone where `S3_SYNC_TIMEZONE` and `MCMIRROR_TIMEZONE` are not set: `Asia/Seoul`, not `KST-9`",
    "MINIO_ENDPOINT": "the source's server",
    "MINIO_ACCESS_KEY": "its access key",
    "MINIO_SECRET_KEY": "its secret key",
    "MINIO_BUCKET": "bucket at the source",
    "S3_SYNC_REMOVE": "new: `false` removes nothing on the target",
    "S3_SYNC_MAX_DELETE": "new: a run that would remove more is refused; a share, a number, or `unlimited`",
    "S3_SYNC_PRESERVE": "new: `false` leaves tags behind, and compares no metadata",
    "S3_SYNC_TAGS": "new: `copy` carries tags by tagging calls where `mc` cannot; `off` leaves them behind",
    "S3_SYNC_ENCRYPT": "new: `sse-s3` or `sse-kms:KEY`, where the target's bucket demands it",
    "MIRROR_DEBUG": "new: `true` logs how `mc` is called and every line it says, without secrets",
}
OWN = "MCMIRROR_"
OTHERS = ("SERVICE", "SLACK_BOT_TOKEN", "SLACK_CHANNEL_ID")
"""What the sidecar takes as every other environment does."""


class Asked(Mapping[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name.removesuffix("_FILE"))
        return self._given[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)


def sidecar_as_is() -> tuple[Configuration, set[str]]:
    """The sidecar with nothing but what it needs, and every variable that it asks for."""
    asked = Asked({**{name: name.lower().replace("_", "-") for name in NEEDED}, "S3_SYNC_ENABLED": "true"})
    found = sidecar.read(asked, Path())
    return found, {name for name in asked.names if not name.startswith(OWN)} - set(OTHERS)


def sidecar_variables() -> str:
    """Name, default and meaning, the defaults being those that are in force."""
    found, _ = sidecar_as_is()
    job, schedule = found.jobs[sidecar.JOB], found.schedules[sidecar.JOB]
    source, target = found.aliases[job.source.alias], found.aliases[job.target.alias]
    off = sidecar.read({}, Path()).paused
    defaults = {
        "S3_SYNC_ENABLED": _word(on=not off),
        "S3_SYNC_ENDPOINT": target.url.removeprefix("https://"),
        "S3_SYNC_REGION": target.region,
        "S3_SYNC_INTERVAL": f"{schedule.every:.0f}",
        "S3_SYNC_MAX_RETRIES": str(job.retries),
        "S3_SYNC_RETRY_DELAY": f"{job.retry_delay:.0f}",
        "S3_SYNC_TIMEZONE": found.settings.timezone,
        "TZ": found.settings.timezone,
        "MINIO_ENDPOINT": source.url,
        "MINIO_ACCESS_KEY": source.access_key.value,
        "MINIO_SECRET_KEY": source.secret_key.value,
        "MINIO_BUCKET": job.source.path,
        "S3_SYNC_REMOVE": _word(on=job.options.remove),
        "S3_SYNC_MAX_DELETE": str(job.max_delete),
        "S3_SYNC_PRESERVE": _word(on=job.preserves),
        "S3_SYNC_TAGS": job.options.tags.value,
        "S3_SYNC_ENCRYPT": job.options.encrypt or "no",
        "MIRROR_DEBUG": _word(on=found.settings.debug),
    }
    rows = [(f"`{name}`", "needed", text) for name, text in NEEDED.items()]
    rows += [(f"`{name}`", f"`{defaults[name]}`", text) for name, text in MEANINGS.items()]
    return _table(("variable", "default", ""), rows)


def _word(*, on: bool) -> str:
    return "true" if on else "false"


def metrics() -> str:
    """Every metric with its labels and its own help."""
    report = RunReport(
        "photos",
        "a/b",
        "c/d",
        Status.SUCCEEDED,
        verified=True,
        tally=Tally(done=Count(1, 1)),
        problems=(Problem(Category.QUOTA, "", "", ""),),
    )
    record = Record(
        "1", "photos", "a/b", "c/d", Cause.SCHEDULE, "2026-11-20T17:00:00Z", finished="2026-11-20T17:01:00Z",
        report=report,
    )  # fmt: skip
    job = JobState("photos", "a/b", "c/d", "by hand", last=record, last_success=1, max_age=1, overdue_since=1,
                   next_run=1, realtime=RealtimeState(), backlog=BacklogState())  # fmt: skip
    totals = Totals(problems={"quota": 1}, requests={"source_list": 1})
    state = State(1.0, 1.0, 1.0, jobs=(job,), notifiers=(NotifierState("ops"),), totals={"photos": totals},
                  agents=(AgentState("seoul", 1.0),))  # fmt: skip
    rows = []
    for family in (*server_families(state), *job_families(state)):
        labels = ", ".join(f"`{label}`" for label in family.names)
        rows.append((f"`{family.sample}`", family.kind, labels, family.text))
    return _table(("metric", "type", "labels", "meaning"), rows)


def placeholders() -> str:
    """What a template of a JSON webhook may hold."""
    return "```text\n" + _wrapped([f"{{{name}}}" for name in FIELDS]) + "\n```\n"


def _wrapped(words: list[str], width: int = 110) -> str:
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return "\n".join(lines)


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)
