"""The README is true: each command in it runs as written, and each block in it is what the program prints today."""

import re
import subprocess
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mcmirror.config import Configuration, load
from mcmirror.mc.troubleshoot import find
from mcmirror.model.report import ExitCode
from tests import docs
from tests.machine import ROOT, SAMPLES, Machine, commands, fenced, machine, steady
from tests.reading import Reader
from tests.servers import binaries
from tests.servers.command import COMMAND, clean_environment
from tests.servers.slack import FakeSlack

README = (ROOT / "README.md").read_text()
GENERATED = tuple(re.findall(r"^<!-- ([a-z-]+) -->$", README, flags=re.MULTILINE))
WRITTEN = docs.replaced(README, dict.fromkeys(GENERATED, ""))


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
    blocks = docs.settled(help_of())

    for path, text in docs.documents().items():
        assert docs.replaced(text, blocks) == text, f"{path.name}: run bin/docs settled"
    assert [] == docs.homeless(blocks)


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
    tools = {
        "MCMIRROR_TEST_MC": str(binaries.mc()),
        "MCMIRROR_TEST_MINIO": str(binaries.minio()),
        "MCMIRROR_TEST_VERSITYGW": str(binaries.versitygw()),
    }
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


def test_what_serve_says_is_what_it_says_today(tmp_path: Path) -> None:
    everything = "".join(docs.documents().values())
    with machine(tmp_path) as there:
        for name, text in docs.served(there).items():
            assert steady(docs.block(everything, name)) == steady(text), "run bin/docs serve"


def configured(text: str, folder: Path) -> Configuration:
    """What a configuration of the README comes to, with every variable that it refers to."""
    (folder / "aws").write_text("secret of aws\n")
    file = folder / "mcmirror.toml"
    file.write_text(text.replace("/run/secrets", str(folder)))
    variables = {name: f"value of {name}" for name in re.findall(r"\{env:(\w+)\}", text)}
    return load(file, variables, folder, needs_jobs=True)


def test_the_configuration_has_ten_lines_and_is_the_whole_of_it(tmp_path: Path) -> None:
    text = fenced(README, "toml")[0]

    configuration = configured(text, tmp_path)

    assert 10 == len(text.splitlines())
    assert (["photos"], {"onprem", "aws"}, ()) == (
        list(configuration.jobs),
        set(configuration.aliases),
        configuration.notes,
    )


def test_what_is_added_for_every_night_is_enough(tmp_path: Path) -> None:
    configuration = configured(docs.configuration(), tmp_path)

    schedule = configuration.schedules["photos"]
    assert ("0 2 * * *", True, 26 * 3600.0, ("ops",)) == (
        schedule.cron,
        schedule.catch_up,
        schedule.max_age,
        schedule.notify,
    )
    assert ("Asia/Seoul", ()) == (configuration.jobs["photos"].timezone, configuration.notes)


def test_every_command_runs_as_written(tmp_path: Path) -> None:
    """From top to bottom on one machine, as a reader goes through it."""
    lines = [command for block in fenced(WRITTEN, "console") for command in commands(block)]

    with machine(tmp_path) as there, FakeSlack() as slack, ExitStack() as stack:
        reader = Reader(there, stack, slack)
        reader.write("mcmirror.toml", fenced(README, "toml")[0])
        reader.write("pairs.env", (ROOT / "examples" / "pairs.env").read_text() + pairs_keys())
        reader.write(".env", *fenced(README, "dotenv"))
        today = f"{datetime.now(UTC):%Y/%m/%d}/new.jpg"
        for bucket in ("source-one", "source-two"):
            there.onprem.client().put_object(Bucket=bucket, Key=today, Body=b"new")
        for command in lines:
            if command.startswith("mcmirror run"):
                there.empty(there.aws, "photos-copy")
            if command == "mcmirror serve":
                reader.write("mcmirror.toml", docs.configuration())
            done = reader.types(command)
            assert 0 == done.code, f"$ {command}\n{done.stdout}{done.stderr}"
            outcome(there, command, done.stdout)
        assert {today: b"new"} == there.contents(there.aws, "target-one")
        assert reader.serve is not None
        assert 143 == reader.serve.stop()


