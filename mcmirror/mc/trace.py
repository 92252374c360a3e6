"""What mc's ``--debug`` writes to stderr: the head of every request and answer, the signature blotted out.

It costs two kilobytes a page and shows what nothing else does: a listing's page that is no listing. mc takes all that
a proxy or a login wall sends with status 200, if only it parses, for a page without objects, and ends the listing.
"""

from typing import IO

REQUEST = b"<DEBUG> GET "
ANSWER = b"<DEBUG> HTTP/"
STAMP = b"x-amz-request-id:"
"""What an S3 server puts on its own answers; those that do so at all do it always."""


class ListingTrace:
    """Reads the trace of one ``mc ls``."""

    def __init__(self) -> None:
        self.foreign = ""
        """How a page that answered a LIST with status 200 shows that it is none; empty when there was no such page."""

    def __call__(self, stderr: IO[bytes]) -> None:
        """Read it all, line by line."""
        asked = answered = stamped = stamps = False
        for line in stderr:
            if REQUEST in line:
                asked, answered = b"list-type=2" in line, False
            elif ANSWER in line:
                answered, stamped = asked and b" 200 " in line, False
            elif line[: len(STAMP)].lower() == STAMP:
                stamped = stamps = True
            elif answered and line[:13].lower() == b"content-type:" and b"html" in line.lower():
                self.foreign = line[13:].strip().decode(errors="replace")
            elif answered and stamps and not stamped and not line.strip():
                self.foreign = self.foreign or "an answer that lacks the server's x-amz-request-id"
                answered = False
