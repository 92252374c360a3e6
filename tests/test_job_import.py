"""Jobs of another system's table, with their connections: taken over whole, or every mistake at once."""

import json
import tomllib
from typing import Any

import pytest

from mcmirror.config import ConfigError
from mcmirror.config.job_table import read
from tests.servers.command import Cli

SECRETS = ("source-access-1", "source-secret-2", "target-access-3", "target-secret-4")


def connection(name: str, host: str, bucket: str, access: str, secret: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": "minio",
        "source_config": {
            "endpoint": f"{host}:9000",
            "access_key": access,
            "secret_key": secret,
            "bucket": bucket,
            "use_ssl": True,
            "region": "us-east-1",
        },
    }


CONNECTIONS = [
    connection("Source MinIO", "minio-source.example.com", "my-source-bucket", *SECRETS[:2]),
    connection("Target MinIO", "minio-target.example.com", "my-target-bucket", *SECRETS[2:]),
]
JOB: dict[str, Any] = {
    "name": "Mirror Production to DR",
    "type": "MinIO Mirror",
    "source": "Source MinIO",
    "target": "Target MinIO",
    "mode": "Mirror",
    "schedule": "*/5 * * * *",
}
OTHER = {
    **JOB,
    "name": "Archive",
    "source": "Source MinIO/archive",
    "target": "Target MinIO/archive",
    "schedule": "30m",
}


def job_of(**changes: Any) -> dict[str, Any]:
    (job,) = read({"f": json.dumps([*CONNECTIONS, {**JOB, **changes}])}).jobs.values()
    return dict(job)


def mistakes(document: object) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        read({"jobs.json": json.dumps(document)})
    return {one.key: f"{one.message}. {one.remedy}" for one in caught.value.mistakes}


@pytest.mark.parametrize(
    "documents",
    [
        [[*CONNECTIONS, JOB, OTHER]],
        [{"connections": CONNECTIONS, "jobs": [JOB, OTHER]}],
        [{"network": CONNECTIONS}, [JOB, OTHER]],
        [[JOB, OTHER], CONNECTIONS],
        [CONNECTIONS, {key.title(): value for key, value in JOB.items()}, OTHER],
    ],
    ids=["list", "tables", "two files", "jobs first", "heads as in the table"],
)
def test_the_table_comes_over_whole_and_no_key_stands_in_it(documents: list[object], cli: Cli) -> None:
    files = []
    for number, document in enumerate(documents):
        files.append(f"{number}.json")
        (cli.folder / files[-1]).write_text(json.dumps(document))

    done = cli("job", "import", *files)

    assert (0, "") == (done.code, done.stdout), done.stderr
    assert "2 jobs and 2 aliases" in done.stderr
    text = (cli.folder / "mcmirror.toml").read_text()
    assert [] == [secret for secret in SECRETS if secret in text + done.stderr]
    listed = {job["name"]: job for job in json.loads(cli("job", "list", "--json").stdout)}
    assert ["Mirror Production to DR", "Archive"] == list(listed)
    one = listed["Mirror Production to DR"]
    assert ("source-minio/my-source-bucket", "target-minio/my-target-bucket") == (one["source"], one["target"])
    assert ("cron */5 * * * *", True, False) == (one["trigger"], one["overwrite"], one["remove"])
    assert ("source-minio/archive", "every 1800s") == (listed["Archive"]["source"], listed["Archive"]["trigger"])
    kept = sorted((cli.folder / "home" / ".config" / "mcmirror" / "secrets").iterdir())
    assert sorted(SECRETS) == sorted(file.read_text().strip() for file in kept)
    assert {0o600} == {file.stat().st_mode & 0o777 for file in kept}


