"""One table of the file against its model: what is right, and a mistake for every key that is not."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mcmirror.config.values import Mistake, Wrong, nearest

T = TypeVar("T", bound=BaseModel)

_TIME = re.compile(r"(\d+[smhd])+$")
_FIELDS = 5
"""Of a cron expression."""

_KINDS = {
    "string_type": ("must be a text", "Put it between quotes."),
    "int_type": ("must be a whole number", "Write it without quotes."),
    "bool_type": ("must be true or false", "Write true or false, without quotes."),
    "list_type": ("must be a list", 'Write ["one", "two"].'),
    "dict_type": ("must be a table", "Write its keys below a [heading]."),
    "model_type": ("must be a table", "Write its keys below a [heading]."),
    "missing": ("is missing", "Write it."),
    "string_too_short": ("is empty", "Write a value."),
    "string_pattern_mismatch": ("holds characters that do not belong there", "Use letters, digits, '-' and '_'."),
}
_EXAMPLES = {
    "source": 'Write source = "alias/bucket", or a folder such as "./files".',
    "target": 'Write target = "alias/bucket", or a folder such as "./files".',
    "url": 'Write url = "https://host:port".',
    "type": 'Write type = "slack" or type = "webhook".',
}


_CRON = 'Write cron = "0 2 * * *", or every = "30m".'
_SECURE = 'Write it in the address: url = "https://...", or http:// without.'
_ELSEWHERE = {
    "schedule": _CRON,
    "schedules": _CRON,
    "interval": 'Write every = "30m".',
    "mode": "Every job mirrors in one direction: overwrite = true replaces what differs, "
    "remove = true removes what the source does not have.",
    "type": "Take it out: every job is a mirror.",
    "bandwidth": 'Write limit_upload = "10MiB" or limit_download = "10MiB", in bytes a second.',
    "bandwidth_limit": 'Write limit_upload = "10MiB" or limit_download = "10MiB", in bytes a second.',
    "bwlimit": 'Write limit_upload = "10MiB" or limit_download = "10MiB", in bytes a second.',
    "rate_limit": 'Write limit_upload = "10MiB" or limit_download = "10MiB", in bytes a second.',
    "delete": "Write remove = true.",
    "delete_propagation": "Write remove = true.",
    "prune": "Write remove = true.",
    "force": "Write overwrite = true.",
    "include": 'Write prefix = "2026/01" for what lies below it; patterns can only be left out: exclude.',
    "timeout": 'Write stall_timeout = "10m": only what stands still is stopped.',
    "concurrency": "Write workers = 16, or parallel = 3 in [settings] for jobs at once.",
    "threads": "Write workers = 16.",
    "max_workers": "Write workers = 16.",
    "enabled": "Take it out; `mcmirror job pause NAME` stops a schedule.",
    "name": "Take it out: the name stands in the heading, as in [job.NAME].",
    "endpoint": 'Write url = "https://host:port".',
    "host": 'Write url = "https://host:port".',
    "use_ssl": _SECURE,
    "ssl": _SECURE,
    "secure": _SECURE,
    "bucket": 'Write it behind the alias in a job: source = "ALIAS/BUCKET".',
    "access_key_id": 'Write access_key = "{env:NAME}".',
    "secret_access_key": 'Write secret_key = "{env:NAME}".',
    "connections": "Write [alias.NAME] for each server.",
    "connection": "Write [alias.NAME] for each server.",
    "servers": "Write [alias.NAME] for each server.",
    "real_time": "Write realtime = true.",
    "src": 'Write source = "alias/bucket".',
    "from": 'Write source = "alias/bucket".',
    "destination": 'Write target = "alias/bucket".',
    "dest": 'Write target = "alias/bucket".',
    "dst": 'Write target = "alias/bucket".',
    "to": 'Write target = "alias/bucket".',
    "notifications": 'Write notify = ["NAME"] for a [notify.NAME].',
    "slack": 'Write [notify.NAME] with type = "slack".',
}
"""What keys are called elsewhere, and what to write here."""


def validate(model: type[T], table: Any, file: str, key: str) -> tuple[T | None, list[Mistake]]:
    """The model of what is right in ``table``, or None when that does not suffice; and the mistakes."""
    try:
        return model.model_validate(table), []
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    mistakes: dict[tuple[str, ...], Mistake] = {}
    kinds: dict[tuple[str, ...], set[str]] = {}
    for detail in details:
        place = _place(detail["loc"], table)
        kinds.setdefault(place, set()).add(detail["type"])
        if place not in mistakes:
            mistakes[place] = _mistake(model, detail, place, file, key, _value(table, place))
    for place, types in kinds.items():
        if types == {"int_type", "string_type"}:
            mistakes[place] = Mistake(file, _dotted(key, place), "must be a number or a text", "Write one of the two.")
    if not isinstance(table, Mapping):
        return None, list(mistakes.values())
    wrong = {place[0] for place in mistakes if place}
    rest = {name: value for name, value in table.items() if name not in wrong}
    try:
        return model.model_validate(rest), list(mistakes.values())
    except ValidationError:
        return None, list(mistakes.values())


def _place(location: Sequence[int | str], table: Any) -> tuple[str, ...]:
    """The keys that lead to the value; what pydantic adds for the members of a union is cut off."""
    place: list[str] = []
    value = table
    for step in location:
        if isinstance(value, Mapping):
            place.append(str(step))
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int):
            place.append(str(step + 1))
            value = value[step] if step < len(value) else None
        else:
            break
    return tuple(place)


def _value(table: Any, place: Sequence[str]) -> object:
    """What stands there; None below a list."""
    for step in place:
        table = table.get(step) if isinstance(table, Mapping) else None
    return table


def _dotted(key: str, place: Sequence[str]) -> str:
    return ".".join(part for part in (key, *place) if part)


def _mistake(  # noqa: PLR0913, PLR0917
    model: type[BaseModel], detail: Any, place: tuple[str, ...], file: str, key: str, value: object
) -> Mistake:
    name = _dotted(key, place)
    context = detail.get("ctx", {})
    if detail["type"] == "value_error" and isinstance(context.get("error"), Wrong):
        wrong = context["error"]
        return Mistake(file, name, str(wrong), str(wrong.remedy))
    if detail["type"] == "extra_forbidden":
        return unknown(file, name, place[-1], list(model.model_fields), value)
    if detail["type"] == "literal_error":
        expected = str(context["expected"]).replace("'", '"')
        return Mistake(file, name, "is none of the values that exist", f"Write {expected}.")
    if detail["type"] in {"greater_than_equal", "less_than_equal"}:
        return Mistake(file, name, "is out of range", detail["msg"].replace("Input should be", "Write a number") + ".")
    message, remedy = _KINDS.get(detail["type"], (str(detail["msg"]), "Compare with the output of mcmirror schema."))
    example = _EXAMPLES.get(place[-1]) if place else None
    return Mistake(file, name, message, example or remedy)


def unknown(file: str, key: str, word: str, names: Sequence[str], value: object = None) -> Mistake:
    """The mistake of a key that does not exist; what ``value`` says may tell what was meant."""
    word = word.lower().replace("-", "_")
    if word not in _ELSEWHERE:
        word = nearest(word, [*names, *_ELSEWHERE])
        if word in names:
            return Mistake(file, key, "there is no such key", f"Did you mean {word}?")
    text = value.strip() if isinstance(value, str) else ""
    if word == "mode" and nearest(text, ("realtime", "real-time")):
        word = "real_time"
    remedy = _ELSEWHERE.get(word) or f"There are: {', '.join(names)}."
    return Mistake(file, key, "there is no such key", _scheduled(text) if remedy is _CRON else remedy)


def _scheduled(text: str) -> str:
    """How a schedule is written here."""
    if _TIME.match(text):
        return f'Write every = "{text}".'
    return f'Write cron = "{text}".' if text.startswith("@") or len(text.split()) == _FIELDS else _CRON
