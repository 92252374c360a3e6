"""How old an object may be, in the form of mc's ``--older-than`` and ``--newer-than``: ``7d10h31s``."""

import re
from datetime import UTC, datetime, timedelta

UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def age_limits(older_than: str, newer_than: str, now: datetime) -> tuple[str, str]:
    """Return the times between which an object must have been written: after the first, before the second.

    In the form of ``Entry.modified``; empty for no limit. ``--older-than 7d`` takes objects older than seven days.
    """
    return _ago(newer_than, now), _ago(older_than, now)


def seconds(duration: str) -> float:
    """Read mc's ``7d10h31s``; ValueError otherwise."""
    if not re.fullmatch(r"([0-9]+[dhms])+", duration):
        raise ValueError(f"{duration!r} is no duration like 7d10h31s")
    return sum(int(number) * UNITS[unit] for number, unit in re.findall(r"([0-9]+)([dhms])", duration))


def _ago(duration: str, now: datetime) -> str:
    if not duration:
        return ""
    try:
        return (now.astimezone(UTC) - timedelta(seconds=seconds(duration))).strftime("%Y-%m-%dT%H:%M:%S")
    except OverflowError:  # before the first date there is: every object is younger
        return "0001-01-01T00:00:00"
