"""Whether a text is a cron expression: five fields, or one of the usual names."""

import re

from mcmirror.config.values import Wrong, nearest

NAMES = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 7, _DAYS),
)
_REMEDY = 'Write minute, hour, day, month and weekday: "0 2 * * *" is every night at two; or @daily.'


def check(text: str) -> str:
    """The expression itself, when it can be meant. Raises Wrong."""
    word = text.strip()
    if word.startswith("@"):
        if word.lower() in NAMES:
            return word.lower()
        guess = nearest(word, NAMES)
        raise Wrong(f"{word!r} is no schedule", f"Write {guess}." if guess else _REMEDY)
    fields = word.split()
    if len(fields) != len(_FIELDS):
        raise Wrong(f"{word!r} has {len(fields)} fields, not five", _REMEDY)
    for field, (name, low, high, names) in zip(fields, _FIELDS, strict=True):
        for part in field.split(","):
            if not _part(part, low, high, names):
                raise Wrong(f"{part!r} is no {name} ({low} to {high})", _REMEDY)
    return word


def _part(part: str, low: int, high: int, names: tuple[str, ...]) -> bool:
    span, slash, step = part.partition("/")
    if slash and not (re.fullmatch(r"[0-9]{1,2}", step) and int(step) > 0):
        return False
    if span == "*":
        return True
    numbers = [_number(end, low, names) for end in span.split("-")]
    return len(numbers) <= 2 and all(low <= end <= high for end in numbers) and numbers == sorted(numbers)


def _number(text: str, low: int, names: tuple[str, ...]) -> int:
    if text.lower() in names:
        return names.index(text.lower()) + low
    return int(text) if re.fullmatch(r"[0-9]{1,2}", text) else -1
