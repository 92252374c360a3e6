"""The versions of a bucket through ``mc ls --versions``, and what their server has noted on some of them."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing

from mcmirror.messages.error_lookup import classify, problem
from mcmirror.model.location import Location
from mcmirror.model.problem import Category, ListingBroken
from mcmirror.model.replication_status import Found, ReplicationMark, Version
from mcmirror.movers.mc import decode, listing
from mcmirror.movers.mc import replication_argv as argv
from mcmirror.movers.mc.session import Session
from mcmirror.movers.mc.trace import ListingTrace

STALL = 60.0
"""Seconds without a byte after which a listing is given up."""
OLDER = 20
"""Versions that are not the latest of their key, for each of which an mc is started."""
_MARKS = {
    "PENDING": ReplicationMark.PENDING,
    "FAILED": ReplicationMark.FAILED,
    "COMPLETED": ReplicationMark.COMPLETED,
    "COMPLETE": ReplicationMark.COMPLETED,
    "REPLICA": ReplicationMark.REPLICA,
    "": ReplicationMark.NONE,
}


def versions(session: Session, place: str) -> Generator[Version, None, None]:
    """Yield every version and delete marker, by key, the latest of each key first.

    Raises ListingBroken when any page fails.
    """
    trace = ListingTrace()
    process = session.process(argv.list_versions(place), stall_timeout=STALL, trace=trace)
    with closing(process.lines()) as batches:
        for raw in (raw for batch in batches for raw in batch if raw):
            yield _version(raw, place)
    if broken := listing.broken(Location.parse(place), process.exit, None, trace):
        raise ListingBroken(broken)


def marks(session: Session, place: str, found: Sequence[Found]) -> Iterator[ReplicationMark]:
    """Yield what the server has noted on versions, in any order; fewer than were asked for."""
    asked = [one for one in found if not one.version.marker]
    latest = [one.version for one in asked if one.latest]
    while latest:
        seen = 0
        for fields in _heads(session, argv.stat_versions([f"{place}/{one.key}" for one in latest])):
            seen += 1
            if fields is not None:
                yield _mark(fields)
        latest = latest[max(1, seen) :]  # mc ends at the first that it cannot have
    for one in [one.version for one in asked if not one.latest][:OLDER]:
        for fields in _heads(session, argv.stat_version(f"{place}/{one.key}", one.id)):
            if fields is not None:
                yield _mark(fields)


def _heads(session: Session, command: Sequence[str]) -> Iterator[decode.Fields | None]:
    """What mc says of each object; None for one that it cannot have."""
    process = session.process(command, stall_timeout=STALL)
    with closing(process.lines()) as batches:
        for raw in (raw for batch in batches for raw in batch if raw):
            try:
                fields = decode.load(raw)
            except ValueError:
                yield None
                continue
            yield fields if fields.get("status") == "success" else None


def _mark(fields: decode.Fields) -> ReplicationMark:
    return _MARKS.get(str(fields.get("replicationStatus") or "").upper(), ReplicationMark.UNKNOWN)


def _version(raw: bytes, place: str) -> Version:
    try:
        fields = decode.load(raw)
        if fields.get("status") != "error":
            return Version(
                str(fields["key"]),
                str(fields.get("versionId") or "null"),
                int(fields["size"]),
                str(fields.get("etag") or ""),
                str(fields["lastModified"]).rstrip("Z"),
                bool(fields.get("isDeleteMarker")),
            )
    except (ValueError, KeyError):
        cause = raw[:300].decode(errors="replace")
        raise ListingBroken(problem(Category.LISTING_BROKEN, f"{place} could not be listed", cause, place)) from None
    failure = decode.failure(fields)
    raise ListingBroken(classify(failure.message, failure.cause, failure.code, object=place))
