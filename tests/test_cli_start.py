"""The command line: fast, honest about what it does not know, and every error in parts with the right exit code."""

import json
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import typer

from mcmirror import __version__
from mcmirror.cli import errors
from mcmirror.cli.catalogue import COMMANDS
from mcmirror.cli.commands import loaded
from mcmirror.cli.main import ended
from mcmirror.cli.options import looks_like_locations, percent
from mcmirror.cli.verify import with_percentage
from mcmirror.config import ConfigError, Mistake
from mcmirror.model import redact
from mcmirror.model.problem import Category, Problem, Trouble
from tests.servers.command import COMMAND, Cli
from tests.waiting import until

HEAVY = {"sh", "rich", "pydantic", "sqlalchemy", "psutil", "tomlkit", "asyncio", "aiohttp", "textual", "slack_sdk"}
HEAVY |= {"celery", "kombu", "cryptography", "django"}


def imported(*arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "mcmirror.cli.main", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines() if "|" in line}


def test_help_imports_nothing_heavy_and_no_room_but_its_own() -> None:
    modules = imported("--help")
    assert "typer" in modules
    assert set() == modules & HEAVY


@pytest.mark.parametrize("command", ["mirror", "run", "plan", "verify"])
def test_help_of_a_command_imports_nothing_heavy(command: str) -> None:
    assert set() == imported(command, "--help") & HEAVY


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_that_is_listed_exists_and_explains_itself(name: str) -> None:
    command = loaded(name)
    assert name == command.name
    assert command.help


def test_help_lists_every_command_and_the_exit_codes(cli: Cli) -> None:
    result = cli("--help")
    assert (0, "") == (result.code, result.stderr)
    for name in COMMANDS:
        assert f"\n  {name} " in result.stdout
    assert "75" in result.stdout


@pytest.mark.parametrize("command", ["mirror", "run", "plan", "verify"])
def test_each_command_documents_its_exit_codes(cli: Cli, command: str) -> None:
    text = " ".join(cli(command, "--help").stdout.split())
    assert "Exit codes: 0 succeeded, 1 failed, 2 usage or configuration, 3 partial, 4 refused, 75" in text


def test_version(cli: Cli) -> None:
    assert f"mcmirror {__version__}\n" == cli("--version").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("miror",), "Did you mean 'mirror'?"),
        (("mirror", "src/a", "dst/b", "--overwrit"), "--overwrite"),
        (("mirror", "src/a"), "TARGET"),
        (("mirror", "src/a", "dst//b"), "an empty, '.' or '..' folder"),
        (("mirror", "src/a", "dst/b//"), "an empty, '.' or '..' folder"),
        (("mirror", "src/a", os.fsdecode(b"./p\xff")), "./p\\xff: it is not UTF-8, as names have to be"),
        (("run", os.fsdecode(b"p\xff")), "it is not UTF-8, as names have to be"),
        (("history", "--limit", "99999999999999999999"), "is not in the range"),
        (("mirror", "src/a", "9/b"), "Write ALIAS/BUCKET[/PREFIX], or a folder as ./NAME or /NAME."),
        (("mirror", "src/a", "dst/b", "--exclude", ""), "an empty pattern makes mc exclude everything"),
        (("mirror", "src/a", "dst/b", "--limit-upload", "10Mbit"), 'Write "1.25MB".'),
        (("mirror", "src/a", "dst/b", "--max-delete", "120%"), "Write 25%, 100 or unlimited."),
        (("mirror", "src/a", "dst/b", "--retry-delay", "soon"), '"60s"'),
        (("mirror", "src/a", "dst/b", "--assurance", "some"), "'full', 'off'"),
        (("mirror", "src/a", "dst/b", "--report-json", "no/such/r.json"), "the folder no/such does not exist"),
        (("verify", "src/a", "dst/b", "--content=0"), "Write 10%, or nothing for all."),
        (("plan", "photos", "--remove"), "it belongs to a pair"),
        (("plan", "src/one"), "'src/one' is a place, and a pair needs two: SOURCE TARGET."),
        (("verify", "src/a", "dst/b", "dst/c"), "a pair needs two: SOURCE TARGET."),
        (("run", "--report-json", "x", "--junit", "./x"), "x is the file of --report-json. Name another one."),
        (("run", "--config", "m.toml", "--junit", "m.toml"), "m.toml is the file of the configuration."),
        (("run",), "mcmirror init"),
        (("run", "--config", "nowhere.toml"), "nowhere.toml"),
    ],
)
def test_a_mistake_of_usage_ends_with_2_and_says_what_to_write(
    cli: Cli, arguments: tuple[str, ...], words: str
) -> None:
    result = cli(*arguments)
    assert (2, "") == (result.code, result.stdout)
    assert words in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("given", "passed"),
    [
        (["--content"], ["--content=100"]),
        (["--content", "job"], ["--content=100", "job"]),
        (["--content", "10"], ["--content", "10"]),
        (["--content", "2.5%", "job"], ["--content", "2.5%", "job"]),
        (["--content=10"], ["--content=10"]),
        (["--", "--content"], ["--", "--content"]),
    ],
)
def test_content_may_stand_alone(given: list[str], passed: list[str]) -> None:
    assert passed == with_percentage(given)


