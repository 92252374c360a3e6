"""The launcher: a checkout that installs itself once, and starts at once ever after.

The checkouts here hold a package without dependencies, built by a backend of its own, so that no network is needed.
"""

import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytestmark = pytest.mark.real

BIN = Path(__file__).resolve().parent.parent / "bin"

PROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "mcmirror"
version = "1"

[project.optional-dependencies]
demo = []
web = []

[dependency-groups]
dev = []
"""

BACKEND = """\
import pathlib, zipfile

ROOT = pathlib.Path(__file__).parent
INFO = "mcmirror-1.dist-info"
FILES = {
    "mcmirror.pth": str(ROOT),
    f"{INFO}/METADATA": "Metadata-Version: 2.1\\nName: mcmirror\\nVersion: 1\\nProvides-Extra: demo\\n"
    "Provides-Extra: web\\n",
    f"{INFO}/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    f"{INFO}/entry_points.txt": "[console_scripts]\\nmcmirror = program:main\\n",
}


def build_editable(folder, settings=None, metadata=None):
    with open(ROOT / "builds", "a") as log:
        log.write("built\\n")
    name = "mcmirror-1-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(folder) / name, "w") as wheel:
        for path, text in FILES.items():
            wheel.writestr(path, text)
        wheel.writestr(f"{INFO}/RECORD", "".join(f"{path},,\\n" for path in [*FILES, f"{INFO}/RECORD"]))
    return name
"""

PROGRAM = """\
import os, sys, time

def main():
    if sys.argv[1:2] == ["exit"]:
        return int(sys.argv[2])
    if sys.argv[1:2] == ["sleep"]:
        print(os.getpid(), flush=True)
        time.sleep(60)
    print(os.getcwd(), *sys.argv[1:], sep="|")
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An empty home, and the Python of the tests as the one to be found."""
    home = tmp_path_factory.mktemp("home")
    python = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    return {"HOME": str(home), "PATH": os.defpath, "MCMIRROR_PYTHON": str(python), "PIP_NO_INDEX": "1"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that nobody has used yet."""
    return fresh(tmp_path / "a checkout")


