"""One client's connection: what it may send and how long it may take, and answers that show nothing of our inside."""

import io
import logging
import select
import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from mcmirror.http.answer import Answer, Refused, parsed, refusal

if TYPE_CHECKING:
    from mcmirror.http.server import Listener

LINE = 8 * 1024
"""Bytes of a request line."""
HEAD = 64 * 1024
"""Bytes of a request line and its headers."""
BODY = 64 * 1024
READING = 15.0
"""Seconds for a whole request, the wait for it included."""
WRITING = 10.0
"""Seconds for one piece of an answer to be taken."""
LINGER = 1.0
"""Seconds that what a refused client still sends is read: closing at once could cost it the answer."""

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

_log = logging.getLogger(__name__)


class _TooMuch(Exception):
    """The client has sent more than it may."""


class _Metered(io.RawIOBase):
    """What a client sends, with a limit in bytes and an end in time, however slowly it comes."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__()
        self._connection = connection
        self.allow(0, 0)

    def allow(self, size: int, seconds: float) -> None:
        """From now on so many bytes, within so many seconds."""
        self._left = size
        self.came = False
        """Whether anything has come since."""
        self._until = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._left <= 0:
            raise _TooMuch
        self._connection.settimeout(max(0.001, self._until - time.monotonic()))
        number = self._connection.recv_into(buffer)
        self._left -= number
        self.came = True
        if time.monotonic() > self._until:
            raise TimeoutError
        return number


class Connection(BaseHTTPRequestHandler):
    """Answers one client after the other's request, in a thread of its own."""

    server: "Listener"
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"
    disable_nagle_algorithm = True
    wbufsize = 0

    def setup(self) -> None:
        """Meter what comes in."""
        super().setup()
        self._meter = _Metered(self.connection)
        self.rfile = io.BufferedReader(self._meter)
        self._unread = False
        self.requestline = self.command = self.path = ""
        self.request_version = self.default_request_version

    def handle(self) -> None:
        """Serve the connection until either side ends it; a client that goes is no error."""
        if self.server.turns_away(self.connection):
            why = f"{self.server.most} connections are open, and all are busy"
            self._refuse(Refused(503, "mcmirror has no room for another client", why, "try again", Retry_After="1"))
            self._linger()
            return
        with suppress(OSError):
            super().handle()
        if self._unread:
            self._linger()

    def handle_one_request(self) -> None:
        """Read one request within its limits, and answer it."""
        self.close_connection = True
        self.requestline = self.command = self.path = ""
        self.request_version = self.default_request_version
        self._unread = True
        self._meter.allow(HEAD, READING)
        self.server.waits(self.connection)
        try:
            body = self._request()
        except Refused as refused:
            self._refuse(refused)
        except _TooMuch:
            self._refuse(Refused(431, "the headers are too long", f"the limit is {HEAD} bytes", "send fewer of them"))
        except TimeoutError:
            if self._meter.came:
                why = f"a request may take {READING:.0f} s to arrive"
                self._refuse(Refused(408, "the request did not arrive", why, "send it at once"))
        else:
            if body is not None:
                self._unread = False
                self.server.works(self.connection)
                self._answer(body)

    def _request(self) -> bytes | None:
        """Read a request: its body, or None when none came or it has been refused. Raises Refused."""
        self.raw_requestline = self.rfile.readline(LINE + 1)
        if len(self.raw_requestline) > LINE:
            raise Refused(414, "the request line is too long", f"the limit is {LINE} bytes", "ask for less at once")
        if not self.raw_requestline.strip():
            self._unread = False
            return None
        return self._body() if self.parse_request() else None

    def _body(self) -> bytes:
        """The request's body. Raises Refused."""
        if self.request_version >= "HTTP/1.1" and len(self.headers.get_all("Host", ())) != 1:
            raise Refused(400, "the Host header is missing", "HTTP/1.1 wants exactly one", "send one")
        if self.headers.get("Transfer-Encoding"):
            raise Refused(411, "the body has no length", "chunks are not taken", "send a Content-Length")
        lengths = {length.strip() for length in self.headers.get_all("Content-Length", ())}
        if not lengths:
            return b""
        text = lengths.pop()
        if lengths or not (text.isascii() and text.isdigit()):
            raise Refused(400, "the Content-Length is none", "it has to be one number", "send the body's length")
        if len(text) > 9 or int(text) > BODY:
            raise Refused(413, "the body is too large", f"the limit is {BODY} bytes", "send less")
        self._meter.allow(int(text) + HEAD, READING)
        self._meter.came = True
        body = self.rfile.read(int(text))
        if len(body) < int(text):
            raise Refused(400, "the body broke off", f"{len(body)} of {text} bytes came", "send it whole")
        return body

    def _answer(self, body: bytes) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            answer = self.server.routes.answer(parsed(self.command, self.path, headers, body))
        except Refused as refused:
            answer = refusal(refused)
        except Exception:  # noqa: BLE001  whatever it is, the client gets an answer and the server goes on
            _log.exception("the answer to %s %s failed by a mistake of ours", self.command, self._path())
            answer = refusal(_ours())
        self._send(answer)

    def _send(self, answer: Answer) -> None:
        """Write an answer; a stream piece by piece, if there is room for one more."""
        if answer.stream is None or self.command == "HEAD":
            self._write(answer)
            return
        with self.server.room_for_stream(answer.type) as room:
            self._write(answer if room else refusal(self._too_many_streams()))

    def _too_many_streams(self) -> Refused:
        why = f"{self.server.most_streams} of this kind are open, and more would keep probes from being answered"
        return Refused(503, "mcmirror has no room for another stream", why, "end one, or try again", Retry_After="3")

    def _write(self, answer: Answer) -> None:
        self.connection.settimeout(WRITING)
        body = self.server.clean(answer.body)
        headers = {"Server": "mcmirror", "Date": self.date_time_string(), "Content-Type": answer.type, **_HEADERS}
        chunked = answer.stream is not None and self.request_version >= "HTTP/1.1"
        if answer.stream is None:
            headers["Content-Length"] = str(len(body))
        else:
            self.close_connection = True
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
        if self.close_connection:
            headers["Connection"] = "close"
        lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in {**headers, **answer.headers}.items()]
        head = "\r\n".join((*lines, "", "")).encode("latin-1")
        self.log_request(answer.status)
        if self.command == "HEAD" or answer.stream is None:
            self.wfile.write(head if self.command == "HEAD" else head + body)
            return
        self.wfile.write(head)
        with closing(_closable(answer.stream())) as pieces:
            self._stream(pieces, chunked=chunked)

    def _stream(self, pieces: Iterator[bytes], *, chunked: bool) -> None:
        """Write pieces. Without the last chunk the reader knows that something is missing."""
        try:
            for piece in pieces:
                clean = self.server.clean(piece)
                if not clean and self._gone():
                    return
                if clean:
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(clean), clean) if chunked else clean)
        except OSError as error:
            if not isinstance(error, ConnectionError | TimeoutError):
                _log.warning("the answer to %s %s broke off: %s", self.command, self._path(), error)
            return
        except Exception:  # noqa: BLE001  the reader sees that the last chunk is missing
            _log.exception("the answer to %s %s broke off by a mistake of ours", self.command, self._path())
            return
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _gone(self) -> bool:
        """Whether the reader has closed the connection."""
        poll = select.poll()
        poll.register(self.connection, select.POLLIN)
        try:
            return bool(poll.poll(0)) and not self.connection.recv(1, socket.MSG_PEEK)
        except OSError:
            return True

    def _refuse(self, refused: Refused) -> None:
        self.close_connection = True
        with suppress(OSError):
            self._send(refusal(refused))

    def _linger(self) -> None:
        """Read what still comes, for a moment."""
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            until, left = time.monotonic() + LINGER, 4 * BODY
            while left > 0 and (seconds := until - time.monotonic()) > 0:
                self.connection.settimeout(seconds)
                received = len(self.connection.recv(16 * 1024))
                left -= received
                if not received:
                    return

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is no request: the base class calls this while it reads one."""
        del explain
        status = max(code, 400)
        why = message or HTTPStatus(status).phrase
        self._refuse(Refused(status, "this is no HTTP request that can be answered", why, "send HTTP/1.1"))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say which request came, for debugging only."""
        if _log.isEnabledFor(logging.DEBUG):
            _log.debug("%s %s", self.client_address[0], format % args)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Without the query: whoever errs may put a token there."""
        del size
        self.log_message("%s %s %s", self.command or "-", self._path(), int(code) if code != "-" else code)

    def _path(self) -> str:
        return self.path.partition("?")[0] or "-"


def _ours() -> Refused:
    return Refused(500, "mcmirror could not answer", "it met a mistake of its own, or its state cannot be read",
                   "look at the log of mcmirror serve")  # fmt: skip


def _closable(pieces: Iterator[bytes]) -> Any:
    """Something to be closed: a generator, or whatever iterates."""
    return pieces if hasattr(pieces, "close") else _generated(pieces)


def _generated(pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield from pieces
