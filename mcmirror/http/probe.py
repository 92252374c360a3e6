"""One question to a server, with an end in time, and its answer in sentences. Loads little: probes come often."""

import json
import socket
import time
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

ANSWER = 16 * 1024 * 1024
"""Bytes of an answer: two thousand jobs may be amiss."""
START = "start mcmirror serve, or name its address with --url"


class NoAddress(ValueError):
    """The text is no http or https address; holds no secret."""


class Asked(NamedTuple):
    """What came of asking."""

    well: bool
    reasons: tuple[str, ...]
    """Why not, a sentence each; of a server that is well, what it warns of."""
    do: str = ""


class _Place(NamedTuple):
    host: str
    port: int
    path: str
    secure: bool

    @property
    def authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{'https' if self.secure else 'http'}://{self.authority}{self.path}"


def ask(url: str, path: str, timeout: float) -> Asked:
    """Ask once, ``timeout`` seconds for all of it; whatever goes wrong is a reason. Raises NoAddress."""
    place = _place(url, path)
    try:
        status, body = _got(place, timeout)
    except TimeoutError:
        return _not(f"{place} did not answer within {timeout:g} s", "look at the log of mcmirror serve")
    except OSError as error:
        return _not(f"{place} cannot be reached: {error.strerror or error}", START)
    except ValueError:
        return _not(f"{place} answers, but not as HTTP", START)
    return _read(place, status, body)


def _place(url: str, path: str) -> _Place:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in {"http", "https"} or not url.isascii():
        raise NoAddress(f"{url.rpartition('@')[2]!r} is no address")
    secure = parts.scheme == "https"
    return _Place(host, port or (443 if secure else 80), f"{parts.path.rstrip('/')}{path}", secure)


def _read(place: _Place, status: int, body: bytes) -> Asked:
    document: Any = None
    with suppress(ValueError, RecursionError):
        document = json.loads(body)
    if not isinstance(document, dict):
        return _not(f"{place} is not mcmirror serve: it answers HTTP {status}", START)
    if "ready" not in document and "alive" not in document:
        error = document.get("error")
        if isinstance(error, dict):
            return _not(f"{place} says: {error.get('what')}: {error.get('why')}", str(error.get("do", "")))
        return _not(f"{place} is not mcmirror serve: it answers HTTP {status}", START)
    if status == 200:
        return Asked(well=True, reasons=tuple(map(str, document.get("warnings") or ())))
    reasons = tuple(map(str, document.get("reasons") or ()))
    return Asked(well=False, reasons=reasons or (f"it answers HTTP {status}",))


def _not(why: str, do: str) -> Asked:
    return Asked(well=False, reasons=(why,), do=do)


def _got(place: _Place, timeout: float) -> tuple[int, bytes]:
    """Status and body. Raises OSError, TimeoutError among them; ValueError for what is no HTTP."""
    until = time.monotonic() + timeout
    connection = socket.create_connection((place.host, place.port), timeout)
    if place.secure:
        import ssl

        connection.settimeout(max(0.001, until - time.monotonic()))
        connection = ssl.create_default_context().wrap_socket(connection, server_hostname=place.host)
    with connection:
        request = f"GET {place.path} HTTP/1.0\r\nHost: {place.authority}\r\nUser-Agent: mcmirror-health\r\n\r\n"
        connection.sendall(request.encode("ascii"))
        received = bytearray()
        while len(received) < ANSWER:
            connection.settimeout(max(0.001, until - time.monotonic()))
            piece = connection.recv(65536)
            if time.monotonic() > until:
                raise TimeoutError
            if not piece:
                break
            received += piece
    head, end, body = bytes(received).partition(b"\r\n\r\n")
    words = head.split(maxsplit=2)
    if not end or not head.startswith(b"HTTP/") or len(words) < 2 or not (words[1].isascii() and words[1].isdigit()):
        raise ValueError(head[:20])
    return int(words[1]), body
