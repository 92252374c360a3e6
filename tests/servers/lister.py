"""A server that only lists, page by page, whatever it is told to: for listings that no honest server gives."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

from tests.servers.stand_in import StandIn

LOCATION = (
    '<?xml version="1.0"?><LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></LocationConstraint>'
)


@dataclass(frozen=True, slots=True)
class Page:
    """An answer to a LIST."""

    keys: Iterable[str] = ()
    token: str = ""
    """Of the next page; empty: this is the last one."""
    etag: str = "0" * 32
    status: int = 200
    body: str = ""
    """In place of a list of keys."""
    location: str = ""
    """Where a redirect leads."""

    def text(self) -> Iterator[str]:
        """The body, piece by piece: ``keys`` may have no end."""
        if self.body or self.status != 200:
            yield self.body
            return
        yield '<?xml version="1.0"?><ListBucketResult><Name>listed</Name><Prefix></Prefix>'
        for key in self.keys:
            yield (
                f"<Contents><Key>{escape(key)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
                f"<ETag>&quot;{self.etag}&quot;</ETag><Size>1</Size></Contents>"
            )
        more = f"<NextContinuationToken>{escape(self.token)}</NextContinuationToken>" if self.token else ""
        yield f"<IsTruncated>{str(bool(self.token)).lower()}</IsTruncated>{more}</ListBucketResult>"


class Lister(StandIn):
    """``pages(token)`` makes the page that follows a token, the first one after ``""``."""

    def __init__(self, pages: Callable[[str], Page]) -> None:
        self.pages = pages
        self.asked = 0
        """Pages that were asked for."""

    def handler(self) -> type[BaseHTTPRequestHandler]:
        return type("Handler", (_Handler,), {"lister": self})


class _Handler(BaseHTTPRequestHandler):
    lister: Lister

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        if "location" in query:
            self._send(Page(body=LOCATION))
            return
        self.lister.asked += 1
        self._send(self.lister.pages(query.get("continuation-token", [""])[0]))

    def _send(self, page: Page) -> None:
        self.send_response(page.status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("x-amz-request-id", "1")
        if page.location:
            self.send_header("Location", page.location)
        self.end_headers()
        try:
            for text in page.text():
                self.wfile.write(text.encode())
        except OSError:
            return  # the client has gone

    def log_message(self, *_: object) -> None:
        """Say nothing."""
