"""Take secrets out of whatever is about to be shown."""

import re
from collections.abc import Callable, Iterable
from urllib.parse import quote, quote_plus

SHORTEST = 4
"""A shorter "secret" would blot out ordinary words; mc refuses keys that short."""


_USER = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]*://)"
    # What stands in our own examples is no secret.
    r"(?!(?:user|USER|ACCESS_KEY:SECRET_KEY|KEY:SECRET|USER:PASSWORD|user:password)@)"
    r"[^\s/?#\"'`<>]+@"
)
"""An address up to its host; a user may be a token, so it is not shown either."""


def without_user(text: str) -> str:
    """``text`` without user and password of the addresses in it."""
    return _USER.sub(r"\1***@", text) if "://" in text and "@" in text else text


redactors: list[Callable[[str], str]] = []
"""What the process knows of secrets so far; whatever learns of one adds to it."""


def redact(text: str) -> str:
    """``text`` without any secret that is known by now."""
    for one in redactors:
        text = one(text)
    return without_user(text)


def redactor(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return a function that replaces every secret, also as JSON and URLs spell it, by ``***``.

    User and password of any address go the same way.
    """
    spellings = {
        spelling
        for secret in secrets
        if len(secret) >= SHORTEST
        for spelling in (secret, quote(secret, safe=""), quote_plus(secret), _json(secret))
    }
    if not spellings:
        return without_user
    pattern = re.compile("|".join(re.escape(spelling) for spelling in sorted(spellings, key=len, reverse=True)))
    return lambda text: without_user(pattern.sub("***", text))


def _json(secret: str) -> str:
    return secret.replace("\\", "\\\\").replace('"', '\\"')
