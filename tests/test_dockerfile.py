"""The image, tried without an engine: it is linted, its RUN steps run here, and so do its command and health check."""

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcmirror.movers.mc.install import GO_PACKAGE
from mcmirror.store.paths import DEFAULT_FOLDER
from tests.machine import ROOT, Machine, machine
from tests.servers import binaries
from tests.servers.command import COMMAND, clean_environment
from tests.servers.docker import default_command, instructions
from tests.servers.release import releases

pytestmark = pytest.mark.real

DOCKERFILE = (ROOT / "Dockerfile").read_text()
STEPS = instructions(DOCKERFILE)


def stages() -> dict[str, list[tuple[str, str]]]:
    """The instructions of each stage by its name; the last one, which is the image, has none."""
    found: dict[str, list[tuple[str, str]]] = {}
    name = "before"
    for word, arguments in STEPS:
        if word == "FROM":
            _, _, name = arguments.partition(" AS ")
        found.setdefault(name, []).append((word, arguments))
    return found


def runs(stage: str) -> list[str]:
    """Its RUN steps."""
    return [arguments for word, arguments in stages()[stage] if word == "RUN"]


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Machine]:
    with machine(tmp_path) as made:
        yield made


def test_the_linter_has_nothing_to_say() -> None:
    linter = COMMAND.with_name("hadolint")
    done = subprocess.run([linter, "--no-color", "-"], input=DOCKERFILE.encode(), capture_output=True, check=False)
    assert (0, b"") == (done.returncode, done.stdout)

    bad = re.sub(r"FROM \S+", "FROM python:latest", DOCKERFILE)
    found = subprocess.run([linter, "--no-color", "-"], input=bad.encode(), capture_output=True, check=False)
    assert b"DL3007" in found.stdout


def context() -> list[Path]:
    """What COPY takes from the checkout."""
    copies = [arguments.split() for word, arguments in STEPS if word == "COPY" and not arguments.startswith("--from")]
    return [ROOT / name for *names, _ in copies for name in names]


def test_the_context_holds_what_is_copied_and_no_secret() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()

    # An mc of one's own is there for those who choose it.
    assert [] == [path for path in context() if not path.exists() and path.name != "mc"]
    assert "*" == next(line for line in ignored if not line.startswith("#"))
    assert {path.name for path in context()} == {line.removeprefix("!") for line in ignored if line.startswith("!")}


def base_python() -> Path:
    return Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"