def test_a_percentage_is_more_than_nothing_and_at_most_all() -> None:
    assert [10.0, 2.5, 100.0] == [percent("10%"), percent("2.5"), percent("100")]
    for text in ("0", "-1", "101", "nan", "x"):
        with pytest.raises(typer.BadParameter):
            percent(text)


def test_two_words_with_slashes_are_a_pair() -> None:
    assert looks_like_locations(["src/a", "./b"])
    assert looks_like_locations(["src/a", "."])
    assert not looks_like_locations(["photos", "docs"])
    assert not looks_like_locations(["src/a"])


def test_a_name_that_the_locale_cannot_read_is_a_mistake_of_usage(cli: Cli) -> None:
    result = cli("mirror", "src/photos", "./pc/ünï", LC_ALL="C", LANG="C", PYTHONUTF8="0")
    assert (2, "") == (result.code, result.stdout)
    assert "this locale's character set is not UTF-8\n  do:  Set LC_ALL=C.UTF-8" in result.stderr


def test_a_folder_below_one_that_is_not_utf_8_is_a_mistake_of_usage(cli: Cli) -> None:
    below = cli.folder / os.fsdecode(b"p\xff")
    below.mkdir()
    cli.write("[job.a]\nsource = './a'\ntarget = 'dst/bucket'\n", f"{below.name}/mcmirror.toml")
    result = Cli(below, cli.environment)("job", "list")
    assert (2, "") == (result.code, result.stdout)
    assert "the folder's path is not UTF-8" in result.stderr


def test_zero_and_workers_are_explained(cli: Cli) -> None:
    text = " ".join(cli("mirror", "--help").stdout.split())
    for words in (
        "10MiB; 0: no limit",
        "Default 5s; 0: none",
        "Default 120s; 0: never",
        "a limit only with an mc that",
    ):
        assert words in text


def fail(text: str) -> None:
    raise RuntimeError(text)


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redact, "redactors", [lambda text: text.replace("hunter22", "***")])


def test_every_mistake_of_the_configuration_is_said(capsys: pytest.CaptureFixture[str], secrets: None) -> None:
    mistakes = (Mistake("m.toml", "job.a", "no source", "Add one."), Mistake("", "", "hunter22", "Hide it."))
    assert 2 == errors.explained(ConfigError(mistakes))
    assert (
        "",
        "Error: m.toml: job.a: no source\n  do:  Add one.\nError: ***\n  do:  Hide it.\n",
    ) == capsys.readouterr()


def test_trouble_is_said_in_three_parts(capsys: pytest.CaptureFixture[str], secrets: None) -> None:
    trouble = Trouble(Problem(Category.MC_MISSING, "no mc\x1b[2J", "hunter22", "Install it."))
    assert 1 == errors.explained(trouble)
    assert "Error: no mc\\x1b[2J\n  why: ***\n  do:  Install it.\n" == capsys.readouterr().err


