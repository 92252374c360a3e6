"""examples/django: the whole migration by its one command, and what belongs to it."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import Pair
from tests.deployed import EXAMPLES
from tests.django.site import Site
from tests.machine import commands, fenced
from tests.servers import binaries
from tests.servers.command import COMMAND, clean_environment

GALLERY = EXAMPLES / "django"
README = (GALLERY / "README.md").read_text()


def test_its_readme_has_one_command_and_names_its_files() -> None:
    assert ["examples/django/run.py"] == [line for block in fenced(README, "console") for line in commands(block)]
    for name in re.findall(r"\]\(([\w./]+)\)", README):
        assert (GALLERY / name).exists(), name


def test_the_command_of_its_readme(tmp_path: Path, mc: Path) -> None:
    """With fewer objects than a reader has."""
    variables = {"MCMIRROR_MINIO": str(binaries.minio()), "MCMIRROR_MC": str(mc)}
    environment = clean_environment(tmp_path / "home", variables)
    environment["PATH"] = f"{COMMAND.parent}:{os.defpath}"
    done = subprocess.run(
        [sys.executable, GALLERY / "run.py", "--objects", "20"],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    steps = re.findall(r"^== (\w+)", done.stdout, re.MULTILINE)
    assert ["enable", "prepare", "process", "verify", "switch", "process", "back"] == steps
    assert 3 <= done.stdout.count("verified: the target holds every object of the source")
    assert re.search(
        r"(\d+) objects in old, \1 in new, 0 not in both\nthe visitor: \1 uploads, \d+ reads, 0 failed", done.stdout
    )


def test_its_settings_are_those_of_its_variables(tmp_path: Path, bucket_pair: Pair, mc: Path) -> None:
    site = Site.make(tmp_path, bucket_pair, f"sqlite://{tmp_path}/app.db", f"sqlite:///{tmp_path}/state.db", mc)

    checked = site.manage("check", "--fail-level", "WARNING")

    assert (0, "") == (checked.code, checked.stderr)
    assert (GALLERY / "manage.py").stat().st_mode & 0o111
