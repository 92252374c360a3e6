"""The HTTP server: one port, many clients, none of whom can hold up another."""

import logging
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socketserver import TCPServer, ThreadingMixIn
from typing import Any

from mcmirror.http.address import Address, address
from mcmirror.http.connection import Connection
from mcmirror.http.routes import Routes
from mcmirror.model.problem import Category, Problem, Trouble
from mcmirror.service.control import Control

MOST = 64
"""Connections at once."""
TURNED_AWAY = 32
"""Further ones at once that are told so; beyond these they are closed without a word."""
STREAMS = 4
"""A quarter of the connections may be streams of one kind, so that probes and short questions are always answered."""
RESTS = 1.0
"""Seconds after which a connection that asks nothing makes room for a new one."""
ENDING = 2.0
"""Seconds that ``stop`` waits for answers under way."""

_log = logging.getLogger(__name__)


class CannotListen(Trouble):
    """The address cannot be listened on."""


class Web:
    """Health, metrics and API of a server, from ``start`` to ``stop``."""

    def __init__(
        self,
        control: Control,
        listen: str,
        *,
        token: Callable[[], str] = str,
        redact: Callable[[str], str] = str,
        most: int = MOST,
    ) -> None:
        """Take the address (``host:port``; port 0: any), so that whoever cannot have it learns so before anything runs.

        ``token`` is the API's at any time, empty: the API is off. Raises CannotListen.
        """
        where = address(listen)
        self._listener = _bound(where, redact, most)
        self.address = where._replace(port=self._listener.server_address[1])
        """With the port that was given."""
        self._listener.routes = Routes(control, where, token=token, stopped=lambda: self._listener.stopped)
        self._thread = threading.Thread(
            target=self._listener.serve_forever, kwargs={"poll_interval": 0.5}, name="http", daemon=True
        )

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more, and give the port back; answers under way have a moment to end. May be called twice."""
        self._listener.end(running=self._thread.is_alive())


class Listener(ThreadingMixIn, TCPServer):
    """The socket and its connections."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    routes: Routes

    def __init__(self, family: int, where: tuple[Any, ...], redact: Callable[[str], str], most: int) -> None:
        self.address_family = family
        self.most = most
        self.stopped = False
        self._redact = redact
        self._there = threading.Condition()
        self._resting: dict[socket.socket, float | None] = {}
        """Every connection; since when it has asked nothing, None while it is answered."""
        self._turned_away = set[socket.socket]()
        self.most_streams = max(1, most // STREAMS)
        self._streams = Counter[str]()
        super().__init__(where, Connection)

    def get_request(self) -> tuple[Any, Any]:
        """Accept one; when the process has no descriptor left, not again at once."""
        try:
            return super().get_request()
        except OSError:
            time.sleep(0.1)
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin a thread for a connection, if there is room; runs in the thread that accepts them."""
        with self._there:
            if self.stopped:
                self.shutdown_request(request)
                return
            if len(self._resting) < self.most or self._make_room():
                self._resting[request] = time.monotonic()
            elif len(self._turned_away) < TURNED_AWAY:
                self._turned_away.add(request)
            else:
                request.close()
                return
        try:
            super().process_request(request, client_address)
        except RuntimeError:
            # No more threads: the machine's limit, not ours.
            _log.warning("a client was turned away: no thread could be started")
            self.shutdown_request(request)

    def _make_room(self) -> bool:
        """End the connection that has asked nothing for longest, though not one that has only just come."""
        resting = [(since, one) for one, since in self._resting.items() if since is not None]
        since, oldest = min(resting, key=lambda pair: pair[0], default=(float("inf"), None))
        if oldest is None or time.monotonic() - since < RESTS:
            return False
        del self._resting[oldest]
        _cut(oldest)
        return True

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that has ended."""
        with self._there:
            self._resting.pop(request, None)
            self._turned_away.discard(request)
            self._there.notify_all()
        super().shutdown_request(request)

    @contextmanager
    def room_for_stream(self, kind: str) -> Iterator[bool]:
        """Whether one more stream of this content type may begin; it counts while the block runs."""
        with self._there:
            room = self._streams[kind] < self.most_streams
            self._streams[kind] += room
        try:
            yield room
        finally:
            with self._there:
                self._streams[kind] -= room

    def turns_away(self, connection: socket.socket) -> bool:
        """Whether there was no room for it."""
        with self._there:
            return connection in self._turned_away

    def waits(self, connection: socket.socket) -> None:
        """Its next request is awaited."""
        self._rest(connection, time.monotonic())

    def works(self, connection: socket.socket) -> None:
        """Its request is here and is being answered."""
        self._rest(connection, None)

    def _rest(self, connection: socket.socket, since: float | None) -> None:
        with self._there:
            if connection not in self._resting or self.stopped:
                raise ConnectionAbortedError
            self._resting[connection] = since

    def clean(self, data: bytes) -> bytes:
        """Without secrets."""
        return self._redact(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what nobody has handled."""
        del request
        _log.exception("the connection of %s ended by a mistake of ours", client_address[0])

    def end(self, *, running: bool) -> None:
        """Accept no more, wait a moment for what is under way, then cut it."""
        with self._there:
            self.stopped = True
            for connection, since in self._resting.items():
                if since is not None:
                    _cut(connection)
        if running:
            self.shutdown()
        self.server_close()
        with self._there:
            self._there.wait_for(lambda: not self._resting, ENDING)
            for connection in (*self._resting, *self._turned_away):
                _cut(connection)


def _cut(connection: socket.socket) -> None:
    """Wake the thread that waits for it."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def _bound(where: Address, redact: Callable[[str], str], most: int) -> Listener:
    kind = socket.SOCK_STREAM
    try:
        family, _, _, _, found = socket.getaddrinfo(where.host, where.port, type=kind, flags=socket.AI_PASSIVE)[0]
        return Listener(family, found, redact, most)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        what = f"{where} cannot be listened on"
        raise CannotListen(Problem(Category.CONFIGURATION, what, why, _remedy(error))) from None


def _remedy(error: BaseException) -> str:
    import errno

    if getattr(error, "errno", None) == errno.EADDRINUSE:
        return "stop what listens there, or choose another port: [settings] listen, or --listen HOST:PORT; off: none"
    if isinstance(error, PermissionError):
        return "choose a port above 1023: [settings] listen, or --listen HOST:PORT"
    return "listen on an address of this machine: [settings] listen, or --listen HOST:PORT; off: nowhere"
