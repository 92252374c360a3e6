"""Writes a [replication.NAME] from rules that were made by hand."""

import sys
from pathlib import Path
from typing import Any

from mcmirror.config import FILE_NAME, ConfigError, Mistake, find_file
from mcmirror.config.write import replace_file, text_in, with_table
from mcmirror.model.location import Location


def write_replication(name: str, source: str, target: str | None, config: Path | None) -> None:
    """Look at the rules of SOURCE and write the one to TARGET, or the only one; nothing where NAME is there already."""
    import os

    from mcmirror.service import Service
    from mcmirror.service.replications import described

    service = Service.load(config)
    if name in service.configuration.replications:
        remedy = f"Leave SOURCE out: mcmirror replicate import {name}"
        raise ConfigError([Mistake(service.configuration.origin, f"replication.{name}", "is there already", remedy)])
    places = [_bucket(word, text) for word, text in (("SOURCE", source), ("TARGET", target)) if text is not None]
    values: dict[str, Any] = described(service, places[0], places[1] if target is not None else None)
    file = find_file(config, os.environ, Path.cwd()) or Path(FILE_NAME)
    replace_file(file, with_table(text_in(file), file, "replication", name, values), private=False)
    print(f"[replication.{name}] is written to {file}.", file=sys.stderr)


def _bucket(word: str, text: str) -> Location:
    try:
        place = Location.parse(text)
    except ValueError as error:
        raise ConfigError([Mistake("command line", word, str(error), "Write ALIAS/BUCKET.")]) from None
    if place.is_local or not place.bucket or place.prefix:
        raise ConfigError([Mistake("command line", word, f"{text!r} is no bucket", "Write ALIAS/BUCKET.")])
    return place
