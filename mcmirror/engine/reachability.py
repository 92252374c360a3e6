"""Ask a server, without keys and without mc, whether it is there: name, port, TLS, a word of S3, and its clock."""

import contextlib
import http.client
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from urllib.parse import urlsplit

from mcmirror.messages.error_lookup import classify, problem, words
from mcmirror.model.location import Alias
from mcmirror.model.problem import Category, Problem
from mcmirror.model.wording import shown_seconds

PATIENCE = 10.0
"""Seconds that each question may take."""
CLOCK_REFUSED = 15 * 60
"""Seconds of difference at which S3 refuses a request."""
CLOCK_NOTED = 5
"""Seconds of difference that are worth a word: "newer" is judged by both clocks."""


class Grade(StrEnum):
    """How a finding is to be taken."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    """``mc``, ``alias NAME`` or ``job NAME``."""
    check: str
    """What was asked: ``address``, ``clock``, ``write target``."""
    grade: Grade
    said: str
    """The answer, one line for people."""
    problem: Problem | None = None
    """What to do, unless all is well."""


def fine(subject: str, check: str, said: str) -> Finding:
    """Make a finding that asks for nothing."""
    return Finding(subject, check, Grade.OK, said)


def wrong(subject: str, check: str, found: Problem, grade: Grade = Grade.FAILED) -> Finding:
    """Make a finding of a problem."""
    return Finding(subject, check, grade, found.message, found)


def reach(alias: Alias) -> Iterator[Finding]:
    """Look at address, port, TLS and clock in this order; the first that fails is the last."""
    subject, url = f"alias {alias.name}", urlsplit(alias.url)
    host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as failure:
        cause = f"lookup {host}: {getattr(failure, 'strerror', None) or failure}"
        yield wrong(subject, "address", problem(Category.ADDRESS_NOT_RESOLVED, f"{host} has no address", cause))
        return
    yield fine(subject, "address", f"{host} is {', '.join(sorted({str(one[4][0]) for one in found}))}")
    try:
        plain = socket.create_connection((host, port), PATIENCE)
    except OSError as failure:
        yield wrong(subject, "port", _network(f"{host}:{port}", failure))
        return
    yield fine(subject, "port", f"{host}:{port} is open")
    with contextlib.closing(plain):
        yield from _talk(alias, subject, host, plain)


def _talk(alias: Alias, subject: str, host: str, connected: socket.socket) -> Iterator[Finding]:
    if alias.url.startswith("https://"):
        try:
            connected = _context(alias).wrap_socket(connected, server_hostname=host)
        except OSError as failure:
            yield wrong(subject, "tls", _tls(alias, failure))
            return
        trust = "not checked, as `insecure` asks for" if alias.insecure else "trusted"
        yield fine(subject, "tls", f"{connected.version()}, certificate {trust}")
    before = time.time()
    try:
        with contextlib.closing(connected):
            status, date, kind, body = _ask(connected, urlsplit(alias.url).netloc)
    except (OSError, http.client.HTTPException) as failure:
        yield wrong(subject, "answer", _network(alias.url, failure))
        return
    if status == 400 and "https" in body.lower():
        yield wrong(subject, "tls", classify("", body, object=alias.url))
        return
    if "html" in kind.lower():
        what = f"{alias.url} answers with a web page, not as an S3 server"
        remedy = "Use the server's S3 address: a console has a port of its own (MinIO: 9001, S3 is 9000); a proxy or a "
        remedy += "guest network may have answered in its place."
        yield wrong(subject, "answer", problem(Category.CONFIGURATION, what, words(body), alias.url, remedy=remedy))
        return
    yield _clock(subject, date, (before + time.time()) / 2)


def _ask(connected: socket.socket, host: str) -> tuple[int, str, str, str]:
    """GET / without keys: status, Date, content type and the beginning of the body."""
    connection = http.client.HTTPConnection(host)
    connection.sock = connected
    connection.request("GET", "/", headers={"Host": host, "User-Agent": "mcmirror", "Connection": "close"})
    answer = connection.getresponse()
    said = answer.read(2000).decode(errors="replace")
    return answer.status, answer.getheader("Date", ""), answer.getheader("Content-Type", ""), said


def _clock(subject: str, date: str, now: float) -> Finding:
    try:
        apart = parsedate_to_datetime(date).timestamp() - now
    except (ValueError, TypeError):
        return fine(subject, "clock", "the server does not say its time")
    size = shown_seconds(abs(apart))
    where = f"the server's clock is {size} {'ahead of' if apart > 0 else 'behind'} this one"
    if abs(apart) >= CLOCK_REFUSED:
        return wrong(subject, "clock", problem(Category.CLOCK_SKEW, where[:1].upper() + where[1:], f"Date: {date}"))
    if abs(apart) >= CLOCK_NOTED:
        cause = f"Date: {date}; objects written within that time may seem newer or older than they are"
        return wrong(subject, "clock", problem(Category.CLOCK_SKEW, where, cause), Grade.WARNING)
    return fine(subject, "clock", "the same time as here, to within a few seconds")


def _context(alias: Alias) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if alias.ca_file:
        context.load_verify_locations(alias.ca_file)
    if alias.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _tls(alias: Alias, failure: OSError) -> Problem:
    if isinstance(failure, ssl.SSLCertVerificationError):
        cause = f"certificate verify failed: {failure.verify_message}"
        return problem(Category.TLS_NOT_TRUSTED, f"The certificate of {alias.url} is not trusted", cause, alias.url)
    if isinstance(failure, FileNotFoundError | PermissionError | IsADirectoryError) or "NO_CERTIFICATE" in str(failure):
        what = f"{alias.ca_file} cannot be used as an authority"
        return problem(Category.CONFIGURATION, what, str(failure), alias.url, remedy="Correct `ca_file` (a PEM file).")
    if isinstance(failure, ssl.SSLError):
        return problem(Category.TLS_MISMATCH, f"{alias.url} does not speak TLS", failure.reason or "", alias.url)
    return _network(alias.url, failure)


def _network(place: str, failure: Exception) -> Problem:
    """Judge by the table; what it does not know broke the connection."""
    said = (getattr(failure, "strerror", None) or str(failure) or type(failure).__name__).lower()
    found = classify("", said, object=place)
    category = Category.CONNECTION_LOST if found.category is Category.UNKNOWN else found.category
    return problem(category, f"{place} does not answer", said, place)
