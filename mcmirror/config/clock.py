"""The time zone of the surroundings: what TZ says, where the configuration says nothing."""

from mcmirror.config import syntax
from mcmirror.config.values import Wrong

UTC = "UTC"
_FOLDER = "/usr/share/zoneinfo/"


def zone_of(text: str) -> tuple[str, str]:
    """The zone that a value of TZ names, UTC for none, and what to say of a value that names none."""
    name = text.strip().removeprefix(":").removeprefix(_FOLDER)
    if not name:
        return UTC, ""
    try:
        return syntax.zone(name), ""
    except Wrong as wrong:
        also = "or name the zone in the configuration: timezone under [settings], or MCMIRROR_TIMEZONE."
        return UTC, f"TZ: {wrong}, so UTC is used. {wrong.remedy.rstrip('.')}, {also}"
