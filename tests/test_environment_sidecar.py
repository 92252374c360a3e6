"""S3_SYNC_*: one pass of the sidecar's job."""

from pathlib import Path

import pytest

from mcmirror.config import ConfigError, Configuration, load
from mcmirror.model.job import Job, MaxDelete, MirrorOptions
from mcmirror.model.location import Location

GIVEN = {
    "S3_SYNC_ENABLED": "true",
    "S3_SYNC_ACCESS_KEY": "remote-access",
    "S3_SYNC_SECRET_KEY": "remote-secret",
    "S3_SYNC_BUCKET": "relics-backup",
}


def read(tmp_path: Path, **environ: str) -> Configuration:
    return load(None, {"HOME": str(tmp_path), **environ}, tmp_path, needs_jobs=True)


def mistakes(tmp_path: Path, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, **environ)
    return sorted(mistake.key for mistake in caught.value.mistakes)


def test_the_defaults(tmp_path: Path) -> None:
    configuration = read(tmp_path, **GIVEN)
    source, target = configuration.aliases["source"], configuration.aliases["dest"]
    assert ("http://minio:9000", ("minioadmin", "minioadmin")) == (source.url, source.secrets())
    assert ("https://s3.amazonaws.com", "us-east-1") == (target.url, target.region)
    assert ("remote-access", "remote-secret") == target.secrets()
    expected = Job(
        "s3-sync",
        Location("source", "relics"),
        Location("dest", "relics-backup"),
        MirrorOptions(overwrite=True, remove=True, region="us-east-1"),
        create_target=True,
        retries=3,
        retry_delay=60.0,
    )
    assert {"s3-sync": expected} == configuration.jobs
    assert 1800.0 == configuration.schedules["s3-sync"].every


def test_everything_can_be_set(tmp_path: Path) -> None:
    configuration = read(
        tmp_path,
        **GIVEN,
        S3_SYNC_ENDPOINT="s3.us-west-000.backblazeb2.com",
        S3_SYNC_REGION="us-west-000",
        S3_SYNC_INTERVAL="300",
        S3_SYNC_MAX_RETRIES="5",
        S3_SYNC_RETRY_DELAY="120",
        S3_SYNC_TIMEZONE="Asia/Seoul",
        S3_SYNC_REMOVE="false",
        S3_SYNC_MAX_DELETE="unlimited",
        MINIO_ENDPOINT="https://storage.example.com:9000",
        MINIO_ACCESS_KEY="local-access",
        MINIO_SECRET_KEY="local-secret",
        MINIO_BUCKET="other",
    )
    (job,) = configuration.jobs.values()
    assert "https://s3.us-west-000.backblazeb2.com" == configuration.aliases["dest"].url
    assert "https://storage.example.com:9000" == configuration.aliases["source"].url
    assert ("local-access", "local-secret") == configuration.aliases["source"].secrets()
    assert (False, "us-west-000") == (job.options.remove, job.options.region)
    assert (5, 120.0, "Asia/Seoul") == (job.retries, job.retry_delay, job.timezone)
    assert MaxDelete(None, None) == job.max_delete
    assert Location("source", "other") == job.source
    assert 300.0 == configuration.schedules["s3-sync"].every


def test_an_endpoint_with_a_scheme_is_taken_as_it_is(tmp_path: Path) -> None:
    configuration = read(tmp_path, **GIVEN, S3_SYNC_ENDPOINT="http://127.0.0.1:9001")
    assert "http://127.0.0.1:9001" == configuration.aliases["dest"].url


@pytest.mark.parametrize("value", ["false", "", "0"])
def test_switched_off_means_that_nothing_runs(tmp_path: Path, value: str) -> None:
    assert ["S3_SYNC_ENABLED"] == mistakes(tmp_path, **GIVEN | {"S3_SYNC_ENABLED": value})


def test_everything_missing_is_named_at_once(tmp_path: Path) -> None:
    expected = ["S3_SYNC_ACCESS_KEY", "S3_SYNC_BUCKET", "S3_SYNC_SECRET_KEY"]
    assert expected == mistakes(tmp_path, S3_SYNC_ENABLED="true")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("S3_SYNC_ENDPOINT", "s3.amazonaws.com/bucket"),
        ("S3_SYNC_MAX_RETRIES", "-1"),
        ("S3_SYNC_RETRY_DELAY", "60s"),
        ("S3_SYNC_TIMEZONE", "Mars"),
        ("S3_SYNC_REMOVE", "no!"),
        ("S3_SYNC_MAX_DELETE", "half"),
        ("MINIO_ENDPOINT", "minio:9000"),
        ("MINIO_BUCKET", "x"),
    ],
)
def test_a_value_that_cannot_be_meant(tmp_path: Path, name: str, value: str) -> None:
    assert [name] == mistakes(tmp_path, **GIVEN | {name: value})


def test_a_bucket_onto_itself_is_a_mistake(tmp_path: Path) -> None:
    given = GIVEN | {"S3_SYNC_ENDPOINT": "http://minio:9000", "S3_SYNC_BUCKET": "relics"}
    assert ["S3_SYNC_BUCKET"] == mistakes(tmp_path, **given)


def test_bucket_pairs_come_first(tmp_path: Path) -> None:
    assert "AWS_URL" in mistakes(tmp_path, **GIVEN, BUCKET_PAIRS="minio/source:aws/destination")
