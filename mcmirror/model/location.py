"""Where objects are: an alias names a server, a location a place on it or a local folder."""

import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

ALIAS_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that no repr, str or format ever shows."""

    value: str = field(repr=False)

    def __str__(self) -> str:
        return "***" if self.value else ""

    def __bool__(self) -> bool:
        return bool(self.value)


@dataclass(frozen=True, slots=True)
class Alias:
    """A server and the credentials for it, under the name that locations use (mc's word)."""

    name: str
    url: str
    """With scheme and without path: ``https://host[:port]``."""
    access_key: Secret = Secret("")
    """Both keys empty: anonymous access."""
    secret_key: Secret = Secret("")
    session_token: Secret = Secret("")
    api: str = "S3v4"
    path: str = "auto"
    """Bucket lookup: ``auto``, ``on`` (path style) or ``off`` (virtual host)."""
    region: str = ""
    ca_file: str = ""
    """A PEM file with the certificate authority to trust besides the system's."""
    insecure: bool = False
    origin: str = ""
    """Where it was defined, for people: a file or a variable."""

    def secrets(self) -> tuple[str, ...]:
        """Every value that must not be printed."""
        hidden = (self.access_key, self.secret_key, self.session_token)
        return tuple(secret.value for secret in hidden if secret)


@dataclass(frozen=True, slots=True)
class Location:
    """``alias/bucket[/prefix]``, or a local folder (``alias`` empty, ``path`` absolute)."""

    alias: str
    path: str
    """``bucket[/prefix]`` or the absolute folder, without a trailing slash."""

    def __str__(self) -> str:
        return f"{self.alias}/{self.path}" if self.alias else self.path

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what a person wrote; ``/x``, ``./x``, ``../x``, ``~/x`` and ``.`` are folders, all else an alias.

        Raises ValueError when neither an alias nor a folder can be meant.
        """
        if not text.strip():
            raise ValueError("the location is empty")
        if "\0" in text:
            raise ValueError("the location holds a NUL byte")
        if text[0] in "/~" or text in {".", ".."} or text.startswith(("./", "../")):
            folder = os.path.abspath(Path(text).expanduser())  # noqa: PTH100  # links stay as written
            if any("\ud800" <= sign <= "\udfff" for sign in folder):
                raise ValueError("the folder's path is not UTF-8, or LC_ALL names a locale that is not")
            return cls("", folder)
        alias, _, path = text.partition("/")
        if not ALIAS_NAME.match(alias):
            raise ValueError(f"{alias!r} is no alias name (a letter, then letters, digits, '-' or '_')")
        path = path.removesuffix("/") if path != "/" else path
        if any(segment in {"", ".", ".."} for segment in path.split("/")) and path:
            raise ValueError("a bucket or prefix holds an empty, '.' or '..' folder, which mc would resolve")
        return cls(alias, path)

    @property
    def is_local(self) -> bool:
        """A folder of this machine."""
        return not self.alias

    @property
    def is_alias_root(self) -> bool:
        """A whole server: an alias without a bucket."""
        return bool(self.alias) and not self.path

    @property
    def bucket(self) -> str:
        """The bucket's name; empty for a folder."""
        return self.path.partition("/")[0] if self.alias else ""

    @property
    def prefix(self) -> str:
        """What follows the bucket, without slashes at the ends; empty for a folder."""
        return self.path.partition("/")[2] if self.alias else ""

    def below(self, prefix: str) -> Self:
        """The place ``prefix`` below this one."""
        prefix = prefix.strip("/")
        return replace(self, path=f"{self.path.rstrip('/')}/{prefix}") if prefix else self

    def child(self, key: str) -> str:
        """The argument by which mc knows the object ``key`` of this place."""
        return f"{str(self).rstrip('/')}/{key}"

    def contains(self, other: "Location") -> bool:
        """Whether ``other`` is this place or lies in it."""
        if self.alias != other.alias:
            return False
        mine, theirs = self.path.rstrip("/"), other.path.rstrip("/")
        return theirs == mine or theirs.startswith(f"{mine}/") or not mine
