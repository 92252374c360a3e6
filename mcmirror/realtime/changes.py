"""What S3's events say of a job's source."""

from collections.abc import Iterator, Sequence

from mcmirror.model.change import Change
from mcmirror.model.job import Job
from mcmirror.model.s3_event import S3Event

WRITES = ("ObjectCreated", "ObjectRemoved", "Lifecycle", "ObjectTagging")
"""What the names of events hold after which an object is another one."""


def changes(told: Sequence[S3Event], job: Job) -> Iterator[Change]:
    """Those of the job's source, relative to it."""
    source = job.source
    below = f"{source.prefix}/" if source.prefix else ""
    for event in told:
        if not any(kind in event.name for kind in WRITES):
            continue  # who reads an object has changed nothing, and our own reads are events too
        if event.bucket == source.bucket and event.key.startswith(below) and len(event.key) > len(below):
            yield Change(event.key[len(below) :], gone="ObjectCreated" not in event.name)
