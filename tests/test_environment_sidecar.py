"""S3_SYNC_*: the sidecar's job, on and off."""

from pathlib import Path

import pytest

from mcmirror.config import ConfigError, Configuration, Schedule, load, select
from mcmirror.model.job import Job, MaxDelete, MirrorOptions, Origin
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
        origin=Origin.SIDECAR,
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
def test_switched_off_is_a_pause_and_an_error_for_whoever_wants_a_run(tmp_path: Path, value: str) -> None:
    configuration = read(tmp_path, **GIVEN | {"S3_SYNC_ENABLED": value})
    assert configuration.paused
    assert ["s3-sync"] == list(configuration.jobs)
    with pytest.raises(ConfigError, match="S3_SYNC_ENABLED: is not true") as caught:
        select(configuration, [])
    assert ["S3_SYNC_ENABLED"] == [mistake.key for mistake in caught.value.mistakes]
    assert not read(tmp_path, **GIVEN).paused


def test_switched_off_needs_nothing_else(tmp_path: Path) -> None:
    configuration = read(tmp_path, S3_SYNC_ENABLED="false", S3_SYNC_INTERVAL="often", MCMIRROR_LISTEN="0.0.0.0:8080")
    assert (True, True, {}) == (configuration.paused, configuration.sidecar, configuration.jobs)
    (note,) = configuration.notes
    assert "S3_SYNC_INTERVAL: 'often'" in note
    assert "0.0.0.0:8080" == configuration.settings.listen
    assert ["S3_SYNC_ENABLED"] == mistakes(tmp_path, S3_SYNC_ENABLED="perhaps", S3_SYNC_BUCKET="copy")[1:]


def test_everything_missing_is_named_at_once_in_the_words_that_people_look_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, S3_SYNC_ENABLED="true", S3_SYNC_RETRY_DELAY="1m")
    missing, other = caught.value.mistakes
    names = "S3_SYNC_ACCESS_KEY, S3_SYNC_SECRET_KEY, S3_SYNC_BUCKET"
    assert f"Missing required environment variables: {names}" == missing.message
    assert "Set them, for example S3_SYNC_ACCESS_KEY=<access key>" in missing.remedy
    assert "S3_SYNC_RETRY_DELAY" == other.key


def test_a_secret_that_cannot_be_read_is_not_called_missing(tmp_path: Path) -> None:
    given = GIVEN | {"S3_SYNC_SECRET_KEY": "", "S3_SYNC_SECRET_KEY_FILE": str(tmp_path / "none")}
    assert ["S3_SYNC_SECRET_KEY"] == mistakes(tmp_path, **given)


def test_it_runs_at_start_and_then_a_pause_after_each_run(tmp_path: Path) -> None:
    schedule = read(tmp_path, **GIVEN, S3_SYNC_INTERVAL="300", MCMIRROR_MAX_AGE="26h").schedules["s3-sync"]
    assert Schedule(every=300.0, gap=True, at_start=True, max_age=26 * 3600.0) == schedule


def test_its_time_zone_is_that_of_the_log(tmp_path: Path) -> None:
    settings = read(tmp_path, **GIVEN, S3_SYNC_TIMEZONE="Asia/Seoul").settings
    assert ("Asia/Seoul", "text") == (settings.timezone, settings.log)
    settings = read(
        tmp_path, **GIVEN, S3_SYNC_TIMEZONE="Asia/Seoul", MCMIRROR_TIMEZONE="UTC", MCMIRROR_LOG="json"
    ).settings
    assert ("UTC", "json") == (settings.timezone, settings.log)


def test_who_mirrors_by_hand_beside_it_has_its_servers(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "MCMIRROR_STATE": f"sqlite:///{tmp_path}/state.db"}
    configuration = load(None, environ | GIVEN, tmp_path)
    assert {"source", "dest"} == set(configuration.aliases)
    assert f"sqlite:///{tmp_path}/state.db" == configuration.settings.state
    wrong = load(None, environ | GIVEN | {"S3_SYNC_INTERVAL": "often"}, tmp_path)
    assert ({}, f"sqlite:///{tmp_path}/state.db") == (wrong.aliases, wrong.settings.state)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("S3_SYNC_ENDPOINT", "s3.amazonaws.com/bucket"),
        ("S3_SYNC_ENABLED", "maybe"),
        ("S3_SYNC_INTERVAL", "0"),
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


@pytest.mark.parametrize(
    ("variable", "text", "message", "remedy"),
    [
        ("S3_SYNC_INTERVAL", "30m", "'30m' is no whole number of seconds, 1 or more", "Write 1800: seconds are meant."),
        ("S3_SYNC_INTERVAL", "0", "'0' is no whole number of seconds, 1 or more", "Write seconds, for example 1800."),
        ("S3_SYNC_RETRY_DELAY", "a while", "'a while' is no whole number of seconds", "Write seconds, for example 60."),
    ],
)
def test_an_interval_is_asked_for_in_seconds(
    tmp_path: Path, variable: str, text: str, message: str, remedy: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, **{**GIVEN, variable: text})
    (mistake,) = caught.value.mistakes
    assert (variable, message, remedy) == (mistake.key, mistake.message, mistake.remedy)
