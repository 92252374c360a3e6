"""``mcmirror alias``: the servers and their keys, which never stand in an argument."""

import json
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mcmirror.cli.commands import Group
from mcmirror.cli.options import ConfigOption, JsonOption
from mcmirror.cli.table import columns
from mcmirror.config import (
    FILE_NAME,
    ConfigError,
    Configuration,
    Mistake,
    find_alias,
    find_file,
    home_of,
    known_aliases,
    load,
    nearest,
)
from mcmirror.config.aliases import AliasText, resolve_alias
from mcmirror.config.inherited import unreadable
from mcmirror.config.reference import is_reference
from mcmirror.model.location import ALIAS_NAME, Alias
from mcmirror.model.problem import Trouble

if TYPE_CHECKING:
    from collections.abc import Mapping

app = typer.Typer(
    help="The servers and the keys for them.",
    no_args_is_help=True,
    cls=Group,
    add_completion=False,
    rich_markup_mode=None,
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The alias, as locations begin: NAME/bucket.")]
_COMMAND_LINE = "command line"


@app.command("set")
def set_(  # noqa: PLR0913  (one parameter an option)
    name: NameArgument,
    url: Annotated[str, typer.Argument(metavar="URL", help="https://host[:port]")],
    *,
    access_key: Annotated[str, typer.Option(metavar="REFERENCE", help="A reference: {env:NAME} or {file:PATH}.")] = "",
    secret_key: Annotated[str, typer.Option(metavar="REFERENCE", help="A reference: {env:NAME} or {file:PATH}.")] = "",
    stdin: Annotated[bool, typer.Option("--stdin", help="Read both keys from standard input, a line each.")] = False,
    region: Annotated[str, typer.Option(metavar="NAME", help="Such as eu-central-1.")] = "",
    ca_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A PEM file with the authority to trust.")
    ] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Accept any certificate.")] = False,
    api: Annotated[
        Literal["S3v4", "S3v2"], typer.Option(metavar="S3v4|S3v2", help="How requests are signed.")
    ] = "S3v4",
    path: Annotated[
        Literal["auto", "on", "off"], typer.Option(metavar="auto|on|off", help="Bucket in the path or in the host.")
    ] = "auto",
    no_check: Annotated[bool, typer.Option("--no-check", help="Write without asking the server.")] = False,
    config: ConfigOption = None,
) -> None:
    """Test an alias, then write it into mcmirror.toml.

    Keys come from references, standard input or a prompt. Keys that were typed are kept in files that only you can
    read, and mcmirror.toml refers to them.
    """
    from mcmirror.config import write

    file = _file(config)
    _refuse_name(name)
    _refuse_literals(access_key, secret_key)
    _refuse_half(access_key, secret_key, stdin=stdin)
    authority = str(ca_file.absolute()) if ca_file else ""
    text = AliasText(name, url, access_key, secret_key, "", region, authority, insecure, api, path)
    # Before anybody types a key.
    resolve_alias(text, file, os.environ)
    if not no_check:
        _offer_mc(config)
    keys = (access_key, secret_key) if access_key or secret_key else _ask(name, from_stdin=stdin)
    alias = resolve_alias(replace(text, access_key=keys[0], secret_key=keys[1]), file, os.environ)
    if not no_check:
        _check(alias, _configuration_or_none(config))
    had = write.references(file, name)
    referred = {
        key: value if is_reference(value) else keep(name, key, value, had)
        for key, value in (("access_key", keys[0]), ("secret_key", keys[1]))
        if value
    }
    _write(file, replace(alias, url=url) if is_reference(url) else alias, referred)


