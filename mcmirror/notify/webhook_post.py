"""Sends one POST to a webhook: without redirects; errors have three parts and do not show the address."""

from collections.abc import Mapping
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from mcmirror import __version__
from mcmirror.notify.http_request import Limit, opener
from mcmirror.notify.message import NotTold

LONGEST_WAIT = 3600.0
"""Seconds that we wait at most when a service asks for it."""
_FINAL = frozenset({400, 413, 414, 415, 422, 431})
"""Answers that concern what was sent, and not the address: another try is answered the same."""
_CHECK = "Check its address with the service it belongs to, and that this machine reaches it."
_REMEDIES = {
    401: "Check the address, and what it needs to be let in, with the service it belongs to.",
    403: "Check the address, and what it needs to be let in, with the service it belongs to.",
    404: "Check the address with the service it belongs to: there is nothing at it.",
    410: "Whatever was at this address is gone for good: make a new one and write its address.",
    429: "Tell it fewer occasions (on = [...]), or run the jobs further apart.",
}


def post(url: str, body: str, headers: Mapping[str, str], what: str, seconds: float = 0.0) -> None:
    """Send it; raises NotTold, which begins with ``what``. ``seconds``: in place of LIMIT, and of STEP."""
    from http.client import HTTPException
    from urllib.request import Request

    request_headers = {"User-Agent": f"mcmirror/{__version__}", "Connection": "close", **headers}
    limit = Limit(seconds)
    limit.step = max(limit.step, seconds)
    try:
        request = Request(url, body.encode(), request_headers, method="POST")  # noqa: S310  the configuration checks it
        # Its status says it all: the rest of the answer is not read.
        with opener(limit).open(request):
            return
    except HTTPError as error:
        error.close()
        raise _refused(url, what, error.code, error.headers.get("Retry-After", "")) from None
    except (OSError, ValueError, HTTPException) as error:
        reason = error.reason if isinstance(error, URLError) else error
        # Only the words of the system: any other text may quote the address.
        why = str(reason) if isinstance(reason, OSError) else type(reason).__name__
        why = str(limit) if isinstance(reason, TimeoutError) else why
        raise NotTold(what, f"{_host(url)}: {why}", _CHECK) from None


def _refused(url: str, what: str, status: int, retry_after: str) -> NotTold:
    why = f"{_host(url)}: it answered HTTP {status}"
    remedy = _REMEDIES.get(status, _CHECK)
    if 300 <= status < 400:
        why, remedy = f"{why} and points elsewhere", "Write the address that it points to, if that one is to be told."
    elif status in _FINAL:
        remedy = "It does not take what it is sent: compare format and template with what the service expects."
    return NotTold(what, why, remedy, wait=seconds(retry_after), final=status in _FINAL)


def seconds(retry_after: str) -> float:
    """The seconds that a Retry-After header asks for, within reason; 0 for none."""
    if retry_after.isascii() and retry_after.strip().isdigit():
        return min(float(retry_after), LONGEST_WAIT)
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(retry_after)
        return max(0.0, min((moment - datetime.now(UTC)).total_seconds(), LONGEST_WAIT))
    except (TypeError, ValueError):
        return 0.0


def _host(url: str) -> str:
    return urlsplit(url).hostname or "the address"
