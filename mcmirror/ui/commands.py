"""The commands of `mcmirror` by name, each imported only when it is asked for."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

COMMANDS = {
    "demo": ("mcmirror.ui.demo:demo", "Two throw-away S3 servers, sample data, a verified mirror: the first minute."),
    "mirror": ("mcmirror.ui.mirror:app", "Mirror one SOURCE to one TARGET and verify it."),
    "run": ("mcmirror.ui.run:app", "Run the jobs of mcmirror.toml or of the environment."),
    "serve": ("mcmirror.ui.serve:app", "Run the jobs on their schedules: sidecar, nightly, for months."),
    "plan": ("mcmirror.ui.plan:app", "Show what a run would do, object by object, and what it costs."),
    "verify": ("mcmirror.ui.verify:app", "Say whether the copy is true."),
    "tui": ("mcmirror.ui.dashboard:app", "The dashboard: see and steer every mirror from a terminal."),
    "alias": ("mcmirror.ui.alias:app", "Servers and their credentials: set, list, test, import, remove."),
    "job": ("mcmirror.ui.job:app", "Jobs as configured: list, show, pause, resume."),
    "status": ("mcmirror.ui.status:app", "How each job stands: last verdict, age of its last success, next run."),
    "history": ("mcmirror.ui.history:app", "What was run, and what became of each object."),
    "health": ("mcmirror.ui.health:app", "Ask the running serve whether all is well: the health check of a container."),
    "doctor": ("mcmirror.ui.doctor:doctor", "Check mc, servers, credentials and rights; say what to do."),
    "explain": ("mcmirror.ui.explain:explain", "What an error means and what to do about it."),
    "mc": ("mcmirror.ui.mc:app", "mc itself: install, path, version."),
    "init": ("mcmirror.ui.init:init", "Write a commented mcmirror.toml."),
    "schema": ("mcmirror.ui.schema:schema", "Print the JSON Schema of mcmirror.toml."),
}
"""Name -> where it is (a function or a Typer application), and one line of help."""


class LazyGroup(TyperGroup):
    """Lists commands from ``COMMANDS`` without importing them."""

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
            return super().invoke(ctx)
        except typer.Abort as abort:
            print("Aborted!", file=sys.stderr)
            raise typer.Exit(1 if isinstance(abort.__context__, EOFError) else 130) from None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Import the command that is about to run."""
        name, command, rest = super().resolve_command(ctx, args)
        return (name, loaded(name), rest) if name in COMMANDS else (name, command, rest)


def loaded(name: str) -> Any:
    """Return the real command of that name."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    found = getattr(import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        application = typer.Typer(add_completion=False, rich_markup_mode=None)
        application.command(name)(found)
        found = application
    found.pretty_exceptions_enable = False
    found.rich_markup_mode = None
    command = typer.main.get_command(found)
    command.name = name
    return command


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
    epilog="mcmirror COMMAND --help says more. Exit codes: 0 succeeded, 1 failed, 2 usage or configuration, 3 partial,"
    " 4 refused, 10 plan --exit-code found something to do, 75 locked, 130 Ctrl-C, 143 SIGTERM.",
)


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Mirror buckets with mc, and know that the copy is there: plan, guard, copy, verify."""
    del version


def command_line() -> TyperGroup:
    """Build the root command with a stand-in for each command."""
    group = typer.main.get_group(app)
    for name, (_, text) in COMMANDS.items():
        group.add_command(TyperCommand(name, help=text, short_help=text, add_help_option=False))
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
