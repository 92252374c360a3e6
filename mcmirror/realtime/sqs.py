"""AWS's notifications of a bucket from a queue of SQS; the one door to boto3, which is an extra."""

from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urlsplit

from mcmirror.messages.error_lookup import problem
from mcmirror.model.change import Change, Connected, Heard
from mcmirror.model.job import Job
from mcmirror.model.problem import Category, Trouble
from mcmirror.model.s3_event import parse
from mcmirror.model.stop import Stop
from mcmirror.realtime.changes import changes

WAIT = 5
"""Seconds that the queue waits for a message before it answers with none."""
MOST = 10
"""Messages of one answer: what SQS allows."""
EXTRA = "mcmirror[sqs]"


def listen_to(events: str, job: Job) -> Callable[[Stop], Iterator[Sequence[Heard]]]:
    """What opens the queue of ``sqs://HOST/ACCOUNT/QUEUE``, or ``sqs://http://...`` for one without TLS."""

    def listen(stop: Stop) -> Iterator[Sequence[Heard]]:
        url = events.removeprefix("sqs://")
        url = url if "://" in url else f"https://{url}"
        client = _client(url, events)
        yield [Connected()]
        while not stop.requested:
            messages = _ask(lambda: client.receive_message(
                QueueUrl=url, MaxNumberOfMessages=MOST, WaitTimeSeconds=WAIT), events).get("Messages", [])  # fmt: skip
            changes = [change for message in messages for change in changes_of(message["Body"].encode(), job)]
            yield changes
            # The reader has stored them by now: it asks for more.
            for message in messages:
                _ask(lambda: client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"]), events)  # noqa: B023

    return listen


def changes_of(body: bytes, job: Job) -> list[Change]:
    """The changes that a document of S3 tells of the job's source; what is none of ours is passed over."""
    try:
        told = parse(body)
    except ValueError:
        return []
    return list(changes(told, job))


def _client(url: str, events: str):  # type: ignore[no-untyped-def]  # noqa: ANN202  boto3 has no types
    try:
        import boto3
    except ImportError:
        what, why = f"{events} cannot be read", "boto3 is not installed"
        remedy = f"Install it: pip install '{EXTRA}'."
        raise Trouble(problem(Category.CONFIGURATION, what, why, events, remedy=remedy)) from None
    parts = urlsplit(url)
    region = next((part for part in parts.netloc.split(".") if part.count("-") >= 2), None)
    return boto3.client("sqs", endpoint_url=f"{parts.scheme}://{parts.netloc}", region_name=region)


def _ask(question: Callable[[], dict[str, object]], events: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return question()
    except ClientError as error:
        said = error.response.get("Error", {})
        code, text = str(said.get("Code", "")), str(said.get("Message", ""))
        denied = code in {"AccessDenied", "InvalidClientTokenId", "SignatureDoesNotMatch", "AccessDeniedException"}
        category = Category.CREDENTIALS if denied else Category.CONNECTION_LOST
        raise Trouble(problem(category, f"{events} cannot be read", f"{code}: {text}", events)) from None
    except BotoCoreError as error:
        raise Trouble(problem(Category.CONNECTION_LOST, f"{events} cannot be read", str(error), events)) from None