@pytest.mark.parametrize(
    ("changes", "written"),
    [
        ({"schedule": "*/5 * * * * (Every 5 minutes)"}, {"cron": "*/5 * * * *"}),
        ({"schedule": "@daily"}, {"cron": "@daily"}),
        ({"schedule": "Every 5 minutes"}, {"every": "5m"}),
        ({"schedule": 300}, {"every": "300s"}),
        ({"schedule": "manual"}, {}),
        ({"mode": "Mirror (One-way sync)"}, {"cron": "*/5 * * * *"}),
        ({"delete_propagation": True}, {"remove": True}),
        ({"config": {"Delete Propagation": "true", "bandwidth": "9 MB/s"}}, {"remove": True, "limit_upload": "9MB"}),
        ({"exclude": "*.tmp, *.log"}, {"exclude": ["*.tmp", "*.log"]}),
        ({"target": "./copies"}, {"target": "./copies"}),
        ({"schedule": "Real-time"}, {"realtime": True}),
        ({"source_bucket": "other"}, {"source": "source-minio/other"}),
    ],
)  # fmt: skip
def test_what_a_field_becomes(changes: dict[str, Any], written: dict[str, Any]) -> None:
    job = job_of(**changes)
    assert written == {key: job[key] for key in written}
    assert len({"cron", "every", "realtime"} & set(job)) == (0 if changes.get("schedule") == "manual" else 1)


def test_every_mistake_comes_at_once() -> None:
    wrong = {
        **JOB,
        "type": "Database Backup",
        "mode": "Bidirectional",
        "schedule": "now and then",
        "agent": "jakarta-1",
        "target": "Targt MinIO",
        "bandwidth": "10Mbit",
        "shedule": "x",
        "created_at": "2025-01-01",
    }
    found = mistakes([*CONNECTIONS, wrong, {"source": "Source MinIO"}, 7])
    name = "entry 3 Mirror Production to DR"
    assert {
        f"{name}: shedule",
        f"{name}: type",
        f"{name}: mode",
        f"{name}: agent",
        f"{name}: target",
        f"{name}: bandwidth",
        f"{name}: schedule",
        "entry 4: name",
        "entry 4: target",
        "entry 5",
    } == {key.replace("limit_upload", "bandwidth") for key in found}
    assert "[agent.jakarta-1]" in found[f"{name}: agent"]
    assert "Did you mean target-minio?" in found[f"{name}: target"]
    assert 'Did you mean "schedule"?' in found[f"{name}: shedule"]


def test_a_table_with_a_mistake_writes_nothing(cli: Cli) -> None:
    (cli.folder / "jobs.json").write_text(json.dumps([*CONNECTIONS, JOB, {**OTHER, "target": "Nowhere"}]))
    done = cli("job", "import", "jobs.json")
    assert 2 == done.code
    assert "there is no connection 'Nowhere'" in done.stderr
    assert ["home", "jobs.json"] == sorted(path.name for path in cli.folder.iterdir() if path.name != "tmp")


def test_what_is_there_is_replaced_only_with_force(cli: Cli) -> None:
    (cli.folder / "jobs.json").write_text(json.dumps([*CONNECTIONS, JOB]))
    assert 0 == cli("job", "import", "jobs.json").code
    again = cli("job", "import", "jobs.json")
    assert (2, True) == (again.code, "job.Mirror Production to DR: is there already" in again.stderr)
    (cli.folder / "jobs.json").write_text(json.dumps([*CONNECTIONS, {**JOB, "schedule": "1h"}]))
    assert 0 == cli("job", "import", "jobs.json", "--force").code
    (job,) = tomllib.loads((cli.folder / "mcmirror.toml").read_text())["job"].values()
    assert ("1h", None) == (job["every"], job.get("cron"))


def test_jobs_may_name_aliases_that_exist(cli: Cli) -> None:
    """Connections that were imported before lack their buckets: they stand in the job."""
    (cli.folder / "jobs.json").write_text(json.dumps({**JOB, "source": "src/photos", "target": "dst"}))
    assert "no bucket of 'dst' is known" in cli("job", "import", "jobs.json").stderr
    (cli.folder / "jobs.json").write_text(json.dumps({**JOB, "source": "src/photos", "target": "dst/photos"}))
    assert 0 == cli("job", "import", "jobs.json").code
    assert "src/photos" in cli("job", "list").stdout


def test_references_stay_references(cli: Cli) -> None:
    source = connection("a", "a.example.com", "one", "{env:A_KEY}", "{file:/run/secrets/a}")
    target = connection("b", "b.example.com", "two", "", "")
    (cli.folder / "jobs.json").write_text(json.dumps([source, target, {**JOB, "source": "a", "target": "b"}]))
    assert 0 == cli("job", "import", "jobs.json").code
    alias = tomllib.loads((cli.folder / "mcmirror.toml").read_text())["alias"]["a"]
    assert ("{env:A_KEY}", "{file:/run/secrets/a}") == (alias["access_key"], alias["secret_key"])
