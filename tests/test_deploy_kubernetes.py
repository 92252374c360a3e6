"""The manifests: valid by Kubernetes' own schemas, in agreement with each other and with the image, and runnable."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from mcmirror.config import cron, load
from mcmirror.store.paths import DEFAULT_FOLDER
from tests.deployed import EXAMPLES, GRACE, documents, refusal, tool, unread
from tests.machine import KEYS, ROOT, SAMPLES, Machine, machine
from tests.servers import binaries
from tests.servers.command import COMMAND
from tests.servers.docker import instructions
from tests.servers.server import free_port
from tests.serving import Serving

FOLDER = EXAMPLES / "kubernetes"
IMAGE = dict(instructions((ROOT / "Dockerfile").read_text()))
USER = int(IMAGE["USER"])
MANIFESTS = sorted(path.name for path in FOLDER.glob("*.yaml") if path.name != "kustomization.yaml")
NOT_KUBERNETES = {"servicemonitor.yaml"}
"""Of the Prometheus operator, whose schema is not Kubernetes' own."""


def manifest(name: str, kind: str) -> Any:
    (found,) = [document for document in documents(f"kubernetes/{name}") if document["kind"] == kind]
    return found


def pods() -> list[tuple[str, Any]]:
    """The pods' specifications."""
    deployment = manifest("deployment.yaml", "Deployment")["spec"]["template"]["spec"]
    nightly = manifest("cronjob.yaml", "CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return [("deployment", deployment), ("cronjob", nightly)]


def variables(pod: Any) -> dict[str, str]:
    (container,) = pod["containers"]
    return {entry["name"]: entry["value"] for entry in container["env"]}


def mounts(pod: Any) -> dict[str, str]:
    (container,) = pod["containers"]
    return {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}


@pytest.mark.parametrize("name", [name for name in MANIFESTS if name not in NOT_KUBERNETES])
def test_it_is_valid(name: str, tmp_path: Path) -> None:
    def verdict(path: Path) -> tuple[int, str]:
        done = subprocess.run(
            [tool("kubernetes-validate"), "--strict", path], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    assert 0 == verdict(FOLDER / name)[0], verdict(FOLDER / name)[1]

    (tmp_path / name).write_text((FOLDER / name).read_text().replace("metadata:\n", "metadata:\n  nmae: x\n", 1))
    code, said = verdict(tmp_path / name)
    assert code
    assert "nmae" in said


def test_the_kustomization_holds_what_is_there() -> None:
    (kustomization,) = documents("kubernetes/kustomization.yaml")
    files = {*kustomization["resources"], *kustomization["configMapGenerator"][0]["files"]}
    text = (FOLDER / "kustomization.yaml").read_text()

    assert {"apiVersion", "kind", "resources", "labels", "configMapGenerator", "generatorOptions", "images"} == set(
        kustomization
    )
    assert [] == [name for name in files if not (FOLDER / name).is_file()]
    # What it does not apply, it names.
    assert [] == [name for name in MANIFESTS if name not in text]
    assert "secret.example.yaml" not in kustomization["resources"]
    assert {"mcmirror"} == {entry["name"] for entry in kustomization["images"]}


def test_names_that_belong_together_are_the_same() -> None:
    (kustomization,) = documents("kubernetes/kustomization.yaml")
    deployment = manifest("deployment.yaml", "Deployment")["spec"]
    service, monitor = manifest("service.yaml", "Service"), manifest("servicemonitor.yaml", "ServiceMonitor")
    volumes = {volume["name"]: volume for volume in deployment["template"]["spec"]["volumes"]}

    assert deployment["selector"]["matchLabels"] == deployment["template"]["metadata"]["labels"]
    assert service["spec"]["selector"] == deployment["selector"]["matchLabels"]
    assert monitor["spec"]["selector"]["matchLabels"] == kustomization["labels"][0]["pairs"]
    assert monitor["spec"]["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"]
    assert volumes["config"]["configMap"]["name"] == kustomization["configMapGenerator"][0]["name"]
    claims = {volumes["state"]["persistentVolumeClaim"]["claimName"]}
    assert claims == {manifest("volume.yaml", "PersistentVolumeClaim")["metadata"]["name"]}
    nightly = {volume["name"]: volume for volume in pods()[1][1]["volumes"]}
    own = manifest("cronjob.yaml", "PersistentVolumeClaim")["metadata"]["name"]
    assert own == nightly["state"]["persistentVolumeClaim"]["claimName"]
    secret = manifest("secret.example.yaml", "Secret")["metadata"]["name"]
    assert [secret] * 2 == [found["secrets"]["secret"]["secretName"] for found in (volumes, nightly)]


def test_ports_and_paths_agree() -> None:
    ((_, pod), _) = pods()
    (container,) = pod["containers"]
    service = manifest("service.yaml", "Service")
    listen = re.search(r'^listen = "0\.0\.0\.0:(\d+)"', (FOLDER / "mcmirror.toml").read_text(), re.MULTILINE)
    assert listen

    assert [{"name": "http", "containerPort": int(listen[1])}] == container["ports"]
    assert IMAGE["EXPOSE"] == listen[1] == service["metadata"]["annotations"]["prometheus.io/port"]
    assert [{"name": "http", "port": int(listen[1]), "targetPort": "http"}] == service["spec"]["ports"]
    probes = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert {"http"} == {probe["port"] for probe in probes.values()}
    assert ["/healthz", "/healthz", "/readyz"] == [probe["path"] for probe in probes.values()]
    assert f"{mounts(pod)['config']}/mcmirror.toml" == variables(pod)["MCMIRROR_CONFIG"]


@pytest.mark.parametrize(("name", "pod"), pods())
def test_a_pod_may_little_and_finds_everything(name: str, pod: Any) -> None:
    (container,) = pod["containers"]
    place = mounts(pod)

    assert "" == refusal(container["args"])
    assert [] == unread(variables(pod))
    assert pod["terminationGracePeriodSeconds"] > GRACE
    assert (False, False) == (pod["automountServiceAccountToken"], pod["enableServiceLinks"])
    who = pod["securityContext"]
    assert (True, USER, USER) == (who["runAsNonRoot"], who["runAsUser"], who["fsGroup"])
    assert {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    } == container["securityContext"]
    assert set(place) == {volume["name"] for volume in pod["volumes"]}
    assert f"{IMAGE['WORKDIR']}/{DEFAULT_FOLDER.removeprefix('~/')}" == place["state"]
    assert "/tmp" == place["tmp"]
    text = "\n".join(variables(pod).values()) + (FOLDER / "mcmirror.toml").read_text() * (name == "deployment")
    kept = manifest("secret.example.yaml", "Secret")["stringData"]
    assert set(re.findall(rf"{place['secrets']}/([\w-]+)", text)) == set(kept)


def test_the_night_is_one() -> None:
    spec = manifest("cronjob.yaml", "CronJob")["spec"]

    assert spec["schedule"] == cron.check(spec["schedule"])
    assert ("Forbid", 0) == (spec["concurrencyPolicy"], spec["jobTemplate"]["spec"]["backoffLimit"])
    # Ended before the next night, or that one would not come.
    assert 0 < spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] < 24 * 3600


def test_no_file_holds_a_secret() -> None:
    given = yaml.safe_load((FOLDER / "secret.example.yaml").read_text())["stringData"]

    assert {"change-me"} == {value.removeprefix("xoxb-") for value in given.values()}
    assert [] == [name for _, pod in pods() for name in variables(pod) if re.search("SECRET_KEY$|TOKEN$", name)]


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Machine]:
    with machine(tmp_path) as made:
        for name, value in (
            ("onprem-access-key", KEYS["onprem"].access_key),
            ("onprem-secret-key", KEYS["onprem"].secret_key),
            ("aws-access-key", KEYS["aws"].access_key),
            ("aws-secret-key", KEYS["aws"].secret_key),
            ("slack-bot-token", "xoxb-nobody"),
        ):
            (made.folder / "secrets" / name).write_text(value)
        yield made


