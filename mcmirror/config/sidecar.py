"""One job from S3_SYNC_* and MINIO_*: a bucket beside an application, copied elsewhere."""

from collections.abc import Mapping
from pathlib import Path

from mcmirror.config import check, environment, syntax
from mcmirror.config.values import ENVIRONMENT, ConfigError, Configuration, Schedule, Settings, Wrong
from mcmirror.config.variables import Variables
from mcmirror.model.job import Job, MaxDelete, MirrorOptions, Origin, Tags
from mcmirror.model.location import Alias, Location, Secret

PREFIX = "S3_SYNC_"
JOB = "s3-sync"
_SOURCE, _TARGET = "source", "dest"
_MANDATORY = {
    "S3_SYNC_ACCESS_KEY": "<access key>",
    "S3_SYNC_SECRET_KEY": "<secret key>",
    "S3_SYNC_BUCKET": "relics-backup",
}


def read(environ: Mapping[str, str], folder: Path) -> Configuration:
    """The configuration that the variables describe; ConfigError with everything missing or wrong.

    Switched off it is ``paused``, and nothing is an error: a container that shall do nothing must not end, for it
    would be started again and again.
    """
    given = Variables(environ, folder)
    enabled = given.parsed("S3_SYNC_ENABLED", syntax.boolean, default=False)
    zone = given.parsed("S3_SYNC_TIMEZONE", syntax.zone, default="UTC")
    debug = given.parsed("MIRROR_DEBUG", syntax.boolean, default=False)
    base = Settings(service=given.get("SERVICE"), log="text", timezone=zone, debug=debug)
    zoned = given.has("S3_SYNC_TIMEZONE")
    settings, said = environment.settings(given, base, zoned=zoned)
    zone = zone if zoned else settings.timezone
    aliases = {alias.name: alias for alias in _aliases(given)}
    job = _job(given, aliases, zone)
    interval = float(given.parsed("S3_SYNC_INTERVAL", _interval, default=1800))
    notifiers, heard = given.slack([JOB])
    schedule = Schedule(
        every=interval, gap=True, at_start=True, max_age=environment.max_age(given), notify=heard.get(JOB, ())
    )
    environment.contradictions(given, schedule)
    missing = given.missing(_MANDATORY)
    unheeded = (*said, *environment.unheeded(given, environ))
    mistakes = [*missing, *given.mistakes]
    files = tuple(given.files)
    if mistakes and (enabled or any(mistake.key == "S3_SYNC_ENABLED" for mistake in mistakes)):
        raise ConfigError(mistakes)
    if mistakes:
        # Whoever has switched it off may have nothing else to say yet; what is wrong is told, and stops nobody.
        notes = (*(str(mistake) for mistake in given.mistakes), *unheeded)
        return Configuration(settings, origin=ENVIRONMENT, notes=notes, files=files, paused=True, sidecar=True)
    return Configuration(
        settings,
        aliases,
        {JOB: job},
        ENVIRONMENT,
        notes=unheeded,
        unheeded=unheeded,
        schedules={JOB: schedule},
        notifiers=notifiers,
        files=files,
        paused=not enabled,
        sidecar=True,
    )


def _aliases(given: Variables) -> tuple[Alias, Alias]:
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
        Secret(given.get("S3_SYNC_ACCESS_KEY")),
        Secret(given.get("S3_SYNC_SECRET_KEY")),
        region=given.get("S3_SYNC_REGION", "us-east-1"),
        origin="S3_SYNC_ENDPOINT",
    )
    return source, target


def _job(given: Variables, aliases: Mapping[str, Alias], zone: str) -> Job:
    bucket = given.get("S3_SYNC_BUCKET")
    job = Job(
        JOB,
        Location(_SOURCE, given.parsed("MINIO_BUCKET", _bucket, default="relics")),
        Location(_TARGET, given.parsed("S3_SYNC_BUCKET", _bucket, default=bucket)),
        MirrorOptions(
            overwrite=True,
            remove=given.parsed("S3_SYNC_REMOVE", syntax.boolean, default=True),
            preserve=given.parsed("S3_SYNC_PRESERVE", syntax.boolean, default=None),
            tags=given.parsed("S3_SYNC_TAGS", syntax.tags, default=Tags.AUTO),
            encrypt=given.parsed("S3_SYNC_ENCRYPT", syntax.encryption, default=""),
            region=aliases[_TARGET].region,
        ),
        max_delete=given.parsed("S3_SYNC_MAX_DELETE", _max_delete, default=MaxDelete()),
        create_target=True,
        retries=given.parsed("S3_SYNC_MAX_RETRIES", syntax.retries, default=3),
        retry_delay=float(given.parsed("S3_SYNC_RETRY_DELAY", syntax.seconds, default=60)),
        timezone=zone,
        origin=Origin.SIDECAR,
    )
    if bucket and check.overlap(job, {name: alias.url for name, alias in aliases.items()}):
        given.wrong("S3_SYNC_BUCKET", "is the source itself, or lies in it", "Choose another bucket or endpoint.")
    return job


def _interval(text: str) -> int:
    return syntax.seconds(text, least=1, example=1800)


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
