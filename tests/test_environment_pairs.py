"""BUCKET_PAIRS, MINIO_*, AWS_*: jobs without a file."""

from pathlib import Path

import pytest

from mcmirror.config import ConfigError, Configuration, Schedule, load
from mcmirror.model.job import Job, MirrorOptions, Origin
from mcmirror.model.location import Location

EXAMPLES = Path(__file__).parents[1] / "examples"
GIVEN = {
    "MINIO_URL": "http://minio:9000",
    "MINIO_ACCESS_KEY": "minio-access",
    "MINIO_SECRET_KEY": "minio-secret",
    "AWS_URL": "https://s3.ap-northeast-2.amazonaws.com",
    "AWS_ACCESS_KEY": "aws-access",
    "AWS_SECRET_KEY": "aws-secret",
    "BUCKET_PAIR": "minio/source:aws/destination",
}


def read(tmp_path: Path, **environ: str) -> Configuration:
    return load(None, {"HOME": str(tmp_path), **environ}, tmp_path, needs_jobs=True)


def mistakes(tmp_path: Path, **environ: str) -> dict[str, tuple[str, str]]:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, **environ)
    assert {"environment"} == {mistake.file for mistake in caught.value.mistakes}
    return {mistake.key: (mistake.message, mistake.remedy) for mistake in caught.value.mistakes}


def test_the_defaults_overwrite_nothing_remove_nothing_and_go_on_after_errors(tmp_path: Path) -> None:
    configuration = read(tmp_path, **GIVEN)
    (job,) = configuration.jobs.values()
    options = MirrorOptions(overwrite=False, remove=False, dry_run=False, skip_errors=True)
    places = (Location("minio", "source"), Location("aws", "destination"))
    assert Job("source-to-destination", *places, options, origin=Origin.PAIRS) == job
    assert 3 == configuration.settings.parallel
    assert not configuration.settings.debug
    assert ("environment", ()) == (configuration.origin, configuration.notes)


def test_the_aliases_come_from_the_variables(tmp_path: Path) -> None:
    aliases = read(tmp_path, **GIVEN).aliases
    assert ("http://minio:9000", ("minio-access", "minio-secret")) == (aliases["minio"].url, aliases["minio"].secrets())
    assert ("https://s3.ap-northeast-2.amazonaws.com", ("aws-access", "aws-secret")) == (
        aliases["aws"].url,
        aliases["aws"].secrets(),
    )


def test_every_option_is_honoured(tmp_path: Path) -> None:
    configuration = read(
        tmp_path,
        **GIVEN,
        SERVICE="myservice",
        MIRROR_EXCLUDE=" *.tmp, *.log,,.DS_Store ",
        MIRROR_MAX_WORKERS="10",
        MIRROR_DRY_RUN="TRUE",
        MIRROR_SKIP_ERRORS="false",
        MIRROR_DEBUG="true",
        MIRROR_PREFIX="2025/01/22",
    )
    (job,) = configuration.jobs.values()
    assert ("*.tmp", "*.log", ".DS_Store") == job.options.exclude
    assert (10, True, False) == (job.options.workers, job.options.dry_run, job.options.skip_errors)
    assert "2025/01/22" == job.prefix
    assert ("myservice", True) == (configuration.settings.service, configuration.settings.debug)


def test_both_variables_count_and_a_pair_counts_once(tmp_path: Path) -> None:
    pairs = "minio/source:aws/destination; minio/src2/below:aws/dst2;aws/back:minio/back;"
    jobs = read(tmp_path, **GIVEN, BUCKET_PAIRS=pairs).jobs
    assert {
        "source-to-destination": ("minio/source", "aws/destination"),
        "src2-below-to-dst2": ("minio/src2/below", "aws/dst2"),
        "back-to-back": ("aws/back", "minio/back"),
    } == {name: (str(job.source), str(job.target)) for name, job in jobs.items()}


def test_jobs_of_one_name_are_told_apart(tmp_path: Path) -> None:
    jobs = read(tmp_path, **GIVEN | {"BUCKET_PAIR": "minio/one:aws/two;aws/one:minio/two"}).jobs
    assert ["one-to-two", "one-to-two-2"] == list(jobs)


