"""The README: it is short, its first commands are enough, and it shows what the demonstration prints today."""

import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import docs
from tests.docs_outcomes import outcome
from tests.machine import ROOT, SAMPLES, commands, fenced, machine, steady
from tests.reading import Reader
from tests.servers import binaries
from tests.servers.command import clean_environment
from tests.servers.slack import FakeSlack
from tests.test_docs import configured, written

pytestmark = pytest.mark.real

README = docs.README.read_text()


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 250
    assert len(README.encode()) <= 12_000


def test_nothing_but_the_demonstration_comes_before_ones_own_buckets() -> None:
    first, second, *_ = fenced(README, "console")

    assert "bin/mcmirror demo" == commands(first)[0]
    assert [["alias", "set"], ["alias", "set"], ["mirror", "onprem/photos"]] == [
        command.split()[1:3] for command in commands(second)
    ]
    assert {"--create-target", "--dry-run"} <= set(commands(second)[2].split())


def test_every_page_is_named() -> None:
    linked = {ROOT / link for link, _ in docs.links(README)}

    assert [] == sorted(path.name for path in docs.FOLDER.glob("*.md") if path not in linked)


def test_the_demonstration_says_what_is_shown(tmp_path: Path) -> None:
    environment = clean_environment(tmp_path / "home", {"MCMIRROR_MC": str(binaries.mc())})
    environment["MCMIRROR_MINIO"] = str(binaries.minio())

    done = subprocess.run(
        [ROOT / "bin" / "mcmirror", "demo"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert 0 == done.returncode, done.stderr
    for name, text in docs.demo(done.stderr).items():
        assert steady(docs.block(docs.everything(), name)) == steady(text), "run bin/docs demo"


def test_the_configuration_has_ten_lines_and_is_the_whole_of_it(tmp_path: Path) -> None:
    text = fenced(README, "toml")[0]

    configuration = configured(text, tmp_path)

    assert 10 == len(text.splitlines())
    assert (["photos"], {"onprem", "aws"}, ()) == (
        list(configuration.jobs),
        set(configuration.aliases),
        configuration.notes,
    )


def test_every_command_runs_as_written(tmp_path: Path) -> None:
    """From top to bottom on a machine without mcmirror, as a reader goes through it."""
    lines = [command for block in fenced(written(README), "console") for command in commands(block)]
    lines.insert(0, "bin/mcmirror demo")

    with machine(tmp_path) as there, FakeSlack() as slack, ExitStack() as stack:
        reader = Reader(there, stack, slack)
        for command in lines:
            if command.startswith("mcmirror doctor"):
                reader.write("mcmirror.toml", fenced(README, "toml")[0])
            if command.startswith("mcmirror run"):
                there.empty(there.aws, "photos-copy")
            done = reader.types(command)
            assert 0 == done.code, f"$ {command}\n{done.stdout}{done.stderr}"
            assert outcome(command)(there, done.stdout), f"$ {command}\n{done.stdout}{done.stderr}"
        assert SAMPLES == there.contents(there.aws, "photos-copy")
