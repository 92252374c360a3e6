"""A real container engine that takes docker's command line: docker itself, or podman where there is no docker."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VARIABLE = "MCMIRROR_TEST_DOCKER"
"""Names the program; the tests that type `docker run` then type it into this one and not into the stand-in."""
PODMAN = """\
[engine]
runtime = "{runtime}"
cgroup_manager = "cgroupfs"
[containers]
netns = "host"
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
"""
"""What lets podman run where there is no systemd, cgroups of two versions are mixed, and limits may not be raised."""


class NoEngine(Exception):
    """Neither docker nor podman can be used; the message says what to install."""


@dataclass(frozen=True)
class Engine:
    """Containers share the network of this machine, so that they reach the servers of the tests."""

    program: Path

    def __call__(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return subprocess.run(
            [self.program, *arguments],
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def ask(self, *arguments: str) -> str:
        """What it prints; RuntimeError with its words when it fails."""
        done = self(*arguments)
        if done.returncode:
            raise RuntimeError(f"{self.program.name} {' '.join(arguments)}\n{done.stdout}{done.stderr}")
        return done.stdout

    def inspect(self, image: str) -> Any:
        """What it knows of an image."""
        (about,) = json.loads(self.ask("image", "inspect", image))
        return about


def engine(folder: Path) -> Engine:
    """The one that ``MCMIRROR_TEST_DOCKER`` names, else docker, else podman; its program lies in ``folder``."""
    if named := os.environ.get(VARIABLE):
        return Engine(Path(named))
    docker = shutil.which("docker")
    if docker and not subprocess.run([docker, "info"], capture_output=True, check=False).returncode:
        shared = 'case $1 in run) shift && set -- run --network host "$@" ;; esac'
        return Engine(_program(folder, f'{shared}\nexec {docker} "$@"'))
    podman = shutil.which("podman")
    runtime = shutil.which("runc") or shutil.which("crun")
    if not podman or not runtime:
        raise NoEngine("no container engine was found. Install docker, or podman and runc (apt install podman runc)")
    settings = folder / "containers.conf"
    settings.write_text(PODMAN.format(runtime=Path(runtime).name))
    return Engine(_program(folder, f'CONTAINERS_CONF="{settings}" exec {podman} "$@"'))


def _program(folder: Path, script: str) -> Path:
    program = folder / "docker"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program
