"""examples/oscar: the whole scenario of two clusters by its one command, and what belongs to it."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

import yaml

from mcmirror.config import load
from tests.deployed import EXAMPLES
from tests.machine import commands, fenced
from tests.servers import binaries
from tests.servers.command import COMMAND, clean_environment

OSCAR = EXAMPLES / "oscar"
FILES = {"README.md", "mcmirror.toml", "run.py", "values.yaml"}


def test_its_files_are_named_in_its_readme() -> None:
    assert FILES == {path.name for path in OSCAR.iterdir() if path.is_file()}
    text = (OSCAR / "README.md").read_text()
    assert FILES - {"README.md"} == {name for name in re.findall(r"\]\(([\w.]+)\)", text) if (OSCAR / name).exists()}
    assert ["examples/oscar/run.py"] == [line for block in fenced(text, "console") for line in commands(block)]


def test_the_command_of_its_readme(tmp_path: Path, mc: Path) -> None:
    """With fewer objects than a reader has: the link is cut and mcmirror is killed all the same."""
    variables = {"MCMIRROR_MINIO": str(binaries.minio()), "MCMIRROR_MC": str(mc)}
    environment = clean_environment(tmp_path / "home", variables)
    environment["PATH"] = f"{COMMAND.parent}:{os.defpath}"
    done = subprocess.run(
        [OSCAR / "run.py", "--objects", "6", "--cut", "1"],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    for line in (
        "the link is cut for 1 s",
        "the link is back",
        "mcmirror is killed",
        "6 of 6 objects are in remoteminio/output, as they should be",
        "service-x: called for 6 objects",
        "service-y: called for 6 objects",
        "originminio/intermediate: put removed (arn:minio:sqs::intermediate:webhook).",
        "✓ send the events replica of originminio/intermediate to arn:minio:sqs::intermediate:webhook",
    ):
        assert line in done.stdout


def test_the_configuration_is_valid_and_knows_the_webhooks_of_the_values(tmp_path: Path) -> None:
    document = tomllib.loads((OSCAR / "mcmirror.toml").read_text())
    configuration = load(OSCAR / "mcmirror.toml", {"HOME": str(tmp_path)}, tmp_path, needs_jobs=True)
    assert {"input", "intermediate"} == set(configuration.relays) == set(document["relay"])
    values = yaml.safe_load((OSCAR / "values.yaml").read_text())
    endpoint = values["environment"]["MINIO_NOTIFY_WEBHOOK_ENDPOINT_intermediate"]
    assert endpoint.endswith(configuration.relays["intermediate"].listen)
    (mount,) = values["extraVolumeMounts"]
    assert values["environment"]["MINIO_NOTIFY_WEBHOOK_QUEUE_DIR_intermediate"] == mount["mountPath"]
    assert ("distributed", 2) == (values["mode"], values["replicas"])


def test_no_key_is_in_the_values() -> None:
    text = json.dumps(yaml.safe_load((OSCAR / "values.yaml").read_text()))
    assert not re.search(r"rootPassword|rootUser|AUTH_TOKEN", text)
