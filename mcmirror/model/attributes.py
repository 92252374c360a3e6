"""What an object is, besides its bytes, and in what two objects differ there: pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from mcmirror.model.plan import Entry

TAGS = "tags"
EXPIRES = "Expires"
HEADERS = ("Content-Type", "Content-Encoding", "Cache-Control", "Content-Language", "Content-Disposition")
"""Those that belong to the object; the others belong to the answer or the server."""
USER = "x-amz-meta-"
MADE_BY_MC = frozenset({f"{USER}mc-attrs", f"{USER}mm-source-mtime", f"{USER}mc-attr"})
"""User metadata that no user wrote."""
NO_TYPE = frozenset({"", "binary/octet-stream", "application/octet-stream"})
"""What servers and mc say of an object for which nobody named a type."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """One object as a HEAD request shows it, with its tags where they were asked for."""

    entry: Entry
    named: Mapping[str, str] = field(default_factory=dict)
    """Headers by their names, and user metadata as ``x-amz-meta-NAME`` in lower case."""
    tag_count: int | None = None
    """As the HEAD told; None: not told, which many servers do where there are none."""
    tags: Mapping[str, str] | None = None
    """None: not asked for."""

    @property
    def tagged(self) -> bool:
        """Whether it is known to have tags."""
        return bool(self.tags if self.tags is not None else self.tag_count)

    @property
    def expires(self) -> str:
        """When caches shall forget it, RFC 3339; empty for never."""
        return self.named.get(EXPIRES, "")


def read_attributes(metadata: Mapping[str, str], expires: str, entry: Entry) -> Attributes:
    """Keep of a server's answer what belongs to the object."""
    lower = {name.lower(): str(value) for name, value in metadata.items()}
    named = {name: value for name in HEADERS if (value := _value(name, lower.get(name.lower(), "")))}
    named |= {name: value for name, value in lower.items() if name.startswith(USER) and name not in MADE_BY_MC}
    if expires:
        named[EXPIRES] = expires
    count = lower.get("x-amz-tagging-count", "")
    return Attributes(entry, named, int(count) if count.isdigit() else None)


def differing(source: Attributes, target: Attributes, but: Collection[str] = ()) -> tuple[str, ...]:
    """Name what differs, sorted; ``but`` is left out."""
    names = {name for name in (*source.named, *target.named) if source.named.get(name) != target.named.get(name)}
    if source.tags is not None and target.tags is not None:
        other_tags = dict(source.tags) != dict(target.tags)
    else:
        other_tags = (source.tag_count or 0) != (target.tag_count or 0)
    return tuple(sorted((names | ({TAGS} if other_tags else set())) - set(but)))


def set_by(attr: str) -> frozenset[str]:
    """The names that a job's ``attr``, ``key=value;key2=value2``, gives to every copy."""
    keys = (pair.partition("=")[0].strip() for pair in attr.split(";") if pair.strip())
    known = {name.lower(): name for name in (*HEADERS, EXPIRES)}
    return frozenset(
        known.get(key.lower()) or (key.lower() if key.lower().startswith(USER) else USER + key.lower()) for key in keys
    )


def _value(name: str, value: str) -> str:
    """One value for all that mean the same."""
    value = value.strip()
    if name == "Content-Type":
        return "" if value in NO_TYPE else value
    if name == "Content-Encoding":  # aws-chunked is the way of an upload, which some servers keep
        return ", ".join(part for word in value.split(",") if (part := word.strip()) and part != "aws-chunked")
    return value
