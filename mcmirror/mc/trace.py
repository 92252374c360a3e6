"""What mc's ``--debug`` writes to stderr: the head of every request and answer, the signature blotted out.

It costs two kilobytes a page and shows what nothing else does: a listing's page that is no listing. mc takes an HTML
page that comes with status 200, from a proxy or a login wall, for a page without objects, and ends the listing there.
"""

from typing import IO

REQUEST = b"<DEBUG> GET "
ANSWER = b"<DEBUG> HTTP/"


class ListingTrace:
    """Reads the trace of one ``mc ls``."""

    def __init__(self) -> None:
        self.foreign = ""
        """The content type of a page that answered a LIST with status 200 and was HTML; empty when there was none."""

    def __call__(self, stderr: IO[bytes]) -> None:
        """Read it all, line by line."""
        asked = answered = False
        for line in stderr:
            if REQUEST in line:
                asked, answered = b"list-type=2" in line, False
            elif ANSWER in line:
                answered = asked and b" 200 " in line
            elif answered and line[:13].lower() == b"content-type:" and b"html" in line.lower():
                self.foreign = line[13:].strip().decode(errors="replace")
