"""A master, Redis and two agents, by Compose and Kubernetes: valid, in agreement with each other, at work for real."""

import re
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from mcmirror.agents.seal import new_key
from tests.conftest import Pair
from tests.deployed import EXAMPLES, GRACE, documents, refusal, tool, unread
from tests.servers import binaries
from tests.servers.brokers import Redis
from tests.servers.command import COMMAND, clean_environment
from tests.servers.minio import Minio
from tests.servers.server import free_port
from tests.serving import Serving

COMPOSE, KUBERNETES = "agents/docker-compose.yml", "agents/kubernetes.yaml"
SITES = ("seoul", "tokyo")


@pytest.fixture
def redis() -> Any:
    with Redis.make() as server:
        yield server


def services() -> dict[str, Any]:
    (document,) = documents(COMPOSE)
    found: dict[str, Any] = document["services"]
    return found


def pods() -> dict[str, Any]:
    deployments = [one for one in documents(KUBERNETES) if one["kind"] == "Deployment"]
    return {one["metadata"]["name"].removeprefix("mcmirror-"): one["spec"]["template"]["spec"] for one in deployments}


def referred(file: str) -> set[str]:
    """The variables and the secrets that a configuration asks for."""
    text = (EXAMPLES / "agents" / file).read_text()
    return set(re.findall(r"\{env:(\w+)\}", text)) | set(re.findall(r"\{file:/run/secrets/(\w+)\}", text))


def test_they_are_valid() -> None:
    compose = [tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", EXAMPLES / COMPOSE]
    kubernetes = [tool("kubernetes-validate"), "--strict", EXAMPLES / KUBERNETES]
    for command in (compose, kubernetes):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
        assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["master", *SITES])
def test_what_a_configuration_asks_for_is_there(name: str) -> None:
    service, pod = services()[name], pods()[name]
    (container,) = pod["containers"]
    words = ["serve"] if name == "master" else ["agent", name]
    assert words == service["command"] == container["args"]
    assert "" == refusal(words)
    environment = {entry["name"]: entry["value"] for entry in container["env"]}
    file = environment.pop("MCMIRROR_CONFIG").removeprefix("/etc/mcmirror/")
    assert f"/etc/mcmirror/{file}" == service["environment"]["MCMIRROR_CONFIG"]
    secrets = {one if isinstance(one, str) else one["target"] for one in service["secrets"]}
    asked = referred(file)
    assert asked == {*environment, *secrets}
    assert {*environment, "MCMIRROR_CONFIG"} == set(service["environment"])
    assert [] == unread(set(service["environment"]) - asked)
    assert float(service["stop_grace_period"].removesuffix("s")) > GRACE
    assert pod["terminationGracePeriodSeconds"] > GRACE


def test_every_secret_of_the_compose_file_is_used() -> None:
    (document,) = documents(COMPOSE)
    used = {
        one if isinstance(one, str) else one["source"] for service in services().values() for one in service["secrets"]
    }
    assert used == set(document["secrets"])


def test_they_work_together(tmp_path: Path, redis: Redis, source: Minio, target: Minio, bucket_pair: Pair) -> None:
    port, keys = free_port(), {site: new_key() for site in SITES}
    source.client().create_bucket(Bucket="photos")
    source.client().put_object(Bucket="photos", Key="a", Body=b"a")
    broker = re.compile(r'broker = "[^"]+"')

    def begin(stack: ExitStack, name: str, file: str, secrets: dict[str, str], **variables: str) -> Serving:
        folder = tmp_path / name
        (folder / "secrets").mkdir(parents=True)
        for secret, value in secrets.items():
            (folder / "secrets" / secret).write_text(f"{value}\n")
        text = (EXAMPLES / "agents" / file).read_text().replace("/run/secrets", str(folder / "secrets"))
        text = broker.sub(f'broker = "{redis.url}"', text).replace("0.0.0.0:8080", f"127.0.0.1:{port}")
        (folder / file).write_text(text)
        given = {"MCMIRROR_CONFIG": str(folder / file), "MCMIRROR_MC": str(binaries.mc()), **variables}
        command = [str(COMMAND), *services()[name]["command"]]
        return stack.enter_context(Serving(command, clean_environment(folder / "home", given), folder, port))

    with ExitStack() as stack:
        for site in SITES:
            own = {"agent_key": keys[site], "onprem_secret_key": source.root.secret_key}
            begin(stack, site, "agent.toml", own, ONPREM_URL=source.url, ONPREM_ACCESS_KEY=source.root.access_key)
        told = {f"{site}_key": keys[site] for site in SITES} | {"central_secret_key": target.root.secret_key}
        central = {"CENTRAL_URL": target.url, "CENTRAL_ACCESS_KEY": target.root.access_key}
        master = begin(stack, "master", "master.toml", told, **central)
        master.says("Run completed", 2)
        for site in SITES:
            assert [b"a"] == [
                target.client().get_object(Bucket=f"{site}-photos", Key=one["Key"])["Body"].read()
                for one in target.client().list_objects_v2(Bucket=f"{site}-photos")["Contents"]
            ]
        master.until(lambda: master.status("/readyz") == 200)
        assert 143 == master.stop()
