"""The compose file: valid, in agreement with the image and with itself, and its services work together for real."""

import os
import re
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from mcmirror.store.paths import DEFAULT_FOLDER
from tests.deployed import EXAMPLES, GRACE, documents, refusal, tool, unread
from tests.machine import ROOT
from tests.servers import binaries
from tests.servers.command import COMMAND, clean_environment
from tests.servers.docker import instructions, read_env_file
from tests.servers.minio import contents
from tests.servers.server import free_port
from tests.serving import Serving

FILE = "docker-compose.yml"
SECRETS = {"minio_secret_key": "minioadmin", "s3_sync_secret_key": "3f0c9a-of-the-target"}
IMAGE = dict(instructions((ROOT / "Dockerfile").read_text()))


@pytest.fixture(scope="module")
def project() -> Any:
    """The file with the variables of .env.example in their places."""
    (document,) = documents(FILE)
    return filled(document, read_env_file(EXAMPLES / ".env.example"))


def filled(node: Any, variables: Mapping[str, str]) -> Any:
    """What compose makes of ``${NAME:-default}``, ``${NAME:?reason}`` and ``$$``."""

    def value(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        given = variables.get(found[1], "")
        assert given or found[2] == "-", f"compose would not start: {found[0]}"
        return given or found[3]

    if isinstance(node, str):
        return re.sub(r"\$\$|\$\{(\w+):([-?])([^}]*)\}", value, node)
    if isinstance(node, dict):
        return {name: filled(child, variables) for name, child in node.items()}
    return [filled(child, variables) for child in node] if isinstance(node, list) else node


def names(node: Any) -> set[str]:
    """The variables that a document asks for."""
    return set(re.findall(r"\$\{(\w+)", str(node)))


def test_it_is_valid(tmp_path: Path) -> None:
    def verdict(path: Path) -> int:
        checker = [str(tool("check-jsonschema")), "--builtin-schema", "vendor.compose-spec"]
        return subprocess.run([*checker, path], capture_output=True, check=False).returncode

    assert 0 == verdict(EXAMPLES / FILE)

    (tmp_path / FILE).write_text((EXAMPLES / FILE).read_text().replace("stop_grace_period", "stop_grace_time"))
    assert 0 != verdict(tmp_path / FILE)


def test_every_variable_is_in_the_example_and_every_one_of_the_example_is_used(project: Any) -> None:
    (document,) = documents(FILE)
    example = read_env_file(EXAMPLES / ".env.example")

    assert names(document) == set(example)
    assert [] == unread(project["services"]["s3-sync"]["environment"])


def test_the_container_has_the_name_that_the_documentation_types(project: Any) -> None:
    text = (ROOT / "docs" / "sidecar.md").read_text()

    assert {project["services"]["s3-sync"]["container_name"]} == set(re.findall(r"docker exec (\S+)", text))


def test_defaults_are_those_of_mcmirror() -> None:
    (document,) = documents(FILE)
    written = document["services"]["s3-sync"]["environment"]
    defaults = {name: text.partition(":-")[2].rstrip("}") for name, text in written.items() if ":-" in text}

    assert {
        "S3_SYNC_ENABLED": "false",
        "S3_SYNC_ENDPOINT": "s3.amazonaws.com",
        "S3_SYNC_REGION": "us-east-1",
        "S3_SYNC_INTERVAL": "1800",
        "S3_SYNC_MAX_RETRIES": "3",
        "S3_SYNC_RETRY_DELAY": "60",
        "S3_SYNC_REMOVE": "true",
        "S3_SYNC_MAX_DELETE": "25%",
        "S3_SYNC_TIMEZONE": "UTC",
        "MINIO_ACCESS_KEY": "minioadmin",
        "MINIO_BUCKET": "relics",
        "MCMIRROR_MAX_AGE": "2h",
    } == defaults


def test_it_agrees_with_the_image(project: Any) -> None:
    sidecar = project["services"]["s3-sync"]

    assert (ROOT / "Dockerfile") == (EXAMPLES / sidecar["build"] / "Dockerfile").resolve()
    assert "" == refusal(sidecar["command"])
    assert "" == refusal(sidecar["healthcheck"]["test"][2:])
    port = sidecar["environment"]["MCMIRROR_LISTEN"].partition(":")[2]
    assert IMAGE["EXPOSE"] == port == sidecar["ports"][0].rpartition(":")[2]
    assert [f"state:{IMAGE['WORKDIR']}/{DEFAULT_FOLDER.removeprefix('~/')}"] == sidecar["volumes"]
    assert float(sidecar["stop_grace_period"].removesuffix("s")) > GRACE
    # Secrets from variables cannot be put into a container that is read-only; files can.
    assert sidecar["read_only"]
    assert {"file"} == {key for secret in project["secrets"].values() for key in secret}


def test_no_image_comes_from_where_there_is_none_any_more(project: Any) -> None:
    images = [service["image"] for service in project["services"].values()]

    assert [] == [image for image in images if image.startswith(("minio/", "quay.io/minio/", "bitnami/"))]
    assert [] == [image for image in images if image != "mcmirror" and image.partition(":")[2] in {"", "latest"}]


@dataclass
class Composed:
    """The services of the file as processes of this machine."""

    folder: Path
    project: Any
    addresses: dict[str, str]

    def here(self, text: str) -> str:
        """What a container sees, as it is here."""
        for name, address in self.addresses.items():
            text = text.replace(f"http://{name}", f"http://{address}")
        return text.replace("/run/secrets/", f"{self.folder}/secrets/")

    def environment(self, name: str) -> dict[str, str]:
        """The variables of a service."""
        given = {key: self.here(str(text)) for key, text in self.project["services"][name]["environment"].items()}
        own = clean_environment(self.folder / "homes" / name, given)
        return {**own, "PATH": f"{self.folder}/bin:{os.defpath}"}

    def store(self, name: str) -> Serving:
        """A MinIO of the file, on its data."""
        data = self.folder / name
        data.mkdir()
        address = self.addresses[f"{name}:9000"]
        variables = {**self.environment(name), "MINIO_ADDRESS": address, "MINIO_BROWSER": "off", "MINIO_UPDATE": "off"}
        words = [word.replace("/data", str(data)) for word in self.project["services"][name]["entrypoint"]]
        return Serving(words, variables, data.parent, int(address.rpartition(":")[2]))

    def client(self, name: str) -> Any:
        """boto3 for a MinIO of the file."""
        variables = self.environment(name)
        return boto3.client(
            "s3",
            endpoint_url=f"http://{self.addresses[f'{name}:9000']}",
            aws_access_key_id=variables["MINIO_ROOT_USER"],
            aws_secret_access_key=Path(variables["MINIO_ROOT_PASSWORD_FILE"]).read_text(),
            region_name="us-east-1",
        )


@pytest.fixture
def composed(project: Any, tmp_path: Path) -> Composed:
    for name in ("secrets", "bin", "homes"):
        (tmp_path / name).mkdir()
    for name, value in SECRETS.items():
        (tmp_path / project["secrets"][name]["file"]).write_text(value)
    for name, path in (("mcmirror", COMMAND), ("mc", binaries.mc()), ("minio", binaries.minio())):
        (tmp_path / "bin" / name).symlink_to(path)
    addresses = {f"{name}:9000": f"127.0.0.1:{free_port()}" for name in ("minio", "target")}
    return Composed(tmp_path, project, addresses)


def test_its_services_work_together(composed: Composed) -> None:
    sidecar = composed.project["services"]["s3-sync"]
    address = f"127.0.0.1:{free_port()}"
    variables = composed.environment("s3-sync") | {"MCMIRROR_LISTEN": address, "S3_SYNC_INTERVAL": "1"}
    with ExitStack() as stack:
        for name in ("minio", "target"):
            server = stack.enter_context(composed.store(name))
            server.until(lambda server=server: server.status("/minio/health/ready") == 200)  # type: ignore[misc]
        source, target = composed.client("minio"), composed.client("target")
        source.put_object(Bucket="relics", Key="a", Body=b"a")
        port = int(address.rpartition(":")[2])
        serving = stack.enter_context(
            Serving([COMMAND, *sidecar["command"]], variables, composed.folder / "homes" / "s3-sync", port)
        )
        serving.until(lambda: "relics-backup" in [bucket["Name"] for bucket in target.list_buckets()["Buckets"]])
        serving.until(lambda: contents(source, "relics") == contents(target, "relics-backup"))
        serving.says("✓ Sync completed successfully")

        def health() -> int:
            command = sidecar["healthcheck"]["test"][1:]
            return subprocess.run(command, env=variables, capture_output=True, check=False).returncode

        serving.until(lambda: health() == 0)
        assert 143 == serving.stop()
        assert 1 == health()
    assert SECRETS["s3_sync_secret_key"] not in serving.log
