"""AWS's notifications from a queue of SQS, as moto serves it."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_plus

import boto3
import pytest
from moto.server import ThreadedMotoServer

from mcmirror.model.change import Change, Connected
from mcmirror.model.job import Job
from mcmirror.model.location import Location
from mcmirror.model.problem import Trouble
from mcmirror.model.stop import Stop
from mcmirror.realtime.sqs import listen_to

JOB = Job("live", Location.parse("aws/bucket/below"), Location.parse("dst/copy"))


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, str]]:
    """A client and the URL of an empty queue."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing-the-queue")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.client("sqs", endpoint_url=f"http://{host}:{port}")
    try:
        yield client, client.create_queue(QueueName="events")["QueueUrl"]
    finally:
        client.close()
        server.stop()


def document(*changes: tuple[str, str, str]) -> str:
    """What S3 writes into a queue: event name, bucket and key of each record."""
    return json.dumps({
        "Records": [
            {"eventName": name, "s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key)}}}
            for name, bucket, key in changes
        ]
    })  # fmt: skip


def test_messages_become_changes_and_are_deleted_once_they_are_taken(queue: tuple[Any, str]) -> None:
    client, url = queue
    client.send_message(QueueUrl=url, MessageBody=json.dumps({"Event": "s3:TestEvent"}))
    client.send_message(QueueUrl=url, MessageBody="no JSON")
    client.send_message(
        QueueUrl=url,
        MessageBody=document(
            ("ObjectCreated:Put", "bucket", "below/a b+c"),
            ("ObjectRemoved:Delete", "bucket", "below/gone"),
            ("ObjectCreated:Put", "bucket", "elsewhere/x"),
            ("ObjectCreated:Put", "another", "below/y"),
        ),
    )
    stop, heard = Stop(), list[object]()

    for batch in listen_to(f"sqs://{url}", JOB)(stop):
        heard += batch
        if len(heard) > 2:
            stop.request()

    assert [Connected(), Change("a b+c"), Change("gone", gone=True)] == heard
    left = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert ("0", "0") == (left["ApproximateNumberOfMessages"], left["ApproximateNumberOfMessagesNotVisible"])


def test_a_queue_that_is_not_there_is_said(queue: tuple[Any, str]) -> None:
    _, url = queue

    with pytest.raises(Trouble) as trouble:
        list(listen_to(f"sqs://{url}-of-nobody", JOB)(Stop()))

    assert "NonExistentQueue" in trouble.value.problem.cause


def test_without_boto3_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "boto3", None)

    with pytest.raises(Trouble) as trouble:
        list(listen_to("sqs://sqs.eu-central-1.amazonaws.com/1/q", JOB)(Stop()))

    assert "mcmirror[sqs]" in trouble.value.problem.remedy
