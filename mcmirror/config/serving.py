"""What a server needs of its settings, references resolved; and what of them must never be shown."""

from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mcmirror.config import agents
from mcmirror.config.reference import resolve
from mcmirror.config.values import ConfigError, Configuration, Mistake, Wrong

LEAST = 8
"""A bearer token that is shorter is guessed."""


def api_token(configuration: Configuration, environ: Mapping[str, str]) -> str:
    """The bearer token of the API, empty when there is none; raises ConfigError."""
    return _resolved(configuration, environ, "api_token", check_token)


def pushgateway(configuration: Configuration, environ: Mapping[str, str]) -> str:
    """The Pushgateway's address, which may hold credentials, or an empty text; raises ConfigError."""
    return _resolved(configuration, environ, "pushgateway", _address)


def secrets(configuration: Configuration, environ: Mapping[str, str]) -> tuple[str, ...]:
    """What the settings hold that must never be shown, as far as it can be resolved."""
    found: list[str] = []
    addresses = [configuration.settings.state, configuration.settings.proxy]
    for read, kept in ((api_token, found), (pushgateway, addresses)):
        try:
            kept.append(read(configuration, environ))
        except ConfigError:
            continue
    for address in addresses:
        try:
            password = urlsplit(address).password or ""
        except ValueError:
            continue
        found += [password, unquote(password)]
    found += agents.secrets(configuration, environ)
    return tuple(dict.fromkeys(secret for secret in found if secret))


def _resolved(configuration: Configuration, environ: Mapping[str, str], key: str, check: Callable[[str], None]) -> str:
    written = str(getattr(configuration.settings, key))
    folder = configuration.path.parent if configuration.path else Path.cwd()
    try:
        value = resolve(written, environ, folder).strip()
        if value:
            check(value)
    except Wrong as wrong:
        mistake = Mistake(configuration.origin, f"settings.{key}", str(wrong), wrong.remedy)
        raise ConfigError([mistake]) from None
    return value


def check_token(value: str) -> None:
    """Refuse a token that is guessed, or that no header can carry. Raises Wrong."""
    if len(value) < LEAST:
        raise Wrong(f"the token has fewer than {LEAST} characters", "Make a long one: openssl rand -hex 32.")
    if not all("!" <= sign <= "~" for sign in value):
        raise Wrong(
            "the token holds a space or a sign that no header can carry", "Make another one: openssl rand -hex 32."
        )


def _address(value: str) -> None:
    check_address(value, '"http://host:9091" or "https://user:password@host:9091"')


def check_address(value: str, example: str) -> None:
    """Refuse what is no address of HTTP. Raises Wrong, with the example."""
    try:
        parts = urlsplit(value)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise Wrong("this is no address", f"Write {example}.")
