"""Where a fault is played: two buckets, the way to them, the flags, and the truth afterwards."""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from tests.conftest import Side
from tests.faults.fault import HANGS
from tests.servers.command import Cli, Result
from tests.servers.minio import Credentials, Minio
from tests.servers.proxy import Proxy

SMALL = {"a": b"first", "b/c": b"second", "b/d e": b"", "f/g/h": b"fourth" * 100, "z": b"last"}
"""What is at the source unless the scene says otherwise."""
QUICK = ("--retries", "1", "--retry-delay", "0.2", "--stall-timeout", "4")
PATIENCE = 5.0
"""Seconds after which bare mc counts as hanging, in the rows that say so."""


@dataclass(frozen=True)
class Truth:
    """What a client that is not mc finds."""

    source: dict[str, str]
    target: dict[str, str]

    @property
    def missing(self) -> list[str]:
        """Keys of the source that the target lacks, or holds with other bytes."""
        return sorted(key for key, digest in self.source.items() if self.target.get(key) != digest)

    @property
    def extra(self) -> list[str]:
        """Keys that only the target has."""
        return sorted(self.target.keys() - self.source.keys())

    def due(self, flags: list[str]) -> list[str]:
        """Keys that are not as they were asked to be."""
        return sorted([*self.missing, *(self.extra if "--remove" in flags else [])])

    def arrived_since(self, before: "Truth", flags: list[str]) -> str:
        """How much of what was asked for is done."""
        wanted = len(self.source) + (len(before.extra) if "--remove" in flags else 0)
        return _share(wanted - len(self.due(flags)), wanted)

    @property
    def arrived(self) -> str:
        """How many of the source's objects are on the target."""
        return _share(len(self.source) - len(self.missing), len(self.source))

    def destroyed_since(self, before: "Truth") -> str:
        """How many of the target's further objects are gone."""
        lost = [key for key in before.extra if key not in self.target]
        return _share(len(lost), len(before.extra)) if lost else "none"


@dataclass
class Stage:
    """Two fresh buckets with ``SMALL`` in the source, to be spoilt by a scene."""

    source: Side
    target: Side
    folder: Path
    """Empty: where the command runs."""
    new_proxy: Callable[[Minio], Proxy]
    new_side: Callable[..., Side]
    hosts: dict[str, str] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    source_place: str = ""
    target_place: str = ""
    patience: float = PATIENCE
    foretaste: Callable[[], object] | None = None
    """What must have come before bare mc's patience begins, and may be waited for."""
    again: tuple[str, ...] = QUICK
    """Mcmirror's patience."""
    aftermath: Callable[[], object] | None = None
    """Makes the servers readable again before the truth is looked at."""

    def __post_init__(self) -> None:
        self.reach(self.source)
        self.reach(self.target)
        self.source_place, self.target_place = self.source.location, self.target.location

    def reach(self, side: Side, address: str = "", credentials: Credentials | None = None, scheme: str = "") -> None:
        """Let the side's alias lead there."""
        host = side.server.mc_host(credentials, address)
        self.hosts[f"MC_HOST_{side.alias}"] = f"{scheme}://{host.partition('://')[2]}" if scheme else host

    def proxy(self, side: Side) -> Proxy:
        """Put a proxy before the side."""
        proxy = self.new_proxy(side.server)
        self.reach(side, proxy.address)
        return proxy

    def user(self, side: Side, *deny: dict[str, object]) -> None:
        """Come as a user who is denied something."""
        self.reach(side, credentials=side.server.user(*deny))

    def move(self, alias: str, **how: Any) -> Side:
        """Put one side on a server of its own, with the same objects."""
        side = self.new_side(alias, **how)
        if alias == "src":
            side.put({key: _read(self.source, key) for key in self.source.sizes()})
            self.source, self.source_place = side, side.location
        else:
            self.target, self.target_place = side, side.location
        self.reach(side)
        return side

    def truth(self) -> Truth:
        """Look."""
        return Truth(_contents(self.source), _contents(self.target))

    def bare(self, mc: Path) -> tuple[int, str]:
        """Run ``mc mirror``: its exit code and its error lines."""
        flags = [flag for flag in self.flags if flag != "--create-target"]
        with tempfile.TemporaryDirectory() as home, tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                [str(mc), "--config-dir", home, "mirror", "--json", *flags, self.source_place, self.target_place],
                env={"HOME": home, "PATH": os.defpath, **self.hosts},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                if self.foretaste:
                    self.foretaste()
                code = process.wait(self.patience)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                code = HANGS
            output.seek(0)
            lines = [_loaded(line) for line in output.read().split(b"\n") if line]
        return code, "\n".join(json.dumps(line) for line in lines if line.get("status") != "success")

    def run(self, cli: Cli, *more: str) -> Result:
        """Run ``mcmirror mirror`` to its end."""
        return replace(cli, environment={**cli.environment, **self.hosts})(*self.arguments(), *more, timeout=150)

    def arguments(self) -> list[str]:
        """Mcmirror's."""
        return ["mirror", self.source_place, self.target_place, "--json", *self.flags, *self.again]


def kill_mc(place: str) -> None:
    """``kill -9`` every mc that mirrors to or from this place; there must be one."""
    found = [pid for pid, argv in processes() if argv[:1] and Path(argv[0]).name == "mc" and place in argv]
    assert found, f"no mc works on {place}"
    for pid in found:
        os.kill(pid, signal.SIGKILL)


def processes() -> Iterator[tuple[int, list[str]]]:
    """Every process with its argv."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield int(path.parent.name), path.read_bytes().decode(errors="replace").split("\0")


def _share(some: int, everything: int) -> str:
    return "all" if some == everything else "some" if some else "none"


def _contents(side: Side) -> dict[str, str]:
    try:
        return side.contents()
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise
        return {}


def _read(side: Side, key: str) -> bytes:
    body: bytes = side.client.get_object(Bucket=side.bucket, Key=key)["Body"].read()
    return body


def _loaded(line: bytes) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = json.loads(line, strict=False)
    except ValueError:
        return {"text": line.decode(errors="replace")}
    return loaded
