"""Pings as healthchecks.io takes them: ``url/start``, ``url`` and ``url/fail``, each with a short body."""

import time
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit

from mcmirror import __version__
from mcmirror.notify.message import NotTold, shortened

TIMEOUT = 5
"""Seconds for one request."""
ATTEMPTS = 2
BODY = 10_000
"""Characters: what such services keep."""


class Webhook:
    """One check. The jobs of a run that share it are one ping: a job's success must not hide another's failure."""

    def __init__(self, url: str) -> None:
        self._url = url

    def ping(self, ending: str, body: str) -> None:
        """POST to the address with ``ending`` (``start``, ``fail`` or nothing) behind its path; raises NotTold."""
        from http.client import HTTPException
        from urllib.request import Request, urlopen

        request = Request(  # noqa: S310  http or https: the configuration checks it
            pinged(self._url, ending),
            shortened(body, BODY).encode(),
            {"Content-Type": "text/plain; charset=utf-8", "User-Agent": f"mcmirror/{__version__}"},
            method="POST",
        )
        for left in reversed(range(ATTEMPTS)):
            try:
                with urlopen(request, timeout=TIMEOUT):  # noqa: S310
                    return
            except HTTPError as error:
                error.close()
                if left and (error.code == 429 or error.code >= 500):
                    time.sleep(1)
                    continue
                raise self._not_told(f"it answered HTTP {error.code}") from None
            except (OSError, ValueError, HTTPException) as error:
                if left and not isinstance(error, ValueError):
                    continue
                reason = error.reason if isinstance(error, URLError) else error
                # Only the words of the system: any other text may quote the address.
                why = str(reason) if isinstance(reason, OSError) else type(reason).__name__
                why = f"no answer within {TIMEOUT} s" if isinstance(reason, TimeoutError) else why
                raise self._not_told(why) from None

    def _not_told(self, why: str) -> NotTold:
        host = urlsplit(self._url).hostname or "the address"
        return NotTold(
            "the webhook was not pinged",
            f"{host}: {why}",
            "Check its address with the service it belongs to, and that this machine reaches it.",
        )


def pinged(url: str, ending: str) -> str:
    """The address with ``ending`` behind its path, before any query."""
    parts = urlsplit(url)
    path = f"{parts.path.rstrip('/')}/{ending}" if ending else parts.path
    return urlunsplit(parts._replace(path=path))
