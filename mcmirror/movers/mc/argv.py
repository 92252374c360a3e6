"""What is asked of mc, as pure expressions of the job: each flag a tuple that is empty when its option is off."""

from collections.abc import Collection, Sequence

from mcmirror.model.job import MirrorOptions
from mcmirror.model.location import Location

Argv = tuple[str, ...]

ARGUMENTS = 200
"""Objects named on one command line; a key has up to 1,024 bytes."""

MAX_WORKERS = "--max-workers"
"""Since RELEASE.2025-07-16."""


def mirror(options: MirrorOptions, source: Location, target: Location, capabilities: Collection[str] = ()) -> Argv:
    """``mc mirror`` as a verified run uses it: nothing is removed by it, whatever the options say."""
    return (
        ("mirror", "--json")  # noqa: RUF005  # a sum reads as what it is
        + _flag("--overwrite", options.overwrite)
        + _flag("--skip-errors", options.skip_errors)
        + _filters(options)
        + _transfer(options)
        + _encryption(options, str(target))
        + _workers(options, capabilities)
        + _value("--region", options.region)
        + (str(source), str(target))
    )


def unassured(options: MirrorOptions, source: Location, target: Location, capabilities: Collection[str] = ()) -> Argv:
    """``mc mirror`` with every flag handed through, ``--remove`` and ``--dry-run`` too."""
    plain = mirror(options, source, target, capabilities)
    return plain[:2] + _flag("--remove", options.remove) + _flag("--dry-run", options.dry_run) + plain[2:]


def copy(options: MirrorOptions, sources: Sequence[str], folder: str, *, expires: str = "") -> Argv:
    """``mc cp`` of objects into ``folder`` (with its slash), under their last names.

    ``expires`` is a header that mc does not carry by itself.
    """
    header = _value("--custom-header", expires and f"Expires:{expires}")
    return ("cp", "--json", *_transfer(options), *_encryption(options, folder), *header, *sources, folder)


def copy_prefix(options: MirrorOptions, prefix: str, folder: str) -> Argv:
    """``mc cp -r`` of every key that begins with ``prefix`` into ``folder`` (with its slash), its own last part."""
    return ("cp", "--json", "--recursive", *_transfer(options), *_encryption(options, folder), prefix, folder)


def copy_folders(options: MirrorOptions, folders: Sequence[str], parent: str) -> Argv:
    """``mc cp -r`` of whole folders, without their slashes, into ``parent`` (with its slash) under their own names."""
    return ("cp", "--json", "--recursive", *_transfer(options), *_encryption(options, parent), *folders, parent)


def list_all(place: Location) -> Argv:
    """``mc ls`` of all objects below ``place``, with a trace of the answers on stderr.

    Without the slash at its end ``bucket/a`` would list ``bucket/ab`` too.
    """
    return ("ls", "--debug", "--json", "--recursive", f"{place}/")


def list_incomplete(place: Location) -> Argv:
    """``mc ls`` of the open multipart uploads below ``place``."""
    return ("ls", "--json", "--recursive", "--incomplete", f"{place}/")


def make_bucket(bucket: str, *region: str) -> Argv:
    """``mc mb``; its answer is the same whether the bucket was there or not."""
    return ("mb", "--json", "--ignore-existing", *region, bucket)


def cat(objects: Sequence[str]) -> Argv:
    """``mc cat``: their contents one after another, with nothing between; it ends at the first it cannot read."""
    return ("cat", *objects)


def stat(*objects: str, exact: bool = False) -> Argv:
    """``mc stat``: one HEAD each, for which the key needs the right to read it; ends at the first that it cannot have.

    ``exact`` leaves out the LIST that goes before each HEAD; not every mc can.
    """
    return ("stat", "--json", *_flag("--no-list", exact), *objects)


def list_tags(object_: str) -> Argv:
    """``mc tag list``: one GET."""
    return ("tag", "list", "--json", object_)


def set_tags(object_: str, tags: str) -> Argv:
    """``mc tag set`` of ``key=value&key2=value2``, each word percent-encoded; one PUT."""
    return ("tag", "set", "--json", object_, tags)


def remove_tags(object_: str) -> Argv:
    """``mc tag remove``: one DELETE."""
    return ("tag", "remove", "--json", object_)


def find_with_metadata(object_: str) -> Argv:
    """``mc find`` by a pattern that fits every object: a listing with metadata and tags, where the server has those."""
    return ("find", object_, "--json", "--metadata", "content-type=.*")