def environment(there: Machine, **given: str) -> dict[str, str]:
    """What a pod gets, and nothing else that this machine knows."""
    own = {name: value for name, value in there.environment.items() if not name.endswith("_KEY")}
    return {**own, **given, "MCMIRROR_MC": str(binaries.mc()), "SLACK_API_URL": "http://127.0.0.1:1/api/"}


def here(there: Machine, text: str) -> str:
    """What a pod sees, as it is here."""
    text = text.replace("/run/secrets/mcmirror", "/run/secrets").replace("minio.minio.svc.cluster.local", "minio")
    return there.here(text)


def test_the_nightly_run(there: Machine) -> None:
    pod = pods()[1][1]
    given = environment(there, **{name: here(there, value) for name, value in variables(pod).items()})

    done = subprocess.run(
        [COMMAND, *pod["containers"][0]["args"]],
        cwd=there.folder,
        env=given,
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stderr
    assert SAMPLES == there.contents(there.aws, "target-one") == there.contents(there.aws, "target-two")
    assert "Slack was not told" in done.stderr


def test_the_deployment(there: Machine) -> None:
    ((_, pod), _) = pods()
    (container,) = pod["containers"]
    text = here(there, (FOLDER / "mcmirror.toml").read_text())
    port = free_port()
    file = there.folder / "mcmirror.toml"
    file.write_text(text.replace("0.0.0.0:8080", f"127.0.0.1:{port}"))
    given = environment(there, MCMIRROR_CONFIG=str(file))
    assert {"photos"} == set(load(file, given, there.folder).jobs)

    with Serving([COMMAND, *container["args"]], given, there.folder, port) as serving:
        serving.until(lambda: serving.status(container["startupProbe"]["httpGet"]["path"]) == 200)
        serving.until(lambda: there.contents(there.aws, "photos-dr") == SAMPLES)
        serving.until(lambda: serving.status(container["readinessProbe"]["httpGet"]["path"]) == 200)
        assert 200 == serving.status(
            manifest("service.yaml", "Service")["metadata"]["annotations"]["prometheus.io/path"]
        )
        assert 143 == serving.stop()


def mounted(folder: Path, files: Mapping[str, str]) -> None:
    """Renew a ConfigMap's or Secret's folder as the kubelet does: a new folder, and one link that flips."""
    folder.mkdir(exist_ok=True)
    version = folder / f"..{len(list(folder.glob('..[0-9]*')))}"
    version.mkdir()
    for name, text in files.items():
        (version / name).write_text(text)
        link = folder / name
        if not link.is_symlink():
            link.symlink_to(Path("..data") / name)
    (folder / "..tmp").symlink_to(version.name)
    (folder / "..tmp").rename(folder / "..data")


def test_what_changes_in_a_mount_reaches_the_running_pod(there: Machine) -> None:
    config, secrets, port = there.folder / "config", there.folder / "keys", free_port()
    keys = {path.name: path.read_text() for path in (there.folder / "secrets").iterdir()}
    text = (FOLDER / "mcmirror.toml").read_text().replace("/run/secrets/mcmirror", str(secrets))
    text = here(there, text).replace("0.0.0.0:8080", f"127.0.0.1:{port}").replace('"30m"', '"1s"')
    more = text + '[job.more]\nsource = "onprem/relics"\ntarget = "aws/photos-copy"\nat_start = true\nevery = "1s"\n'
    mounted(secrets, {**keys, "aws-secret-key": "of yesterday"})
    mounted(config, {"mcmirror.toml": text})
    given = environment(there, MCMIRROR_CONFIG=str(config / "mcmirror.toml"))

    with Serving([COMMAND, "serve"], given, there.folder, port) as serving:
        serving.says("credentials")
        assert {} == there.contents(there.aws, "photos-dr")
        mounted(secrets, keys)
        serving.until(lambda: there.contents(there.aws, "photos-dr") == SAMPLES)
        mounted(config, {"mcmirror.toml": text.replace("remove = true", "remuve = true")})
        serving.says("remuve")
        there.onprem.client().put_object(Bucket="photos", Key="after", Body=b"the old one goes on")
        serving.until(lambda: "after" in there.contents(there.aws, "photos-dr"))
        assert {} == there.contents(there.aws, "photos-copy")
        mounted(config, {"mcmirror.toml": more})
        serving.until(lambda: there.contents(there.aws, "photos-copy") == SAMPLES)
        assert 143 == serving.stop()
