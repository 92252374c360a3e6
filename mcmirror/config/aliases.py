"""Where an alias comes from: mcmirror.toml first, then ``MC_HOST_*``, then mc's own config.json."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mcmirror.config import inherited, syntax
from mcmirror.config.lines import located
from mcmirror.config.reference import has_reference, resolve
from mcmirror.config.values import ConfigError, Configuration, Mistake, Wrong
from mcmirror.model.location import Alias, Secret


@dataclass(frozen=True, slots=True)
class AliasText:
    """An alias as a person wrote it, references unresolved."""

    name: str
    url: str
    access_key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    region: str = ""
    ca_file: str = ""
    insecure: bool = False
    api: str = "S3v4"
    path: str = "auto"


@dataclass(frozen=True, slots=True)
class KnownAlias:
    """What may be shown of an alias."""

    name: str
    url: str
    origin: str


class Aliases(Mapping[str, Alias]):
    """The aliases of one file; each is resolved when it is looked up."""

    def __init__(self, texts: Mapping[str, AliasText], file: Path, environ: Mapping[str, str]) -> None:
        self._texts = dict(texts)
        self._file = file
        self._environ = environ

    def __getitem__(self, name: str) -> Alias:
        """The alias, complete; ConfigError when something it refers to is missing."""
        try:
            return resolve_alias(self._texts[name], self._file, self._environ)
        except ConfigError as error:
            raise ConfigError(located(error.mistakes, self._written())) from None

    def _written(self) -> str:
        """What the file holds now; nothing when it cannot be read."""
        try:
            return self._file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            return ""

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def __contains__(self, name: object) -> bool:
        """Without resolving anything, so that asking never fails."""
        return name in self._texts

    def text(self, name: str) -> AliasText:
        """The alias as it was written."""
        return self._texts[name]

    def url(self, name: str) -> str:
        """The address, or the reference to it where that leads nowhere."""
        text = self._texts[name].url
        try:
            return syntax.url(resolve(text, self._environ, self._file.parent))
        except Wrong:
            return text


def resolve_alias(text: AliasText, file: Path, environ: Mapping[str, str]) -> Alias:
    """The alias with its references replaced; ConfigError names all that are missing."""
    mistakes: list[Mistake] = []
    folder = file.parent

    def read(key: str, written: str) -> str:
        try:
            return resolve(written, environ, folder) if has_reference(written) or written.startswith("{") else written
        except Wrong as wrong:
            mistakes.append(Mistake(str(file), f"alias.{text.name}.{key}", str(wrong), wrong.remedy))
            return ""

    def key(name: str, written: str) -> Secret:
        value = read(name, written)
        if any(ord(sign) < 32 for sign in value):
            mistakes.append(
                _mistake(
                    file,
                    text.name,
                    name,
                    "the key holds a line break or another control character",
                    "Let it be one line.",
                )
            )
        return Secret(value)

    address = read("url", text.url)
    try:
        address = syntax.url(address) if address else ""
    except Wrong as wrong:
        mistakes.append(Mistake(str(file), f"alias.{text.name}.url", str(wrong), wrong.remedy))
    authority = read("ca_file", text.ca_file)
    if authority:
        authority = str(folder / Path(authority).expanduser())
        if not Path(authority).is_file():
            mistakes.append(
                _mistake(
                    file,
                    text.name,
                    "ca_file",
                    f"there is no file {authority}",
                    "Write the path of a PEM file with the certificate authority.",
                )
            )
    mistakes += _half(text, file)
    alias = Alias(
        text.name,
        address,
        key("access_key", text.access_key),
        key("secret_key", text.secret_key),
        key("session_token", text.session_token),
        api=text.api,
        path=text.path,
        region=read("region", text.region),
        ca_file=authority,
        insecure=text.insecure,
        origin=str(file),
    )
    if mistakes:
        raise ConfigError(mistakes)
    return alias


def _half(text: AliasText, file: Path) -> list[Mistake]:
    """One key without the other, which would be taken for anonymous access."""
    if bool(text.access_key) == bool(text.secret_key):
        return []
    present, missing = ("access_key", "secret_key") if text.access_key else ("secret_key", "access_key")
    message = f"there is no {missing} beside the {present}"
    return [_mistake(file, text.name, missing, message, "Write both keys, or neither for anonymous access.")]


def _mistake(file: Path, alias: str, key: str, message: str, remedy: str) -> Mistake:
    return Mistake(str(file), f"alias.{alias}.{key}", message, remedy)


def find_alias(name: str, configuration: Configuration, environ: Mapping[str, str], home: Path) -> Alias | None:
    """The alias of this name, from the first place that has it; ConfigError when it is there but broken."""
    if name in configuration.aliases:
        return configuration.aliases[name]
    return inherited.from_environment(name, environ) or inherited.from_files(environ, home).get(name)


def known_aliases(configuration: Configuration, environ: Mapping[str, str], home: Path) -> list[KnownAlias]:
    """Every alias that can be named, by name; the public one of mc only when it was defined here."""
    known: dict[str, KnownAlias] = {}
    for name, alias in inherited.from_files(environ, home).items():
        if name != inherited.PUBLIC:
            known[name] = KnownAlias(name, alias.url, alias.origin)
    for name in inherited.alias_names(environ):
        try:
            given = inherited.from_environment(name, environ)
        except ConfigError:
            known[name] = KnownAlias(name, "", f"MC_HOST_{name} (cannot be read)")
            continue
        if given:
            known[name] = KnownAlias(name, given.url, given.origin)
    for name in configuration.aliases:
        known[name] = KnownAlias(name, address(name, configuration), configuration.origin)
    return [known[name] for name in sorted(known)]


def address(name: str, configuration: Configuration) -> str:
    """The URL of a configured alias, without needing its keys."""
    aliases = configuration.aliases
    return aliases.url(name) if isinstance(aliases, Aliases) else aliases[name].url
