"""Aliases that a person already has for mc: ``MC_HOST_*`` and the config.json of mc, mcli or minio-client.

Read, never written.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mcmirror.config import syntax
from mcmirror.config.values import ENVIRONMENT, ConfigError, Mistake, Wrong
from mcmirror.model.location import ALIAS_NAME, Alias, Secret

PUBLIC = "play"
"""A public server that mc defines for everybody; used only when named."""
_VARIABLE = "MC_HOST_"
_FOLDERS = (".mc", ".mcli", ".minio-client")
_PLACEHOLDER = "YOUR-ACCESS-KEY-HERE"


def alias_names(environ: Mapping[str, str]) -> list[str]:
    """The aliases that ``MC_HOST_*`` defines."""
    names = (variable.removeprefix(_VARIABLE) for variable in environ if variable.startswith(_VARIABLE))
    return sorted(name for name in names if ALIAS_NAME.match(name))


def from_environment(name: str, environ: Mapping[str, str]) -> Alias | None:
    """The alias of ``MC_HOST_<name>``, taken raw as mc takes it: nothing is decoded. Raises ConfigError."""
    variable = _VARIABLE + name
    text = environ.get(variable, "")
    if not text:
        return None
    scheme, _, rest = text.partition("://")
    credentials, at, host = rest.rpartition("@")
    keys = credentials.split(":", 2)
    try:
        # Without a key pair the address is made unreadable: mc would refuse it as well.
        address = syntax.url(f"{scheme}://{host}" if len(keys) > 1 or not at else "")
    except Wrong:
        remedy = f"Write {variable}=https://ACCESS_KEY:SECRET_KEY@HOST:PORT; nothing in it is decoded."
        raise ConfigError([Mistake(ENVIRONMENT, variable, "the value cannot be read", remedy)]) from None
    access, secret, token = [*keys, "", "", ""][:3]
    return Alias(name, address, Secret(access), Secret(secret), Secret(token), origin=variable)


def config_files(environ: Mapping[str, str], home: Path) -> list[Path]:
    """Where the config.json of mc and its other names may be, the first to be believed first."""
    chosen = environ.get("MC_CONFIG_DIR", "")
    folders = [Path(chosen)] if chosen else []
    folders += [home / folder for folder in _FOLDERS]
    return [folder / "config.json" for folder in folders]


def from_files(environ: Mapping[str, str], home: Path) -> dict[str, Alias]:
    """Every alias of those files; one that cannot be read is passed over; see ``unreadable``."""
    found: dict[str, Alias] = {}
    for file in config_files(environ, home):
        document, _ = _read(file)
        authorities = _authorities(file.parent)
        for name, alias in parse(document, str(file)).items():
            found.setdefault(name, replace(alias, ca_file=authorities))
    return found


def unreadable(environ: Mapping[str, str], home: Path) -> tuple[str, ...]:
    """What to say of each of those files that is there and cannot be used: its aliases are missing."""
    return tuple(
        f"{file} cannot be used: {why}; mend it, or move it away and set its aliases again"
        for file in dict.fromkeys(config_files(environ, home))
        if (why := _read(file)[1])
    )


def _read(file: Path) -> tuple[Any, str]:
    """The document, None when there is none; and what is wrong with it."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None, ""
    except OSError as error:
        return None, (error.strerror or "it cannot be read").lower()
    except UnicodeDecodeError:
        return None, "it is no UTF-8 text"
    except (ValueError, RecursionError) as error:
        # A JSONDecodeError's message holds the place and never the text.
        return None, f"it is no JSON ({error})"
    tables = (document.get("aliases") or document.get("hosts") or {}) if isinstance(document, dict) else None
    return document, "" if isinstance(tables, dict) else "it is no configuration of mc"


def parse(document: Any, origin: str) -> dict[str, Alias]:
    """The usable aliases of a config.json, the examples that mc puts there left out."""
    aliases: dict[str, Alias] = {}
    tables = document.get("aliases") or document.get("hosts") if isinstance(document, dict) else None
    for name, table in (tables or {}).items() if isinstance(tables, dict) else ():
        if not isinstance(table, dict) or not ALIAS_NAME.match(name) or table.get("accessKey") == _PLACEHOLDER:
            continue
        try:
            address = syntax.url(str(table.get("url", "")))
        except Wrong:
            continue
        aliases[name] = Alias(
            name,
            address,
            Secret(str(table.get("accessKey") or "")),
            Secret(str(table.get("secretKey") or "")),
            Secret(str(table.get("sessionToken") or "")),
            api="S3v2" if str(table.get("api", "")).lower() == "s3v2" else "S3v4",
            path=table["path"] if table.get("path") in {"on", "off"} else "auto",
            origin=origin,
        )
    return aliases


def _authorities(folder: Path) -> str:
    """The one certificate authority that mc trusts there besides the system's."""
    try:
        files = [file for file in sorted((folder / "certs" / "CAs").iterdir()) if file.is_file()]
    except OSError:
        return ""
    return str(files[0]) if len(files) == 1 else ""