@pytest.mark.parametrize("name", sorted(set(GIVEN) - {"BUCKET_PAIR"}))
def test_an_unset_mandatory_variable_is_named_with_its_example(tmp_path: Path, name: str) -> None:
    found = mistakes(tmp_path, **{key: value for key, value in GIVEN.items() if key != name})
    assert [name] == list(found)
    assert "is not set" == found[name][0]
    assert f"Set it, for example {name}=" in found[name][1]


def test_everything_missing_is_named_at_once(tmp_path: Path) -> None:
    assert {*GIVEN, "BUCKET_PAIRS"} - {"MINIO_URL", "BUCKET_PAIR"} == set(
        mistakes(tmp_path, MINIO_URL="http://minio:9000")
    )


@pytest.mark.parametrize(
    "pair",
    [
        "source:destination",
        "minio/source",
        "minio/source:aws",
        "minio/source:s3/destination",
        "minio/a:aws/b:aws/c",
        "minio:aws",
        "minio/source:",
        "minio/x:aws/destination",
    ],
)
def test_a_pair_that_cannot_be_meant_comes_with_an_example(tmp_path: Path, pair: str) -> None:
    (found,) = mistakes(tmp_path, **GIVEN | {"BUCKET_PAIR": pair}).items()
    assert "BUCKET_PAIR" == found[0]
    assert "minio/source_bucket:aws/target_bucket" in found[1][1] or "63 characters" in found[1][1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MINIO_URL", "minio:9000"),
        ("AWS_URL", "https://s3.amazonaws.com/bucket"),
        ("MIRROR_DRY_RUN", "perhaps"),
        ("MIRROR_MAX_WORKERS", "0"),
        ("MIRROR_MAX_WORKERS", "many"),
        ("MIRROR_PREFIX", "../up"),
        ("MIRROR_EXCLUDE", "/a"),
    ],
)
def test_a_value_that_cannot_be_meant(tmp_path: Path, name: str, value: str) -> None:
    assert [name] == list(mistakes(tmp_path, **GIVEN | {name: value}))


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from the file\n")
    given = {key: value for key, value in GIVEN.items() if key != "AWS_SECRET_KEY"}
    configuration = read(tmp_path, **given, AWS_SECRET_KEY_FILE=str(tmp_path / "secret"))
    assert "from the file" == configuration.aliases["aws"].secret_key.value
    assert "both set" in mistakes(tmp_path, **GIVEN, AWS_SECRET_KEY_FILE=str(tmp_path / "secret"))["AWS_SECRET_KEY"][0]
    missing = mistakes(tmp_path, **given, AWS_SECRET_KEY_FILE=str(tmp_path / "missing"))
    assert ["AWS_SECRET_KEY"] == list(missing)
    assert "no such file" in missing["AWS_SECRET_KEY"][0]


def test_a_pair_onto_itself_is_a_mistake(tmp_path: Path) -> None:
    given = GIVEN | {"AWS_URL": "http://minio:9000", "BUCKET_PAIR": "minio/same:aws/same"}
    assert ["BUCKET_PAIRS"] == list(mistakes(tmp_path, **given))


def test_slack_needs_both_of_its_variables_and_is_told_of_every_pair(tmp_path: Path) -> None:
    configuration = read(tmp_path, **GIVEN, SLACK_BOT_TOKEN="xoxb-hidden", SLACK_CHANNEL_ID="C1")
    assert () == configuration.notes
    (slack,) = configuration.notifiers.values()
    assert ("slack", "xoxb-hidden", "C1", ("failure", "change", "recovery")) == (
        slack.type,
        slack.token,
        slack.channel,
        slack.on,
    )
    assert ("slack",) == configuration.schedules["source-to-destination"].notify
    assert "xoxb-hidden" not in repr(configuration)
    configuration = read(tmp_path, **GIVEN, SLACK_BOT_TOKEN="xoxb-hidden")
    (note,) = configuration.notes
    assert "SLACK_CHANNEL_ID is not" in note
    assert "xoxb-hidden" not in note
    assert {} == configuration.notifiers
    (note,) = read(tmp_path, **GIVEN, SLACK_CHANNEL_ID="C1").notes
    assert "SLACK_BOT_TOKEN is not" in note


def test_no_secret_is_shown(tmp_path: Path) -> None:
    configuration = read(tmp_path, **GIVEN)
    assert "minio-secret" not in repr(configuration)
    found = mistakes(tmp_path, **GIVEN | {"MINIO_URL": "http://key:minio-secret@minio:9000"})
    assert "minio-secret" not in repr(found)


