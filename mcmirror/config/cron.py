"""Whether a text is a cron expression: five fields, or one of the usual names."""

import re
from datetime import date, timedelta
from functools import cache
from itertools import pairwise

from mcmirror.config.values import Wrong, nearest

_HOUR, _DAY = 3600.0, 86400.0
_YEAR = (365 * _DAY, 366 * _DAY)
NAMES = {
    "@hourly": (_HOUR, _HOUR),
    "@daily": (_DAY, _DAY),
    "@midnight": (_DAY, _DAY),
    "@weekly": (7 * _DAY, 7 * _DAY),
    "@monthly": (28 * _DAY, 31 * _DAY),
    "@yearly": _YEAR,
    "@annually": _YEAR,
}
"""By name: the shortest and the longest pause, in seconds."""
_SEEN = 10 * 366
"""Days that are looked at: a 29th of February comes every four years, once in a hundred years after eight."""
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 7, _DAYS),
)
_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_NEVER = 'Choose a day that the month has: "0 0 28 2 *" is the 28th of February, at midnight.'
_REMEDY = 'Write minute, hour, day, month and weekday: "0 2 * * *" is every night at two; or @daily.'


def check(text: str) -> str:
    """The expression itself, when it can be meant. Raises Wrong."""
    word = text.strip()
    if word.startswith("@"):
        if word.lower() in NAMES:
            return word.lower()
        guess = nearest(word, NAMES)
        raise Wrong(f"{word!r} is no schedule", f"Write {guess}." if guess else _REMEDY)
    sets = _sets(word)
    days, months = sets[2], sets[3]
    if _both(word) and min(days) > max(_LENGTHS[month - 1] for month in months):
        raise Wrong(f"{word!r} never comes: no such month has a day {min(days)}", _NEVER)
    return word


@cache
def distances(text: str) -> tuple[float, float]:
    """Seconds of the shortest and the longest pause of a valid expression, the nights when clocks change left out.

    0 when it comes more seldom than can be seen.
    """
    word = text.strip().lower()
    if word in NAMES:
        return NAMES[word]
    minutes, hours, days, months, weekdays = _sets(word)
    times = sorted(hour * _HOUR + minute * 60.0 for hour in hours for minute in minutes)
    weekdays = {day % 7 for day in weekdays}
    fits = all if _both(word) else any
    first = date(2024, 1, 1)
    found = [
        number
        for number, day in ((number, first + timedelta(number)) for number in range(_SEEN))
        if day.month in months and fits((day.day in days, day.isoweekday() % 7 in weekdays))
    ]
    pauses = {later - earlier for earlier, later in pairwise(times)} if found else set[float]()
    pauses |= {(later - earlier) * _DAY - times[-1] + times[0] for earlier, later in pairwise(found)}
    return (min(pauses), max(pauses)) if pauses else (0.0, 0.0)


def _both(word: str) -> bool:
    """Whether the day of the month and the weekday must both fit: where both are written, one of them suffices."""
    fields = word.split()
    return fields[2].startswith("*") or fields[4].startswith("*")


def _sets(word: str) -> list[set[int]]:
    """The numbers of each field. Raises Wrong."""
    fields = word.split()
    if len(fields) != len(_FIELDS):
        raise Wrong(f"{word!r} has {len(fields)} fields, not five", _REMEDY)
    sets: list[set[int]] = []
    for field, (name, low, high, names) in zip(fields, _FIELDS, strict=True):
        found: set[int] = set()
        for part in field.split(","):
            numbers = _part(part, low, high, names)
            if not numbers:
                raise Wrong(f"{part!r} is no {name} ({low} to {high})", _REMEDY)
            found |= numbers
        sets.append(found)
    return sets


def _part(part: str, low: int, high: int, names: tuple[str, ...]) -> set[int]:
    """The numbers that a part stands for; none when it is wrong."""
    span, slash, step = part.partition("/")
    if slash and not (re.fullmatch(r"[0-9]{1,2}", step) and int(step) > 0):
        return set()
    if span == "*":
        numbers = [low, high]
    else:
        numbers = [_number(end, low, names) for end in span.split("-")]
        if len(numbers) > 2 or not all(low <= end <= high for end in numbers) or numbers != sorted(numbers):
            return set()
    end = high if slash and len(numbers) == 1 else numbers[-1]
    return set(range(numbers[0], end + 1, int(step) if slash else 1))


def _number(text: str, low: int, names: tuple[str, ...]) -> int:
    if text.lower() in names:
        return names.index(text.lower()) + low
    return int(text) if re.fullmatch(r"[0-9]{1,2}", text) else -1
