"""What is asked of mc about versioning and replication, as pure expressions. No secret stands in any of them."""

from collections.abc import Collection

from mcmirror.model.replication import Carried
from mcmirror.movers.mc.argv import Argv

_WORDS = {
    Carried.DELETE: "delete",
    Carried.DELETE_MARKER: "delete-marker",
    Carried.EXISTING_OBJECTS: "existing-objects",
    Carried.METADATA: "metadata-sync",
}
"""mc's words for what a rule carries."""


def version(operation: str, bucket: str) -> Argv:
    """``mc version info|enable|suspend``."""
    return ("version", operation, "--json", bucket)


def make_bucket(bucket: str, region: str, *, locked: bool) -> Argv:
    """``mc mb``, which fails when the bucket is there."""
    region_option = ("--region", region) if region else ()
    return ("mb", "--json", *(("--with-lock",) if locked else ()), *region_option, bucket)


def remove_bucket(bucket: str) -> Argv:
    """``mc rb``, which fails when anything is in it."""
    return ("rb", "--json", bucket)


def lock_info(bucket: str) -> Argv:
    """``mc retention info --default``: whether the bucket has object lock."""
    return ("retention", "info", "--json", "--default", bucket)


def quota_info(bucket: str) -> Argv:
    """``mc quota info``."""
    return ("quota", "info", "--json", bucket)


def list_rules(bucket: str) -> Argv:
    """``mc replicate ls``, one line a rule."""
    return ("replicate", "ls", "--json", bucket)


def status(bucket: str) -> Argv:
    """``mc replicate status``: remote targets, and counters that are not to be believed."""
    return ("replicate", "status", "--json", bucket)


def add_rule(  # noqa: PLR0913
    bucket: str,
    remote: str,
    rule: str,
    *,
    priority: int,
    replicate: Collection[Carried],
    bandwidth: int,
    synchronous: bool,
    health_check: int,
    region: str,
    path: str,
) -> Argv:
    """``mc replicate add``; ``remote`` is ``alias/bucket``, whose keys mc takes from its configuration.

    mc replicates changes of metadata whether or not they are named, and wants at least one word.
    """
    return (
        *("replicate", "add", "--json", bucket, "--remote-bucket", remote, "--id", rule),
        *("--priority", str(priority), "--replicate", _list(replicate) or _WORDS[Carried.METADATA]),
        *(("--bandwidth", str(bandwidth)) if bandwidth else ()),
        *(("--sync",) if synchronous else ()),
        *("--healthcheck-seconds", str(health_check)),
        *(("--region", region) if region else ()),
        *(("--path", path) if path != "auto" else ()),
    )


def update_rule(bucket: str, rule: str, *, priority: int, replicate: Collection[Carried]) -> Argv:
    """``mc replicate update`` of what the rule says."""
    words = ("--state", "enable", "--priority", str(priority), "--replicate", _list(replicate))
    return ("replicate", "update", "--json", bucket, "--id", rule, *words)


def update_remote(  # noqa: PLR0913
    bucket: str, remote: str, rule: str, *, bandwidth: int, synchronous: bool, health_check: int
) -> Argv:
    """``mc replicate update`` of the rule's remote target, its keys too."""
    return (
        *("replicate", "update", "--json", bucket, "--id", rule, "--remote-bucket", remote),
        *("--sync", "enable" if synchronous else "disable", "--bandwidth", str(bandwidth)),
        *("--healthcheck-seconds", str(health_check)),
    )


def remove_rule(bucket: str, rule: str) -> Argv:
    """``mc replicate rm``: the rule and its remote target."""
    return ("replicate", "rm", "--json", "--id", rule, bucket)


def remove_remotes(bucket: str) -> Argv:
    """``mc replicate rm --all``: every rule and every remote target."""
    return ("replicate", "rm", "--json", "--all", "--force", bucket)


def list_versions(bucket: str) -> Argv:
    """``mc ls --versions`` of a whole bucket, delete markers too, with a trace of the answers."""
    return ("ls", "--debug", "--json", "--recursive", "--versions", f"{bucket}/")


def stat_versions(objects: Collection[str]) -> Argv:
    """``mc stat`` of the latest versions, one HEAD each; it ends at the first that it cannot have."""
    return ("stat", "--json", "--no-list", *objects)


def stat_version(object_: str, version_id: str) -> Argv:
    """``mc stat`` of one version."""
    return ("stat", "--json", "--version-id", version_id, object_)


def start_resync(bucket: str, arn: str) -> Argv:
    """``mc replicate resync start``."""
    return ("replicate", "resync", "start", "--json", "--remote-bucket", arn, bucket)


def resync_status(bucket: str, arn: str) -> Argv:
    """``mc replicate resync status``."""
    return ("replicate", "resync", "status", "--json", "--remote-bucket", arn, bucket)


def _list(replicate: Collection[Carried]) -> str:
    return ",".join(_WORDS[one] for one in sorted(replicate))