@pytest.fixture(scope="module")
def ready(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in use."""
    root = fresh(tmp_path_factory.mktemp("ready") / "a checkout")
    assert 0 == launch(root, environment, "exit", "0").returncode
    return root


def fresh(root: Path) -> Path:
    (root / "bin").mkdir(parents=True)
    for name in ("mcmirror", "environment", "bootstrap.py"):
        shutil.copy(BIN / name, root / "bin" / name)
    (root / "pyproject.toml").write_text(PROJECT)
    (root / "constraints.txt").write_text("")
    (root / "backend.py").write_text(BACKEND)
    (root / "program.py").write_text(PROGRAM)
    return root


def launch(checkout: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "bin" / "mcmirror", *arguments],
        cwd=checkout.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def builds(checkout: Path) -> int:
    return len((checkout / "builds").read_text().splitlines())


def test_a_checkout_from_first_use_to_change(checkout: Path, environment: dict[str, str]) -> None:
    first = launch(checkout, environment, "a b", "*")
    assert (0, f"{checkout.parent}|a b|*\n") == (first.returncode, first.stdout)
    assert 1 == len(first.stderr.splitlines()), first.stderr
    assert "installing" in first.stderr

    link = checkout.parent / "link"
    link.symlink_to(checkout / "bin" / "mcmirror")
    second = subprocess.run([link, "exit", "75"], env=environment, capture_output=True, text=True, check=False)
    assert (75, "", "", 1) == (second.returncode, second.stdout, second.stderr, builds(checkout))

    demo = launch(checkout, environment, "demo")
    assert (0, "mcmirror: updating .venv\n") == (demo.returncode, demo.stderr)
    assert ["base", "demo"] == sorted(path.name for path in (checkout / ".venv" / ".ready").iterdir())

    for option in (["--web"], ["--light", "--web=8001"]):
        assert 0 == launch(checkout, environment, "tui", *option).returncode
    assert ["base", "demo", "web"] == sorted(path.name for path in (checkout / ".venv" / ".ready").iterdir())

    with (checkout / "constraints.txt").open("a") as file:
        file.write("# changed\n")
    before = builds(checkout)
    changed = launch(checkout, environment, "exit", "0")
    assert (0, "mcmirror: updating .venv\n", before + 1) == (changed.returncode, changed.stderr, builds(checkout))


def test_two_first_uses_at_once(checkout: Path, environment: dict[str, str]) -> None:
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda code: launch(checkout, environment, "exit", code), ["3", "4"]))

    assert ([3, 4], 1) == ([one.returncode for one in done], builds(checkout)), done
    assert 1 == sum("waiting" in one.stderr for one in done)


def test_a_killed_first_use(checkout: Path, environment: dict[str, str]) -> None:
    killed = subprocess.Popen(
        [checkout / "bin" / "mcmirror", "exit", "0"], env=environment, stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while not (checkout / ".venv" / "bin" / "python").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    (checkout / ".venv" / "rubbish").write_text("of the killed one")

    done = launch(checkout, environment, "exit", "0")

    assert (0, False) == (done.returncode, (checkout / ".venv" / "rubbish").exists()), done.stderr


def test_signals_reach_the_command_itself(ready: Path, environment: dict[str, str]) -> None:
    process = subprocess.Popen([ready / "bin" / "mcmirror", "sleep"], env=environment, stdout=subprocess.PIPE)
    assert process.stdout
    assert process.pid == int(process.stdout.readline())

    process.terminate()

    assert -signal.SIGTERM == process.wait(60)
    process.stdout.close()


def test_it_costs_no_noticeable_time(ready: Path, environment: dict[str, str]) -> None:
    """One process at most beside the command: timing it would depend on what else the machine does."""
    traced = subprocess.run(
        ["sh", "-x", ready / "bin" / "mcmirror", "exit", "0"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    builtins = ("[", "case", "cd", "read", "pwd", "exec", ".", "return", "CDPATH", "IFS=", "echo")
    commands = [line.lstrip("+ ").split()[0] for line in traced.stderr.splitlines() if line.startswith("+")]
    started = [word for word in commands if "=" not in word and not word.startswith(builtins)]

    assert {"cksum"} >= set(started) - {"environment_is_ready", "for"}, traced.stderr


@pytest.mark.parametrize(
    ("python", "words"),
    [
        ("exit 1", "MCMIRROR_PYTHON=/path/to/python"),
        ("case $2 in *ensurepip*) exit 1;; *) echo 11;; esac", "apt install python3-venv"),
    ],
    ids=["no python", "no venv"],
)
def test_without_a_python_it_says_what_to_do(python: str, words: str, checkout: Path, tmp_path: Path) -> None:
    folder = tmp_path / "path"
    folder.mkdir()
    for tool in ("sh", "cksum", "readlink"):
        (folder / tool).symlink_to(shutil.which(tool) or tool)
    (folder / "python3").write_text(f"#!/bin/sh\n{python}\n")
    (folder / "python3").chmod(0o755)

    done = launch(checkout, {"HOME": str(tmp_path), "PATH": str(folder)}, "run")

    assert (1, "", True, False) == (done.returncode, done.stdout, words in done.stderr, (checkout / ".venv").exists())


def test_an_installation_that_fails_says_why(checkout: Path, environment: dict[str, str]) -> None:
    (checkout / "backend.py").write_text("raise RuntimeError('no such luck')")

    done = launch(checkout, environment, "run")

    assert (1, "") == (done.returncode, done.stdout)
    assert "no such luck" in done.stderr
    assert "PIP_INDEX_URL" in done.stderr.splitlines()[-1]


def wrapper(folder: Path, name: str, minor: int) -> Path:
    """The Python of the tests under another name and version; it writes down that it was used."""
    folder.mkdir(exist_ok=True)
    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    script = folder / name
    used = folder / "used"
    script.write_text(
        f"#!/bin/sh\ncase $2 in *version_info*) echo {minor}; exit ;; esac\n"
        f'case $1 in *bootstrap.py) echo {name} >>"{used}" ;; esac\nexec "{base}" "$@"\n'
    )
    script.chmod(0o755)
    return used


def searched(environment: dict[str, str], folder: Path) -> dict[str, str]:
    """The environment without a Python that is named: those of ``folder`` are found, and only those."""
    for tool in ("sh", "cksum", "readlink"):
        (folder / tool).symlink_to(shutil.which(tool) or tool)
    return {key: text for key, text in environment.items() if key != "MCMIRROR_PYTHON"} | {"PATH": str(folder)}


def test_the_newest_python_is_taken_whatever_its_version(
    checkout: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    for name, minor in (("python3.12", 12), ("python3.47", 47), ("python3", 13), ("python3.9", 9)):
        used = wrapper(tmp_path / "path", name, minor)

    done = launch(checkout, searched(environment, tmp_path / "path"), "exit", "0")

    assert (0, ["python3.47"]) == (done.returncode, used.read_text().split()), done.stderr


def test_a_dependency_without_a_build_is_named_and_an_older_python_tried(
    checkout: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    source = tmp_path / "rusty-1"
    source.mkdir()
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "rusty"\nversion = "1"\n'
    )
    (source / "backend.py").write_text("raise RuntimeError('no compiler')")
    (source / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: rusty\nVersion: 1\n")
    with tarfile.open(tmp_path / "rusty-1.tar.gz", "w:gz") as archive:
        archive.add(source, "rusty-1")
    backend = (checkout / "backend.py").read_text()
    requires = "Version: 1\\nRequires-Dist: rusty\\nProvides"
    (checkout / "backend.py").write_text(backend.replace("Version: 1\\nProvides", requires))
    for name, minor in (("python3.16", 16), ("python3.15", 15)):
        used = wrapper(tmp_path / "path", name, minor)

    done = launch(checkout, {**searched(environment, tmp_path / "path"), "PIP_FIND_LINKS": str(tmp_path)}, "exit", "0")

    assert (1, ["python3.16", "python3.15"]) == (done.returncode, used.read_text().split()), done.stderr
    assert 2 == done.stderr.count("rusty has no build for Python 3."), done.stderr
    assert "MCMIRROR_PYTHON=/path/to/python" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--help",), "Usage: mcmirror"),
        ((), "Usage: mcmirror"),
        (("-h",), "Usage: mcmirror"),
        (("help",), "Usage: mcmirror"),
        (("help", "alias"), "mcmirror alias set"),
        (("mirror", "a/b", "--help"), "--create-target --dry-run"),
        (("run", "-h"), "mcmirror run"),
        (("version",), "mcmirror 0."),
        (("-V",), "mcmirror 0."),
    ],
)
def test_questions_about_the_commands_install_nothing(
    arguments: tuple[str, ...], words: str, checkout: Path, environment: dict[str, str]
) -> None:
    (checkout / "mcmirror" / "cli").mkdir(parents=True)
    for name in ("__init__.py", "cli/catalogue.py"):
        shutil.copy(BIN.parent / "mcmirror" / name, checkout / "mcmirror" / name)

    done = launch(checkout, environment, *arguments)

    assert (0, "") == (done.returncode, done.stderr)
    assert words in done.stdout
    assert not (checkout / ".venv").exists()
    assert not (checkout / "builds").exists()
