"""mcmirror's state as a further database of Django, to be read by the admin."""

from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.db import DEFAULT_DB_ALIAS, connections

from mcmirror.contrib.django.configuration import own
from mcmirror.store.database import Database
from mcmirror.store.paths import database_file

ALIAS = "mcmirror"


def state_alias() -> str:
    """The name of Django's connection to the state, whose tables are there; raises Unusable."""
    state = own("MCMIRROR_STATE")
    _make(state)
    if ALIAS not in connections.settings:
        # Not in DATABASES: migrations and tests are to leave it alone.
        described = connections.configure_settings(
            {DEFAULT_DB_ALIAS: connections.settings[DEFAULT_DB_ALIAS], ALIAS: described_as(state)}
        )
        connections.settings[ALIAS] = described[ALIAS]
    return ALIAS


@cache
def _make(state: str) -> None:
    """Make its tables, once in a process that succeeds."""
    database = Database(state)
    try:
        with database.read():
            pass
    finally:
        database.close()


def described_as(state: str) -> dict[str, Any]:
    """A state's URL as an entry of DATABASES."""
    file = database_file(state)
    if file is not None:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(file), "OPTIONS": {"timeout": 5}}
    parts = urlsplit(state)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
    }
