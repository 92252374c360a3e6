"""The built image in containers of a real engine, on real servers; ``bin/image`` builds it and runs this, by hand.

`docker run` lines of crontabs have a file of their own (test_replay_pairs.py), which the same engine then types.
"""

import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest

from tests.conftest import Pair
from tests.image import NAMES, PASSED_ON
from tests.machine import ROOT
from tests.servers.docker import instructions
from tests.servers.engine import Engine, engine
from tests.servers.server import free_port
from tests.waiting import until

IMAGE = NAMES[0]
STATE = "/home/mcmirror/.local/state/mcmirror"
HARDENED = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
USERS = [(), ("--user", "4321"), ("--user", "4321:4321")]
NAMED = ["the image's own", "any, of group 0", "any, of any group"]


@pytest.fixture(scope="session")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return engine(tmp_path_factory.mktemp("engine"))


@pytest.fixture
def volume(docker: Engine) -> Iterator[str]:
    """The options for a volume of its own at the state's place."""
    name = f"mcmirror-{secrets.token_hex(4)}"
    yield f"{name}:{STATE}"
    docker("volume", "rm", "--force", name)


@pytest.fixture
def pair(bucket_pair: Pair) -> list[str]:
    """The options that describe a pair."""
    source, target = bucket_pair.source, bucket_pair.target
    return options(
        MINIO_URL=source.server.url,
        MINIO_ACCESS_KEY=source.server.root.access_key,
        MINIO_SECRET_KEY=source.server.root.secret_key,
        AWS_URL=target.server.url,
        AWS_ACCESS_KEY=target.server.root.access_key,
        AWS_SECRET_KEY=target.server.root.secret_key,
        BUCKET_PAIR=f"minio/{source.bucket}:aws/{target.bucket}",
    )


def options(**variables: str) -> list[str]:
    """``-e NAME=value`` for each."""
    return [word for name, value in variables.items() for word in ("-e", f"{name}={value}")]


@dataclass(frozen=True)
class Service:
    """A container that stays; ``with`` starts it and removes it."""

    docker: Engine
    words: tuple[str, ...]
    name: str

    def __enter__(self) -> Self:
        self.docker.ask("run", "-d", "--name", self.name, *self.words)
        return self

    def __exit__(self, *_: object) -> None:
        print(self.log)  # what it said is seen where a test fails
        self.docker("rm", "--force", "--volumes", self.name)

    @property
    def log(self) -> str:
        """Both streams."""
        done = self.docker("logs", self.name)
        return done.stdout + done.stderr

    def says(self, text: str, times: int = 1) -> None:
        """Wait for a text in the log."""
        until(lambda: self.log.count(text) >= times)

    def state(self) -> Any:
        """What the engine knows of it."""
        (about,) = json.loads(self.docker.ask("container", "inspect", self.name))
        return about["State"]

    def health(self) -> int:
        """The image's health check, run as the engine runs it."""
        (check,) = (rest for word, rest in instructions((ROOT / "Dockerfile").read_text()) if word == "HEALTHCHECK")
        return self.docker("exec", self.name, *json.loads(check.partition("CMD ")[2])).returncode


@pytest.fixture
def start(docker: Engine) -> Iterator[Callable[..., Service]]:
    """Start containers that stay."""
    with ExitStack() as stack:
        yield lambda *words: stack.enter_context(Service(docker, words, f"mcmirror-{secrets.token_hex(4)}"))


def sidecar(pair: Pair, port: int) -> list[str]:
    """The options of the sidecar's quick start, with a sync each second."""
    source, target = pair.source, pair.target
    return options(
        S3_SYNC_ENABLED="true",
        S3_SYNC_ENDPOINT=target.server.url,
        S3_SYNC_ACCESS_KEY=target.server.root.access_key,
        S3_SYNC_SECRET_KEY=target.server.root.secret_key,
        S3_SYNC_BUCKET=target.bucket,
        S3_SYNC_INTERVAL="1",
        MINIO_ENDPOINT=source.server.url,
        MINIO_ACCESS_KEY=source.server.root.access_key,
        MINIO_SECRET_KEY=source.server.root.secret_key,
        MINIO_BUCKET=source.bucket,
        MCMIRROR_LISTEN=f"127.0.0.1:{port}",
    )


