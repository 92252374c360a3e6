"""The requests of one mc and their answers, as its ``--debug`` writes them to stderr: what a HEAD was answered."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from mcmirror.movers.mc.trace import STAMP, seconds_of

ETAG = b"etag:"
SERVER = b"server:"
CODE = b"x-minio-error-code:"
"""Where MinIO puts the error code of an answer without a body."""


@dataclass(slots=True)
class Exchange:
    """One request and its answer."""

    method: str
    path: str
    """Without percent signs."""
    prefix: str | None = None
    """Of a LIST of version 2."""
    status: str = ""
    """``404 Not Found``; empty when no answer came."""
    code: str = ""
    etag: str = ""
    """Without quotes."""
    foreign: str = ""
    """How the answer shows that the S3 server did not send it; empty when it did."""
    stamped: bool = field(default=False, repr=False)
    server: bytes = field(default=b"", repr=False)
    """What the answer calls the program that sent it."""
    xml: bool = field(default=False, repr=False)

    @property
    def number(self) -> str:
        """The status without its words."""
        return self.status[:3]


class RequestTrace:
    """Reads the requests for single objects, and the listings, of one mc."""

    def __init__(self) -> None:
        self._asked = defaultdict[str, list[Exchange]](list)
        self._listed = defaultdict[str, list[Exchange]](list)
        self.fastest = 0.0
        """Seconds that the fastest answer took, which is about one round trip; 0 when no answer came."""
        self._current: Exchange | None = None
        self._begun = b""
        self._stamps = False
        self._servers = set[bytes]()
        """Programs that answered a LIST in XML, as S3 does."""

    def __call__(self, said: bytes) -> None:
        """Read on."""
        *lines, self._begun = (self._begun + said).split(b"\n")
        for line in lines:
            self._line(line)

    def asked(self, paths: Collection[str]) -> list[Exchange]:
        """The HEADs of one of these paths, in their order."""
        return [self._judged(each) for path in paths for each in self._asked.get(path, ())]

    def listed(self, prefix: str) -> list[Exchange]:
        """The LISTs of exactly this prefix."""
        return [self._judged(each) for each in self._listed.get(prefix, ())]

    def _judged(self, exchange: Exchange) -> Exchange:
        if self._stamps and exchange.status and not exchange.stamped and not exchange.foreign:
            exchange.foreign = "an answer that lacks the server's x-amz-request-id"
        elif not self._stamps and exchange.foreign and exchange.server in self._servers:
            # Where no answer has an id (moto), the same program that lists in XML words its bare 404 in HTML.
            exchange.foreign = ""
        return exchange

    def _line(self, line: bytes) -> None:
        _, debug, said = line.partition(b"<DEBUG> ")
        if debug and said.startswith(b"HTTP/"):
            if self._current is not None:
                self._current.status = said.partition(b" ")[2].strip().decode(errors="replace")
        elif debug and (taken := seconds_of(line)):
            self.fastest = min(taken, self.fastest or taken)
        elif debug and b" HTTP/" in said:
            self._current = _request(said)
            if self._current.prefix is not None:
                self._listed[self._current.prefix].append(self._current)
            elif self._current.method == "HEAD":
                self._asked[self._current.path].append(self._current)
        elif self._current is not None and self._current.status:
            _header(self._current, line)
            self._stamps |= self._current.stamped
            if self._current.prefix is not None and self._current.xml and self._current.number == "200":
                self._servers |= {self._current.server} - {b""}


def _request(said: bytes) -> Exchange:
    method, target = said.decode(errors="replace").split(" ")[:2]
    parts = urlsplit(f"http://host{target}")
    query = parse_qs(parts.query, keep_blank_values=True)
    prefix = query.get("prefix", [""])[0] if "list-type" in query else None
    return Exchange(method, unquote(parts.path), prefix)


def _header(current: Exchange, line: bytes) -> None:
    lower = line.lower()
    if lower.startswith(STAMP):
        current.stamped = True
    elif lower.startswith(ETAG):
        current.etag = line[len(ETAG) :].strip().decode(errors="replace").strip('"')
    elif lower.startswith(CODE):
        current.code = line[len(CODE) :].strip().decode(errors="replace")
    elif lower.startswith(SERVER):
        current.server = lower[len(SERVER) :].strip()
    elif lower.startswith(b"content-type:"):
        current.xml = b"xml" in lower
        if b"html" in lower:
            current.foreign = line.partition(b":")[2].strip().decode(errors="replace")