@app.command("list")
def list_(*, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List every alias that can be used, and where it comes from; never a key."""
    known = known_aliases(load(config, os.environ, Path.cwd()), os.environ, home_of(os.environ))
    for broken in unreadable(os.environ, home_of(os.environ)):
        print(f"note: {broken}", file=sys.stderr)
    if as_json:
        print(json.dumps([asdict(alias) for alias in known], indent=2))
    else:
        columns(("ALIAS", "URL", "FROM"), [[alias.name, alias.url, alias.origin] for alias in known])


@app.command("test")
def check(name: NameArgument, *, config: ConfigOption = None) -> None:
    """Ask the server whether it is there and takes the keys."""
    configuration = load(config, os.environ, Path.cwd())
    home = home_of(os.environ)
    alias = find_alias(name, configuration, os.environ, home)
    if alias is None:
        guess = nearest(name, [known.name for known in known_aliases(configuration, os.environ, home)])
        remedy = f"Did you mean {guess}?" if guess else f"Define it: mcmirror alias set {name} URL"
        message = "; ".join(("there is no such alias", *unreadable(os.environ, home)))
        raise ConfigError([Mistake(_COMMAND_LINE, name, message, remedy)])
    _check(alias, configuration)
    said = "answers and takes the keys" if alias.access_key else "answers; no keys: anonymous"
    print(f"{name}: {alias.url} {said}.", file=sys.stderr)


@app.command("import")
def import_(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A JSON file, or - for standard input.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace aliases that are there.")] = False,
    config: ConfigOption = None,
) -> None:
    """Take over connections with a source_config (one or a list), or the config.json of mc."""
    from mcmirror.config import connections, write

    target = _file(config)
    found = connections.read(text_of(file), "standard input" if file == "-" else file)
    there = [imported.alias.name for imported in found if write.has_alias(target, imported.alias.name)]
    if there and not force:
        remedy = "Replace them with --force, or rename them in the file."
        raise ConfigError([Mistake(str(target), f"alias.{name}", "is there already", remedy) for name in there])
    for imported in found:
        alias = imported.alias
        had = write.references(target, alias.name)
        secrets = {key: getattr(alias, key).value for key in write.SECRETS}
        _write(target, alias, {key: keep(alias.name, key, value, had) for key, value in secrets.items() if value})
        if imported.bucket:
            print(f"  its bucket, as source or target: {alias.name}/{imported.bucket}", file=sys.stderr)
    print(f"{len(found)} imported, none tested yet: mcmirror alias test NAME", file=sys.stderr)


@app.command()
def remove(
    name: NameArgument,
    *,
    force: Annotated[bool, typer.Option("--force", help="Although a job or a replication uses it.")] = False,
    config: ConfigOption = None,
) -> None:
    """Remove an alias from mcmirror.toml, and the keys that were kept for it."""
    from mcmirror.config import write

    file = _file(config)
    if not write.has_alias(file, name):
        known = find_alias(name, Configuration(), os.environ, home_of(os.environ))
        why = f"it comes from {known.origin}, which mcmirror never writes" if known else "there is no such alias"
        remedy = "Remove it there." if known else "See mcmirror alias list."
        raise ConfigError([Mistake(str(file), f"alias.{name}", why, remedy)])
    tables = write.tables_using(file, name)
    if tables and not force:
        what = {table: f"this {table.partition('.')[0]} uses {name}" for table in tables}
        remedy = "Change it first, or write --force."
        raise ConfigError([Mistake(str(file), table, said, remedy) for table, said in what.items()])
    had = write.references(file, name)
    write.drop_alias(file, name)
    for gone in write.forget_secrets(write.secrets_folder(os.environ, home_of(os.environ)), had):
        print(f"deleted {gone}", file=sys.stderr)
    print(f"{name} is removed from {file}.", file=sys.stderr)


def _file(config: Path | None) -> Path:
    return find_file(config, os.environ, Path.cwd()) or Path(FILE_NAME)


def _configuration_or_none(config: Path | None) -> Configuration:
    """What the file says, or nothing: an alias is often set to mend a file that does not load."""
    try:
        return load(config, os.environ, Path.cwd())
    except ConfigError:
        return Configuration()


def _offer_mc(config: Path | None) -> None:
    from mcmirror.cli.mc_offer import offer_mc
    from mcmirror.service import Service

    offer_mc(Service(_configuration_or_none(config)))


def _check(alias: Alias, configuration: Configuration) -> None:
    from mcmirror.service import Service

    problem = Service(configuration).check_alias(alias)
    if problem:
        raise Trouble(problem)


def _refuse_name(name: str) -> None:
    if not ALIAS_NAME.match(name):
        remedy = "Use a letter, then letters, digits, '-' or '_'."
        raise ConfigError([Mistake(_COMMAND_LINE, "NAME", f"{name!r} cannot be an alias", remedy)])


def _refuse_literals(access_key: str, secret_key: str) -> None:
    mistakes = [
        Mistake(
            _COMMAND_LINE,
            option,
            "a key in an argument can be read by every user of this machine and stays in the shell's history",
            "Write '{env:NAME}' or '{file:PATH}', or leave it out and type it at the prompt, or use --stdin.",
        )
        for option, value in (("--access-key", access_key), ("--secret-key", secret_key))
        if value and not is_reference(value)
    ]
    if mistakes:
        raise ConfigError(mistakes)


def _refuse_half(access_key: str, secret_key: str, *, stdin: bool) -> None:
    if stdin and (access_key or secret_key):
        remedy = "Leave out --stdin, or --access-key and --secret-key."
        raise ConfigError([Mistake(_COMMAND_LINE, "--stdin", "the keys are given twice", remedy)])
    if bool(access_key) != bool(secret_key):
        given, missing = ("--access-key", "--secret-key") if access_key else ("--secret-key", "--access-key")
        remedy = f"Write {missing} too; what the file has of the other key is not kept."
        raise ConfigError([Mistake(_COMMAND_LINE, missing, f"there is none beside {given}", remedy)])


def _ask(name: str, *, from_stdin: bool) -> tuple[str, str]:
    """Both keys, from two lines of standard input or from a person; both empty for anonymous access."""
    if from_stdin:
        try:
            lines = [line.rstrip("\r\n") for line in sys.stdin.readlines(4096)]
            "".join(lines).encode()
        except UnicodeError:
            lines = []
            wrong = "it is no UTF-8 text"
        else:
            empty = "one of the two lines is empty" if any(lines) else "both lines are empty"
            wrong = empty if len(lines) == 2 else f"two lines were expected, {len(lines)} came"
        if len(lines) != 2 or not all(lines):
            remedy = "Write the access key and the secret key, a line each."
            raise ConfigError([Mistake("standard input", "", wrong, remedy)])
        return lines[0], lines[1]
    if not sys.stdin.isatty():
        remedy = "Use --stdin, or --access-key '{env:NAME}' --secret-key '{env:NAME}'."
        raise ConfigError([Mistake(_COMMAND_LINE, "", "there is no terminal to ask for the keys", remedy)])
    access = typer.prompt(
        f"Access key of {name} (empty: anonymous)", default="", show_default=False, hide_input=True, err=True
    )
    secret = typer.prompt(f"Secret key of {name}", hide_input=True, err=True) if access else ""
    return access, secret


def keep(name: str, key: str, value: str, had: "Mapping[str, str]") -> str:
    """Return a reference to the key of an alias: as it is when it is one, else to a file that only its owner reads."""
    from mcmirror.config import write

    if is_reference(value):
        return value
    folder = write.secrets_folder(os.environ, home_of(os.environ))
    return write.keep_secret(folder, f"{name}-{key.replace('_', '-')}", value, mine=had.get(key, ""))


def _write(file: Path, alias: Alias, referred: "Mapping[str, str]") -> None:
    """Write what is not the default."""
    from mcmirror.config import write

    write.put_alias(file, alias.name, write.alias_values(alias, referred))
    print(f"{alias.name} is written to {file}.", file=sys.stderr)


def text_of(file: str) -> str:
    """Return what stands in a file, or comes from standard input."""
    if file == "-":
        return sys.stdin.read()
    try:
        return Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        remedy = "Check the path; - reads standard input."
        raise ConfigError([Mistake(file, "", f"the file cannot be read: {reason}", remedy)]) from None
