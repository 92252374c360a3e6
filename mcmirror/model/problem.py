"""What went wrong in the world: what, why, and what to do, always all three."""

from dataclasses import dataclass
from enum import StrEnum


class Category(StrEnum):
    """What kind of trouble; the names are a published API (JSON, metrics, ``explain``)."""

    CREDENTIALS = "credentials"
    PERMISSION = "permission"
    BUCKET_NOT_FOUND = "bucket-not-found"
    SOURCE_NOT_FOUND = "source-not-found"
    OBJECT_VANISHED = "object-vanished"
    ALIAS_UNKNOWN = "alias-unknown"
    ALIAS_ROOT = "alias-root"
    ADDRESS_NOT_RESOLVED = "address-not-resolved"
    CONNECTION_REFUSED = "connection-refused"
    CONNECTION_LOST = "connection-lost"
    STALLED = "stalled"
    TLS_NOT_TRUSTED = "tls-not-trusted"
    TLS_MISMATCH = "tls-mismatch"
    CLOCK_SKEW = "clock-skew"
    CUSTOMER_KEY = "customer-key"
    ENCRYPTION = "encryption"
    ARCHIVED = "archived"
    QUOTA = "quota"
    DISK_FULL = "disk-full"
    THROTTLED = "throttled"
    SERVER_ERROR = "server-error"
    LISTING_BROKEN = "listing-broken"
    LISTING_UNSUPPORTED = "listing-unsupported"
    EVENTS_UNSUPPORTED = "events-unsupported"
    REDIRECTED = "redirected"
    MEMORY = "mc-memory"
    CHANGED_WHILE_COPYING = "changed-while-copying"
    CONTENT_DIFFERS = "content-differs"
    METADATA_DIFFERS = "metadata-differs"
    NOT_COPIED = "not-copied"
    OVERWRITE_OFF = "overwrite-off"
    KEY_NOT_STORABLE = "key-not-storable"
    SOURCE_EMPTY = "source-empty"
    SOURCE_SHRANK = "source-shrank"
    TOO_MANY_DELETES = "too-many-deletes"
    OVERLAP = "overlap"
    LOCKED = "locked"
    REPLICATION_UNSUPPORTED = "replication-unsupported"
    REPLICATION_UNREACHABLE = "replication-unreachable"
    REPLICATION_CONFLICT = "replication-conflict"
    AGENT_GONE = "agent-gone"
    AGENT_REFUSED = "agent-refused"
    MC_MISSING = "mc-missing"
    MC_IMPOSTOR = "mc-impostor"
    MC_TOO_OLD = "mc-too-old"
    MC_DIED = "mc-died"
    USAGE = "usage"
    CONFIGURATION = "configuration"
    SYSTEM = "system"
    INTERNAL = "internal"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that went wrong, as every screen, report and message shows it."""

    category: Category
    message: str
    """What: one line for people."""
    cause: str
    """Why, in mc's or the server's own words where there are any."""
    remedy: str
    """What to do."""
    retryable: bool = False
    """Whether trying again later can help: transport trouble only."""
    object: str = ""
    """The key or the place it concerns."""


class Trouble(Exception):
    """A problem that ends what we are doing; caught once at the border to the person."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class ListingBroken(Trouble):
    """A listing that could not be had whole; what was seen of it counts for nothing."""


class McNotFound(Trouble):
    """No mc was found in any of the places that are searched."""


class McUnusable(Trouble):
    """What was found is not MinIO's mc, cannot be run, or lacks something asked of it."""