def test_the_image_is_what_its_file_says(docker: Engine) -> None:
    about = docker.inspect(IMAGE)["Config"]

    assert ("10001", "/home/mcmirror", ["mcmirror"], ["run"], "SIGTERM") == tuple(
        about[name] for name in ("User", "WorkingDir", "Entrypoint", "Cmd", "StopSignal")
    )
    assert (
        "10001 10001"
        == docker.ask("run", "--rm", "--entrypoint", "sh", IMAGE, "-c", "id -u; id -g").replace("\n", " ").strip()
    )
    assert "mc version" in docker.ask("run", "--rm", "--entrypoint", "mc", IMAGE, "--version")
    history = docker.ask("history", "--no-trunc", IMAGE)
    assert [] == [name for name in PASSED_ON if name in history]


def test_a_run_ends_with_its_code(docker: Engine, bucket_pair: Pair, pair: list[str], volume: str) -> None:
    source, target = bucket_pair.source, bucket_pair.target
    source.put({"a/ü": b"a", "b": b"bb"})
    night = ("run", "--rm", "-v", volume, *pair, IMAGE)

    done = docker(*night)
    assert (0, True) == (done.returncode, bucket_pair.equal), done.stderr
    assert "note:" not in done.stderr

    source.delete("a/ü", "b")
    assert 4 == docker(*night).returncode
    target.drop()
    source.put({"c": b"c"})
    assert 1 == docker(*night).returncode
    assert 2 == docker("run", "--rm", *pair[:-2], IMAGE).returncode


def test_a_volume_lasts(docker: Engine, bucket_pair: Pair, pair: list[str], volume: str) -> None:
    bucket_pair.source.put({"a": b"a"})
    for _ in range(2):
        assert 0 == docker("run", "--rm", "-v", volume, *pair, IMAGE).returncode

    history = json.loads(docker.ask("run", "--rm", "-v", volume, *pair, IMAGE, "history", "--json"))

    assert ["succeeded"] * 2 == [run["status"] for run in history]


@pytest.mark.parametrize("user", USERS, ids=NAMED)
@pytest.mark.parametrize("root", [(), HARDENED], ids=["writable", "read-only"])
def test_any_user_can_run_it(
    docker: Engine, bucket_pair: Pair, pair: list[str], user: tuple[str, ...], root: tuple[str, ...]
) -> None:
    bucket_pair.source.put({"a": b"a"})

    done = docker("run", "--rm", *user, *root, *pair, IMAGE)

    assert (0, True) == (done.returncode, bucket_pair.equal), done.stderr


@pytest.mark.parametrize("user", USERS[:2], ids=NAMED[:2])
def test_a_read_only_root_and_a_volume_are_enough_to_remember(
    docker: Engine, bucket_pair: Pair, pair: list[str], volume: str, user: tuple[str, ...]
) -> None:
    bucket_pair.source.put({"a": b"a"})
    words = ("run", "--rm", *user, *HARDENED, "-v", volume, *pair, IMAGE)

    done = docker(*words)

    assert 0 == done.returncode, done.stderr
    assert "note:" not in done.stderr
    assert ["succeeded"] == [run["status"] for run in json.loads(docker.ask(*words, "history", "--json"))]


def test_keys_are_files(docker: Engine, bucket_pair: Pair, pair: list[str], tmp_path: Path) -> None:
    bucket_pair.source.put({"a": b"a"})
    folder = tmp_path / "secrets"
    folder.mkdir()
    file = folder / "minio"
    file.write_text(f"{bucket_pair.source.server.root.secret_key}\n")
    file.chmod(0o400)
    named = "MINIO_SECRET_KEY"
    there = [word for word in pair if not word.startswith(f"{named}=")]
    there = [word for word, after in zip(there, [*there[1:], ""], strict=True) if (word, after) != ("-e", "-e")]
    words = ("run", "--rm", "-v", f"{folder}:/run/secrets:ro", *options(**{f"{named}_FILE": "/run/secrets/minio"}))

    refused = docker(*words, *there, IMAGE)
    assert 2 == refused.returncode
    assert "/run/secrets/minio" in refused.stderr
    os.chown(file, 10001, 0)
    done = docker(*words, *there, IMAGE)

    assert (0, True) == (done.returncode, bucket_pair.equal), done.stderr


