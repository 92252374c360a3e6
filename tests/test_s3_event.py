"""The documents in which S3 servers report events."""

import json
from typing import Any

import pytest

from mcmirror.model.s3_event import S3Event, parse


def record(name: str = "s3:ObjectCreated:Put", key: str = "a.txt", **more: Any) -> dict[str, Any]:
    object_ = {"key": key, "size": 3, "sequencer": "18E9E6D9", **more}
    return {"eventVersion": "2.0", "eventName": name, "s3": {"bucket": {"name": "photos"}, "object": object_}}


def document(*records: Any) -> bytes:
    return json.dumps({"EventName": "s3:ObjectCreated:Put", "Key": "photos/a.txt", "Records": records}).encode()


def test_one_event() -> None:
    (event,) = parse(document(record()))
    assert S3Event("ObjectCreated:Put", "photos", "a.txt", "18E9E6D9", {}, record()) == event


def test_aws_leaves_out_the_prefix_of_the_name() -> None:
    (event,) = parse(document(record("ObjectRemoved:Delete")))
    assert "ObjectRemoved:Delete" == event.name


@pytest.mark.parametrize(
    ("encoded", "key"),
    [
        ("a%2Fb.txt", "a/b.txt"),
        ("a+b%2Bc", "a b+c"),
        ("%EA%B0%80.jpg", "가.jpg"),
        ("100%25", "100%"),
        ("line%0Abreak", "line\nbreak"),
        ("back%5Cslash", "back\\slash"),
    ],
)
def test_keys_are_decoded(encoded: str, key: str) -> None:
    (event,) = parse(document(record(key=encoded)))
    assert key == event.key


def test_several_events_in_their_order() -> None:
    events = parse(document(record(key="1"), record("s3:ObjectRemoved:Delete", key="2")))
    assert [("ObjectCreated:Put", "1"), ("ObjectRemoved:Delete", "2")] == [(one.name, one.key) for one in events]


@pytest.mark.parametrize(
    ("status", "pending"), [("PENDING", True), ("FAILED", True), ("COMPLETED", False), ("REPLICA", False)]
)
def test_pending_replication(status: str, pending: bool) -> None:
    (event,) = parse(document(record(userMetadata={"X-Amz-Replication-Status": status})))
    assert status == event.user_metadata["x-amz-replication-status"]
    assert pending == event.pending


@pytest.mark.parametrize("word", ["FailedReplication", "MissedThreshold", "NotTracked"])
def test_a_replication_that_has_not_arrived_is_pending(word: str) -> None:
    (event,) = parse(document(record(f"s3:Replication:Operation{word}", userMetadata={})))
    assert event.pending


def test_a_put_and_its_replication_tell_the_same() -> None:
    put, completed = parse(
        document(
            record(versionId="v1", eTag="x"),
            record("s3:Replication:OperationCompletedReplication", versionId="v1", contentType="text/plain"),
        )
    )
    assert put.identity == completed.identity


def test_a_redelivery_tells_the_same_although_its_time_is_another() -> None:
    first, again = parse(document(record(), {**record(), "eventTime": "2026-11-29T02:00:00Z"}))
    assert first.identity == again.identity


@pytest.mark.parametrize(
    "other",
    [
        record(sequencer="18E9E6DA"),
        record(key="b.txt"),
        record(versionId="v2"),
        record("s3:ObjectCreated:PutTagging"),
        record(sequencer=""),
    ],
)
def test_what_tells_something_else(other: dict[str, Any]) -> None:
    first, second = parse(document(record(), other))
    assert first.identity != second.identity


def test_changes_of_tags_are_the_same_only_when_all_of_it_is() -> None:
    tags = record("s3:ObjectCreated:PutTagging")
    first, redelivered, another = parse(document(tags, tags, {**tags, "eventTime": "2026-11-29T02:00:00Z"}))
    assert first.identity == redelivered.identity != another.identity


def test_an_event_without_metadata_is_not_pending() -> None:
    (event,) = parse(document(record(userMetadata=None)))
    assert not event.pending


def test_sequencers_of_different_lengths_are_ordered() -> None:
    shorter, longer = parse(document(record(sequencer="FFFF"), record(sequencer="1a0000")))
    assert shorter.order < longer.order


def test_an_event_without_sequencer() -> None:
    (event,) = parse(document(record(sequencer=None)))
    assert "" == event.sequencer


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n",
        b"{}",
        b'{"Records": []}',
        b'{"Records": null}',
        b'{"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-11-29T02:00:00Z", "Bucket": "photos"}',
    ],
)
def test_documents_without_events(body: bytes) -> None:
    assert () == parse(body)


@pytest.mark.parametrize(
    "body",
    [
        b"no json",
        b"\xff\xfe",
        b"[]",
        b'"text"',
        b'{"a": 1}',
        b'{"Records": {}}',
        b"[" * 100_000,
        document(None),
        document({"eventName": "s3:ObjectCreated:Put"}),
        document(record(name="")),
        document(record(key="")),
        document(record(key="%FF")),
        document(record(sequencer=7)),
        document(record(userMetadata=["a"])),
        document({**record(), "eventName": 7}),
        document({**record(), "s3": {"bucket": {}, "object": {"key": "a"}}}),
        document({**record(), "s3": {"bucket": {"name": "b"}, "object": []}}),
    ],
)
def test_what_is_no_document_of_events(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(body)
