"""What people type: examples that work, words of other programs, help and version in every spelling."""

import shlex

import pytest
import typer

from mcmirror import __version__
from mcmirror.cli import suggestions
from mcmirror.cli.catalogue import COMMANDS, EXAMPLES
from mcmirror.cli.commands import loaded
from tests.servers.command import Cli

SUBCOMMANDS = [
    f"{name} {below}"
    for name in ("agent", "alias", "backlog", "job", "events", "mc", "replicate")
    for below in getattr(loaded(name), "commands", {})
]  # fmt: skip


def understood(words: list[str]) -> bool:
    """Whether the command that the words begin with takes the rest; what it does not is a usage error."""
    command = loaded(words.pop(0))
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    with command.make_context("mcmirror", words) as context:
        return bool(context.command)


@pytest.mark.parametrize("path", [*COMMANDS, *SUBCOMMANDS])
def test_every_command_has_an_example_in_its_help_and_it_is_understood(path: str) -> None:
    name, _, below = path.partition(" ")
    command = loaded(name)
    text = typer.Context(command.commands[below] if below else command).get_help()
    assert EXAMPLES[path]
    for line in EXAMPLES[path]:
        assert line in text
        program, *words = shlex.split(line.partition(" >")[0])
        assert "mcmirror" == program
        assert understood(words)


def test_no_example_belongs_to_a_command_that_does_not_exist() -> None:
    assert {"", *COMMANDS, *SUBCOMMANDS} == set(EXAMPLES)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-h",), "Usage: mcmirror [OPTIONS]"),
        (("help",), "Usage: mcmirror [OPTIONS]"),
        (("help", "run"), "Usage: mcmirror run"),
        (("help", "alias", "set"), "Usage: mcmirror alias set"),
        (("alias", "help"), "Usage: mcmirror alias"),
        (("mc", "help", "install"), "Usage: mcmirror mc install"),
        (("plan", "-h"), "Usage: mcmirror plan"),
        (("-V",), f"mcmirror {__version__}"),
        (("version",), f"mcmirror {__version__}"),
        (("--help",), "--install-completion"),
    ],
)
def test_help_and_version_in_every_spelling(cli: Cli, arguments: tuple[str, ...], words: str) -> None:
    result = cli(*arguments)
    assert (0, "") == (result.code, result.stderr)
    assert words in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("mirror", "a/b", "c/d", "--delete"), "Write --remove."),
        (("mirror", "a/b", "c/d", "--fake"), "Write --dry-run."),
        (("mirror", "a/b", "c/d", "-w"), "mcmirror watch JOB"),
        (("mirror", "a/b", "c/d", "--overwrit"), "Did you mean --overwrite?"),
        (("run", "--remove"), "remove = true under [job.NAME]"),
        (("run", "--exclude", "*.tmp"), "exclude = ... under [job.NAME]"),
        (("run", "--watch"), "realtime = true"),
        (("run", "--content"), "`mcmirror verify` has --content."),
        (("serve", "--overwrite"), "overwrite = true under [job.NAME]"),
        (("--remove",), "`mcmirror mirror` has --remove."),
        (("plan", "photos", "--remove"), "remove = true under [job.NAME]"),
        (("sync", "a/b", "c/d"), "Did you mean 'mirror'?"),
        (("dashboard",), "Did you mean 'tui'?"),
        (("xyzzy",), "`mcmirror help` lists them."),
        (("alias", "add"), "Did you mean 'set'?"),
        (("alias", "rm", "onprem"), "Did you mean 'remove'?"),
        (("job", "disable", "photos"), "Did you mean 'pause'?"),
        (("job", "get", "photos"), "Did you mean 'show'?"),
        (("mc", "which"), "Did you mean 'path'?"),
        (("mc", "xyzzy"), "There are: install"),
    ],
)
def test_a_wrong_word_leads_to_the_right_one(cli: Cli, arguments: tuple[str, ...], words: str) -> None:
    result = cli(*arguments)
    assert (2, "") == (result.code, result.stdout)
    assert words in result.stderr


def test_every_suggestion_is_an_option_or_a_command_that_exists() -> None:
    written = {word for name in COMMANDS for one in loaded(name).params for word in one.opts}
    assert set() == {f"--{option}" for option in suggestions.OPTIONS} - written
    assert set() == set(suggestions.COMMANDS) - set(COMMANDS)
    within = {name for group in ("alias", "backlog", "job", "mc", "replicate") for name in loaded(group).commands}
    assert set() == set(suggestions.WITHIN) - within
    assert set() == set(suggestions.SHORT.values()) - {*suggestions.OPTIONS, *suggestions.NOTHING}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands_and_their_options(cli: Cli, shell: str) -> None:
    # Typer asks which shell started it; a test may have been started by none.
    told = Cli(cli.folder, cli.environment | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"})
    assert "_MCMIRROR_COMPLETE" in told("--show-completion", shell).stdout

    def completed(line: str) -> str:
        variables = {
            "_MCMIRROR_COMPLETE": f"complete_{shell}",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(line.split(" ")) - 1),
            "_TYPER_COMPLETE_ARGS": line,
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        }
        return Cli(cli.folder, cli.environment | variables)().stdout

    assert "verify" in completed("mcmirror ve")
    assert "--overwrite" in completed("mcmirror mirror --over")