def test_a_configuration_is_mounted(docker: Engine, bucket_pair: Pair, pair: list[str], tmp_path: Path) -> None:
    """Read-only, of the user outside, where the image looks and where it is told to."""
    bucket_pair.source.put({"a": b"a"})
    source, target = bucket_pair.source, bucket_pair.target
    keys = {"src": source.server, "dst": target.server}
    file = tmp_path / "mcmirror.toml"
    file.write_text(
        "".join(
            f'[alias.{name}]\nurl = "{server.url}"\naccess_key = "{server.root.access_key}"\n'
            f'secret_key = "{{env:{name.upper()}_SECRET}}"\n'
            for name, server in keys.items()
        )
        + f'[job.photos]\nsource = "{source.location}"\ntarget = "{target.location}"\n'
    )
    secret = options(**{f"{name.upper()}_SECRET": server.root.secret_key for name, server in keys.items()})

    found = docker("run", "--rm", "-v", f"{file}:/home/mcmirror/mcmirror.toml:ro", *secret, IMAGE)
    assert (0, True) == (found.returncode, bucket_pair.equal), found.stderr

    os.chown(file, 1000, 1000)
    named = options(MCMIRROR_CONFIG="/etc/mcmirror.toml")
    done = docker("run", "--rm", "-v", f"{file}:/etc/mcmirror.toml:ro", *named, *secret, IMAGE)
    assert 0 == done.returncode, done.stderr


def test_the_sidecar_lives_is_asked_and_ends(
    docker: Engine, bucket_pair: Pair, start: Callable[..., Service], volume: str
) -> None:
    source, target = bucket_pair.source, bucket_pair.target
    source.put({"a": b"a", **{f"many/{number}": b"1" for number in range(9)}})
    target.drop()

    service = start("-v", volume, *HARDENED, *sidecar(bucket_pair, free_port()), IMAGE, "serve")

    service.says("✓ Sync completed successfully")
    assert source.contents() == target.contents()
    until(lambda: service.health() == 0)
    service.docker.ask("kill", "--signal", "STOP", service.name)
    assert 1 == service.health()
    service.docker.ask("kill", "--signal", "CONT", service.name)
    until(lambda: service.health() == 0)

    source.put({"b": b"b"})
    until(lambda: source.sizes() == target.sizes())
    source.delete("a")
    until(lambda: source.sizes() == target.sizes())
    command = docker.ask("exec", service.name, "sh", "-c", "tr '\\0' ' ' </proc/1/cmdline")
    assert command.rstrip().endswith("mcmirror serve")
    assert 0 == docker("exec", service.name, "mcmirror", "status").returncode
    assert 0 == docker("exec", service.name, "mcmirror", "run", "--lock", "wait").returncode

    docker.ask("stop", "--time", "40", service.name)
    assert 143 == service.state()["ExitCode"], service.log
    assert target.server.root.secret_key not in service.log


def test_a_single_run_is_healthy_and_ends_on_a_signal(
    docker: Engine, bucket_pair: Pair, start: Callable[..., Service], tmp_path: Path
) -> None:
    """Its transfer is slow; nothing of it stays."""
    source, target = bucket_pair.source, bucket_pair.target
    source.put({"big": b"x" * 5_000_000})
    file = tmp_path / "mcmirror.toml"
    file.write_text(
        f'[job.slow]\nsource = "{source.location}"\ntarget = "{target.location}"\nlimit_upload = "100KiB"\n'
    )
    hosts = options(MC_HOST_src=source.server.mc_host(), MC_HOST_dst=target.server.mc_host())

    service = start("-v", f"{file}:/home/mcmirror/mcmirror.toml:ro", *hosts, IMAGE)

    service.says("copying")
    assert 0 == service.health()
    assert service.state()["Running"]
    docker.ask("stop", "--time", "40", service.name)
    assert 143 == service.state()["ExitCode"], service.log
    assert {} == target.sizes()
