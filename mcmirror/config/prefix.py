"""Dates in a prefix: ``{yesterday:%Y/%m/%d}``, ``{today}``, ``{today-3d:%Y%m%d}``."""

import re
from datetime import datetime, timedelta

from mcmirror.config.values import Wrong

_DATE = re.compile(r"\{(today|yesterday)(?:([+-]\d{1,5})([dhw]))?(?::([^{}]*))?\}", re.ASCII)
_DIRECTIVES = "YmdHMSyjGVuUWbBaA%"
_UNITS = {"d": "days", "h": "hours", "w": "weeks"}
_DEFAULT = "%Y/%m/%d"
_REMEDY = "Write {today}, {yesterday:%Y/%m/%d} or {today-3d:%Y%m%d}."


def check(prefix: str) -> str:
    """The prefix itself, when it can be expanded. Raises Wrong."""
    rest = _DATE.sub("x", prefix)
    if "{" in rest or "}" in rest:
        raise Wrong(f"{prefix!r} holds braces that name no date", _REMEDY)
    for found in _DATE.finditer(prefix):
        layout = found[4] if found[4] is not None else _DEFAULT
        odd = [sign for sign in re.findall(r"%(.?)", layout.replace("%%", "")) if sign not in _DIRECTIVES or not sign]
        if odd or not layout:
            raise Wrong(f"{found[0]!r} has a date format that does not exist", _REMEDY)
    if any(part in {"", ".", ".."} for part in rest.strip("/").split("/")) and rest.strip("/"):
        raise Wrong(f"{prefix!r} holds an empty, '.' or '..' folder", "Name the folders plainly: 2025/01/22.")
    return prefix


def expand(prefix: str, now: datetime, timezone: str) -> str:
    """The prefix with its dates as they are at ``now`` (with a time zone) in ``timezone``, slashes at the ends cut."""
    from zoneinfo import ZoneInfo

    here = now.astimezone(ZoneInfo(timezone))

    def date(found: re.Match[str]) -> str:
        moment = here - timedelta(days=1) if found[1] == "yesterday" else here
        if found[2]:
            moment += timedelta(**{_UNITS[found[3]]: int(found[2])})
        return moment.strftime(found[4] or _DEFAULT)

    return _DATE.sub(date, check(prefix)).strip("/")
