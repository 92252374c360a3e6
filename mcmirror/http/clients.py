"""All clients of the server: their connections, what is under way for them, and the limits.

Not thread-safe: used in the server's event loop alone.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from mcmirror.http.answer import Answer, Refused, Request
from mcmirror.http.routes import Routes


@dataclass(frozen=True, slots=True)
class Limits:
    """What clients may take: numbers, bytes, seconds."""

    connections: int = 64
    turned_away: int = 32
    """Further connections whose request is answered 503; beyond these they are closed at once."""
    line: int = 8190
    """Bytes of the request line, and of each header."""
    headers: int = 64
    body: int = 64 * 1024
    reading: float = 15.0
    """For the head of a request to arrive, the wait for it included, and again for its body."""
    writing: float = 10.0
    """For one piece of an answer to be taken."""
    rests: float = 1.0
    """After which a connection without a request makes room for a new one."""
    linger: float = 1.0
    """For reading on after a refusal: closing at once could cost the client the answer."""
    ending: float = 2.0
    """For answers under way when the server stops."""
    calls: int = 8
    """Requests of the API that are worked on at once; probes do not wait for them."""

    @property
    def streams(self) -> int:
        """Streams of one content type: a quarter of the connections."""
        return max(1, self.connections // 4)

    @property
    def waiting(self) -> int:
        """Requests of the API that are worked on or wait for it: half of the connections."""
        return max(1, self.connections // 2)


class Threads(Executor):
    """A daemon thread for each call: one that hangs does not keep the process from ending."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        """Call it."""
        future = Future[Any]()
        future.set_running_or_notify_cancel()

        def call() -> None:
            try:
                future.set_result(function(*arguments, **named))
            except BaseException as error:  # noqa: BLE001  it is raised where the result is awaited
                future.set_exception(error)

        threading.Thread(target=call, name="http-call", daemon=True).start()
        return future


class Endable(Protocol):
    """A connection."""

    def cut(self) -> None:
        """End it at once, whatever is still to be written."""


class Clients:
    """The connections, and what is answered on them."""

    def __init__(self, limits: Limits, routes: Routes, redact: Callable[[str], str]) -> None:
        self.limits = limits
        self.threads = Threads()
        self._routes = routes
        self._redact = redact
        self._resting: dict[Endable, float | None] = {}
        """Every connection; since when it has had no request, None while it has one."""
        self._turned_away = set[Endable]()
        self._forgotten = asyncio.Event()
        self._under_way = Counter[str]()
        self._turns = asyncio.Semaphore(limits.calls)

    def admit(self, connection: Endable) -> None:
        """Let a connection in, turn it away, or end it."""
        if len(self._resting) < self.limits.connections or self._make_room():
            self._resting[connection] = _now()
        elif len(self._turned_away) < self.limits.turned_away:
            self._turned_away.add(connection)
        else:
            connection.cut()

    def _make_room(self) -> bool:
        """End the connection that has had no request for longest, though not one that has only just come."""
        resting = [(since, one) for one, since in self._resting.items() if since is not None]
        since, oldest = min(resting, key=lambda pair: pair[0], default=(float("inf"), None))
        if oldest is None or _now() - since < self.limits.rests:
            return False
        self.forget(oldest)
        oldest.cut()
        return True

    def forget(self, connection: Endable) -> None:
        """It has ended."""
        self._resting.pop(connection, None)
        self._turned_away.discard(connection)
        self._forgotten.set()

    def rests(self, connection: Endable) -> None:
        """Its next request is awaited."""
        if connection in self._resting:
            self._resting[connection] = _now()

    def works(self, connection: Endable) -> None:
        """Its request is here and is being answered. Raises Refused when there is no room for it."""
        if connection not in self._resting:
            why = f"{self.limits.connections} connections are open, and all are busy"
            raise Refused(503, "mcmirror has no room for another client", why, "try again", Retry_After="1")
        self._resting[connection] = None

    async def answer(self, request: Request) -> Answer:
        """What the routes answer, worked out in a thread. Raises Refused."""
        if not request.api:
            return await self._called(request)
        with self.room("calls", self.limits.waiting) as room:
            if not room:
                why = f"{self.limits.waiting} requests are being worked on"
                raise Refused(503, "mcmirror has no room for another request", why, "try again", Retry_After="1")
            async with self._turns:
                return await self._called(request)

    async def _called(self, request: Request) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self.threads, self._routes.answer, request)

    @contextmanager
    def room(self, kind: str, most: int) -> Iterator[bool]:
        """Whether one more of this kind may begin; it counts while the block runs."""
        room = self._under_way[kind] < most
        self._under_way[kind] += room
        try:
            yield room
        finally:
            self._under_way[kind] -= room

    def clean(self, data: bytes) -> bytes:
        """Without secrets."""
        return self._redact(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    async def end(self) -> None:
        """End idle connections, wait a moment for what is under way, then cut it."""
        for connection, since in [*self._resting.items()]:
            if since is not None:
                connection.cut()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.limits.ending):
                await self._none_left()
        for connection in (*self._resting, *self._turned_away):
            connection.cut()
        await callbacks()

    async def _none_left(self) -> None:
        while self._resting:
            self._forgotten.clear()
            await self._forgotten.wait()


async def callbacks() -> None:
    """Let the loop do what it has planned for connections that were just accepted or cut: each takes a few turns."""
    for _ in range(5):
        await asyncio.sleep(0)


def _now() -> float:
    return asyncio.get_running_loop().time()
