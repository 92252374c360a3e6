"""The README is true: each command in it runs as written, and each block in it is what the program prints today."""

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mcmirror.config import load
from mcmirror.mc.troubleshoot import find
from mcmirror.model.report import ExitCode
from tests import docs
from tests.machine import ROOT, SAMPLES, Machine, commands, fenced, machine, steady
from tests.servers import binaries
from tests.servers.command import COMMAND, clean_environment

README = (ROOT / "README.md").read_text()
GENERATED = ("demo", "demo-repair", "test", "faults", "commands", "events", "exit-codes", "troubleshooting")
WRITTEN = docs.replaced(README, dict.fromkeys(GENERATED, ""))
IN_THE_CHECKOUT = ("docker build", "mkdir -p ~/.local/bin")


def help_of(*command: str) -> str:
    done = subprocess.run(
        [COMMAND, *command, "--help"],
        env={"COLUMNS": "80", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_the_tables_and_the_commands_are_those_of_the_program() -> None:
    expected = docs.replaced(README, docs.settled(help_of()))

    assert expected == README, "run bin/docs settled"


def test_the_demonstration_says_what_the_readme_shows(tmp_path: Path) -> None:
    environment = clean_environment(tmp_path / "home", {"MCMIRROR_MC": str(binaries.mc())})
    environment["MCMIRROR_MINIO"] = str(binaries.minio())

    done = subprocess.run(
        [ROOT / "bin" / "mcmirror", "demo"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert 0 == done.returncode, done.stderr
    for name, text in docs.demo(done.stderr).items():
        assert steady(docs.block(README, name)) == steady(text), "run bin/docs demo"


def test_bin_test_says_what_the_readme_shows(tmp_path: Path) -> None:
    """All but the number of tests: of them one file is run, not this one again."""
    tools = {"MCMIRROR_TEST_MC": str(binaries.mc()), "MCMIRROR_TEST_MINIO": str(binaries.minio())}
    done = subprocess.run(
        [ROOT / "bin" / "test", "tests/test_fake_mc.py", "-p", "no:cacheprovider"],
        env=clean_environment(tmp_path / "home", tools),
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    assert steady(docs.block(README, "test")) == steady(docs.checks(done.stdout)), "run bin/docs test"


def test_the_events_are_those_of_a_run(tmp_path: Path) -> None:
    with machine(tmp_path) as there:
        assert steady(docs.block(README, "events")) == steady(docs.run_events(there)), "run bin/docs events"


def test_the_configuration_has_ten_lines_and_is_the_whole_of_it(tmp_path: Path) -> None:
    (text,) = fenced(README, "toml")
    (tmp_path / "aws").write_text("secret of aws\n")
    file = tmp_path / "mcmirror.toml"
    file.write_text(text.replace("/run/secrets", str(tmp_path)))
    variables = {name: f"value of {name}" for name in re.findall(r"\{env:(\w+)\}", text)}

    configuration = load(file, variables, tmp_path, needs_jobs=True)

    assert 10 == len(text.splitlines())
    assert (["photos"], {"onprem", "aws"}, ()) == (
        list(configuration.jobs),
        set(configuration.aliases),
        configuration.notes,
    )


def test_every_command_runs_as_written(tmp_path: Path) -> None:
    """From top to bottom on one machine, as a reader goes through it."""
    lines = [command for block in fenced(WRITTEN, "console") for command in commands(block)]
    (configuration,) = fenced(README, "toml")

    with machine(tmp_path) as there:
        there.write("mcmirror.toml", configuration)
        there.write("pairs.env", (ROOT / "examples" / "pairs.env").read_text() + pairs_keys())
        today = f"{datetime.now(UTC):%Y/%m/%d}/new.jpg"
        for bucket in ("source-one", "source-two"):
            there.onprem.client().put_object(Bucket=bucket, Key=today, Body=b"new")
        for command in lines:
            if command.startswith("mcmirror run"):
                there.empty(there.aws, "photos-copy")
            done = there.run(command, folder=ROOT if command.startswith(IN_THE_CHECKOUT) else None, TZ="UTC")
            assert 0 == done.code, f"$ {command}\n{done.stdout}{done.stderr}"
            outcome(there, command, done.stdout)
        assert {today: b"new"} == there.contents(there.aws, "target-one")


def outcome(there: Machine, command: str, printed: str) -> None:
    """What a command of the README must have come to."""
    if command.startswith("mcmirror run"):
        assert SAMPLES == there.contents(there.aws, "photos-copy")
    elif command.startswith("mcmirror plan"):
        assert len(SAMPLES) == len(re.findall(r"^\+ .* missing ", printed, flags=re.MULTILINE)), printed
    elif "BUCKET_PAIR=" in command:
        assert SAMPLES == there.contents(there.aws, "destination")
    elif "--dry-run" in command or "MIRROR_DRY_RUN" in command:
        bucket = "target-one" if "pairs.env" in command else "photos-copy"
        assert {} == there.contents(there.aws, bucket)


def pairs_keys() -> str:
    """The keys of the machine, which the example leaves to its reader."""
    return "MINIO_ACCESS_KEY=minioadmin\nAWS_ACCESS_KEY=AKIAXXXXXXXX\n"


def test_what_is_named_in_passing_exists() -> None:
    """Commands and options between backticks."""
    spans = set(re.findall(r"`([^`\n]+)`", WRITTEN))
    named = sorted(span.split() for span in spans if span.startswith("mcmirror "))
    assert len(named) > 5
    known = help_of("mirror") + help_of("run") + help_of("verify") + help_of("plan")
    for _, *words in named:
        depth = 2 if words[0] in ("alias", "job", "mc") else 1
        assert "Usage: mcmirror" in help_of(*words[:depth])
    for option in {word for span in spans for word in re.findall(r"(?<!\S)--[a-z-]+", span)}:
        assert option in known + help_of("doctor"), option


def test_files_that_are_linked_or_mapped_exist() -> None:
    linked = re.findall(r"\]\(([^)#:]+)\)", WRITTEN)
    (tree,) = [block for block in fenced(WRITTEN, "text") if block.startswith("mcmirror/\n")]
    mapped = [
        ("mcmirror/" if line.startswith("  ") else "") + line.split()[0] for line in tree.splitlines() if line.strip()
    ]

    assert [] == [name for name in [*linked, *mapped] if not (ROOT / name).exists()]
    rooms = {path.name for path in (ROOT / "mcmirror").iterdir() if (path / "__init__.py").exists()}
    assert rooms == {Path(name).name for name in mapped if name.startswith("mcmirror/") and name.endswith("/")} - {
        "mcmirror"
    }


def test_every_exit_code_and_every_trouble_has_its_row() -> None:
    codes = re.findall(r"^\| (\d+) \|", docs.block(README, "exit-codes"), flags=re.MULTILINE)
    assert sorted(int(code) for code in ExitCode) == sorted(map(int, codes))
    headings = ("Mirror process closed with code: 1", "Unable to stat source", "Failed to set alias")
    for heading in (*headings, "Failed to access alias", "Object does not exist"):
        assert heading in docs.block(README, "troubleshooting")
        assert find(heading) is not None


@pytest.mark.parametrize("line", ["All checks passed!", "12 passed"])
def test_a_check_that_is_missing_stops_the_generator(line: str) -> None:
    with pytest.raises(ValueError, match="did not print"):
        docs.checks(line)
