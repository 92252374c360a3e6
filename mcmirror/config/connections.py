"""Aliases out of other systems' files: connections with a ``source_config``, and mc's own config.json."""

import json
import re
from dataclasses import dataclass
from typing import Any

from mcmirror.config import inherited, syntax
from mcmirror.config.values import ConfigError, Mistake, Wrong
from mcmirror.model.location import ALIAS_NAME, Alias, Secret

_REMEDY = (
    'Give one object or a list: {"name": "...", "source_config": {"endpoint": "host:9000", "access_key": "...", '
    '"secret_key": "...", "use_ssl": true}}; or the config.json of mc.'
)


@dataclass(frozen=True, slots=True)
class Imported:
    """An alias that was read, and the bucket that its connection spoke of."""

    alias: Alias
    bucket: str = ""


def read(text: str, file: str) -> list[Imported]:
    """Everything in it that can be an alias; ConfigError with every mistake."""
    try:
        document = json.loads(text)
    except ValueError as error:
        # A JSONDecodeError's message holds the place and never the text.
        raise ConfigError([Mistake(file, "", f"this is no JSON: {error}", _REMEDY)]) from None
    if isinstance(document, dict) and ("aliases" in document or "hosts" in document):
        return [Imported(alias) for name, alias in inherited.parse(document, file).items() if name != inherited.PUBLIC]
    entries = document if isinstance(document, list) else [document]
    found: list[Imported] = []
    mistakes: list[Mistake] = []
    for number, entry in enumerate(entries, start=1):
        key = f"entry {number}" if len(entries) > 1 else ""
        try:
            found.append(_connection(entry, file))
        except Wrong as wrong:
            mistakes.append(Mistake(file, key, str(wrong), wrong.remedy))
    names = [imported.alias.name for imported in found]
    mistakes += [
        Mistake(file, name, "two connections come to this name", "Rename one of them in the file.")
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    if mistakes:
        raise ConfigError(mistakes)
    return found


def _connection(entry: Any, file: str) -> Imported:
    config = entry.get("source_config") if isinstance(entry, dict) else None
    if not isinstance(config, dict):
        raise Wrong("there is no source_config in it", _REMEDY)

    def text(key: str) -> str:
        value = config.get(key)
        return value.strip() if isinstance(value, str) else ""

    endpoint = text("endpoint")
    if not endpoint:
        raise Wrong("there is no endpoint in source_config", 'Write "endpoint": "host:9000".')
    secure = config.get("use_ssl", True) is not False
    address = syntax.url(endpoint if "://" in endpoint else f"{'https' if secure else 'http'}://{endpoint}")
    if bool(text("access_key")) != bool(text("secret_key")):
        raise Wrong("there is one key of two", "Write both access_key and secret_key, or neither for anonymous access.")
    alias = Alias(
        alias_name(str(entry.get("name") or "")),
        address,
        Secret(text("access_key")),
        Secret(text("secret_key")),
        region=text("region"),
        origin=file,
    )
    return Imported(alias, text("bucket"))


def alias_name(name: str) -> str:
    """``Source MinIO`` becomes ``source-minio``. Raises Wrong."""
    word = re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-")
    word = word if not word[:1].isdigit() else f"s{word}"
    if not ALIAS_NAME.match(word):
        raise Wrong(f"{name!r} cannot be made an alias name", 'Write "name" with letters and digits.')
    return word
