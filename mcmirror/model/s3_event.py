"""Reads the documents in which S3 servers report events: webhooks of MinIO and its like, messages of SQS."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

TEST_EVENT = "s3:TestEvent"
"""What AWS sends once to each new destination."""
REPLICATION_STATUS = "x-amz-replication-status"
"""In ``user_metadata``: how far the replication of the object was when the event was made."""
_UNFINISHED = frozenset({"PENDING", "FAILED"})
_UNFINISHED_NAMES = frozenset(
    f"Replication:Operation{word}" for word in ("FailedReplication", "MissedThreshold", "NotTracked")
)
_VERSION = frozenset(f"ObjectCreated:{word}" for word in ("Put", "Post", "Copy", "CompleteMultipartUpload"))
"""What begins a version of an object, beside removals."""


@dataclass(frozen=True, slots=True)
class S3Event:
    """One record of a document."""

    name: str
    """Without ``s3:``, which AWS leaves out: ``ObjectCreated:Put``."""
    bucket: str
    key: str
    """Decoded."""
    sequencer: str = ""
    """Hexadecimal; orders the events of one key. Empty where the server gives none."""
    user_metadata: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The record as it came."""

    @property
    def pending(self) -> bool:
        """Whether the object waits for its replication, after which the server sends another event about it."""
        status = self.user_metadata.get(REPLICATION_STATUS, "").upper()
        return status in _UNFINISHED or self.name in _UNFINISHED_NAMES

    @property
    def identity(self) -> str:
        """The same text for events that tell the same: redelivered, or about one version of one object.

        MinIO's sequencer is the time of the version, so that the events of a put and of its replication share it.
        Events about anything else, tags for one, may come several times for a version: these are the same when every
        field is.
        """
        kind, _, _ = self.name.partition(":")
        version = str(self.raw.get("s3", {}).get("object", {}).get("versionId") or "")
        parts = [self.bucket, self.key, version, self.sequencer]
        if not self.sequencer or not (kind in {"ObjectRemoved", "Replication"} or self.name in _VERSION):
            parts.append(json.dumps(self.raw, sort_keys=True))
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def order(self) -> str:
        """Sorts as text in the order of the sequencers, which may differ in length."""
        return self.sequencer.upper().rjust(32, "0")


def parse(body: bytes) -> tuple[S3Event, ...]:
    """Return the events of a document; none for an empty one, or S3's test event. Raises ValueError."""
    if not body.strip():
        return ()
    try:
        document = json.loads(body)
    except RecursionError:
        raise ValueError("the document is nested too deeply") from None
    if not isinstance(document, dict):
        raise ValueError(f"the document is a {type(document).__name__}, and no object")  # noqa: TRY004  of the sender
    if document.get("Event") == TEST_EVENT or not document:
        return ()
    if "Records" not in document:
        raise ValueError("the document has no Records")
    records = [] if document["Records"] is None else document["Records"]
    if not isinstance(records, list):
        raise ValueError("Records is no list")  # noqa: TRY004
    return tuple(_event(record, number) for number, record in enumerate(records))


def _event(record: Any, number: int) -> S3Event:
    try:
        s3 = record["s3"]
        object_ = s3["object"]
        name, bucket, key = record["eventName"], s3["bucket"]["name"], object_["key"]
        sequencer, metadata = object_.get("sequencer") or "", object_.get("userMetadata") or {}
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"Records[{number}] is no event of S3: {type(error).__name__}: {error}") from None
    if not all(isinstance(text, str) for text in (name, bucket, key, sequencer)) or not isinstance(metadata, dict):
        raise ValueError(f"Records[{number}] is no event of S3: a text is something else")
    if not (name and bucket and key):
        raise ValueError(f"Records[{number}] is no event of S3: name, bucket or key is empty")
    return S3Event(
        name.removeprefix("s3:"),
        bucket,
        unquote_plus(key, errors="strict"),
        sequencer,
        {str(word).lower(): str(value) for word, value in metadata.items()},
        record,
    )
