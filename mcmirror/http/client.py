"""HTTP to `mcmirror serve`, with the standard library; the token goes in a header and nowhere else."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from mcmirror.model.control import Declined, Unanswered

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
    from http.client import HTTPConnection

TIMEOUT = 10.0
"""Seconds for an answer."""
SILENCE = 40.0
"""Seconds without a byte after which a stream counts as dead; the server says something every 15."""
API = "/api/v1"


class Answered(Declined):
    """The server answered with an error."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"HTTP {status}")
        self.status, self.run = status, ""
        try:
            error = json.loads(body)["error"]
            self.told = (str(error["what"]), str(error.get("why", "")), str(error.get("do", "")))
            self.run = str(error.get("run", ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            what = f"the server answers HTTP {status}"
            self.told = (what, "what answers may be no mcmirror serve", "check the address")


class Client:
    """One server. For any number of threads: each question has a connection of its own."""

    def __init__(self, url: str, token: str) -> None:
        """Raises ValueError when ``url`` is no ``http(s)://host[:port]``."""
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"{url!r} is no address of a server")
        if parts.username or parts.password:
            raise ValueError("the address holds a user or a password; the token comes from MCMIRROR_API_TOKEN")
        self._secure, self._host, self._port = parts.scheme == "https", parts.hostname, parts.port
        self._base = parts.path.rstrip("/").removesuffix(API) + API
        self._token = token
        self.address = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"

    def _connected(self, timeout: float) -> HTTPConnection:
        from http.client import HTTPConnection, HTTPSConnection

        kind = HTTPSConnection if self._secure else HTTPConnection
        return kind(self._host, self._port, timeout=timeout)

    def _asked(self, connection: HTTPConnection, method: str, path: str, body: bytes | None = None, /) -> Any:
        """Ask; raises Unanswered when there is no answer, Declined when it is no."""
        from http.client import HTTPException

        try:
            connection.request(method, self._base + path, body, {"Authorization": f"Bearer {self._token}"})
            answer = connection.getresponse()
            if answer.status >= 400:
                raise Answered(answer.status, answer.read(100_000))
        except (OSError, HTTPException) as error:
            raise Unanswered(_why(error)) from None
        return answer

    def ask(self, method: str, path: str, body: Mapping[str, object] | None = None, /, **query: object) -> Any:
        """The JSON of an answer; ``body`` is sent as JSON."""
        from http.client import HTTPException

        given = {name: str(value) for name, value in query.items() if value not in {"", None}}
        connection = self._connected(TIMEOUT)
        try:
            sent = None if body is None else json.dumps(body).encode()
            answer = self._asked(connection, method, path + (f"?{urlencode(given)}" if given else ""), sent)
            try:
                return json.loads(answer.read())
            except (OSError, HTTPException) as error:
                raise Unanswered(_why(error)) from None
            except ValueError:
                raise Unanswered("what answers is no mcmirror serve") from None
        finally:
            connection.close()

    def lines(self, path: str) -> Lines:
        """A long answer, line by line; it is asked for when the first is read."""
        return Lines(self._connected(SILENCE), lambda connection: self._asked(connection, "GET", path))


class Lines:
    """A long answer. Its lines are read by one thread; any may end it."""

    def __init__(self, connection: HTTPConnection, ask: Callable[[HTTPConnection], Any]) -> None:
        self._connection, self._ask = connection, ask

    def __iter__(self) -> Iterator[bytes]:
        """The lines. Raises Unanswered when the answer breaks off, Declined when it is an error."""
        from http.client import HTTPException

        try:
            answer = self._ask(self._connection)
            while line := answer.readline():
                yield line
        except (OSError, HTTPException, ValueError) as error:
            raise Unanswered(_why(error)) from None
        finally:
            self._connection.close()

    def close(self) -> None:
        """Break it off."""
        import socket

        if self._connection.sock is not None:
            with suppress(OSError):
                self._connection.sock.shutdown(socket.SHUT_RDWR)


def messages(lines: Iterable[bytes]) -> Generator[tuple[str, str], None, None]:
    """Server-Sent Events, from their lines: id (the last one seen) and data; comments come as empty data."""
    last, data = "", list[str]()
    for raw in lines:
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if not line:
            yield last, "\n".join(data)
            data = []
        elif line.startswith("id:"):
            last = line[3:].strip()
        elif line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))


def part(name: str) -> str:
    """A name as a part of a path."""
    return quote(name, safe="")


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it does not answer"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there"
    text = getattr(error, "strerror", None) or str(error)
    return text.lower() if text else "the connection was lost"
