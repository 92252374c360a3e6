"""Changing mcmirror.toml without losing a comment, and keeping keys in files that only their owner reads."""

import contextlib
import os
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mcmirror.config.file import parse, parse_text, text_of
from mcmirror.config.reference import is_reference
from mcmirror.config.values import ConfigError, Mistake
from mcmirror.model.location import Alias

if TYPE_CHECKING:
    from tomlkit import TOMLDocument
    from tomlkit.items import InlineTable, Table

SECRETS = ("access_key", "secret_key", "session_token")


def has_alias(path: Path, name: str) -> bool:
    """Whether the file defines this alias; ConfigError when the file is no TOML."""
    return path.exists() and name in parse(path).get("alias", {})


def tables_using(path: Path, name: str) -> list[str]:
    """The jobs and replications of the file that name this alias, valid or not: ``job.photos``."""
    document = parse(path)
    headings = [(heading, document.get(heading, {})) for heading in ("job", "replication")]
    return [
        f"{heading}.{table}"
        for heading, tables in headings
        for table, values in (tables.items() if isinstance(tables, dict) else ())
        if isinstance(values, dict)
        and any(str(values.get(side, "")).partition("/")[0] == name for side in ("source", "target"))
    ]


def references(path: Path, name: str) -> dict[str, str]:
    """The keys of an alias that are references, as written."""
    table = parse(path).get("alias", {}).get(name, {}) if path.exists() else {}
    return {key: table[key] for key in SECRETS if isinstance(table.get(key), str) and is_reference(table[key])}


def put_alias(path: Path, name: str, values: Mapping[str, str | bool]) -> None:
    """Add or replace ``[alias.NAME]``; every other line of the file stays as it is. ConfigError when it is no TOML."""
    before = text_in(path)
    literal = any(values.get(key) and not is_reference(str(values[key])) for key in SECRETS)
    replace_file(path, with_table(before, path, "alias", name, values), private=literal)


def drop_alias(path: Path, name: str) -> None:
    """Remove ``[alias.NAME]``; KeyError when there is none."""
    replace_file(path, without_table(text_in(path), path, "alias", name), private=False)


def text_in(path: Path) -> str:
    """What stands in the file; empty when there is none."""
    return text_of(path) if path.exists() else ""


def with_table(text: str, path: Path, heading: str, name: str, values: Mapping[str, object]) -> str:
    """The text with ``[HEADING.NAME]`` added, or holding these values and no others; all else stays as it is."""
    tables = parse_text(text, path).get(heading, {})
    if isinstance(tables, dict) and name in tables:
        return _changed(text, path, heading, name, values)
    expected = {**tables, name: dict(values)}
    for new in (_pasted(text, heading, name, values), _added(text, path, heading, name, values)):
        with contextlib.suppress(tomllib.TOMLDecodeError):
            if tomllib.loads(new)[heading] == expected:
                return new
    return new


def _changed(text: str, path: Path, heading: str, name: str, values: Mapping[str, object]) -> str:
    document = _read(text, path)
    written = document[heading][name]
    for key in [key for key in written if key not in values]:
        del written[key]
    before = written.unwrap()
    for key, value in values.items():
        # What stays the same keeps how it was written: quotes, line breaks, comments within a list.
        if key in before and before[key] != value:
            written[key] = value
        elif key not in before:
            _append(written, key, value)
    return document.as_string()


def _added(text: str, path: Path, heading: str, name: str, values: Mapping[str, object]) -> str:
    """For a file that is not made of headings alone."""
    from tomlkit import inline_table, table
    from tomlkit.items import InlineTable

    document = _read(text, path)
    if heading not in document:
        document[heading] = table(is_super_table=True)
    written = inline_table() if isinstance(document[heading], InlineTable) else table()
    written.update(values)
    document[heading][name] = written
    return document.as_string()


def _pasted(text: str, heading: str, name: str, values: Mapping[str, object]) -> str:
    """With a new table behind the last of its kind, before what leads to the next one; or else at the end."""
    from tomlkit import dumps

    block = f"[{heading}.{_quoted(name)}]\n{dumps(dict(values))}".rstrip() + "\n"
    lines = text.splitlines(keepends=True)
    starts = [number for number, line in enumerate(lines) if line.lstrip().startswith("[")]
    kin = [number for number in starts if lines[number].lstrip().startswith(f"[{heading}.")]
    if kin:
        after = next((number for number in starts if number > kin[-1]), len(lines))
        end, own = _own(lines, kin[-1], after)
        place = end + own
    else:
        place = len(lines)
    before, rest = "".join(lines[:place]), "".join(lines[place:])
    if before and not before.endswith("\n"):
        before += "\n"
    gap = "\n" if before.strip() and not before.endswith("\n\n") else ""
    return f"{before}{gap}{block}" + (f"\n{rest.lstrip(chr(10))}" if rest.strip() else "")


def _own(lines: list[str], first: int, after: int) -> tuple[int, int]:
    """Where the keys end of the table whose heading is line ``first``; how many lines of comment there are its own."""
    end = after
    while end > first and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    tail, own = lines[end:after], 0
    while own < len(tail) and tail[own].strip():
        own += 1
    return end, 0 if own == len(tail) and after < len(lines) else own


