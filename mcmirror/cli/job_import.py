"""Imports the jobs of another system's table, with their connections, into mcmirror.toml: all of them or none."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from mcmirror.cli.alias import keep, text_of
from mcmirror.config import FILE_NAME, ConfigError, Mistake, find_file, home_of, known_aliases, load, write
from mcmirror.config.file import configured, parse_text
from mcmirror.config.job_table import JobTable, read
from mcmirror.config.values import Configuration
from mcmirror.model.location import Alias


def take_over(files: list[str], config: Path | None, *, force: bool) -> None:
    """Read the files, check what mcmirror.toml would be, keep the keys, and write it."""
    path = find_file(config, os.environ, Path.cwd()) or Path(FILE_NAME)
    texts = {"standard input" if file == "-" else file: text_of(file) for file in files}
    existing = known_aliases(_loaded(config), os.environ, home_of(os.environ))
    table = read(texts, [alias.name for alias in existing])
    before = write.text_in(path)
    _refuse_existing(table, before, path, {alias.name: alias.url for alias in existing}, force=force)
    pending = {one.alias.name: dict.fromkeys(_secrets(one.alias), "{file:pending}") for one in table.connections}
    text = _text(table, before, path, pending)
    configured(path, parse_text(text, path), os.environ, home_of(os.environ), needs_jobs=True)
    kept = {}
    for one in table.connections:
        had = write.references(path, one.alias.name)
        kept[one.alias.name] = {
            key: keep(one.alias.name, key, value, had) for key, value in _secrets(one.alias).items()
        }
    write.replace_file(path, _text(table, before, path, kept), before=before)
    for note in table.notes:
        print(f"note: {note}", file=sys.stderr)
    jobs, aliases = len(table.jobs), len(table.connections)
    counts = f"{jobs} {'job' if jobs == 1 else 'jobs'} and {aliases} {'alias' if aliases == 1 else 'aliases'}"
    print(f"{counts} written to {path}. See them: mcmirror job list. Try them: mcmirror doctor", file=sys.stderr)


def _loaded(config: Path | None) -> Configuration:
    try:
        return load(config, os.environ, Path.cwd())
    except ConfigError:
        return Configuration()


def _refuse_existing(table: JobTable, before: str, path: Path, urls: Mapping[str, str], *, force: bool) -> None:
    """What would be replaced is a mistake without ``force``; an alias with the same address is not."""
    document = parse_text(before, path)
    remedy = "Replace it with --force, or rename it in the file."
    jobs = document.get("job", {})
    mistakes = [Mistake(str(path), f"job.{name}", "is there already", remedy) for name in table.jobs if name in jobs]
    mistakes += [
        Mistake(str(path), f"alias.{one.alias.name}", f"is there already, with the address {there}", remedy)
        for one in table.connections
        if one.alias.name in document.get("alias", {}) and (there := urls.get(one.alias.name, "")) != one.alias.url
    ]
    if mistakes and not force:
        raise ConfigError(mistakes)


def _secrets(alias: Alias) -> dict[str, str]:
    return {key: value for key in write.SECRETS if (value := getattr(alias, key).value)}


def _text(table: JobTable, before: str, path: Path, referred: Mapping[str, Mapping[str, str]]) -> str:
    """What mcmirror.toml says afterwards."""
    text = before
    for one in table.connections:
        values = write.alias_values(one.alias, referred[one.alias.name])
        text = write.with_table(text, path, "alias", one.alias.name, values)
    for name, job in table.jobs.items():
        text = write.with_table(text, path, "job", name, job)
    return text
