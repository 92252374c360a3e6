"""What to do, in the words of whoever has to: of a file and a command line, or of the variables of an environment.

The table's remedies are templates; what stands in braces there is chosen here and nowhere else.
"""

from collections.abc import Mapping, Sequence

from mcmirror.model.job import Origin
from mcmirror.model.location import Alias

_HOST = "MC_HOST_"

_ALIAS = {
    "url": "the alias's URL",
    "keys": "Correct the keys with `mcmirror alias set NAME`, and try them with `mcmirror alias test NAME`.",
    "try": "`mcmirror alias test NAME`",
    "authority": 'Name the authority that signed it: `ca_file = "/path/ca.pem"` in the alias.',
}
"""Of an alias that a file defines, mcmirror's or mc's."""

_FILE = {
    **_ALIAS,
    "debug": "--debug",
    "source": "the source (alias/bucket/prefix, or a folder beginning with / or ./)",
    "there": "that the folder is mounted, and that the prefix holds objects today (`mc ls ALIAS/BUCKET/PREFIX`)",
    "bucket": "its spelling",
    "server": "the alias names the right server (`mc ls ALIAS`)",
    "create": " A target bucket is made with `create_target = true` (--create-target).",
    "folder": " For a folder, check its owner and mode.",
    "delete": ", s3:DeleteObject too with `remove`",
    "define": "Define it with `mcmirror alias set NAME URL`, see `mcmirror alias list` for those that exist. A local "
    "folder is written with ./ or / before it.",
    "fewer": "use fewer `workers`, a `limit_upload`, or run fewer jobs at once (`parallel`)",
    "memory": 'use fewer `workers`, or raise `max_memory = "4GiB"` in the job',
    "slow": '; a slow link may need a longer `stall_timeout = "10m"`',
    "overwrite": "Write `overwrite = true` in the job (--overwrite) if the source is right. `mcmirror plan` shows what "
    "differs.",
    "again": "With `overwrite = true` the next run copies it again.",
    "exclude": ", or leave it out with `exclude`",
    "mounted": "mounted and named right",
    "empty": '`max_delete = "unlimited"` (--max-delete unlimited) for this one run',
    "raise": "raise `max_delete` (--max-delete 50%, a number, or unlimited) for this run",
    "limit": "max_delete",
    "allow": "`max_delete = {number}` (--max-delete {number}) for this run",
    "mc": "`mc = ...` under [settings] or MCMIRROR_MC",
    "region": ' A wrong region: `region = "..."` in the alias; a bucket',
    "option": "; a storage class or attribute the server lacks: leave it out",
    "encrypt": '`encrypt = "sse-kms:KEY"` (--encrypt)',
    "encrypted": '`encrypt = "sse-s3"` (--encrypt sse-s3)',
    "metadata": "`mcmirror run JOB --metadata` (or `mcmirror mirror ... --metadata`)",
}

_ENVIRONMENT = {
    **_FILE,
    "debug": "MIRROR_DEBUG=true",
    "there": "and that objects lie there today",
    "bucket": "its spelling in {bucket_variables}",
    "server": "{url} is that of the right server",
    "create": "",
    "folder": "",
    "slow": "",
    "again": "The next run copies it again.",
    "mounted": "named right",
    "mc": "MCMIRROR_MC",
    "metadata": "`mcmirror run --metadata`",
    "region": " A bucket",
    "option": "",
}

