"""MCMIRROR_*: settings by environment, where a file does not say them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from mcmirror.config import clock, plausibility, syntax
from mcmirror.config.values import Schedule, Settings, nearest
from mcmirror.config.variables import Variables

_VALUES: dict[str, tuple[str, Callable[[str], Any]]] = {
    "MCMIRROR_STATE": ("state", syntax.state),
    "MCMIRROR_LISTEN": ("listen", syntax.listen),
    "MCMIRROR_LOG": ("log", syntax.log),
    "MCMIRROR_TIMEZONE": ("timezone", syntax.zone),
    "MCMIRROR_GRACE": ("grace", syntax.duration),
    "MCMIRROR_TEXTFILE_DIR": ("textfile_dir", str),
}
_REFERENCES = {"MCMIRROR_API_TOKEN": "api_token", "MCMIRROR_PUSHGATEWAY": "pushgateway"}
"""Kept as references: whoever needs the value resolves it, and hears what is wrong with it."""
MAX_AGE = "MCMIRROR_MAX_AGE"
_ALIKE = 0.75
"""Others may have names that begin like ours, an image's or a folder's: only a slip is worth a word."""
_KNOWN = (*_VALUES, *_REFERENCES, MAX_AGE, "MCMIRROR_CONFIG", "MCMIRROR_MC", "MCMIRROR_DEBUG", "MCMIRROR_MC_URL")


def settings(
    given: Variables, base: Settings, written: Iterable[str] = (), *, zoned: bool = False
) -> tuple[Settings, tuple[str, ...]]:
    """``base`` with what the environment says; what is ``written`` in a file stays, and a note says so.

    ``zoned`` says that the zone of ``base`` was chosen; else TZ has it.
    """
    kept, notes = set(written), list[str]()
    found: dict[str, Any] = {}
    for variable, (field, parse) in _VALUES.items():
        if field in kept:
            notes += _passed_over(given, variable, field)
        elif given.get(variable):
            found[field] = given.parsed(variable, parse, default=getattr(base, field))
    for variable, field in _REFERENCES.items():
        if field in kept:
            notes += _passed_over(given, variable, field)
        elif given.get(variable):
            found[field] = f"{{env:{variable}}}"
    if not zoned and "timezone" not in kept and "timezone" not in found:
        found["timezone"], note = clock.zone_of(given.get("TZ"))
        notes += [note] if note else []
    return replace(base, **found), tuple(notes)


def max_age(given: Variables) -> float:
    """Seconds after which the last success of a job of the environment is too old; 0: never."""
    return given.parsed(MAX_AGE, syntax.positive_duration, default=0.0)


def contradictions(given: Variables, found: Schedule) -> tuple[str, ...]:
    """Note what contradicts itself in the schedule of an environment as a mistake; return what is to be known of it."""
    for _, message, remedy in plausibility.schedule(found):
        given.wrong(MAX_AGE, message, remedy.replace('"', ""))
    rests = plausibility.rests(found)
    return (f"{MAX_AGE}: {rests}",) if rests else ()


def unheeded(given: Variables, environ: Mapping[str, str]) -> tuple[str, ...]:
    """What to say of variables that do nothing as they stand; after everything else was asked for."""
    return (*given.ignored(), *slips(environ), *given.slack_notes())


def slips(environ: Mapping[str, str]) -> tuple[str, ...]:
    """What to say of variables that are probably meant to be one of these and are not."""
    notes = []
    known = {name.removeprefix("MCMIRROR_"): name for name in _KNOWN}
    for written in sorted(environ):
        word = written.removeprefix("MCMIRROR_").removesuffix("_FILE")
        if written != word and written.startswith("MCMIRROR_") and environ[written] and word not in known:
            guess = nearest(word, known, _ALIKE)
            notes += [f"{written} is set but not used. Did you mean {known[guess]}?"] if guess else []
    return tuple(notes)


def _passed_over(given: Variables, variable: str, field: str) -> list[str]:
    if not given.has(variable):
        return []
    return [f"settings.{field} in the file is used; {variable} in the environment is not."]
