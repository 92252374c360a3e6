"""A stand-in for ``docker run``: the image's own command with the environment of the command line, without a container.

Run as a program. ``DOCKER_HOME`` is a folder for the containers' homes and the volumes, ``DOCKER_PATH`` their PATH.
"""

import json
import os
import re
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
WITH_VALUE = ("-e", "--env-file", "-v", "-p", "--restart")
WITHOUT = ("--rm", "-d")
IMAGES = ("mcmirror", "minio-s3-mirror:latest")
"""Names under which people may have built it."""


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    """Each instruction with its arguments, continued lines joined and comments left out."""
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


def default_command(dockerfile: str) -> tuple[list[str], list[str]]:
    """ENTRYPOINT and CMD."""
    last = dict(instructions(dockerfile))
    return json.loads(last["ENTRYPOINT"]), json.loads(last["CMD"])


@dataclass
class Container:
    """What a command line asks for."""

    variables: dict[str, str] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    """Inside to outside."""
    image: str = ""
    command: list[str] = field(default_factory=list)


def main(arguments: list[str]) -> None:
    """Become what the container would run."""
    if arguments in [["build", "-t", image, "."] for image in IMAGES]:
        # The Dockerfile has tests of its own.
        return
    if arguments[0] != "run":
        sys.exit(f"docker {arguments[0]}: the stand-in knows only run")
    asked = read(arguments[1:])
    if asked.image not in IMAGES:
        sys.exit(f"docker: there is no image {asked.image}")
    start(asked, Path(os.environ["DOCKER_HOME"]))


def read(arguments: list[str]) -> Container:
    """The command line of ``docker run``."""
    asked, rest = Container(), iter(arguments)
    for word in rest:
        if word in WITHOUT:
            continue
        if word not in WITH_VALUE:
            return Container(asked.variables, asked.folders, word, list(rest))
        value = next(rest)
        if word == "--env-file":
            asked.variables.update(read_env_file(Path(value)))
        elif word.startswith("-e"):
            name, equals, text = value.partition("=")
            asked.variables[name] = text if equals else os.environ[name]
        elif word == "-v":
            here, there, *_ = value.split(":")
            asked.folders[there] = here
    return asked


def start(asked: Container, folder: Path) -> None:
    """Run the image's command in a home of its own; where a variable names a folder inside, it gets the one outside."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    entrypoint, command = default_command(dockerfile)
    inside = dict(instructions(dockerfile))["WORKDIR"]
    home = Path(tempfile.mkdtemp(prefix="container-", dir=folder))
    variables = asked.variables
    for there, here in asked.folders.items():
        if there.startswith(inside):
            mount(here if "/" in here else str(folder / "volumes" / here), home / there.removeprefix(f"{inside}/"))
            continue
        variables = {name: text.replace(there, here) for name, text in variables.items()}
    os.chdir(home)
    environment = {"HOME": str(home), "PATH": os.environ["DOCKER_PATH"], **variables}
    os.execvpe(entrypoint[0], [*entrypoint, *(asked.command or command)], environment)


def mount(here: str, place: Path) -> None:
    """A folder or a volume in a container's home."""
    Path(here).mkdir(parents=True, exist_ok=True)
    place.parent.mkdir(parents=True)
    place.symlink_to(here)


def read_env_file(path: Path) -> dict[str, str]:
    """Docker's format: a variable a line, nothing is quoted or expanded."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


if __name__ == "__main__":
    main(sys.argv[1:])