def outcome(there: Machine, command: str, printed: str) -> None:
    """What a command of the README must have come to."""
    if command.startswith("mcmirror run"):
        assert SAMPLES == there.contents(there.aws, "photos-copy")
    elif command.startswith("mcmirror plan"):
        assert len(SAMPLES) == len(re.findall(r"^\+ .* missing ", printed, flags=re.MULTILINE)), printed
    elif "--restart" in command:
        assert SAMPLES == there.contents(there.aws, "relics-backup")
    elif command.startswith("mcmirror history"):
        assert re.search(r"^(20\d{6}T\d{6}-|✓ photos verified)", printed, flags=re.MULTILINE), printed
    elif command.startswith("mcmirror status"):
        assert "mcmirror serve runs, process" in printed, printed
    elif command.startswith("curl") and "/run" in command:
        assert re.search(r'"run":"20\d{6}T', printed), printed
    elif "BUCKET_PAIR=" in command:
        assert SAMPLES == there.contents(there.aws, "destination")
    elif "--dry-run" in command or "MIRROR_DRY_RUN" in command:
        bucket = "target-one" if "pairs.env" in command else "photos-copy"
        assert {} == there.contents(there.aws, bucket)


def pairs_keys() -> str:
    """The keys of the machine, which the example leaves to its reader."""
    return "MINIO_ACCESS_KEY=minioadmin\nAWS_ACCESS_KEY=AKIAXXXXXXXX\n"


@pytest.mark.parametrize("path", docs.documents(), ids=lambda path: path.name)
def test_what_is_named_in_passing_exists(path: Path) -> None:
    """Commands and options between backticks, in whatever document."""
    text = without_blocks(path)
    spans = set(re.findall(r"`([^`\n]+)`", text))
    named = sorted(
        span.partition("mcmirror ")[2].split() for span in spans if re.match(r"(docker exec \S+ )?mcmirror ", span)
    )
    assert len(named) > 1
    for words in named:
        depth = 2 if words[0] in ("alias", "job", "mc") else 1
        assert "Usage: mcmirror" in help_of(*words[:depth])
    verbs = ("mirror", "run", "verify", "plan", "doctor", "serve", "status", "history", "health", "tui")
    known = "".join(map(help_of, verbs))
    ours = (span for span in spans if not re.match(r"\S*(docker|mc|pip|curl) ", span))
    for option in {word for span in ours for word in re.findall(r"(?<!\S)--[a-z-]+", span)}:
        assert option in known, option


@pytest.mark.parametrize("path", docs.documents(), ids=lambda path: path.name)
def test_files_and_headings_that_are_linked_exist(path: Path) -> None:
    for link in re.findall(r"\]\(([^):]+)\)", without_blocks(path)):
        name, _, heading = link.partition("#")
        file = path.parent / name if name else path
        assert file.exists(), link
        assert not heading or heading in headings(file.read_text()), link


def without_blocks(path: Path) -> str:
    """What was written by hand, without fenced blocks."""
    text = path.read_text()
    text = docs.replaced(text, dict.fromkeys(re.findall(r"^<!-- ([a-z-]+) -->$", text, flags=re.MULTILINE), ""))
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def headings(markdown: str) -> set[str]:
    """The names under which headings are linked."""
    lines = re.findall(r"^#+ (.+)$", markdown, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in lines}


def test_the_map_of_the_source_is_that_of_the_source() -> None:
    (tree,) = [block for block in fenced(WRITTEN, "text") if block.startswith("mcmirror/\n")]
    mapped = [
        ("mcmirror/" if line.startswith("  ") else "") + line.split()[0] for line in tree.splitlines() if line.strip()
    ]

    assert [] == [name for name in mapped if not (ROOT / name).exists()]
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
