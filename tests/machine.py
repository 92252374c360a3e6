"""A reader's machine: what the README and the examples tell people to type runs here as written, on real servers."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import binaries
from tests.servers.command import COMMAND, Result, clean_environment
from tests.servers.engine import VARIABLE, engine
from tests.servers.minio import Credentials, Minio
from tests.servers.release import releases

ROOT = Path(__file__).parents[1]
KEYS = {"onprem": Credentials("minioadmin", "minioadmin"), "aws": Credentials("AKIAXXXXXXXX", "XXXXXXXX")}
"""As the documents write them."""
ADDRESSES = {
    "onprem": ("https://minio.example.com:9000", "http://minio.example.com:9000", "http://minio:9000"),
    "aws": (
        "https://s3.eu-central-1.amazonaws.com",
        "https://s3.ap-northeast-2.amazonaws.com",
        "https://s3.amazonaws.com",
    ),
}
SOURCES = ("photos", "source", "source-one", "source-two", "relics")
TARGETS = ("photos-copy", "photos-dr", "destination", "target-one", "target-two")
WEBHOOK = {
    "MINIO_NOTIFY_WEBHOOK_ENABLE_intermediate": "on",
    "MINIO_NOTIFY_WEBHOOK_ENDPOINT_intermediate": "http://127.0.0.1:9/nobody",
}
"""The destination of events that the documents name."""
SAMPLES = {
    "2026/11/beach 01.jpg": b"sand" * 500,
    "2026/11/Strände & Möwen.jpg": b"gulls" * 700,
    "2026/11/京都.jpg": b"temple" * 300,
    "index.html": b"<h1>Photos</h1>",
    "empty/.keep": b"",
}


@dataclass(frozen=True)
class Machine:
    """A home, an environment, and two servers that the documents' addresses stand for."""

    folder: Path
    """The working directory."""
    environment: Mapping[str, str]
    onprem: Minio
    aws: Minio

    def here(self, text: str) -> str:
        """The text of a document with its addresses and files replaced by those of this machine."""
        for server, addresses in ((self.onprem, ADDRESSES["onprem"]), (self.aws, ADDRESSES["aws"])):
            for address in addresses:
                text = text.replace(address, server.url)
        return text.replace("/run/secrets", str(self.folder / "secrets"))

    def run(self, script: str, *, folder: Path | None = None, timeout: float = 240, **variables: str) -> Result:
        """Run shell text as written, but for what ``here`` replaces."""
        done = subprocess.run(
            ["sh", "-euc", self.here(script)],
            cwd=folder or self.folder,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        return Result(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))

    def write(self, name: str, text: str) -> Path:
        """Put a document's file into the working directory."""
        path = self.folder / name
        path.write_text(self.here(text))
        return path

    def contents(self, server: Minio, bucket: str) -> dict[str, bytes]:
        """What really is in a bucket, read by another client."""
        client = server.client()
        listed = client.list_objects_v2(Bucket=bucket).get("Contents", [])
        keys = [item["Key"] for item in listed]
        return {key: client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    def empty(self, server: Minio, bucket: str) -> None:
        """Remove every object of a bucket."""
        for key in self.contents(server, bucket):
            server.client().delete_object(Bucket=bucket, Key=key)


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    """Start the servers, with samples in each source bucket; nothing of mcmirror is installed in the home."""
    with ExitStack() as stack:
        servers = {name: Minio.make(name) for name in KEYS}
        for name, server in servers.items():
            server.root = KEYS[name]
            server.environment = WEBHOOK
            stack.enter_context(server)
        variables = stack.enter_context(releases(folder / "release"))
        _fill(servers["onprem"], SOURCES, SAMPLES)
        _fill(servers["aws"], TARGETS, {})
        for server in servers.values():
            _fill(server, ("intermediate",), SAMPLES)
        work, home = folder / "work", folder / "home"
        (work / "secrets").mkdir(parents=True)
        for name, alias in (("minio", "onprem"), ("aws", "aws")):
            (work / "secrets" / name).write_text(f"{KEYS[alias].secret_key}\n")
        environment = clean_environment(home, {**variables, **_keys(), **_image(folder)})
        environment["PATH"] = f"{home}/.local/bin:{folder}/bin:{os.environ.get('PATH', os.defpath)}"
        environment["MCMIRROR_MINIO"] = str(binaries.minio())
        environment |= {f"MCMIRROR_TEST_{name}": str(path) for name, path in _tools().items()}
        yield Machine(work, environment, servers["onprem"], servers["aws"])


def _fill(server: Minio, buckets: tuple[str, ...], objects: Mapping[str, bytes]) -> None:
    client = server.client()
    for bucket in buckets:
        client.create_bucket(Bucket=bucket)
        for key, body in objects.items():
            client.put_object(Bucket=bucket, Key=key, Body=body)


def _keys() -> dict[str, str]:
    return {
        "ONPREM_ACCESS_KEY": KEYS["onprem"].access_key,
        "ONPREM_SECRET_KEY": KEYS["onprem"].secret_key,
        "AWS_ACCESS_KEY": KEYS["aws"].access_key,
        "AWS_SECRET_KEY": KEYS["aws"].secret_key,
    }


def _tools() -> dict[str, Path]:
    return {"MC": binaries.mc(), "MINIO": binaries.minio()}


def _image(folder: Path) -> dict[str, str]:
    """A ``docker`` that runs mcmirror as the image would, and what it has on its PATH; a real one if asked for."""
    (folder / "bin").mkdir()
    (folder / "image").mkdir()
    (folder / "container").mkdir()
    stand_in = folder / "bin" / "docker"
    program = Path(__file__).parent / "servers" / "docker.py"
    if VARIABLE in os.environ:
        real = engine(folder)
        real("volume", "rm", "--force", "mirror")  # what an earlier reader's containers remember
        stand_in.symlink_to(real.program)
        return {}
    stand_in.write_text(f'#!/bin/sh\nexec "{COMMAND.with_name("python")}" -I "{program}" "$@"\n')
    stand_in.chmod(0o755)
    (folder / "image" / "mcmirror").symlink_to(COMMAND)
    (folder / "image" / "mc").symlink_to(binaries.mc())
    return {"DOCKER_HOME": str(folder / "container"), "DOCKER_PATH": f"{folder}/image:{os.defpath}"}


def fenced(markdown: str, language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", markdown, flags=re.DOTALL | re.MULTILINE)


def commands(block: str) -> list[str]:
    """The commands of a ``console`` block: lines after ``$``, with the lines that a backslash continues."""
    joined = re.sub(r"\\\n\s*", "", block)
    return [line.removeprefix("$ ") for line in joined.splitlines() if line.startswith("$ ")]


def steady(output: str) -> list[str]:
    """Output without what differs from run to run: numbers and their units, ids, paths, and lines about progress."""
    lines = []
    for written in output.splitlines():
        line = re.sub(r"\b\d{8}T\d{6}-[0-9a-f]{8}\b", "RUN", written)
        line = re.sub(r"\b\d[\d.]*(?: s|[dhm] \d\d[hms])", "TIME", line)
        if re.match(r"  (copying:|[\d,]+ objects? at the source and)|mcmirror: (installing|updating|another)", line):
            continue
        # Where mc is, and how long a slow machine takes, is not the document's affair.
        fact = re.match(r"  (mc|time) ", line)
        lines.append(fact[1] if fact else re.sub(r"\d[\d,.]*( [KMG]?i?B)?", "N", line).rstrip())
    return lines