_WORDS: Mapping[Origin, Mapping[str, str]] = {
    Origin.FILE: _FILE,
    Origin.PAIRS: {
        **_ENVIRONMENT,
        "bucket_variables": "BUCKET_PAIR or BUCKET_PAIRS",
        "source": "the source in BUCKET_PAIR or BUCKET_PAIRS (minio/bucket/prefix) and of MIRROR_PREFIX",
        "delete": "",
        "define": "Begin both sides of BUCKET_PAIR with minio/ or aws/.",
        "fewer": "set a lower MIRROR_MAX_WORKERS",
        "memory": "set a lower MIRROR_MAX_WORKERS, or give the container more memory",
        "overwrite": "Pairs of the environment never replace. If the source is right, `mcmirror mirror SOURCE TARGET "
        "--overwrite` does, in the same environment; `mcmirror plan` shows what differs.",
        "again": "`mcmirror mirror SOURCE TARGET --overwrite`, in the same environment, copies it again.",
        "exclude": ", or leave it out with MIRROR_EXCLUDE",
        "empty": "`mcmirror mirror SOURCE TARGET --max-delete unlimited`, once and in the same environment",
        "raise": "do it with `mcmirror mirror SOURCE TARGET --remove --max-delete 50%`, in the same environment",
        "allow": "`mcmirror mirror SOURCE TARGET --remove --max-delete {number}`, in the same environment",
        "encrypt": "MIRROR_ENCRYPT=sse-kms:KEY",
        "encrypted": "MIRROR_ENCRYPT=sse-s3",
    },
    Origin.SIDECAR: {
        **_ENVIRONMENT,
        "source": "the bucket in MINIO_BUCKET",
        "delete": ", s3:DeleteObject too unless S3_SYNC_REMOVE=false",
        "overwrite": "The next run replaces it; `mcmirror plan` shows what differs.",
        "define": "Unset whatever replaces the variables S3_SYNC_* and MINIO_*: they define both sides.",
        "fewer": "sync less often with a higher S3_SYNC_INTERVAL",
        "memory": "give the container more memory",
        "exclude": "",
        "empty": "S3_SYNC_MAX_DELETE=unlimited until it has run once",
        "raise": "set S3_SYNC_MAX_DELETE (50%, a number, or unlimited) until it has run once",
        "limit": "S3_SYNC_MAX_DELETE",
        "allow": "S3_SYNC_MAX_DELETE={number} until it has run once",
        "region": " A wrong region: S3_SYNC_REGION; a bucket",
        "encrypt": "S3_SYNC_ENCRYPT=sse-kms:KEY",
        "encrypted": "S3_SYNC_ENCRYPT=sse-s3",
    },
}
_BUCKETS = {"source": "MINIO_BUCKET", "target": "S3_SYNC_BUCKET", "": "MINIO_BUCKET and S3_SYNC_BUCKET"}
_ALIASES: Mapping[Origin, tuple[Alias, ...]] = {
    Origin.FILE: (),
    Origin.PAIRS: (Alias("minio", "", origin="MINIO_URL"), Alias("aws", "", origin="AWS_URL")),
    Origin.SIDECAR: (Alias("source", "", origin="MINIO_ENDPOINT"), Alias("dest", "", origin="S3_SYNC_ENDPOINT")),
}
"""What the sides are called where nobody knows better; the source first, for the pairs most often."""


def rendered(
    template: str, origin: Origin = Origin.FILE, side: str = "", aliases: Sequence[Alias] = (), *, number: int = 0
) -> str:
    """A remedy in the words of a job's ``origin``.

    ``side`` is ``source`` or ``target`` where only one of them can be meant, ``aliases`` are those that can; ``number``
    is what ``{allow}`` speaks of.
    """
    words = {**_WORDS[origin], "number": str(number)}
    if side == "source":
        words["create"] = ""
    elif side == "target" and origin is Origin.FILE:
        words["create"] = " It is made with `create_target = true` (--create-target)."
    if origin is Origin.SIDECAR:
        words["bucket_variables"] = _BUCKETS[side]
    words |= _of_aliases(aliases or _ALIASES[origin])
    while "{" in template:
        template = template.format_map(words)
    return template


def origin_of(alias: Alias) -> Origin:
    """Whose words an alias has when there is no job."""
    return next(
        (one for one, known in _ALIASES.items() if alias.origin in {each.origin for each in known}), Origin.FILE
    )


def _of_aliases(aliases: Sequence[Alias]) -> dict[str, str]:
    """How their addresses and keys are mended and tried: by variables where all of them come from some."""
    variables = [found for alias in aliases if (found := _variables(alias))]
    both = " or ".join(dict.fromkeys(f"`mcmirror alias test {alias.name}`" for alias in aliases))
    if not aliases:
        return {}
    if len(variables) < len(aliases):
        again = " or ".join(f"`mcmirror alias set {alias.name} {alias.url}`" for alias in aliases)
        return {"try": both, "keys": f"Correct the keys with {again}, and try them with {both}."}
    urls, keys = ([*dict.fromkeys(pair)] for pair in zip(*variables, strict=True))
    return {
        "url": " or ".join(urls),
        "keys": f"Correct the keys in {', or those in '.join(keys)}, and try them with {both}.",
        "try": both,
        "authority": "Add the authority that signed it to those that this machine or image trusts (/etc/ssl/certs).",
    }


def _variables(alias: Alias) -> tuple[str, str] | None:
    """The variable of its address, and those of its keys; None when a file defines it."""
    if alias.origin.startswith(_HOST):
        return alias.origin, alias.origin
    for end in ("_URL", "_ENDPOINT"):
        if alias.origin.endswith(end) and "/" not in alias.origin:
            start = alias.origin.removesuffix(end)
            return alias.origin, f"{start}_ACCESS_KEY and {start}_SECRET_KEY"
    return None