def _append(written: "Table | InlineTable", key: str, value: object) -> None:
    """Behind the last key, and so before the comments and empty lines that lead to the next table."""
    from tomlkit import item
    from tomlkit.items import Table

    if isinstance(written, Table) and written:
        written.value._insert_after(list(written)[-1], key, item(value))  # noqa: SLF001  there is no other way
        dict.__setitem__(written, key, written.value[key])
    else:
        written[key] = value


def without_table(text: str, path: Path, heading: str, name: str) -> str:
    """The text without ``[HEADING.NAME]``; KeyError when there is none. Comments outside of it stay."""
    wanted = parse_text(text, path)
    del wanted[heading][name]
    if not wanted[heading]:
        del wanted[heading]
    rest = _cut(text, f"[{heading}.{_quoted(name)}]")
    with contextlib.suppress(tomllib.TOMLDecodeError):
        if tomllib.loads(rest) == wanted:
            return rest
    # It is written otherwise: with dotted keys, inline, or in an unusual spelling.
    document = _read(text, path)
    tables = document[heading]
    del tables[name]
    if not tables:
        del document[heading]
    return document.as_string()


def _cut(text: str, heading: str) -> str:
    """Without the lines of this table; what leads to the next one, after an empty line or right above it, stays."""
    lines = text.splitlines(keepends=True)
    starts = [number for number, line in enumerate(lines) if line.lstrip().startswith("[")]
    first = next((number for number in starts if lines[number].strip().startswith(heading)), None)
    if first is None:
        return text
    after = next((number for number in starts if number > first), len(lines))
    end, own = _own(lines, first, after)
    tail = lines[end:after]
    while own < len(tail) and not tail[own].strip():
        own += 1
    between = ["\n"] if first and lines[first - 1].strip() and (own < len(tail) or after < len(lines)) else []
    return "".join([*lines[:first], *between, *tail[own:], *lines[after:]])


def _quoted(name: str) -> str:
    """A table's name where it stands in a heading."""
    from tomlkit import key

    return key(name).as_string()


def alias_values(alias: Alias, referred: Mapping[str, str]) -> dict[str, str | bool]:
    """What is to be written of an alias: its address, references to its keys, and what is not the default."""
    plain: dict[str, str | bool] = {"url": alias.url, **referred}
    for key, default in (("region", ""), ("ca_file", ""), ("api", "S3v4"), ("path", "auto")):
        if getattr(alias, key) != default:
            plain[key] = getattr(alias, key)
    if alias.insecure:
        plain["insecure"] = True
    return plain


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
    replace_file(file, f"{value}\n", private=True)
    return f"{{file:{file}}}"


@contextlib.contextmanager
def keeping(folder: Path, alias: str, keys: Mapping[str, str], had: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Keep the keys of an alias that are no references: these in their place, by key; taken back when the block fails.

    ``had`` are the references so far: a file that they lead to gets the new key. ConfigError when none can be kept.
    """
    before: dict[Path, str | None] = {}
    referred = dict(keys)
    try:
        for key, value in keys.items():
            if not value or is_reference(value):
                continue
            files = {file: file.read_text(encoding="utf-8") for file in _of(folder, alias)}
            referred[key] = keep_secret(folder, f"{alias}-{key.replace('_', '-')}", value, mine=had.get(key, ""))
            file = Path(referred[key].removeprefix("{file:").removesuffix("}"))
            before[file] = files.get(file)
        yield referred
    except BaseException as error:
        for file, text in before.items():
            if text is None:
                file.unlink(missing_ok=True)
            else:
                replace_file(file, text, private=True)
        if isinstance(error, OSError | UnicodeError):
            reason = getattr(error, "strerror", None) or "it is no text"
            remedy = "Let the folder be yours, or write a reference: {env:NAME} or {file:PATH}."
            raise ConfigError([Mistake(str(folder), "", f"the keys cannot be kept: {reason}", remedy)]) from None
        raise


def _of(folder: Path, alias: str) -> list[Path]:
    return [file for file in folder.glob(f"{alias}-*") if file.is_file()]


def forget_secrets(folder: Path, written: Mapping[str, str]) -> list[Path]:
    """Delete the files in ``folder`` that ``written`` refers to; returns those that are gone."""
    gone: list[Path] = []
    for text in written.values():
        file = Path(text.removeprefix("{file:").removesuffix("}"))
        if text.startswith("{file:") and file.parent == folder and file.exists():
            file.unlink()
            gone.append(file)
    return gone


def _read(text: str, path: Path) -> "TOMLDocument":
    import tomlkit

    parse_text(text, path)  # for its words about a syntax error
    return tomlkit.parse(text)


def replace_file(path: Path, text: str, *, private: bool = False, before: str | None = None) -> None:
    """Put a whole new file in place of the old one, or leave the old one as it is.

    With ``before`` only when that is what the file holds: ConfigError when somebody else has written it since.
    """
    if before is not None and text_in(path) != before:
        message = "somebody else changed the file meanwhile, so nothing was written"
        raise ConfigError([Mistake(str(path), "", message, "Go back, look at what it says now, and change it again.")])
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