def test_a_file_comes_first(tmp_path: Path) -> None:
    (tmp_path / "mcmirror.toml").write_text('[job.one]\nsource = "./a"\ntarget = "./b"\n')
    assert ["one"] == list(read(tmp_path, **GIVEN).jobs)


def test_the_example_is_complete(tmp_path: Path) -> None:
    lines = (EXAMPLES / "pairs.env").read_text().splitlines()
    variables = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    (tmp_path / "key").write_text("secret\n")
    secrets = {name: str(tmp_path / "key") for name in variables if name.endswith("_FILE")}
    configuration = read(tmp_path, **variables | secrets)
    assert ["source-one-to-target-one", "source-two-to-target-two"] == list(configuration.jobs)
    assert "secret" == configuration.aliases["aws"].secret_key.value


@pytest.mark.parametrize("named", [True, False])
def test_a_file_that_is_found_says_that_the_environment_is_passed_over(tmp_path: Path, named: bool) -> None:
    file = tmp_path / "mcmirror.toml"
    file.write_text('[job.one]\nsource = "./a"\ntarget = "./b"\n')
    (tmp_path / "below").mkdir()
    environ = {"HOME": str(tmp_path), **GIVEN} | ({"MCMIRROR_CONFIG": str(file)} if named else {})
    notes = load(None, environ, tmp_path / "below", needs_jobs=True).notes
    assert () == load(file, environ, tmp_path, needs_jobs=True).notes
    if named:
        assert () == notes
    else:
        (note,) = notes
        assert note.startswith(f"{file} is used; BUCKET_PAIR in the environment is not. ")
    (note,) = load(None, {"S3_SYNC_BUCKET": "copy"}, tmp_path, needs_jobs=True).notes
    assert note.startswith(f"{file} is used; S3_SYNC_BUCKET in the environment is not. ")


def test_a_variable_that_does_nothing_is_named(tmp_path: Path) -> None:
    known = (
        "MIRROR_CRON, MIRROR_DEBUG, MIRROR_DRY_RUN, MIRROR_ENCRYPT, MIRROR_EXCLUDE, MIRROR_INTERVAL, "
        "MIRROR_MAX_WORKERS, MIRROR_PREFIX, MIRROR_PRESERVE, MIRROR_SKIP_ERRORS, MIRROR_TAGS"
    )
    given = GIVEN | {"MIRROR_OVERWRIT": "hidden", "MIRROR_DEBG": "1", "S3_SYNC_INTERVAL": "60", "MIRROR_EMPTY": ""}
    assert (
        "MIRROR_DEBG is set but not used. Did you mean MIRROR_DEBUG?",
        f"MIRROR_OVERWRIT is set but not used. There are: {known}. For anything else write a file: mcmirror init.",
        "S3_SYNC_INTERVAL is set but not used. No S3_SYNC_* variable is, beside the others that are set.",
    ) == read(tmp_path, **given).notes
    (tmp_path / "patterns").write_text("*.tmp")
    assert () == read(tmp_path, **GIVEN, MIRROR_EXCLUDE_FILE=str(tmp_path / "patterns")).notes


def test_serve_has_a_schedule_for_the_pairs_only_when_one_is_set(tmp_path: Path) -> None:
    assert Schedule() == read(tmp_path, **GIVEN).schedules["source-to-destination"]
    configuration = read(tmp_path, **GIVEN, MIRROR_CRON="0 2 * * *", MCMIRROR_TIMEZONE="Asia/Seoul")
    assert Schedule(cron="0 2 * * *") == configuration.schedules["source-to-destination"]
    assert "Asia/Seoul" == configuration.jobs["source-to-destination"].timezone
    for text in ("1800", "30m"):
        assert (
            Schedule(every=1800.0) == read(tmp_path, **GIVEN, MIRROR_INTERVAL=text).schedules["source-to-destination"]
        )
    assert ["MIRROR_INTERVAL"] == list(mistakes(tmp_path, **GIVEN, MIRROR_CRON="@daily", MIRROR_INTERVAL="30m"))
    assert ["MIRROR_INTERVAL"] == list(mistakes(tmp_path, **GIVEN, MIRROR_INTERVAL="0"))
    assert ["MIRROR_CRON"] == list(mistakes(tmp_path, **GIVEN, MIRROR_CRON="0 0 31 2 *"))