def test_what_nobody_expected_is_said_without_a_traceback_until_asked(
    capsys: pytest.CaptureFixture[str], secrets: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def caught() -> str:
        with pytest.raises(RuntimeError) as raised:
            fail("with hunter22 in it")
        assert 1 == errors.explained(raised.value)
        return capsys.readouterr().err

    monkeypatch.delenv("MCMIRROR_DEBUG", raising=False)
    quiet = caught()
    assert "  why: RuntimeError: with *** in it\n" in quiet
    assert "MCMIRROR_DEBUG=1" in quiet
    assert "Traceback" not in quiet
    monkeypatch.setenv("MCMIRROR_DEBUG", "1")
    loud = caught()
    assert "Traceback" in loud
    assert "hunter22" not in loud


def test_what_the_system_refuses_is_said_in_three_parts_with_the_path(capsys: pytest.CaptureFixture[str]) -> None:
    assert 1 == errors.explained(PermissionError(13, "Permission denied", "/srv/x\x1b"))
    said = capsys.readouterr().err
    assert said.startswith(
        "Error: /srv/x\\x1b could not be read or written\n  why: Permission denied\n  do:  check that"
    )


JOBS = """
alias.nowhere.url = "http://127.0.0.1:9"
defaults.retries = 0
[job.a]
source = "./a"
target = "nowhere/bucket-a"
[job.b]
source = "./a"
target = "nowhere/bucket-b"
"""


@pytest.mark.parametrize("arguments", ["--version", "--help", "explain", "job list --config jobs.toml"])
def test_output_that_does_not_fit_is_said_in_three_parts(cli: Cli, arguments: str) -> None:
    cli.write(JOBS, "jobs.toml")
    code, stderr = shell(cli, f"{arguments} >/dev/full")
    assert (1, ["Error: stdout could not be written", "  why: No space left on device"]) == (
        code,
        stderr.splitlines()[:2],
    )
    assert stderr.splitlines()[2].startswith("  do:  make room")
    assert 3 == len(stderr.splitlines())


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_was_closed_hinders_nothing(cli: Cli, closed: str) -> None:
    """Nor does a file of ours take its number: what is said must not end up in it."""
    cli.write(JOBS)
    (cli.folder / "a").mkdir()
    code, stderr = shell(cli, f"run --report-json r.json {closed}")
    assert 1 == code
    assert "Traceback" not in stderr
    assert "AttributeError" not in stderr
    assert 2 == len(json.loads((cli.folder / "r.json").read_text(encoding="utf-8"))["reports"])


def shell(cli: Cli, command: str) -> tuple[int, str]:
    """Run the command with a shell's redirections; exit code and stderr."""
    done = subprocess.run(
        ["sh", "-c", f'exec "{COMMAND}" {command}'],
        cwd=cli.folder,
        env=cli.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("times", [1, 4])
def test_ctrl_c_at_a_question_ends_with_130(cli: Cli, times: int) -> None:
    with asking(cli) as (process, _):
        for _ in range(times):
            process.send_signal(signal.SIGINT)
            time.sleep(0.02)
        stderr = process.communicate(timeout=120)[1].decode()
    assert 130 == process.returncode
    assert "Traceback" not in stderr


def test_a_question_that_nobody_answers_is_a_failure(cli: Cli) -> None:
    with asking(cli) as (process, keyboard):
        os.write(keyboard, b"\x04")
        process.communicate(timeout=120)
    assert 1 == process.returncode


@contextmanager
def asking(cli: Cli) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start a command that asks for a key, and wait for its question."""
    keyboard, terminal = pty.openpty()
    process = subprocess.Popen(
        [COMMAND, "alias", "set", "one", "http://127.0.0.1:9"],
        cwd=cli.folder,
        env=cli.environment,
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        assert process.stderr is not None
        asked = b""
        while b"Access key" not in asked:
            asked += process.stderr.read(1) or pytest.fail(f"no question: {asked!r}")
        # The terminal's echo goes off right after the question, and what was typed before is thrown away.
        until(lambda: not termios.tcgetattr(terminal)[3] & termios.ECHO)
        yield process, keyboard
    os.close(keyboard)
    os.close(terminal)


def test_ctrl_c_before_anything_stands_ends_in_silence_with_130(cli: Cli) -> None:
    package = cli.folder / "path" / "typer"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("import time\nprint('importing', flush=True)\ntime.sleep(600)\n")
    with cli.start("explain", PYTHONPATH=str(package.parent)) as process:
        assert process.stdout is not None
        assert b"importing\n" == process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=120)
    assert (130, b"") == (process.returncode, stderr)


def test_ctrl_c_that_python_wrapped_is_ctrl_c(capsys: pytest.CaptureFixture[str]) -> None:
    """As it does for one that comes while a class is made."""

    def wrapped() -> None:
        raise RuntimeError("Error calling __set_name__") from KeyboardInterrupt()

    assert 130 == ended(wrapped)
    assert ("", "") == capsys.readouterr()


def test_a_reader_that_has_gone_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert 1 == errors.explained(BrokenPipeError())
    assert ("", "") == capsys.readouterr()
