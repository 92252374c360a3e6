"""What mc's ``--debug`` writes to stderr: the head of every request and answer, the signature blotted out.

It costs two kilobytes a page and shows what nothing else does: a listing's page that is no listing, and a listing that
goes round in a circle. mc takes all that a proxy or a login wall sends with status 200, if only it parses, for a page
without objects, and ends the listing; and it follows a token that leads to the same page for ever.
"""

import re

from mcmirror.model.cycle import CycleDetector

REQUEST = b"<DEBUG> GET "
ANSWER = b"<DEBUG> HTTP/"
STAMP = b"x-amz-request-id:"
"""What an S3 server puts on its own answers; those that do so at all do it always."""
TOKEN = re.compile(rb"[?&]continuation-token=([^& ]*)")
VERSIONS = b"versions="
"""In the request of a listing of versions, which has no token: its pages are not followed in a circle."""
LONGEST_HEAD = 64 * 1024
"""Bytes of a line that are kept: a token is not longer."""
TIME = re.compile(rb"<DEBUG> Response Time: +([0-9.]+)(\xc2\xb5s|ms|s)\b")
SECONDS = {b"s": 1.0, b"ms": 1e-3, b"\xc2\xb5s": 1e-6}


def seconds_of(line: bytes) -> float:
    """How long an answer took, where the line says so; else 0."""
    found = TIME.search(line)
    return float(found[1]) * SECONDS[found[2]] if found else 0.0


class ListingTrace:
    """Follows one ``mc ls`` by its stderr. Not thread-safe."""

    def __init__(self) -> None:
        self.foreign = ""
        """How a page that answered a LIST with status 200 shows that it is none; empty when there was no such page."""
        self.circle = ""
        """The token that the server gave twice; empty when it gave none twice."""
        self.pages = 0
        """Pages that were answered with status 200."""
        self.fastest = 0.0
        """Seconds that the fastest answer took, which is about one round trip; 0 when no answer came."""
        self._begun = b""
        self._tokens = CycleDetector[bytes]()
        self._token = b""
        self._asked = self._answered = self._stamped = self._stamps = False

    def __call__(self, said: bytes) -> None:
        """Read on."""
        first, *others = said.split(b"\n")
        self._begun = (self._begun + first)[:LONGEST_HEAD]
        for rest in others:
            self._line(self._begun)
            self._begun = rest[:LONGEST_HEAD]

    def _line(self, line: bytes) -> None:
        if REQUEST in line:
            found = TOKEN.search(line)
            self._token = found[1] if found else b""
            self._asked, self._answered = b"list-type=2" in line or VERSIONS in line, False
        elif ANSWER in line:
            # mc asks again for a page that failed, by the same token.
            self._answered, self._stamped = self._asked and b" 200 " in line, False
            if self._answered:
                self._page()
        elif line[: len(STAMP)].lower() == STAMP:
            self._stamped = self._stamps = True
        elif self._answered and line[:13].lower() == b"content-type:" and b"html" in line.lower():
            self.foreign = line[13:].strip().decode(errors="replace")
        elif self._answered and self._stamps and not self._stamped and not line.strip():
            self.foreign = self.foreign or "an answer that lacks the server's x-amz-request-id"
            self._answered = False
        elif taken := seconds_of(line):
            self.fastest = min(taken, self.fastest or taken)

    def _page(self) -> None:
        self.pages += 1
        if self._token and self._tokens.met(self._token):
            self.circle = self._token.decode(errors="replace")
