"""Why the state's database cannot be used, for people: what, why, what to do, and no password."""

import sys
from collections.abc import Callable
from urllib.parse import unquote

from mcmirror.store.paths import database_file

ELSEWHERE = "or name another state: state = ... under [settings]"


class Newer(Exception):
    """The database was written by a later version of mcmirror."""

    def __init__(self, found: int, known: int) -> None:
        super().__init__(f"a newer mcmirror has written it (schema {found}, this one knows {known})")


def explained(error: Exception, state: str) -> str:
    """One line in three parts."""
    why = _why(error, state)
    return f"{shown(state)}: the state cannot be used: {why}. {_remedy(why, state)}"


def shown(state: str) -> str:
    """The state's file, or its URL without user and password."""
    file = database_file(state)
    if file:
        return str(file)
    scheme, mark, rest = state.partition("://")
    address = rest.rpartition("@")[2].partition("?")[0]
    return f"{scheme}{mark}{address}" if mark else "the state"


def _why(error: Exception, state: str) -> str:
    if isinstance(error, ImportError):
        return "PostgreSQL needs psycopg, which is not installed"
    # SQLAlchemy adds the statement and a link; the driver's own words stand in the original.
    text = str(getattr(error, "orig", None) or getattr(error, "strerror", None) or error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    line = (lines[0] if lines else type(error).__name__).rstrip(".")
    for password in _passwords(state):
        line = line.replace(password, "***")
    return line


def _passwords(state: str) -> set[str]:
    """The password of a URL as written and as meant."""
    user, mark, _ = state.partition("://")[2].rpartition("@")
    found = {user.partition(":")[2]} if mark else set[str]()
    _, _, query = state.partition("?")
    found |= {value for key, _, value in (part.partition("=") for part in query.split("&")) if key == "password"}
    return {form for word in found for form in (word, unquote(word)) if form}


Remedies = tuple[tuple[tuple[str, ...], Callable[[str], str]], ...]

_BOTH: Remedies = (
    (("newer mcmirror",), lambda _: f"Update mcmirror here, {ELSEWHERE}"),
    (("no space", "is full", "disk i/o", "too large"), lambda at: f"Make room on the disk of {at}"),
)
_FILE: Remedies = (
    *_BOTH,
    (
        ("not a directory", "file exists"),
        lambda at: f"A file lies where the folder of {at} belongs: move it away, {ELSEWHERE}",
    ),
    (("is a directory",), lambda at: f"Name a file, such as sqlite:///{at}/state.db, {ELSEWHERE}"),
    (("is locked",), lambda at: f"See which program holds it, and end that: fuser -v {at}"),
    (
        ("malformed", "not a database"),
        lambda at: f"Move {at} away, with {at}-wal and {at}-shm: a new one is made, without the history",
    ),
    (("",), lambda at: f"Make {at} and its folder writable for this user, {ELSEWHERE}"),
)
_SERVER: Remedies = (
    *_BOTH,
    (("not installed",), lambda _: f"Run {sys.executable} -m pip install 'psycopg[binary]', {ELSEWHERE}"),
    (("permission denied for",), lambda at: f"Grant the user CREATE and USAGE on the schema in {at}"),
    (("password", "authentication", "role", "pg_hba"), lambda at: f"Check user, password and database of {at}"),
    (("does not exist",), lambda at: f"Create the database, or check the name: {at}"),
    (("",), lambda at: f"Look whether the server at {at} runs and can be reached from here, {ELSEWHERE}"),
)


def _remedy(why: str, state: str) -> str:
    rows, text = (_FILE if database_file(state) else _SERVER), why.lower()
    remedy = next(remedy for words, remedy in rows if any(word in text for word in words))
    return f"{remedy(shown(state))}."
