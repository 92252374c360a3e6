"""Connections of another system taken over: its keys go into files that only their owner reads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mcmirror.config import ConfigError, Mistake, home_of
from mcmirror.tui import editing
from mcmirror.tui.config_editor import ALIAS, ConfigEditor
from mcmirror.tui.form import Field, Form, Values, Wrongs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcmirror.config.connections import Imported
    from mcmirror.tui.app import Dashboard

FIELDS = (
    Field("file", "file", "A JSON file: connections with a source_config (one or a list), or the config.json of mc."),
    Field("force", "there already", "What is to become of names that mcmirror.toml has already.",
          choices=(("", "refuse"), ("true", "replace"))),
)  # fmt: skip


def importing(dashboard: Dashboard, done: Callable[[Sequence[str]], object]) -> None:
    """Ask for the file; then take over what is in it, and hand out the names."""

    def opened(sheet: ConfigEditor) -> None:
        dashboard.push_screen(_form(sheet.path, names), written)

    def written(yes: bool | None) -> None:
        if yes:
            dashboard.source.reload()
            dashboard.tell(f"{len(names)} imported: {', '.join(names)}; the keys are in files that only you can read")
            done(names)

    names: list[str] = []
    dashboard.ask(lambda: editing.read(dashboard), opened)


def _form(path: Path, names: list[str]) -> Form:
    """``names`` gets those that are taken over."""

    def check(values: Values) -> Wrongs:
        try:
            _read(path, values)
        except ConfigError as error:
            return _wrongs(error, values["file"])
        return {}

    def save(values: Values) -> Wrongs:
        try:
            found = _read(path, values)
            for one in found:
                _take(path, one)
                names.append(one.alias.name)
        except ConfigError as error:
            return _wrongs(error, values["file"])
        return {}

    return Form("Import connections", FIELDS, check=check, save=save)


def _read(path: Path, values: Values) -> list[Imported]:
    """What the file holds; ConfigError."""
    from mcmirror.config import connections

    found = connections.read(_text(values["file"]), values["file"])
    there = ConfigEditor.read(path).tables(ALIAS)
    taken = [one.alias.name for one in found if one.alias.name in there]
    if taken and values["force"] != "true":
        remedy = "Replace them, or rename them in the file."
        raise ConfigError([Mistake(str(path), f"alias.{name}", "is there already", remedy) for name in taken])
    if not found:
        raise ConfigError([Mistake(values["file"], "", "there is no connection in it", "Name another file.")])
    return found


def _text(file: str) -> str:
    try:
        return Path(file).expanduser().read_text(encoding="utf-8-sig") if file else ""
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise ConfigError([Mistake(file, "", f"the file cannot be read: {reason}", "Check the path.")]) from None


def _take(path: Path, one: Imported) -> None:
    """Keep its keys, and write it."""
    from mcmirror.config import write

    name, had = one.alias.name, write.references(path, one.alias.name)
    folder = write.secrets_folder(os.environ, home_of(os.environ))
    secrets = {key: getattr(one.alias, key).value for key in write.SECRETS}
    referred = {
        key: write.keep_secret(folder, f"{name}-{key.replace('_', '-')}", value, mine=had.get(key, ""))
        for key, value in secrets.items()
        if value
    }
    ConfigEditor.read(path).put(ALIAS, name, write.alias_values(one.alias, referred))


def _wrongs(error: ConfigError, file: str) -> Wrongs:
    found: Wrongs = {}
    for one in error.mistakes:
        text = f"{one.key}: {one.message}. {one.remedy}" if one.key else f"{one.message}. {one.remedy}"
        key = "file" if one.file == file else "force"
        found[key] = "\n".join(filter(None, (found.get(key, ""), text)))
    return found
