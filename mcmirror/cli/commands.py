"""The commands of `mcmirror` by name, each imported only when it is asked for."""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from mcmirror.cli.catalogue import ABOUT, CODES, COMMANDS, examples

MORE = "mcmirror COMMAND --help says more."
_HELP = {"help_option_names": ["--help", "-h"]}
UsageError: Any = typer.BadParameter.__base__


class Group(TyperGroup):
    """A group of commands that answers ``help`` too, and says what to write in place of what does not exist."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """``help COMMAND`` is ``COMMAND --help``."""
        if args[:1] == ["help"] and "help" not in self.commands:
            args = [*args[1:], "--help"]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Say which command was probably meant."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            from mcmirror.cli import suggestions

            meant = suggestions.for_command(args[0], list(self.commands)) or self.hint
            raise UsageError(f"No such command {args[0]!r}. {meant}", ctx)
        return super().resolve_command(ctx, args)

    @property
    def hint(self) -> str:
        """What to do where no command comes to mind."""
        return f"There are: {', '.join(self.commands)}."


class LazyGroup(Group):
    """Lists commands from ``COMMANDS`` without importing them."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """``version`` is ``--version``."""
        with _suggesting(self):
            return super().parse_args(ctx, ["--version"] if args == ["version"] else args)

    def list_commands(self, ctx: Any) -> list[str]:
        """Return all names, in the order a newcomer needs them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a stand-in with the line of help: enough for lists and completion."""
        del ctx
        return self.commands.get(cmd_name)

    def invoke(self, ctx: Any) -> Any:
        """Ctrl-C at a question is Ctrl-C; the end of the input there is a failure."""
        try:
            with _suggesting(self):
                return super().invoke(ctx)
        except typer.Abort as abort:
            print("Aborted!", file=sys.stderr)
            raise typer.Exit(1 if isinstance(abort.__context__, EOFError) else 130) from None

    @property
    def hint(self) -> str:
        """What to do where no command comes to mind."""
        return "`mcmirror help` lists them."

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Import the command that is about to run."""
        name, command, rest = super().resolve_command(ctx, args)
        return (name, loaded(name), rest) if name in COMMANDS else (name, command, rest)


@contextmanager
def _suggesting(root: "LazyGroup") -> Iterator[None]:
    """Say which option was probably meant."""
    try:
        yield
    except UsageError as error:
        if type(error).__name__ == "NoSuchOption" and error.ctx is not None:
            error.message = f"No such option: {error.option_name}. {_suggestion(root, error)}".strip()
            error.possibilities = None
        raise


def _suggestion(root: "LazyGroup", error: Any) -> str:
    from mcmirror.cli import suggestions
    from mcmirror.config.schema import job_lines

    command, name = error.ctx.command, error.ctx.command_path.partition(" ")[2]
    others = {one: _options(loaded(one)) for one in root.commands if one != name}
    return suggestions.for_option(error.option_name, name, _options(command), others, job_lines())


def _options(command: Any) -> list[str]:
    """The long options of a command, without dashes."""
    written = [word for one in command.params if one.param_type_name == "option" for word in one.opts]
    return [word.removeprefix("--") for word in written if word.startswith("--")]


def loaded(name: str) -> Any:
    """Return the real command of that name."""
    module, _, attribute = COMMANDS[name].place.partition(":")
    found = getattr(import_module(f"mcmirror.cli.{module}"), attribute)
    if not isinstance(found, typer.Typer):
        application = typer.Typer(add_completion=False, rich_markup_mode=None)
        application.command(name)(found)
        found = application
    found.pretty_exceptions_enable = False
    found.rich_markup_mode = None
    command = typer.main.get_command(found)
    command.name = name
    _document(command, name)
    return command


def _document(command: Any, path: str) -> None:
    """Put the examples of a command and of those below it where its help ends."""
    for parameter in command.params:
        _take_plain_numbers(parameter)
    if text := examples(path):
        command.epilog = f"\b\n{text}\n\n{command.epilog or ''}".rstrip()
    for name, below in getattr(command, "commands", {}).items():
        _document(below, f"{path} {name}")


def _take_plain_numbers(parameter: Any) -> None:
    """Refuse what Python takes for a number and nobody writes: digits of other scripts, underscores, exponents."""
    kind = parameter.type
    if kind.name.partition(" ")[0] not in {"int", "integer", "float"}:
        return
    plain, convert = copy(kind), kind.convert

    def checked(value: Any, parameter: Any, context: Any) -> Any:
        if isinstance(value, str) and not re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", value.strip()):
            kind.fail(f"{value!r} is no number. Write digits from 0 to 9.", parameter, context)
        return convert(value, parameter, context)

    plain.convert = checked
    parameter.type = plain


def _version(wanted: bool) -> None:
    if wanted:
        from mcmirror import __version__

        print(f"mcmirror {__version__}")
        raise typer.Exit


app = typer.Typer(
    cls=LazyGroup,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings=_HELP,
    epilog=f"\b\n{examples('')}\n\n{MORE} {CODES}",
)


@app.callback(help=ABOUT)
def root(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Hold what stands before a command."""
    del version


def command_line() -> TyperGroup:
    """Build the root command with a stand-in for each command."""
    group = typer.main.get_group(app)
    group.params += typer.main.get_install_completion_arguments()
    for name, entry in COMMANDS.items():
        group.add_command(TyperCommand(name, help=entry.line, short_help=entry.line, add_help_option=False))
    return group


def check_text(arguments: Sequence[str]) -> None:
    """Refuse what is no text in UTF-8, as every key of an object is: a ConfigError."""
    odd = [word for word in arguments if any("\ud800" <= sign <= "\udfff" for sign in word)]
    if not odd:
        return
    from mcmirror.config import ConfigError, Mistake

    mistakes = []
    for word in odd:
        try:
            shown, message = os.fsencode(word).decode(), "this locale's character set is not UTF-8"
            remedy = "Set LC_ALL=C.UTF-8, or PYTHONUTF8=1, and run it again."
        except UnicodeDecodeError:
            shown, message = os.fsencode(word).decode(errors="backslashreplace"), "it is not UTF-8, as names have to be"
            remedy = "Rename it, or give it another name by a link: ln -s."
        mistakes.append(Mistake("command line", shown, message, remedy))
    raise ConfigError(mistakes)
