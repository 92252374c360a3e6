"""What can still be known of a configuration that is wrong: a server goes on with the one that it had read before."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mcmirror.config import environment, syntax
from mcmirror.config.load import find_file
from mcmirror.config.reference import resolve
from mcmirror.config.values import DEFAULT_STATE, ENVIRONMENT, Settings, Wrong
from mcmirror.config.variables import Variables

_HEADING = re.compile(r"\s*\[+([^\[\]]*)\]")


def setting(file: Path | None, key: str) -> str:
    """A text below ``[settings]``, as it is written; empty when there is none, or the file cannot be read."""
    try:
        text = file.read_text(encoding="utf-8-sig") if file else ""
    except (OSError, ValueError):
        return ""
    return next((found.strip() for found in _texts(text, key)), "")


def state(config: Path | None, environ: Mapping[str, str], folder: Path) -> str:
    """The URL of the state that is most probably meant."""
    file = find_file(config, environ, folder)
    written = setting(file, "state")
    if file is not None and written:
        with suppress(Wrong):
            return syntax.state(resolve(written, environ, file.parent))
    return environment.settings(Variables(environ, folder), Settings(state=DEFAULT_STATE))[0].state


def origin(config: Path | None, environ: Mapping[str, str], folder: Path) -> str:
    """Where the configuration comes from: the file's whole path, or ``environment``."""
    file = find_file(config, environ, folder)
    return str(file.absolute()) if file else ENVIRONMENT


def _texts(text: str, key: str) -> Iterator[str]:
    """The whole file's word when it is TOML; else that of each line which is, below its heading."""
    import tomllib

    try:
        documents = [tomllib.loads(text)]
    except ValueError:
        documents = list(_lines(text))
    for document in documents:
        settings = document.get("settings")
        found = settings.get(key) if isinstance(settings, dict) else None
        if isinstance(found, str):
            yield found


def _lines(text: str) -> Iterator[dict[str, Any]]:
    import tomllib

    heading = ""
    for line in text.splitlines():
        if found := _HEADING.match(line):
            heading = found[1].strip()
            continue
        with suppress(ValueError):
            yield tomllib.loads(f"[{heading}]\n{line}" if heading else line)
