"""Sends one HTTP request to one address, with a time limit for the whole answer."""

import io
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from urllib.request import BaseHandler, OpenerDirector

STEP = 5.0
"""Seconds for one step of a request: to connect, to send a piece, to wait for the next byte."""
LIMIT = 15.0
"""Seconds for one delivery from its beginning to the end of its answer, however many requests it takes."""
_PIECE = 16 * 1024
"""Bytes that are sent in one go: as many as TLS puts into one record."""


class Limit:
    """When something has to be over."""

    def __init__(self, seconds: float = 0.0) -> None:
        """``seconds`` from now on; LIMIT unless said."""
        self.seconds = seconds or LIMIT
        self.step = STEP
        self._until = time.monotonic() + self.seconds

    def left(self) -> float:
        """Seconds that the next step may take. Raises TimeoutError when there are none."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return min(left, self.step)

    def __str__(self) -> str:
        """What did not come: no answer at all in the time of a step, or not all of it in the time of all."""
        if time.monotonic() >= self._until:
            return f"no whole answer within {self.seconds:g} s"
        return f"no answer within {self.step:g} s"


def opener(limit: Limit, *handlers: "BaseHandler") -> "OpenerDirector":
    """What opens addresses until ``limit`` is over; a redirect is an answer and is not followed."""
    from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
    from urllib.request import HTTPHandler, HTTPRedirectHandler, HTTPSHandler, build_opener

    class Answer(HTTPResponse):
        def __init__(self, sock: "socket.socket", *arguments: Any, **named: Any) -> None:
            super().__init__(sock, *arguments, **named)
            self.fp = io.BufferedReader(_Reader(sock, self.fp.detach(), limit))

    class Plain(HTTPConnection):
        response_class = Answer

        def connect(self) -> None:
            self.timeout = limit.left()
            super().connect()

        def send(self, data: Any) -> None:
            if self.sock is None:
                self.connect()
            for start in range(0, len(data), _PIECE):
                self.sock.settimeout(limit.left())
                super().send(data[start : start + _PIECE])

    class Secure(Plain, HTTPSConnection):
        """The same, encrypted."""

    class OpenPlain(HTTPHandler):
        def http_open(self, req: Any) -> Any:
            return self.do_open(Plain, req)

    class OpenSecure(HTTPSHandler):
        def https_open(self, req: Any) -> Any:
            return self.do_open(Secure, req)

    class Stay(HTTPRedirectHandler):
        """What is told here shall not be told elsewhere."""

        def redirect_request(self, *_: object) -> None:
            return None

    return build_opener(OpenPlain, OpenSecure, Stay, *handlers)


class _Reader(io.RawIOBase):
    """Reads from a socket until the limit is over."""

    def __init__(self, sock: "socket.socket", raw: io.RawIOBase, limit: Limit) -> None:
        self._sock = sock
        self._raw = raw
        self._limit = limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._limit.left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
