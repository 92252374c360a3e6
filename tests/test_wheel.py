"""The wheel, installed as docs/install.md says by pipx and by uv, and used in a folder without the checkout."""

import os
import re
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from mcmirror import __version__
from tests.conftest import Pair
from tests.machine import ROOT, fenced
from tests.servers.command import Cli

pytestmark = pytest.mark.real

TOOLS = Path(sys.executable).parent
CONSTRAINTS = ROOT / "constraints.txt"
OF_THE_NETWORK = re.compile(r"(PIP|UV|SSL|REQUESTS)_|(https?|no)_proxy$", re.IGNORECASE)
"""The variables by which pip and uv find their index; their caches are those of this user."""


def variables(home: Path) -> dict[str, str]:
    """The environment of a newcomer, who has pipx and uv."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return {
        **{name: value for name, value in os.environ.items() if OF_THE_NETWORK.match(name)},
        "HOME": str(home),
        "PATH": f"{home}/.local/bin:{TOOLS}:{os.defpath}",
        "LANG": "C.UTF-8",
        "PIP_CACHE_DIR": str(cache / "pip"),
        "PIP_BUILD_CONSTRAINT": str(CONSTRAINTS),
        "UV_CACHE_DIR": str(cache / "uv"),
        "UV_BUILD_CONSTRAINT": str(CONSTRAINTS),
        "UV_PYTHON": sys.executable,
        "UV_PYTHON_DOWNLOADS": "never",
        "PIPX_DEFAULT_PYTHON": sys.executable,
    }


def run(command: Sequence[str | Path], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run([TOOLS / "uv", "build", "--wheel", "--out-dir", folder, ROOT], ROOT, variables(folder))
    (built,) = folder.glob("*.whl")
    return built


def documented(tool: str) -> list[str]:
    """The line of docs/install.md that installs the checkout."""
    lines = [line for block in fenced((ROOT / "docs" / "install.md").read_text(), "sh") for line in block.splitlines()]
    (line,) = (line for line in lines if line.startswith(tool))
    return shlex.split(line)


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    there = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "mcmirror").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert there == names


@pytest.mark.parametrize("tool", ["pipx install", "uv tool install"])
def test_an_installed_wheel_mirrors(tool: str, wheel: Path, cli: Cli, bucket_pair: Pair) -> None:
    home = cli.folder / "home"
    environment = {**cli.environment, **variables(home)}
    *command, place = documented(tool)
    assert "." == place
    run([word.replace(CONSTRAINTS.name, str(CONSTRAINTS)) for word in command] + [str(wheel)], cli.folder, environment)
    bucket_pair.source.put({"a/b.txt": b"there"})

    installed = home / ".local" / "bin" / "mcmirror"
    version = run([installed, "--version"], cli.folder, environment)
    pair = (bucket_pair.source.location, bucket_pair.target.location)
    run([installed, "mirror", *pair], cli.folder, environment)

    assert __version__ in version
    assert ["a/b.txt"] == list(bucket_pair.target.contents())
    assert bucket_pair.equal
    assert not installed.resolve().is_relative_to(ROOT)
