"""One job from S3_SYNC_* and MINIO_*: a bucket beside an application, copied elsewhere."""

from collections.abc import Mapping
from pathlib import Path

from mcmirror.config import check, syntax
from mcmirror.config.values import ENVIRONMENT, ConfigError, Configuration, Schedule, Settings, Wrong
from mcmirror.config.variables import Variables
from mcmirror.model.job import Job, MaxDelete, MirrorOptions
from mcmirror.model.location import Alias, Location, Secret

PREFIX = "S3_SYNC_"
JOB = "s3-sync"
_SOURCE, _TARGET = "source", "dest"


def read(environ: Mapping[str, str], folder: Path) -> Configuration:
    """The configuration that the variables describe, for one pass; ConfigError with everything missing or wrong."""
    given = Variables(environ, folder)
    if not given.parsed("S3_SYNC_ENABLED", syntax.boolean, default=False):
        given.wrong("S3_SYNC_ENABLED", "is not true, so syncing is switched off", "Set S3_SYNC_ENABLED=true")
    region = given.get("S3_SYNC_REGION", "us-east-1")
    source = Alias(
        _SOURCE,
        given.parsed("MINIO_ENDPOINT", syntax.url, default="http://minio:9000"),
        Secret(given.get("MINIO_ACCESS_KEY", "minioadmin")),
        Secret(given.get("MINIO_SECRET_KEY", "minioadmin")),
        origin="MINIO_ENDPOINT",
    )
    target = Alias(
        _TARGET,
        given.parsed("S3_SYNC_ENDPOINT", _endpoint, default="https://s3.amazonaws.com"),
        Secret(given.needed("S3_SYNC_ACCESS_KEY", "<access key>")),
        Secret(given.needed("S3_SYNC_SECRET_KEY", "<secret key>")),
        region=region,
        origin="S3_SYNC_ENDPOINT",
    )
    bucket = given.needed("S3_SYNC_BUCKET", "relics-backup")
    job = Job(
        JOB,
        Location(_SOURCE, given.parsed("MINIO_BUCKET", _bucket, default="relics")),
        Location(_TARGET, given.parsed("S3_SYNC_BUCKET", _bucket, default=bucket)),
        MirrorOptions(
            overwrite=True,
            remove=given.parsed("S3_SYNC_REMOVE", syntax.boolean, default=True),
            region=region,
        ),
        max_delete=given.parsed("S3_SYNC_MAX_DELETE", _max_delete, default=MaxDelete()),
        create_target=True,
        retries=given.parsed("S3_SYNC_MAX_RETRIES", syntax.retries, default=3),
        retry_delay=float(given.parsed("S3_SYNC_RETRY_DELAY", syntax.seconds, default=60)),
        timezone=given.parsed("S3_SYNC_TIMEZONE", syntax.zone, default="UTC"),
    )
    if bucket and check.overlap(job, {_SOURCE: source.url, _TARGET: target.url}):
        given.wrong("S3_SYNC_BUCKET", "is the source itself, or lies in it", "Choose another bucket or endpoint.")
    interval = float(given.parsed("S3_SYNC_INTERVAL", syntax.seconds, default=1800))
    notifiers, heard = given.slack([JOB])
    notes = (
        "S3_SYNC_INTERVAL is read, but this version makes one pass and ends.",
        *given.ignored(),
        *given.slack_notes(),
    )
    if given.mistakes:
        raise ConfigError(given.mistakes)
    return Configuration(
        Settings(service=given.get("SERVICE")),
        {alias.name: alias for alias in (source, target)},
        {JOB: job},
        ENVIRONMENT,
        notes,
        schedules={JOB: Schedule(every=interval, notify=heard.get(JOB, ()))},
        notifiers=notifiers,
    )


def _endpoint(text: str) -> str:
    word = text.strip()
    return syntax.url(word if "://" in word else f"https://{word}")


def _bucket(text: str) -> str:
    path = text.strip().strip("/")
    syntax.bucket(path.partition("/")[0])
    return path


def _max_delete(text: str) -> MaxDelete:
    try:
        return MaxDelete.parse(text)
    except ValueError:
        raise Wrong(f"{text!r} is no limit", "Write 25%, a number of objects, or unlimited.") from None
