"""Events as servers send them, and relays that hand them on to a stand-in."""

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from mcmirror.config import Relay as Settings
from mcmirror.notify.relay import Relay
from mcmirror.store.database import Database
from mcmirror.store.relay_queue import RelayQueue
from tests.servers.hook import FakeHook

TOKEN = "token-of-the-relay"


def record(key: str, number: int = 1, name: str = "s3:ObjectCreated:Put", **more: Any) -> dict[str, Any]:
    """The event of a key; ``number`` is its place among the events of the key."""
    object_ = {"key": key, "size": 3, "eTag": "e", "sequencer": f"18EC6309D066{number:04X}", **more}
    return {"eventVersion": "2.0", "eventName": name, "s3": {"bucket": {"name": "photos"}, "object": object_}}


def document(*records: dict[str, Any]) -> bytes:
    return json.dumps({"Records": records}).encode()


def replicated(status: str) -> dict[str, Any]:
    return {"userMetadata": {"X-Amz-Replication-Status": status}}


class Lines:
    """A log."""

    def __init__(self) -> None:
        self.said = list[tuple[str, str, str]]()

    def __call__(self, level: str, event: str, text: str, /, **fields: object) -> None:
        del fields
        self.said.append((level, event, text))

    @property
    def events(self) -> list[str]:
        return [event for _, event, _ in self.said]


class Clock:
    """A clock that stands still until it is set; relays look again at once."""

    def __init__(self, now: float = 1_795_226_400.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@contextmanager
def relaying(state: str, hook: FakeHook, lines: Lines | None = None, **how: Any) -> Iterator[Relay]:
    """A relay of this state, as a process of its own would have it."""
    database = Database(state)
    relay = Relay(Settings("one", "/relay/one", TOKEN, hook.url, **how), RelayQueue(database), lines or Lines())
    relay.start()
    try:
        yield relay
    finally:
        relay.stop()
        relay.wait(60)
        database.close()


def keys(hook: FakeHook) -> list[str]:
    """The keys that arrived, in order."""
    return [one.document["Records"][0]["s3"]["object"]["key"] for one in hook.taken]


def numbers(hook: FakeHook, key: str) -> list[int]:
    """The places of the events of one key that arrived, in order."""
    objects = (one.document["Records"][0]["s3"]["object"] for one in hook.taken)
    return [int(one["sequencer"][-4:], 16) for one in objects if one["key"] == key]


def together(calls: Iterable[Any]) -> None:
    """Call all of them at once, and wait."""
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
