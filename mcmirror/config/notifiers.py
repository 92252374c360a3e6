"""Notifiers ready for use: references resolved, and what of them must never be shown."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from mcmirror.config.reference import resolve
from mcmirror.config.values import ENVIRONMENT, ConfigError, Configuration, Mistake, Notifier, Wrong

API_URL = "SLACK_API_URL"
_REFERENCES = ("token", "url", "webhook", "secret")
_TELLING = 8
"""A part of an address that is as long as this may be what opens it."""


def resolved(configuration: Configuration, name: str, environ: Mapping[str, str]) -> Notifier:
    """The notifier with its values in place of references; raises ConfigError."""
    notifier = configuration.notifiers[name]
    folder = configuration.path.parent if configuration.path else Path.cwd()
    mistakes, values = list[Mistake](), {key: str(getattr(notifier, key)) for key in _REFERENCES}
    for key in _REFERENCES if configuration.path else ():
        try:
            values[key] = resolve(values[key], environ, folder).strip()
        except Wrong as wrong:
            mistakes.append(Mistake(configuration.origin, f"notify.{name}.{key}", str(wrong), wrong.remedy))
            values[key] = ""
            continue
        if getattr(notifier, key) and not values[key]:
            what = "what it refers to is blank" + (", and an empty key signs nothing" if key == "secret" else "")
            mistakes.append(Mistake(configuration.origin, f"notify.{name}.{key}", what, "Write the value there."))
    for key in ("url", "webhook"):
        if values[key] and not _is_address(values[key]):
            what = "what it refers to is no address"
            mistakes.append(Mistake(configuration.origin, f"notify.{name}.{key}", what, "Write https://... there."))
    api_url = notifier.api_url or environ.get(API_URL, "").strip()
    if api_url and not (_is_address(api_url) and api_url.endswith("/api/")):
        mistakes.append(
            Mistake(ENVIRONMENT, API_URL, "is no address that ends with /api/", f"Set {API_URL}=https://slack.com/api/")
        )
    if mistakes:
        raise ConfigError(mistakes)
    return replace(
        notifier,
        token=values["token"],
        url=values["url"],
        webhook=values["webhook"],
        secret=values["secret"],
        api_url=api_url,
    )


def _is_address(text: str) -> bool:
    try:
        return urlsplit(text).scheme in {"http", "https"} and bool(urlsplit(text).hostname)
    except ValueError:
        return False


def secrets(notifier: Notifier) -> tuple[str, ...]:
    """The token, each address, and the part of an address that opens it."""
    found = [notifier.token, notifier.url, notifier.webhook, notifier.secret]
    for address in (notifier.url, notifier.webhook):
        path = urlsplit(address).path.strip("/")
        found += [path, path.rpartition("/")[2]]
    return tuple(secret for secret in found if len(secret) >= _TELLING)