def version_info(bucket: str) -> Argv:
    """``mc version info``: one GET."""
    return ("version", "info", "--json", bucket)


def list_objects(objects: Sequence[str]) -> Argv:
    """``mc ls`` of single keys: a HEAD and a listing by exactly this prefix for each, and a trace of the answers."""
    return ("ls", "--debug", "--json", *objects)


def list_folders(folders: Sequence[str]) -> Argv:
    """``mc ls`` of all objects of several folders, each with its slash."""
    return ("ls", "--json", "--recursive", *folders)


def stat_without_listing(*objects: str) -> Argv:
    """``mc stat``: one HEAD each, with a trace of the answers; mc ends at the first key that is missing."""
    return ("stat", "--debug", "--json", "--no-list", *objects)


def watch(place: Location) -> Argv:
    """``mc watch`` of what is written and removed below ``place``, with a trace that tells each new connection.

    Its prefix is one of keys: ``a`` tells of ``ab`` too.
    """
    return ("watch", "--debug", "--json", "--recursive", "--events", "put,delete", str(place))


def buckets(alias: str) -> Argv:
    """``mc ls ALIAS``: the one question that needs no bucket, answered or forbidden only when the keys are right."""
    return ("ls", "--json", f"{alias}/")


def remove_listed() -> Argv:
    """``mc rm`` of the objects named on stdin, one a line; goes on after one that is missing."""
    return ("rm", "--json", "--stdin", "--force")


def remove(objects: Sequence[str]) -> Argv:
    """``mc rm`` of these objects, whatever characters their keys hold."""
    return ("rm", "--json", "--force", *objects)


def abort_upload(object_: str) -> Argv:
    """``mc rm --incomplete``: abort the open uploads of one key; without --recursive mc wants the object to exist."""
    return ("rm", "--json", "--incomplete", "--recursive", "--force", object_)


def list_events(bucket: str) -> Argv:
    """``mc event ls``: the event rules of a bucket, a line each."""
    return ("event", "list", "--json", bucket)


def add_events(bucket: str, arn: str, words: Sequence[str], prefix: str, suffix: str) -> Argv:
    """``mc event add`` of one rule."""
    filters = _value("--prefix", prefix) + _value("--suffix", suffix)
    return ("event", "add", "--json", "--event", ",".join(words), *filters, bucket, arn)


def remove_events(bucket: str, arn: str, words: Sequence[str], prefix: str, suffix: str) -> Argv:
    """``mc event remove`` of the rule that has exactly these words and filters."""
    filters = _value("--prefix", prefix) + _value("--suffix", suffix)
    return ("event", "remove", "--json", "--event", ",".join(words), *filters, bucket, arn)


def server_info(alias: str) -> Argv:
    """``mc admin info``: also the destinations of events that the server has; needs an administrator's key."""
    return ("admin", "info", "--json", alias)


def needed_capabilities(options: MirrorOptions) -> frozenset[str]:
    """Flags that not every mc has and that these options ask for."""
    return frozenset(_flag(MAX_WORKERS, bool(options.workers)) + _flag("--checksum", bool(options.checksum)))


def _filters(options: MirrorOptions) -> Argv:
    excluded = tuple(part for pattern in options.exclude for part in ("--exclude", pattern))
    return excluded + _value("--older-than", options.older_than) + _value("--newer-than", options.newer_than)


def _transfer(options: MirrorOptions) -> Argv:
    return (
        _flag("--preserve", bool(options.preserve))
        + _value("--storage-class", options.storage_class)
        + _value("--attr", options.attr)
        + _value("--checksum", options.checksum)
        + _value("--limit-upload", options.limit_upload)
        + _value("--limit-download", options.limit_download)
    )


def _encryption(options: MirrorOptions, target: str) -> Argv:
    """How the copies are to be encrypted; mc wants the place beside it, and a slash ends the bucket's name."""
    bucket = "/".join([*target.split("/")[:2], ""])
    kind, _, key = options.encrypt.partition(":")
    return {"sse-s3": ("--enc-s3", bucket), "sse-kms": ("--enc-kms", f"{bucket}={key}")}.get(kind, ())


def _workers(options: MirrorOptions, capabilities: Collection[str]) -> Argv:
    known = MAX_WORKERS in capabilities
    return (MAX_WORKERS, str(options.workers)) if options.workers and known else ()


def _flag(name: str, on: bool) -> Argv:
    return (name,) if on else ()


def _value(name: str, value: str | int | None) -> Argv:
    return (name, str(value)) if value else ()
