"""The live stream of events as Server-Sent Events: as many as a reader takes, and word of those it has missed."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from mcmirror.codec.documents import encode, rfc3339
from mcmirror.codec.events import as_json, event_document
from mcmirror.model.control import Control, Feed, Sent, UnderWay
from mcmirror.model.event import CopyStarted
from mcmirror.model.job import Verb

TYPE = "text/event-stream; charset=utf-8"
KEEP_ALIVE = 15.0
"""Seconds of silence after which a comment shows that the stream lives; it carries the number to go on from."""
LOOK = 0.5
"""Seconds between two looks at whether the server has ended."""
UNDER_WAY = "under_way"
"""The event that says how far a run is which a reader joins in the middle."""
AT_ONCE = 200
"""Events written together when many wait."""
COPIES = 0.25
"""Seconds between two events of one job that say a copy begins; mc begins 10,000s a second."""


class Stream:
    """What one reader is sent."""

    def __init__(  # noqa: PLR0913
        self,
        control: Control,
        *,
        job: str = "",
        every_copy: bool = False,
        after: int | None = None,
        stopped: Callable[[], bool] = lambda: False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``after`` is the number of the last event that the reader has had, from an earlier stream."""
        self._control = control
        self._job = job
        self._every_copy = every_copy
        self._number = after
        self._stopped = stopped
        self._monotonic = monotonic
        self._copies: dict[str, tuple[float, int]] = {}
        self._reconnected = after is not None

    def __iter__(self) -> Iterator[bytes]:
        """Pieces to be written as they are, an empty one each moment; ends with the server, unsubscribes if closed."""
        feed = self._control.subscribe()
        try:
            yield b"retry: 3000\n: mcmirror\n\n"
            yield from self._pieces(feed)
        finally:
            feed.close()

    def _joined(self, one: UnderWay) -> Iterator[bytes]:
        """How far a run is that it joins in the middle. Without a number: it was no event."""
        job = one.progress.job
        if not self._job or job == self._job:
            time = rfc3339(datetime.now(UTC).timestamp())
            document = {"event": UNDER_WAY, "job": job, "time": time, **_whose(one.run, one.verb)}
            yield b"data: %b\n\n" % as_json({**document, **encode(one.progress)})

    def _pieces(self, feed: Feed) -> Iterator[bytes]:
        quiet_since = self._monotonic()
        while not self._stopped():
            piece = b"".join(self._waiting(feed))
            if piece:
                quiet_since = self._monotonic()
                yield piece
            elif self._control.ended:
                yield b": the server has ended\n\n"
                return
            elif self._monotonic() - quiet_since >= KEEP_ALIVE:
                quiet_since = self._monotonic()
                yield (
                    b": keep-alive\n" + (f"id: {self._number}\n".encode() if self._number is not None else b"") + b"\n"
                )
            else:
                yield b""  # nothing to write: a moment to see whether the reader is still there

    def _waiting(self, feed: Feed) -> Iterator[bytes]:
        """What there is by now, at most so much that nothing waits for long."""
        sent = feed.next(LOOK)
        for _ in range(AT_ONCE):
            if sent is None:
                return
            yield from self._told(sent)
            sent = feed.next(0)
        if sent is not None:
            yield from self._told(sent)

    def _told(self, sent: Sent | UnderWay) -> Iterator[bytes]:
        if isinstance(sent, UnderWay):
            yield from self._joined(sent)
            return
        yield from self._missed(sent.number)
        self._number = sent.number
        if self._job and sent.event.job != self._job:
            return
        more: dict[str, Any] = {}
        if isinstance(sent.event, CopyStarted) and not self._every_copy:
            now = self._monotonic()
            last, left_out = self._copies.get(sent.event.job, (float("-inf"), 0))
            if now - last < COPIES:
                self._copies[sent.event.job] = last, left_out + 1
                return
            self._copies[sent.event.job] = now, 0
            more = {"left_out": left_out}
        document = event_document(sent.event, sent.time.replace("+00:00", "Z"))
        yield _event(sent.number, {**document, **_whose(sent.run, sent.verb), **more})

    def _missed(self, number: int) -> Iterator[bytes]:
        """Say how many events the reader did not get; null when the server is another one than before."""
        before, self._number = self._number, number
        reconnected, self._reconnected = self._reconnected, False
        if before is None or number == before + 1:
            return
        lost = number - before - 1
        if lost < 0 and not reconnected:
            return
        yield _event(number - 1, {"event": "lost", "events": lost if lost >= 0 else None})


def _whose(run: str, verb: Verb) -> dict[str, str]:
    """The id under which it can be asked for."""
    return {"run": run} if verb is Verb.RUN else {"inspection": run, "verb": verb.value}


def _event(number: int, document: dict[str, Any]) -> bytes:
    return b"id: %d\ndata: %b\n\n" % (number, as_json(document))
