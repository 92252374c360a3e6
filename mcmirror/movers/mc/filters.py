"""mc's own filters, for the plan: ``mc ls`` has none, and the plan must see what the mirror will see."""

import re
from collections.abc import Callable, Sequence


def excluded(patterns: Sequence[str]) -> Callable[[str], object] | None:
    """Return the test for keys that ``mc mirror --exclude`` leaves out; None when nothing is.

    ``*`` is any text, slashes too, ``?`` one character; the whole key must match (captures/exclude_matrix.txt).
    """
    if not patterns:
        return None
    return re.compile("|".join(map(_expression, patterns)), re.DOTALL).fullmatch


def is_suffix(pattern: str) -> bool:
    """Whether a pattern looks at the end of the last name only: it matches a key relative to any folder above it."""
    return pattern.startswith("*") and not set(pattern[1:]) & set("*?/")


def _expression(pattern: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern)
