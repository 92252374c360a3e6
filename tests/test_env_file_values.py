"""What programs that read an env file word for word leave in a value is named with its variable; TZ is the zone."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from mcmirror.config import ConfigError, load
from mcmirror.config.clock import zone_of
from mcmirror.config.reference import resolve
from mcmirror.config.values import Wrong
from tests.servers.command import Cli, clean_environment

PAIRS = {
    "MINIO_URL": "http://127.0.0.1:1",
    "MINIO_ACCESS_KEY": "access",
    "MINIO_SECRET_KEY": "secret123",
    "AWS_URL": "http://127.0.0.1:2",
    "AWS_ACCESS_KEY": "access",
    "AWS_SECRET_KEY": "secret456",
    "BUCKET_PAIR": "minio/aaa:aws/bbb",
}
SIDECAR = {
    "S3_SYNC_ENABLED": "true",
    "S3_SYNC_ENDPOINT": "http://127.0.0.1:2",
    "S3_SYNC_ACCESS_KEY": "access",
    "S3_SYNC_SECRET_KEY": "secret456",
    "S3_SYNC_BUCKET": "bbb",
    "S3_SYNC_INTERVAL": "1800",
}
FORMS = {
    "carriage return": "{}\r",
    "line break": "{}\n",
    "double quotes": '"{}"',
    "single quotes": "'{}'",
    "quotes and a space": ' "{}" ',
    "comment": "{} # not yet",
    "comment at the end": "{}\t#",
}
VARIABLES = [(PAIRS, name) for name in PAIRS] + [(SIDECAR, name) for name in SIDECAR]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("environ", "name"), VARIABLES, ids=[name for _, name in VARIABLES])
def test_it_is_named_with_its_variable(tmp_path: Path, environ: Mapping[str, str], name: str, form: str) -> None:
    load(None, environ, tmp_path, needs_jobs=True)
    with pytest.raises(ConfigError) as caught:
        load(None, {**environ, name: FORMS[form].format(environ[name])}, tmp_path, needs_jobs=True)
    assert name in {mistake.key for mistake in caught.value.mistakes}
    # Each variable is named for one reason: what is wrong is not also said to be missing.
    keys = [mistake.key for mistake in caught.value.mistakes]
    assert [name] == [key for key in keys if key == name]
    text = str(caught.value)
    assert any(word in text for word in ("carriage return", "line break", "quotes", "comment"))
    assert "secret456" not in text
    assert "secret123" not in text


@pytest.mark.parametrize("secret", ['"', "a#b", "x #y", "it's", 'say "hi', " lead and trail ", "#", "a'b'c"])
def test_a_secret_may_hold_such_signs(tmp_path: Path, secret: str) -> None:
    configuration = load(None, {**PAIRS, "AWS_SECRET_KEY": secret}, tmp_path, needs_jobs=True)
    assert secret == configuration.aliases["aws"].secret_key.value


def test_a_file_gives_a_value_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "key").write_text('"quoted" # so\n')
    environ = {name: value for name, value in PAIRS.items() if name != "AWS_SECRET_KEY"}
    configuration = load(None, {**environ, "AWS_SECRET_KEY_FILE": "key"}, tmp_path, needs_jobs=True)
    assert '"quoted" # so' == configuration.aliases["aws"].secret_key.value
    (tmp_path / "key").write_text("two\nlines\n")
    with pytest.raises(ConfigError, match="AWS_SECRET_KEY: the value holds a line break"):
        load(None, {**environ, "AWS_SECRET_KEY_FILE": "key"}, tmp_path, needs_jobs=True)


@pytest.mark.parametrize("form", FORMS)
def test_a_reference_names_it_too(tmp_path: Path, form: str) -> None:
    with pytest.raises(Wrong, match="the variable KEY: "):
        resolve("{env:KEY}", {"KEY": FORMS[form].format("value")}, tmp_path)


def test_what_begins_with_a_hash_is_said_to_count(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="put a comment on a line of its own"):
        load(None, {**SIDECAR, "S3_SYNC_INTERVAL": "1800 #seconds"}, tmp_path, needs_jobs=True)


@pytest.mark.parametrize(
    ("text", "zone", "said"),
    [
        ("", "UTC", False),
        ("Asia/Seoul", "Asia/Seoul", False),
        (":Europe/Berlin", "Europe/Berlin", False),
        ("/usr/share/zoneinfo/Europe/Berlin", "Europe/Berlin", False),
        ("EST5EDT", "EST5EDT", False),
        ("KST-9", "UTC", True),
        ("Asia/Soeul", "UTC", True),
        ("../../etc/passwd", "UTC", True),
        (":/etc/localtime", "UTC", True),
    ],
)
def test_a_value_of_tz(text: str, zone: str, said: bool) -> None:
    found, note = zone_of(text)
    assert (zone, said) == (found, bool(note))
    assert not said or note.startswith("TZ: ")


def test_a_misspelt_zone_is_corrected() -> None:
    assert "Write Asia/Seoul" in zone_of("Asia/Soeul")[1]


@pytest.mark.parametrize("environ", [PAIRS, SIDECAR], ids=["pairs", "sidecar"])
def test_tz_is_the_zone_where_none_is_configured(tmp_path: Path, environ: Mapping[str, str]) -> None:
    def zones(**more: str) -> tuple[str, str, bool]:
        found = load(None, {**environ, **more}, tmp_path, needs_jobs=True)
        (job,) = found.jobs.values()
        return found.settings.timezone, job.timezone, any(note.startswith("TZ: ") for note in found.unheeded)

    assert ("UTC", "UTC", False) == zones()
    assert ("Asia/Seoul", "Asia/Seoul", False) == zones(TZ="Asia/Seoul")
    assert ("UTC", "UTC", True) == zones(TZ="Asia/Soeul")
    assert ("Europe/Berlin", False) == zones(TZ="Asia/Soeul", MCMIRROR_TIMEZONE="Europe/Berlin")[::2]
    assert "UTC" == zones(TZ="Asia/Seoul", MCMIRROR_TIMEZONE="UTC")[0]


def test_the_sidecars_own_zone_is_first(tmp_path: Path) -> None:
    environ = {**SIDECAR, "TZ": "Asia/Seoul", "S3_SYNC_TIMEZONE": "UTC"}
    found = load(None, environ, tmp_path, needs_jobs=True)
    assert ("UTC", "UTC") == (found.settings.timezone, found.jobs["s3-sync"].timezone)


def test_a_file_says_more_than_tz(tmp_path: Path) -> None:
    job = '[job.one]\nsource = "./a"\ntarget = "./b"\ncron = "0 2 * * *"\n'
    cli = Cli(tmp_path, clean_environment(tmp_path / "home", {}))
    cli.write(job)
    assert "(Asia/Seoul)" in cli("status", TZ="Asia/Seoul").stdout
    assert "(Europe/Berlin)" in cli("status", TZ="Europe/Berlin").stdout
    wrong = cli("status", TZ="Asia/Soeul")
    assert "(UTC)" in wrong.stdout
    assert "note: TZ: 'Asia/Soeul' is no time zone" in wrong.stderr
    cli.write(f'[settings]\ntimezone = "Europe/Berlin"\n{job}')
    said = cli("status", TZ="Asia/Seoul")
    assert "(Europe/Berlin)" in said.stdout
    assert "TZ" not in said.stderr
