"""Take secrets out of whatever is about to be shown."""

import re
from collections.abc import Callable, Iterable
from urllib.parse import quote, quote_plus

SHORTEST = 4
"""A shorter "secret" would blot out ordinary words; mc refuses keys that short."""


def redactor(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return a function that replaces every secret, also as JSON and URLs spell it, by ``***``."""
    spellings = {
        spelling
        for secret in secrets
        if len(secret) >= SHORTEST
        for spelling in (secret, quote(secret, safe=""), quote_plus(secret), _json(secret))
    }
    if not spellings:
        return str
    pattern = re.compile("|".join(re.escape(spelling) for spelling in sorted(spellings, key=len, reverse=True)))
    return lambda text: pattern.sub("***", text)


def _json(secret: str) -> str:
    return secret.replace("\\", "\\\\").replace('"', '\\"')
