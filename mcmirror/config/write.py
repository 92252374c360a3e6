"""Changing mcmirror.toml without losing a comment, and keeping keys in files that only their owner reads."""

import contextlib
import os
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mcmirror.config.file import parse
from mcmirror.config.reference import is_reference
from mcmirror.config.values import ConfigError, Mistake

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

SECRETS = ("access_key", "secret_key", "session_token")


def has_alias(path: Path, name: str) -> bool:
    """Whether the file defines this alias; ConfigError when the file is no TOML."""
    return path.exists() and name in parse(path).get("alias", {})


def jobs_using(path: Path, name: str) -> list[str]:
    """The jobs of the file that name this alias, valid or not."""
    jobs = parse(path).get("job", {})
    return [
        job
        for job, table in (jobs.items() if isinstance(jobs, dict) else ())
        if isinstance(table, dict)
        and any(str(table.get(side, "")).partition("/")[0] == name for side in ("source", "target"))
    ]


def references(path: Path, name: str) -> dict[str, str]:
    """The keys of an alias that are references, as written."""
    table = parse(path).get("alias", {}).get(name, {}) if path.exists() else {}
    return {key: table[key] for key in SECRETS if isinstance(table.get(key), str) and is_reference(table[key])}


def put_alias(path: Path, name: str, values: Mapping[str, str | bool]) -> None:
    """Add or replace ``[alias.NAME]``; every other line of the file stays as it is. ConfigError when it is no TOML."""
    from tomlkit import inline_table, nl, table
    from tomlkit.items import InlineTable

    document = _read(path)
    if "alias" not in document:
        document["alias"] = table(is_super_table=True)
    aliases = document["alias"]
    if there := name in aliases:
        written = aliases[name]
        for key in [key for key in written if key not in values]:
            del written[key]
    else:
        written = inline_table() if isinstance(aliases, InlineTable) else table()
    for key, value in values.items():
        written[key] = value
    if not there:
        if not isinstance(aliases, InlineTable) and list(document)[-1] != "alias":
            written.add(nl())
        aliases[name] = written
    text = document.as_string()
    if not there and not _says(text, name, values):
        # Among dotted keys (alias.one.url = ...) tomlkit puts a table where it takes in what follows it.
        before = _read(path).as_string().rstrip()
        text = f"{before}\n\n[alias.{name}]\n{written.as_string().strip()}\n"
    literal = any(values.get(key) and not is_reference(str(values[key])) for key in SECRETS)
    _replace(path, text, private=literal)


def _says(text: str, name: str, values: Mapping[str, str | bool]) -> bool:
    """Whether the text is TOML in which the alias has these values and no others."""
    try:
        return bool(tomllib.loads(text)["alias"][name] == dict(values))
    except (tomllib.TOMLDecodeError, KeyError, TypeError):
        return False


def drop_alias(path: Path, name: str) -> None:
    """Remove ``[alias.NAME]``; KeyError when there is none."""
    document = _read(path)
    aliases = document["alias"]
    del aliases[name]
    if not aliases:
        del document["alias"]
    _replace(path, document.as_string(), private=False)


def secrets_folder(environ: Mapping[str, str], home: Path) -> Path:
    """Where keys that were typed in are kept."""
    base = environ.get("XDG_CONFIG_HOME", "")
    return (Path(base) if base else home / ".config") / "mcmirror" / "secrets"


def keep_secret(folder: Path, name: str, value: str, *, mine: str = "") -> str:
    """Write a secret into a file of mode 0600 in a folder of mode 0700; returns the reference to it.

    A file of this name that another configuration may use is left alone, unless ``mine`` is a reference to it.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    file, number = folder / name, 2
    while file.exists() and mine != f"{{file:{file}}}" and file.read_text(encoding="utf-8") != f"{value}\n":
        file, number = folder / f"{name}-{number}", number + 1
    _replace(file, f"{value}\n", private=True)
    return f"{{file:{file}}}"


def forget_secrets(folder: Path, written: Mapping[str, str]) -> list[Path]:
    """Delete the files in ``folder`` that ``written`` refers to; returns those that are gone."""
    gone: list[Path] = []
    for text in written.values():
        file = Path(text.removeprefix("{file:").removesuffix("}"))
        if text.startswith("{file:") and file.parent == folder and file.exists():
            file.unlink()
            gone.append(file)
    return gone


def _read(path: Path) -> "TOMLDocument":
    import tomlkit

    if not path.exists():
        return tomlkit.document()
    parse(path)  # for its words about a syntax error
    return tomlkit.parse(path.read_text(encoding="utf-8-sig"))


def _replace(path: Path, text: str, *, private: bool) -> None:
    """Put a whole new file in place of the old one, or leave the old one as it is."""
    place = path.resolve()
    try:
        mode = place.stat().st_mode & 0o777
    except FileNotFoundError:
        mode = 0o600 if private else 0o644
    if private:
        mode &= 0o700
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent)
    except OSError as error:
        reason = (error.strerror or "no place").lower()
        remedy = "Write to the folder as its owner, or name another file with --config."
        raise ConfigError([Mistake(str(path), "", f"the file cannot be written: {reason}", remedy)]) from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(place)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
