"""The HTTP server: one port, one event loop in a thread of its own, many clients that cannot delay each other."""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any, cast

from aiohttp import web

from mcmirror.http.clients import Clients, Limits, callbacks
from mcmirror.http.connection import Connection
from mcmirror.http.routes import Routes
from mcmirror.model.control import Control
from mcmirror.model.listen import Address, address
from mcmirror.model.problem import Category, Problem, Trouble
from mcmirror.model.relay import Receiver

WAITING = 128
"""Connections that the kernel keeps until they are accepted."""

_log = logging.getLogger(__name__)


class CannotListen(Trouble):
    """The address cannot be listened on."""


class Web:
    """Health, metrics and API of a server, from ``start`` to ``stop``."""

    def __init__(  # noqa: PLR0913  each from another hand
        self,
        control: Control,
        listen: str,
        *,
        token: Callable[[], str] = str,
        redact: Callable[[str], str] = str,
        limits: Limits | None = None,
        receivers: Callable[[], Mapping[str, Receiver]] = dict,
    ) -> None:
        """Take the address (``host:port``; port 0: any), so that an address in use is known before anything runs.

        ``token`` is the API's at any time, empty: the API is off. ``receivers`` take what webhooks send, by path.
        Raises CannotListen.
        """
        where = address(listen)
        self._socket = _bound(where)
        self.address = where._replace(port=self._socket.getsockname()[1])
        """With the port that was given."""
        self._redact = redact
        self._limits = limits or Limits()
        self._stopped = threading.Event()
        self._routes = Routes(control, where, token=token, stopped=self._stopped.is_set, receivers=receivers)
        self._listens = threading.Event()
        self._wake: Callable[[], object] = lambda: None
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()
        self._listens.wait()

    def stop(self) -> None:
        """Answer no more, and give the port back; answers under way have a moment to end. May be called twice."""
        self._stopped.set()
        if self._thread.is_alive():
            self._wake()
            self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._listens.set()

    async def _serve(self) -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        loop.set_exception_handler(_unhandled)
        clients = Clients(self._limits, self._routes, self._redact)

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            return await cast("Connection", request.protocol).answer(request)

        server = web.Server(answer)
        listener = await loop.create_server(lambda: Connection(clients, server), sock=self._socket, backlog=WAITING)
        self._wake = lambda: loop.call_soon_threadsafe(stop.set)
        self._listens.set()
        await stop.wait()
        # Closed at once, asyncio would lose a connection that it has just accepted.
        loop.remove_reader(self._socket)
        await callbacks()
        listener.close()
        await clients.end()


def _unhandled(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what nothing has handled; the loop calls this when no descriptor is left for a connection, too."""
    _log.warning("%s", context["message"], exc_info=context.get("exception"))


def _bound(where: Address) -> socket.socket:
    try:
        found = socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        made = socket.socket(*found[:3])
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(found[4])
            made.listen(WAITING)
        except BaseException:
            made.close()
            raise
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        what = f"{where} cannot be listened on"
        raise CannotListen(Problem(Category.CONFIGURATION, what, why, _remedy(error))) from None
    return made


def _remedy(error: BaseException) -> str:
    import errno

    if getattr(error, "errno", None) == errno.EADDRINUSE:
        return "stop what listens there, or choose another port: [settings] listen, or --listen HOST:PORT; off: none"
    if isinstance(error, PermissionError):
        return "choose a port above 1023: [settings] listen, or --listen HOST:PORT"
    return "listen on an address of this machine: [settings] listen, or --listen HOST:PORT; off: nowhere"
