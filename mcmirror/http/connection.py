"""One client's connection: its requests are read within the limits, and answers show nothing of our inside."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any, cast

from aiohttp import web

from mcmirror.http.answer import Answer, Refused, parsed, refusal
from mcmirror.http.clients import Clients

PIECE = 64 * 1024
"""Bytes of an answer that are written together."""
_HEADERS = {"Server": "mcmirror", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

_log = logging.getLogger(__name__)


class Connection(web.RequestHandler):
    """aiohttp's connection, with our limits and our words."""

    __slots__ = ("_channel", "_clients", "_content", "_ended", "_heard", "_works")

    def __init__(self, clients: Clients, server: web.Server) -> None:
        limits = clients.limits
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=limits.reading,
            lingering_time=0,
            max_line_size=limits.line,
            max_field_size=limits.line,
            max_headers=limits.headers,
            auto_decompress=False,
            access_log=cast("logging.Logger", None),
            logger=_log,
        )
        self._clients = clients
        self._heard = self._works = False
        """Whether something has come since the last answer; whether a request is being answered."""
        self._content: Any = None
        self._ended = asyncio.Event()
        """Set when nothing more comes from the client."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Have every write wait until the kernel has taken all of it."""
        self._channel = cast("asyncio.Transport", transport)
        self._channel.set_write_buffer_limits(high=0)
        super().connection_made(transport)
        self._clients.admit(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget it."""
        self._ended.set()
        self._clients.forget(self)
        super().connection_lost(exc)

    def cut(self) -> None:
        """End it at once, whatever is still to be written."""
        self._channel.abort()

    def data_received(self, data: bytes) -> None:
        """Note that there may be a request."""
        self._heard = True
        super().data_received(data)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep it for the answer that the client may wait for; the base class ends it always."""
        self._ended.set()
        self._break_off()
        if self._heard or self._works:
            asyncio.get_running_loop().call_later(self._clients.limits.linger, self._end_idle)
        return self._heard or self._works

    def _end_idle(self) -> None:
        if not self._works:
            self._channel.close()

    def _break_off(self) -> None:
        """End the wait for the rest of a body that will not come."""
        if self._content is not None and not self._content.is_eof():
            self._content.set_exception(Refused(400, "the body broke off", "not all of it came", "send it whole"))

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        self._works = True
        try:
            body = await self._body(request)
            self._clients.works(self)
        except Refused as refused:
            return self._last(refused)
        else:
            answer = await self._answer(request, body)
            with self._clients.room(answer.type, self._clients.limits.streams if answer.stream else 0) as room:
                if answer.stream is not None and request.method != "HEAD" and not room:
                    answer = refusal(self._too_many_streams())
                return await self._sent(request, answer)
        finally:
            self._works = self._heard = False

    async def _body(self, request: web.BaseRequest) -> bytes:
        """The request's body. Raises Refused."""
        limits = self._clients.limits
        if request.version >= (1, 1) and len(request.headers.getall("Host", ())) != 1:
            raise Refused(400, "the Host header is missing", "HTTP/1.1 wants exactly one", "send one")
        if "Transfer-Encoding" in request.headers:
            raise Refused(411, "the body has no length", "chunks are not taken", "send a Content-Length")
        if (request.content_length or 0) > limits.body:
            raise Refused(413, "the body is too large", f"the limit is {limits.body} bytes", "send less")
        if request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
        self._content = request.content
        if self._ended.is_set():
            self._break_off()
        try:
            async with asyncio.timeout(limits.reading):
                return await request.read()
        except TimeoutError:
            why = f"a request may take {limits.reading:.0f} s to arrive"
            raise Refused(408, "the request did not arrive", why, "send it at once") from None
        finally:
            self._content = None

    async def _answer(self, request: web.BaseRequest, body: bytes) -> Answer:
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            return await self._clients.answer(parsed(request.method, request.raw_path, headers, body))
        except Refused as refused:
            return refusal(refused)
        except Exception:  # noqa: BLE001  whatever it is, the client gets an answer and the server goes on
            _log.exception("the answer to %s %s failed by a mistake of ours", request.method, _path(request))
            why = "it met a mistake of its own, or its state cannot be read"
            return refusal(Refused(500, "mcmirror could not answer", why, "look at the log of mcmirror serve"))

    def _too_many_streams(self) -> Refused:
        why = f"{self._clients.limits.streams} of this kind are open, and more would keep probes from being answered"
        return Refused(503, "mcmirror has no room for another stream", why, "end one, or try again", Retry_After="3")

    async def _sent(self, request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
        """Write an answer; a client that does not take it in time is cut."""
        response = web.StreamResponse(status=answer.status, headers=_headers(answer))
        body = self._clients.clean(answer.body)
        if answer.stream is None:
            response.content_length = len(body)
        if answer.stream is not None or self._ended.is_set():
            response.force_close()
        _log.debug("%s %s %s %s", request.remote, request.method, _path(request), answer.status)
        with suppress(ConnectionError):
            await response.prepare(request)
            if request.method != "HEAD":
                for start in range(0, len(body), PIECE):
                    await self._write(request, response, body[start : start + PIECE])
                if answer.stream is not None:
                    await self._streamed(request, response, answer.stream)
            self._clients.rests(self)
            return response
        self.cut()
        return response

    async def _write(self, request: web.BaseRequest, response: web.StreamResponse, piece: bytes) -> None:
        """Write a piece. Raises ConnectionError when the client does not take it."""
        try:
            async with asyncio.timeout(self._clients.limits.writing):
                await response.write(piece)
                await request.writer.drain()
        except TimeoutError:
            raise ConnectionAbortedError from None

    async def _streamed(
        self, request: web.BaseRequest, response: web.StreamResponse, stream: Callable[[], Iterator[bytes]]
    ) -> None:
        """Write what a thread yields. Without the last chunk the reader knows that something is missing."""
        loop = asyncio.get_running_loop()

        def pump() -> None:
            with closing(_generated(stream())) as pieces:
                for piece in pieces:
                    if self._ended.is_set():
                        raise ConnectionAbortedError
                    if clean := self._clients.clean(piece):
                        asyncio.run_coroutine_threadsafe(self._write(request, response, clean), loop).result()

        try:
            await loop.run_in_executor(self._clients.threads, pump)
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001  the reader sees that the last chunk is missing
            mistake = not isinstance(error, OSError)
            _log.warning("the answer to %s %s broke off: %s", request.method, _path(request), error, exc_info=mistake)
            self._channel.close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no request: the base class calls this when it cannot read one."""
        if request.writer.output_size > 0:
            raise ConnectionAbortedError
        why = (message or str(exc)).partition("\n")[0].rstrip(":. ") or "it cannot be read"
        return self._last(Refused(status, "this is no HTTP request that can be answered", why, "send HTTP/1.1"))

    def _last(self, refused: Refused) -> web.Response:
        """The answer after which the connection ends."""
        _log.debug("- - %s", refused.status)
        return _Last(self, refusal(refused), self._clients.limits.linger)

    async def linger(self, seconds: float) -> None:
        """Take what still comes, unread, until the client ends or the time is over."""
        self.close()
        if self._channel.is_closing():
            return
        self._channel.write_eof()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()


class _Last(web.Response):
    """A refusal; the client has a moment to read it."""

    def __init__(self, connection: Connection, answer: Answer, seconds: float) -> None:
        super().__init__(status=answer.status, body=answer.body, headers={**_headers(answer), "Connection": "close"})
        self.force_close()
        self._ends = connection, seconds

    async def write_eof(self, data: bytes = b"") -> None:
        await super().write_eof(data)
        connection, seconds = self._ends
        await connection.linger(seconds)


def _headers(answer: Answer) -> dict[str, str]:
    return {**_HEADERS, "Content-Type": answer.type, **answer.headers}


def _path(request: web.BaseRequest) -> str:
    """Without the query: there may be a token in it by mistake."""
    return request.raw_path.partition("?")[0]


def _generated(pieces: Iterator[bytes]) -> Any:
    """A generator, which can be closed."""
    yield from pieces
