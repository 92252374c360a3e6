"""Build the image for real, measure it, and try it with `docker run` lines; ``bin/image`` starts it, by hand.

Without ``--python`` and ``--go`` the bases are made here, of Debian's packages and of this machine's Go, so that no
registry is asked. How this machine reaches package indexes is told to the build, and is in no file and no image.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests import docs
from tests.machine import ROOT
from tests.servers.engine import VARIABLE, Engine, NoEngine, engine

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mcmirror" / "image"
NAMES = ("mcmirror", "minio-s3-mirror:latest")
"""What the documents call it, and what people did."""
PACKAGES = "python3,python3-venv,ca-certificates"
DEBIAN = "bookworm"
PAGE = ROOT / "docs" / "docker.md"
PASSED_ON = ("GOPROXY", "GOSUMDB", "PIP_INDEX_URL", "PIP_FIND_LINKS", "PIP_CERT", "MCMIRROR_MC_URL", "MC_SHA256")
"""Settings of this machine that the Dockerfile takes as build arguments, so that no layer keeps them."""
CERTIFICATES = Path("/etc/ssl/certs")
TRIALS = ("tests/image_trials.py", "tests/test_replay_pairs.py")
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Measured:
    """Bytes of an image, unpacked."""

    whole: int
    base: int
    packages: int
    mc: int
    python: str
    """What it was built on, in words."""

    def table(self, today: str) -> str:
        """The block of the documentation."""
        rows = [
            ("the Python base", self.base, self.python),
            ("mcmirror and its packages", self.packages, "`/opt/mcmirror` without `mc`"),
            ("`mc`", self.mc, "built by Go, without symbols"),
            ("in all", self.whole, "unpacked; a registry holds less"),
        ]
        lines = ["| part | MB |  |", "| --- | ---: | --- |"]
        lines += [f"| {name} | {size / MEGABYTE:.0f} | {said} |" for name, size, said in rows]
        return "\n".join([*lines, "", f"Measured on {today}, {platform.machine()}.", ""])


def main() -> int:
    """Return pytest's exit code."""
    parser = argparse.ArgumentParser(prog="bin/image", description="Build the image, measure it, and try it.")
    parser.add_argument("--python", default="", help="the Python image; default: one made of Debian's packages")
    parser.add_argument("--go", default="", help="the Go image; default: one made with this machine's Go")
    parser.add_argument("--mc", default="go", choices=["go", "release", "file"], help="where mc comes from")
    parser.add_argument("--try-only", action="store_true", help="take the image that is there")
    parser.add_argument("pytest", nargs="*", help="arguments of pytest, instead of all trials")
    asked = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    try:
        docker = engine(CACHE)
    except NoEngine as missing:
        print(f"bin/image: {missing}", file=sys.stderr)
        return 1
    if not asked.try_only:
        python = asked.python or python_base(docker)
        go = asked.go or (go_base(docker, python) if asked.mc == "go" else python)
        measured = build(docker, python, go, asked.mc)
        table = measured.table(f"{datetime.now(UTC):%Y-%m-%d}")
        print(table, file=sys.stderr)
        PAGE.write_text(docs.replaced(PAGE.read_text(), {"image": table}))
    command = [sys.executable, "-m", "pytest", *(asked.pytest or TRIALS)]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, VARIABLE: str(docker.program)}, check=False).returncode


def build(docker: Engine, python: str, go: str, mc: str) -> Measured:
    """Build the image under all its names, and measure it."""
    command = ["build", "--network", "host", "--build-arg", f"PYTHON={python}", "--build-arg", f"GO={go}"]
    command += ["--build-arg", f"MC={mc}", *machine_settings(os.environ)]
    if "podman" in docker.ask("--version"):
        # Health checks exist in docker's format alone.
        command += ["--format", "docker", "--isolation", "chroot"]
        command += ["--volume", f"{CERTIFICATES}:{CERTIFICATES}:ro"]
    for name in NAMES:
        command += ["--tag", name]
    say("building the image")
    subprocess.run([docker.program, *command, "."], cwd=ROOT, check=True, stdout=sys.stderr)
    about = docker.inspect(NAMES[0])
    sizes = json.loads(docker.ask("run", "--rm", "--entrypoint", "python", NAMES[0], "-c", WEIGH))
    base = docker.inspect(python)
    words = f"Debian {DEBIAN}'s packages {PACKAGES.replace(',', ', ')}" if python == PYTHON else f"`{python}`"
    return Measured(about["Size"], base["Size"], sizes["packages"], sizes["mc"], words)


WEIGH = """\
import json, os, pathlib
sizes = {str(path): path.lstat().st_size for path in pathlib.Path("/opt/mcmirror").rglob("*") if path.is_file()}
mc = sizes.pop("/opt/mcmirror/bin/mc")
print(json.dumps({"packages": sum(sizes.values()), "mc": mc}))
"""
PYTHON = "localhost/mcmirror-base-python"
GO = "localhost/mcmirror-base-go"


def machine_settings(environ: Mapping[str, str]) -> Iterator[str]:
    """Return the build arguments that say what this machine's environment says of package indexes."""
    for name in PASSED_ON:
        if environ.get(name):
            yield from ("--build-arg", name)


def python_base(docker: Engine) -> str:
    """Return a Python image made by debootstrap; one that is there is taken."""
    if docker("image", "inspect", PYTHON).returncode == 0:
        return PYTHON
    root = CACHE / "python"
    if not shutil.which("debootstrap") or os.geteuid():
        sys.exit("bin/image: a base is made by debootstrap, as root. Or name an image: --python python:3.11-slim")
    say(f"making a Python base of Debian {DEBIAN}, once")
    shutil.rmtree(root, ignore_errors=True)
    command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", DEBIAN, str(root)]
    subprocess.run(command, check=True, stdout=sys.stderr)
    for folder in ("var/cache/apt", "var/lib/apt/lists"):
        shutil.rmtree(root / folder)
        (root / folder / "partial").mkdir(parents=True)
    (root / "usr/bin/python").symlink_to("python3")
    _import(docker, root, PYTHON)
    shutil.rmtree(root)
    return PYTHON


def go_base(docker: Engine, python: str) -> str:
    """Return a Go image: the Python one and this machine's Go."""
    if docker("image", "inspect", GO).returncode == 0:
        return GO
    go = shutil.which("go")
    if not go:
        sys.exit("bin/image: Go was not found. Name an image: --go golang:1.26, or take another mc: --mc release")
    say("making a Go base with the Go of this machine, once")
    tree = subprocess.run([go, "env", "GOROOT"], check=True, capture_output=True, text=True).stdout.strip()
    recipe = f"FROM {python}\nCOPY . /usr/local/go\nENV PATH=/usr/local/go/bin:/usr/local/bin:/usr/bin:/bin\n"
    command = [str(docker.program), "build", "--tag", GO, "--file", "-", tree]
    subprocess.run(command, input=recipe.encode(), check=True, stdout=sys.stderr)
    return GO


def _import(docker: Engine, root: Path, name: str) -> None:
    packed = subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE)
    subprocess.run([docker.program, "import", "-", name], stdin=packed.stdout, check=True, stdout=sys.stderr)
    if packed.wait():
        sys.exit(f"bin/image: {root} could not be packed")


def say(text: str) -> None:
    """Say what takes time."""
    print(f"bin/image: {text}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
