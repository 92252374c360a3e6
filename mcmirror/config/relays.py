"""[relay.NAME]: what of it is wrong, and its values with references resolved."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from mcmirror.config import syntax
from mcmirror.config.reference import has_reference, resolve
from mcmirror.config.serving import check_address, check_token
from mcmirror.config.values import ConfigError, Configuration, Mistake, Relay, Wrong

if TYPE_CHECKING:
    from mcmirror.config.schema import RelayTable

_REFERENCES = ("token", "deliver", "deliver_token")


def relay_of(name: str, table: "RelayTable") -> Relay:
    """The relay of a validated table."""
    values = table.model_dump(exclude_none=True)
    values.setdefault("listen", f"/relay/{name}")
    if "timeout" in values:
        values["timeout"] = syntax.duration(values["timeout"])
    return Relay(name, **values)


def mistakes(file: str, tables: "Mapping[str, RelayTable]") -> Iterator[Mistake]:
    """Relays that lack what they need, or listen where another one does."""
    examples = {"token": '"{env:RELAY_TOKEN}"', "deliver": '"https://host/path"'}
    places = dict[str, str]()
    for name, table in tables.items():
        for key, example in examples.items():
            if not getattr(table, key):
                yield Mistake(file, f"relay.{name}.{key}", f"a relay needs its {key}", f"Write {key} = {example}.")
        for key in ("token", "deliver_token"):
            text = getattr(table, key)
            if text and not has_reference(text):
                try:
                    check_token(text)
                except Wrong as wrong:
                    yield Mistake(file, f"relay.{name}.{key}", str(wrong), wrong.remedy)
        place = table.listen or f"/relay/{name}"
        other = places.setdefault(place, name)
        if other != name:
            what = f"relay {other} listens on {place} already"
            yield Mistake(file, f"relay.{name}.listen", what, f'Write another one: listen = "/relay/{name}".')


def resolved(configuration: Configuration, environ: Mapping[str, str]) -> tuple[Relay, ...]:
    """Every relay with its values in place of references; raises ConfigError."""
    folder = configuration.path.parent if configuration.path else Path.cwd()
    wrongs, found = list[Mistake](), list[Relay]()
    for relay in configuration.relays.values():
        values = dict[str, str]()
        for key in _REFERENCES:
            try:
                values[key] = _value(relay, key, environ, folder)
            except Wrong as wrong:
                wrongs.append(Mistake(configuration.origin, f"relay.{relay.name}.{key}", str(wrong), wrong.remedy))
        if values.keys() >= set(_REFERENCES):
            token, deliver, deliver_token = (values[key] for key in _REFERENCES)
            found.append(replace(relay, token=token, deliver=deliver, deliver_token=deliver_token))
    if configuration.relays and not configuration.settings.listen:
        remedy = 'Write listen = "127.0.0.1:8080", or take [relay.*] out.'
        wrongs.append(Mistake(configuration.origin, "settings.listen", "is off, and relays take events there", remedy))
    if wrongs:
        raise ConfigError(wrongs)
    return tuple(found)


def secrets(relay: Relay) -> tuple[str, ...]:
    """The tokens, and what of the address lets somebody in."""
    parts = urlsplit(relay.deliver)
    password = parts.password or ""
    found = (relay.token, relay.deliver_token, password, unquote(password), parts.query)
    return tuple(secret for secret in found if secret)


def _value(relay: Relay, key: str, environ: Mapping[str, str], folder: Path) -> str:
    written = str(getattr(relay, key))
    value = resolve(written, environ, folder).strip()
    if written and not value:
        raise Wrong("what it refers to is blank", "Write the value there.")
    if key == "deliver":
        check_address(value, '"https://host/path"')
    elif value:
        check_token(value)
    return value
