"""Jobs from BUCKET_PAIRS, MINIO_* and AWS_*: one container, one environment, no file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mcmirror.config import check, cron, environment, plausibility, prefix, syntax
from mcmirror.config.values import ENVIRONMENT, ConfigError, Configuration, Schedule, Settings, Wrong
from mcmirror.config.variables import Variables
from mcmirror.model.job import Job, MirrorOptions, Origin, Tags
from mcmirror.model.location import Alias, Location, Secret

NAMES = ("BUCKET_PAIR", "BUCKET_PAIRS", "MINIO_URL", "AWS_URL")
"""Any of these set means that this environment is meant."""
EXAMPLE = "minio/source_bucket:aws/target_bucket"
_ALIASES = ("minio", "aws")
_MANDATORY = {
    "MINIO_URL": "http://minio.example.com:9000",
    "MINIO_ACCESS_KEY": "<access key>",
    "MINIO_SECRET_KEY": "<secret key>",
    "AWS_URL": "https://s3.ap-northeast-2.amazonaws.com",
    "AWS_ACCESS_KEY": "<access key>",
    "AWS_SECRET_KEY": "<secret key>",
}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two places, as written between ':'."""

    source: Location
    target: Location


def read(environ: Mapping[str, str], folder: Path) -> Configuration:
    """The configuration that the variables describe; ConfigError with everything that is missing or wrong."""
    given = Variables(environ, folder)
    aliases = {name: _alias(name, given) for name in _ALIASES}
    pairs = _pairs(given)
    workers = given.get("MIRROR_MAX_WORKERS", "auto")
    options = MirrorOptions(
        dry_run=given.parsed("MIRROR_DRY_RUN", syntax.boolean, default=False),
        skip_errors=given.parsed("MIRROR_SKIP_ERRORS", syntax.boolean, default=MirrorOptions().skip_errors),
        preserve=given.parsed("MIRROR_PRESERVE", syntax.boolean, default=None),
        tags=given.parsed("MIRROR_TAGS", syntax.tags, default=Tags.AUTO),
        encrypt=given.parsed("MIRROR_ENCRYPT", syntax.encryption, default=""),
        exclude=given.parsed("MIRROR_EXCLUDE", _patterns, default=()),
        workers=None if workers == "auto" else given.parsed("MIRROR_MAX_WORKERS", _workers, default=None),
    )
    below = given.parsed("MIRROR_PREFIX", prefix.check, default="")
    debug = given.parsed("MIRROR_DEBUG", syntax.boolean, default=False)
    settings, said = environment.settings(given, Settings(parallel=3, service=given.get("SERVICE"), debug=debug))
    schedule = _schedule(given)
    jobs: dict[str, Job] = {}
    for pair in pairs:
        name = _name(pair, jobs)
        jobs[name] = Job(
            name, pair.source, pair.target, options, prefix=below, timezone=settings.timezone, origin=Origin.PAIRS
        )
        if check.overlap(jobs[name], {alias: aliases[alias].url or alias for alias in _ALIASES}):
            given.wrong(
                "BUCKET_PAIRS", f"{pair.source} and {pair.target} overlap", "Choose a target outside the source."
            )
    notifiers, heard = given.slack(jobs)
    unheeded = environment.unheeded(given, environ)
    notes = environment.contradictions(given, schedule) + plausibility.excludes_all("MIRROR_EXCLUDE", options.exclude)
    if given.mistakes:
        raise ConfigError(given.mistakes)
    schedules = {name: replace(schedule, notify=heard.get(name, ())) for name in jobs}
    files = tuple(given.files)
    return Configuration(
        settings,
        aliases,
        jobs,
        ENVIRONMENT,
        notes=(*said, *unheeded, *notes),
        unheeded=(*said, *unheeded),
        schedules=schedules,
        notifiers=notifiers,
        files=files,
    )


def _schedule(given: Variables) -> Schedule:
    """When ``serve`` runs the pairs: of ours, for their users have a cron of their own."""
    expression = given.parsed("MIRROR_CRON", cron.check, default="")
    interval = given.parsed("MIRROR_INTERVAL", _interval, default=0.0)
    if given.has("MIRROR_CRON") and given.has("MIRROR_INTERVAL"):
        given.wrong("MIRROR_INTERVAL", "MIRROR_CRON and MIRROR_INTERVAL exclude each other", "Keep one of them.")
    return Schedule(expression, interval, max_age=environment.max_age(given))


def _interval(text: str) -> float:
    """Seconds, as a number alone or with its unit."""
    if text.strip().isascii() and text.strip().isdigit():
        return float(syntax.number(text, least=1, most=int(syntax.LONGEST)))
    return syntax.interval(text)


def _alias(name: str, given: Variables) -> Alias:
    start = name.upper()
    address, access, secret = (given.needed(f"{start}_{key}", _MANDATORY[f"{start}_{key}"])
                               for key in ("URL", "ACCESS_KEY", "SECRET_KEY"))  # fmt: skip
    if address:
        address = given.parsed(f"{start}_URL", syntax.url, default="")
    return Alias(name, address, Secret(access), Secret(secret), origin=f"{start}_URL")


def _pairs(given: Variables) -> list[Pair]:
    """Both variables' pairs in order, each once."""
    found: dict[Pair, None] = {}
    written, before = False, len(given.mistakes)
    for variable in ("BUCKET_PAIR", "BUCKET_PAIRS"):
        for text in given.get(variable).split(";"):
            if not text.strip():
                continue
            written = True
            try:
                found[parse_pair(text.strip())] = None
            except Wrong as wrong:
                given.wrong(variable, str(wrong), wrong.remedy)
    if not written and len(given.mistakes) == before:
        given.wrong(
            "BUCKET_PAIRS", "is not set, nor is BUCKET_PAIR", f"Set one of them, for example BUCKET_PAIR={EXAMPLE}"
        )
    return list(found)


def parse_pair(text: str) -> Pair:
    """``minio/a:aws/b``, either way round, prefixes allowed. Raises Wrong."""
    sides = [side.strip() for side in text.split(":")]
    if len(sides) != 2 or not all(sides):
        raise Wrong(f"{text!r} is no pair of source and target", f"Write {EXAMPLE}")
    places: list[Location] = []
    for side in sides:
        alias, _, path = side.partition("/")
        if alias not in _ALIASES:
            raise Wrong(f"{side!r} does not begin with minio/ or aws/", f"Write {EXAMPLE}")
        if not path.strip("/"):
            raise Wrong(f"{side!r} names no bucket", f"Write {EXAMPLE}")
        place = Location.parse(side)
        syntax.bucket(place.bucket)
        places.append(place)
    return Pair(*places)


def _name(pair: Pair, taken: Mapping[str, Job]) -> str:
    words = (re.sub(r"[^A-Za-z0-9._-]+", "-", place.path) for place in (pair.source, pair.target))
    base = "-to-".join(words)
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name


def _patterns(text: str) -> tuple[str, ...]:
    return tuple(syntax.exclude(pattern.strip()) for pattern in text.split(",") if pattern.strip())


def _workers(text: str) -> int | None:
    return syntax.number(text, least=1)
