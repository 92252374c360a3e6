"""What docs/ says is true: its commands run, its configurations are read, its figures are those of the program."""

import json
import re
from contextlib import ExitStack
from pathlib import Path

import pytest

from mcmirror.config import load
from mcmirror.ui.web.routes import Routes
from tests import docs, docs_tables
from tests.machine import ROOT, commands, fenced, machine
from tests.reading import Reader
from tests.servers.slack import FakeSlack

CONNECTIONS = [
    {
        "name": f"{side} MinIO",
        "type": "minio",
        "source_config": {
            "endpoint": f"minio-{side.lower()}.example.com:9000",
            "access_key": "minioadmin",
            "secret_key": "minioadmin",
            "bucket": f"my-{side.lower()}-bucket",
            "use_ssl": True,
            "region": "us-east-1",
        },
    }
    for side in ("Source", "Target")
]


def text(name: str) -> str:
    return (docs.FOLDER / name).read_text()


@pytest.mark.parametrize("name", ["http.md", "moving.md"])
def test_every_command_runs_as_written(tmp_path: Path, name: str) -> None:
    lines = [command for block in fenced(text(name), "console") for command in commands(block)]

    with machine(tmp_path) as there, FakeSlack() as slack, ExitStack() as stack:
        reader = Reader(there, stack, slack)
        there.run(f'mkdir -p ~/.local/bin && ln -s "{ROOT}/bin/mcmirror" ~/.local/bin/ && mcmirror mc install')
        reader.write("mcmirror.toml", docs.configuration())
        keys = "MINIO_ACCESS_KEY=minioadmin\nAWS_ACCESS_KEY=AKIAXXXXXXXX\n"
        reader.write("pairs.env", (ROOT / "examples" / "pairs.env").read_text() + keys)
        reader.write("connections.json", json.dumps(CONNECTIONS))
        if name == "http.md":
            reader.types("mcmirror serve")
        for command in lines:
            done = reader.types(command)
            assert 0 == done.code, f"$ {command}\n{done.stdout}{done.stderr}"
            if "/api/v1/runs" in command:
                assert ["photos"] == [run["job"] for run in json.loads(done.stdout)["runs"]]
            if "alias import" in command:
                assert "source-minio" in there.run("mcmirror alias list").stdout


def test_every_path_of_the_api_is_described() -> None:
    rows = re.findall(r"`(GET|POST) (/api/v1/[^`]*)`", text("http.md"))

    routes = Routes.__new__(Routes)
    Routes.__init__(routes, None, None, token=str, stopped=bool)  # type: ignore[arg-type]
    known = {(route.method, "/" + "/".join(route.path)) for route in routes._routes if "api" in route.path}
    assert known == set(rows)


def test_every_variable_of_the_sidecar_has_its_row() -> None:
    _, asked = docs_tables.sidecar_as_is()

    assert asked == {*docs_tables.NEEDED, *docs_tables.MEANINGS}


@pytest.mark.parametrize("name", ["notify.md", "moving.md"])
def test_configurations_are_read_whole(tmp_path: Path, name: str) -> None:
    (written,) = fenced(text(name), "toml")
    file = tmp_path / "mcmirror.toml"
    aliases = "".join(f'alias.{side}-minio.url = "https://{side}.example.com"\n' for side in ("source", "target"))
    job = "" if "[job." in written else '[job.photos]\nsource = "source-minio/photos"\ntarget = "target-minio/photos"\n'
    file.write_text(f"{aliases}{written}{job}")
    variables = dict.fromkeys(re.findall(r"\{env:(\w+)\}", written), "https://example.com/it")

    configuration = load(file, variables, tmp_path, needs_jobs=True)

    assert () == configuration.notes
    (schedule,) = configuration.schedules.values()
    assert set(configuration.notifiers) == set(schedule.notify)
