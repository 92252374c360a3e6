"""Words and variables of the tools that people come from, and what there is here in their place. Pure."""

import re
from dataclasses import dataclass

from mcmirror.config.values import nearest


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a word leads to."""

    words: tuple[str, ...]
    """In lower case; a star at the end stands for any ending."""
    here: str
    """What there is in its place, in full sentences."""


def _of(words: str, here: str) -> Meaning:
    return Meaning(tuple(word.strip() for word in words.split("|")), here)


GLOSSARY = (
    # DSP
    _of(
        "agent|master|tenant agent|execute on agent|agents|worker|workers of a master|executor|broker",
        'A job with `agent = "NAME"` runs where `mcmirror agent NAME` runs; `mcmirror serve` with an executor in '
        '[settings] is its master. executor = "store" needs no broker, executor = "celery" a Redis or a RabbitMQ.',
    ),
    _of(
        "realtime|real-time|real time|watch|live|mc mirror --watch",
        "`realtime = true` in a job, kept by `mcmirror serve`, or `mcmirror watch JOB` in the foreground: events mark "
        "keys, each is looked at on both sides and verified, and full runs heal what events lost.",
    ),
    _of(
        "network|connection|connections|source_config|use_ssl",
        "A connection is an alias here: `mcmirror alias import connections.json` takes them over, and the "
        "scheme of `url` says what use_ssl said.",
    ),
    _of(
        "minio mirror|mirror job|job table|jobs menu",
        "`mcmirror job import connections.json jobs.json` writes jobs and their connections into mcmirror.toml.",
    ),
    _of(
        "mode|one-way sync|mirror mode",
        "Every job mirrors in one direction. `overwrite = true` replaces what differs, `remove = true` "
        "removes what the source does not have.",
    ),
    _of(
        "schedule|scheduled|crontab",
        '`cron = "0 2 * * *"` or `every = "30m"` in a job; `mcmirror serve` keeps it.',
    ),
    _of(
        "delete propagation|--remove|--delete|remove flag",
        "`remove = true` in a job, or --remove of `mcmirror mirror`; `max_delete` limits it, and each key "
        "is asked for at the source before it is removed.",
    ),
    _of(
        "bandwidth|bandwidth control|bandwidth limit|bwlimit",
        '`limit_upload = "10MiB"` and `limit_download` in a job, in bytes a second.',
    ),
    _of(
        "differential sync|incremental|incremental sync",
        "Every run copies only what is missing or different: by size, time, and MD5 where both sides have one.",
    ),
    _of(
        "recursive|recursive mirror",
        'Every mirror is recursive; `prefix = "2026/01"` limits it to what lies below.',
    ),
    _of(
        "consistency check|verification job",
        "Each run verifies what it did. `mcmirror verify --content=10%` reads a tenth of the objects on both sides.",
    ),
    # Bucket replication
    _of(
        "replication|bucket replication|mc replicate add|replicate|existing-objects|delete-marker|replica",
        "[replication.NAME] with source and target, then `mcmirror replicate plan NAME` and `apply`. What it carries "
        "is `replicate = [...]`; docs/replication.md has every key. Without replication, each run of a job copies what "
        "is missing.",
    ),
    _of(
        "mc admin bucket remote add|remote target|arn:minio:replication*",
        "Every mc since 2023 refuses it. `mcmirror replicate apply NAME` makes the remote target with the rule; the "
        "keys are those of the target's alias, and stand in no argument.",
    ),
    _of(
        "versioning|mc version enable|old versions|versions",
        "A job needs none: the latest version of each object is copied, and old versions and delete markers stay where "
        "they are. For replication `mcmirror replicate apply NAME` enables it on both buckets.",
    ),
    _of(
        "mc event add|mc event remove|webhook event|x-amz-replication-status|pending|distributed mode",
        "Not needed: what mcmirror copies arrives as a plain PUT, once, without X-Amz-Replication-Status. "
        "Keep the event `put`.",
    ),
    # minio-s3-mirror
    _of(
        "bucket_pair|bucket_pairs|mirror_*|minio_url|aws_url|aws_access_key|aws_secret_key|minio-s3-mirro r",
        "The same variable with the same meaning works here, for `mcmirror run` and `serve`, where no "
        "mcmirror.toml is found. docs/moving.md has each of them.",
    ),
    _of(
        "slack_bot_token|slack_channel_id|service",
        'The same variables work here; in mcmirror.toml write [notify.NAME] with `type = "slack"`, token and channel.',
    ),
    _of(
        "s3 inventory|inventory",
        "Not built yet. A prefix, `MIRROR_PREFIX={yesterday:%Y/%m/%d}`, limits what is listed.",
    ),
    # Drive
    _of(
        "aws_s3_mirroring|aws_s3_mirroring_*",
        "The second bucket of Django's S3MirroringStorage. mcmirror does not read it: `mcmirror alias set "
        "backup ENDPOINT_URL --region REGION_NAME` asks for ACCESS_KEY_ID and SECRET_ACCESS_KEY; "
        "STORAGE_BUCKET_NAME is the bucket of the target. SIGNATURE_VERSION is `api` of the alias; "
        "checksums of requests are `checksum` of a job.",
    ),
    _of(
        "s3mirroringstorage|storages_default_backend|django|celery|celery worker|mirror_item_task|mcmirror_trigger",
        "`mcmirror.contrib.django` (extra `django`) has the storage class, its settings and commands, and a Celery "
        "task; docs/django.md. Without Django, a job mirrors the bucket whatever wrote into it.",
    ),
    _of(
        "prepare_mirroring_items_history",
        "The same command with `mcmirror.contrib.django`; elsewhere `mcmirror backlog prepare JOB`. It puts in every "
        "object that the target lacks.",
    ),
    _of(
        "process_pending_mirror_tasks|pending tasks|backlog",
        "The same command with `mcmirror.contrib.django`; elsewhere `mcmirror backlog process JOB`, from cron every "
        "few minutes, in any number of processes.",
    ),
    # Relic
    _of(
        "s3_sync_*|minio_endpoint|minio_bucket|minio_access_key|minio_secret_key|s3-sync|relic-s3-sync",
        "The same variable with the same meaning works here, for `mcmirror serve`, where no mcmirror.toml "
        "is found. docs/sidecar.md has each of them.",
    ),
    _of(
        "sync.sh|sync/sync.sh|disable automatic deletion",
        "S3_SYNC_REMOVE=false removes nothing on the target.",
    ),
    _of(
        "manual sync|trigger manual sync",
        "`docker exec Relic-s3-sync mcmirror run`: it takes its turn and leaves the schedule as it is.",
    ),
    _of(
        "bidirectional|two-way|active-active|site replication",
        "A job has one direction. For both ways write `both_ways = true` in a [replication.NAME] between two MinIO.",
    ),
)


def meaning(asked: str) -> Meaning | None:
    """The meaning of a word, a variable or a line with either; None when it is not of another tool."""
    word = _squeezed(asked.partition("=")[0] if re.match(r"[A-Z0-9_]+=", asked) else asked)
    return next((one for one in GLOSSARY if any(_fits(pattern, word) for pattern in one.words)), None)


def alike(asked: str) -> str:
    """The word that was probably meant; empty when none is near."""
    return nearest(_squeezed(asked), [word.removesuffix("*") for one in GLOSSARY for word in one.words], 0.8)


def _fits(pattern: str, word: str) -> bool:
    return word.startswith(pattern[:-1]) if pattern.endswith("*") else word == pattern


def _squeezed(text: str) -> str:
    return " ".join(text.lower().strip(" .:`'\"").removesuffix("_file").split())