def build(folder: Path, variables: dict[str, str]) -> list[subprocess.CompletedProcess[str]]:
    """Install the package and a release of mc as the stages do, in ``folder``, which takes the place of ``/``."""
    (folder / "src").mkdir(parents=True)
    (folder / "opt").mkdir()
    for path in (path for path in context() if path.exists()):
        (folder / "src" / path.name).symlink_to(path)
    settings = dict(pair.split("=", 1) for word, rest in STEPS if word == "ENV" for pair in rest.split())
    settings = {name: value.replace("/src", f"{folder}/src") for name, value in settings.items() if "PIP" in name}
    # The way to the package index is this machine's affair.
    network = {name: value for name, value in os.environ.items() if re.match(r"(?i)pip_|ssl_|\w+_proxy$", name)}
    environment = clean_environment(folder / "home", {**network, **settings, **variables})
    environment["PATH"] = f"{folder}/bin:{environment['PATH']}"
    (folder / "bin").mkdir()
    (folder / "bin" / "python").write_text(f'#!/bin/sh\nexec "{base_python()}" "$@"\n')
    (folder / "bin" / "python").chmod(0o755)
    return [
        subprocess.run(
            ["sh", "-euc", step.replace("/opt", f"{folder}/opt")],
            cwd=folder / "src",
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        for step in (*runs("build"), *runs("mc-release"))
    ]


def test_its_steps_install_pinned_versions_and_an_mc_that_was_checked(tmp_path: Path) -> None:
    image = tmp_path / "image"
    with releases(tmp_path / "release") as variables:
        done = build(image, variables)

    assert [0, 0] == [step.returncode for step in done], [step.stderr for step in done]
    program = image / "opt" / "mcmirror" / "bin"
    environment = clean_environment(tmp_path / "user", {"PATH": f"{program}:/usr/bin:/bin"})
    version = subprocess.run(["mcmirror", "mc", "path"], env=environment, capture_output=True, text=True, check=False)
    assert (0, f"{program}/mc\n") == (version.returncode, version.stdout), version.stderr
    assert binaries.mc().read_bytes() == (program / "mc").read_bytes()

    frozen = subprocess.run([program / "pip", "freeze"], env=environment, capture_output=True, text=True, check=True)
    installed = {line.lower() for line in frozen.stdout.splitlines() if "==" in line}
    pinned = {line.lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    assert installed - pinned == set()
    assert len(installed) > 10
    # A state on a server is only a URL away.
    assert any(line.startswith("psycopg-binary==") for line in installed)


def test_an_mc_with_another_checksum_ends_the_build(tmp_path: Path) -> None:
    with releases(tmp_path / "release", sha256=hashlib.sha256(b"another").hexdigest()) as variables:
        done = subprocess.run(
            [COMMAND, "mc", "install"],
            env=clean_environment(tmp_path / "home", {**variables, "XDG_DATA_HOME": str(tmp_path / "opt")}),
            capture_output=True,
            text=True,
            check=False,
        )

    (step,) = runs("mc-release")
    assert "mcmirror mc install" in step
    assert 1 == done.returncode
    assert "sha256" in done.stderr
    assert [] == [path for path in (tmp_path / "opt").rglob("*") if path.is_file()]


def test_mc_is_built_by_go_unless_it_comes_from_elsewhere() -> None:
    names = {name for name in stages() if name.startswith("mc-")}

    assert ("ARG", "MC") in stages()["before"]
    # An ARG's default is no use here: engines of 2022 then skip the stage that it names.
    assert [("FROM", "mc-${MC:-go} AS mc")] == stages()["mc"]
    assert {"mc-go", "mc-release", "mc-file"} == names
    (step,) = runs("mc-go")
    assert {"go", "install", GO_PACKAGE, "CGO_ENABLED=0"} <= set(step.split())
    # What the stages agree on, and the image takes.
    assert ("COPY", "--from=mc /opt/mcmirror/bin/mc /opt/mcmirror/bin/mc") in stages()[""]
    assert any("mcmirror mc path" in run for run in runs(""))


@pytest.mark.parametrize(("sha256", "code"), [("right", 0), ("0" * 64, 1), ("", 2)])
def test_a_file_of_ones_own_is_held_against_its_sha256(tmp_path: Path, sha256: str, code: int) -> None:
    program = tmp_path / "opt" / "mcmirror" / "bin" / "mc"
    program.parent.mkdir(parents=True)
    program.write_bytes(binaries.mc().read_bytes())
    if sha256 == "right":
        sha256 = hashlib.sha256(program.read_bytes()).hexdigest()
    (step,) = runs("mc-file")

    done = subprocess.run(
        ["sh", "-euc", step.replace("/opt", f"{tmp_path}/opt").replace("/sums", f"{tmp_path}/sums")],
        env={"PATH": os.defpath, "MC_SHA256": sha256},
        capture_output=True,
        text=True,
        check=False,
    )

    assert code == done.returncode, done.stderr
    assert os.access(program, os.X_OK) == (code == 0)
    assert ("MC_SHA256" in done.stderr) == (not sha256)


def test_it_runs_as_nobody_special_who_can_keep_a_state(tmp_path: Path) -> None:
    for name in ("etc/passwd", "etc/group", "etc/shadow", "etc/gshadow", "home/.here"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    (settling,) = (step for step in runs("") if "useradd" in step)
    here = settling.replace("useradd", f"/usr/sbin/useradd --prefix {tmp_path}").replace("/home", f"{tmp_path}/home")
    if os.geteuid():
        here = here.replace("chown", "true")
    subprocess.run(["sh", "-euc", here], check=True, capture_output=True)

    name, _, number, *_ = (tmp_path / "etc/passwd").read_text().split(":")
    assert [number] == [arguments for word, arguments in STEPS if word == "USER"]
    assert [f"/home/{name}"] == [arguments for word, arguments in STEPS if word == "WORKDIR" and "home" in arguments]
    state = (tmp_path / "home" / name / DEFAULT_FOLDER.removeprefix("~/")).stat()
    assert (
        state.st_mode & 0o700 == (state.st_mode & 0o070) << 3
    )  # an arbitrary user's group, 0, may do what the owner may
    if not os.geteuid():
        assert (int(number), 0) == (state.st_uid, state.st_gid)
    assert (["mcmirror"], ["run"]) == default_command(DOCKERFILE)
