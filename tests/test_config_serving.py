"""The settings of a server, from a file and from the environment."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mcmirror.config import (
    ConfigError,
    Configuration,
    Schedule,
    Settings,
    api_token,
    load,
    pushgateway,
    secrets,
    watched,
)

LISTEN = 'Write "127.0.0.1:8080", "0.0.0.0:8080" or "[::1]:8080"; "off" to serve nothing.'
JOB = '[job.one]\nsource = "./a"\ntarget = "./b"\n'


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Configuration]:
    def read_text(text: str, **environ: str) -> Configuration:
        (tmp_path / "mcmirror.toml").write_text(text)
        return load(None, {"HOME": str(tmp_path), **environ}, tmp_path, needs_jobs=True)

    return read_text


def only(read: Callable[..., Configuration], text: str, **environ: str) -> tuple[str, str, str]:
    with pytest.raises(ConfigError) as caught:
        read(text, **environ)
    (mistake,) = caught.value.mistakes
    return mistake.key, mistake.message, mistake.remedy


def test_nothing_written_is_safe(read: Callable[..., Configuration]) -> None:
    configuration = read(JOB)
    settings = configuration.settings
    assert ("127.0.0.1:8080", "", 25.0, "auto", "UTC") == (
        settings.listen,
        settings.api_token,
        settings.grace,
        settings.log,
        settings.timezone,
    )
    assert (90 * 86400.0, 1000, "", "") == (
        settings.keep_for,
        settings.keep_runs,
        settings.textfile_dir,
        settings.pushgateway,
    )
    assert Schedule() == configuration.schedules["one"]
    assert ("", 3600.0, 0.0, False) == (Schedule().lock, Schedule().lock_timeout, Schedule().jitter, Schedule().gap)
    assert "" == api_token(configuration, {})


def test_every_setting_arrives(read: Callable[..., Configuration], tmp_path: Path) -> None:
    configuration = read(
        """
[settings]
listen = "[::1]:9000"
api_token = "{env:TOKEN}"
grace = "1m"
keep_for = "730d"
keep_runs = 5
textfile_dir = "metrics"
pushgateway = "https://user:{file:password}@push.example.com:9091"
log = "json"
timezone = "Asia/Seoul"
[defaults]
at_start = true
jitter = "30s"
[job.one]
source = "./a"
target = "./b"
cron = "0 2 * * *"
lock = "wait"
lock_timeout = "10m"
catch_up = true
max_age = "26h"
[job.two]
source = "./c"
target = "./d"
at_start = false
timezone = "Europe/Berlin"
"""
    )
    settings = configuration.settings
    assert ("[::1]:9000", 60.0, 730 * 86400.0, 5) == (
        settings.listen,
        settings.grace,
        settings.keep_for,
        settings.keep_runs,
    )
    assert (str(tmp_path / "metrics"), "json", "Asia/Seoul") == (
        settings.textfile_dir,
        settings.log,
        settings.timezone,
    )
    expected = Schedule(
        cron="0 2 * * *",
        at_start=True,
        jitter=30.0,
        catch_up=True,
        max_age=26 * 3600.0,
        lock="wait",
        lock_timeout=600.0,
    )
    assert expected == configuration.schedules["one"]
    assert Schedule(jitter=30.0) == configuration.schedules["two"]
    assert ["Asia/Seoul", "Europe/Berlin"] == [job.timezone for job in configuration.jobs.values()]
    assert "a-long-token" == api_token(configuration, {"TOKEN": "a-long-token"})
    (tmp_path / "password").write_text("push-password\n")
    assert "https://user:push-password@push.example.com:9091" == pushgateway(configuration, {})
    assert {"a-long-token", "push-password"} <= set(secrets(configuration, {"TOKEN": "a-long-token"}))


@pytest.mark.parametrize("text", ["off", "OFF"])
def test_off_serves_nothing(read: Callable[..., Configuration], text: str) -> None:
    assert "" == read(f'[settings]\nlisten = "{text}"\n{JOB}').settings.listen


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ('listen = ""', LISTEN),
        ('listen = "8080"', LISTEN),
        ('listen = ":8080"', LISTEN),
        ('listen = "::1:8080"', LISTEN),
        (
            'listen = "localhost:65536"',
            LISTEN,
        ),
        (
            'listen = "http://localhost:1"',
            LISTEN,
        ),
        ("listen = false", "Put it between quotes."),
        ('log = "xml"', 'Write "auto", "text" or "json".'),
        ('timezone = "Asia/Soul"', "Write Asia/Seoul."),
        ("keep_runs = 0", "Write a number greater than or equal to 1."),
        ('keep_for = "0s"', 'Write more than zero, for example "90d".'),
        ('keep_for = "40000d"', 'Write "36500d" or less.'),
        ("grace = 25", "Put it between quotes."),
        ('api_token = ""', "Write a value."),
        ('pushgateway = "push:9091"', "Write the whole address."),
        ('api_tokens = "x"', "Did you mean api_token?"),
        ('graze = "1s"', "Did you mean grace?"),
    ],
)
def test_a_setting_that_cannot_be_meant(read: Callable[..., Configuration], line: str, remedy: str) -> None:
    key, _, found = only(read, f"[settings]\n{line}\n{JOB}")
    assert (f"settings.{line.partition(' ')[0]}", remedy) == (key, found)


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ('lock = "queue"', 'Write "wait", "skip" or "fail".'),
        ('lock_timeout = "0s"', 'Write more than zero, for example "30m".'),
        ('at_start = "yes"', "Write true or false, without quotes."),
        ("jitter = 30", "Put it between quotes."),
        ("at_strat = true", "Did you mean at_start?"),
        ("gap = true", None),
    ],
)
def test_a_key_of_a_job_that_cannot_be_meant(read: Callable[..., Configuration], line: str, remedy: str | None) -> None:
    key, _, found = only(read, JOB + line)
    assert f"job.one.{line.partition(' ')[0]}" == key
    assert remedy in (None, found)


@pytest.mark.parametrize(
    ("token", "why"),
    [("short", "fewer than 8"), ("two words here", "no header"), ("schlüssel-schlüssel", "no header")],
)
def test_a_token_that_protects_nothing_is_refused_without_being_shown(
    read: Callable[..., Configuration], token: str, why: str
) -> None:
    configuration = read('[settings]\napi_token = "{env:TOKEN}"\n' + JOB)
    with pytest.raises(ConfigError, match=why) as caught:
        api_token(configuration, {"TOKEN": token})
    assert token not in str(caught.value)
    with pytest.raises(ConfigError, match=r"settings\.api_token: TOKEN is not set"):
        api_token(configuration, {})


def test_a_push_address_that_is_none(read: Callable[..., Configuration]) -> None:
    configuration = read('[settings]\npushgateway = "{env:PUSH}"\n' + JOB)
    with pytest.raises(ConfigError, match="this is no address") as caught:
        pushgateway(configuration, {"PUSH": "user:hidden@push"})
    assert "hidden" not in str(caught.value)


def test_passwords_of_addresses_are_secrets() -> None:
    settings = Settings(state="postgresql://me:p%40ss-word@db/x", proxy="http://me:proxy-pass@proxy:1")
    assert {"p%40ss-word", "p@ss-word", "proxy-pass"} == set(secrets(Configuration(settings), {}))
    assert "token" not in repr(Settings(api_token="token"))


def test_the_environment_speaks_where_the_file_is_silent(read: Callable[..., Configuration], tmp_path: Path) -> None:
    environ = {
        "MCMIRROR_STATE": f"sqlite:///{tmp_path}/s.db",
        "MCMIRROR_LISTEN": "0.0.0.0:8080",
        "MCMIRROR_API_TOKEN": "{env:not-a-reference}",
        "MCMIRROR_LOG": "text",
        "MCMIRROR_TIMEZONE": "Asia/Seoul",
        "MCMIRROR_GRACE": "5s",
    }
    configuration = read(JOB, **environ)
    settings = configuration.settings
    assert (f"sqlite:///{tmp_path}/s.db", "0.0.0.0:8080", "text", "Asia/Seoul", 5.0) == (
        settings.state,
        settings.listen,
        settings.log,
        settings.timezone,
        settings.grace,
    )
    assert "{env:not-a-reference}" == api_token(configuration, environ)
    assert "Asia/Seoul" == configuration.jobs["one"].timezone
    assert () == configuration.notes


def test_the_file_wins_and_says_so(read: Callable[..., Configuration]) -> None:
    text = '[settings]\nlisten = "127.0.0.1:1"\napi_token = "{env:TOKEN}"\n' + JOB
    configuration = read(text, MCMIRROR_LISTEN="nonsense", MCMIRROR_API_TOKEN="hidden", TOKEN="from-the-file")
    assert "127.0.0.1:1" == configuration.settings.listen
    assert "from-the-file" == api_token(configuration, {"TOKEN": "from-the-file", "MCMIRROR_API_TOKEN": "hidden"})
    assert (
        "settings.listen in the file is used; MCMIRROR_LISTEN in the environment is not.",
        "settings.api_token in the file is used; MCMIRROR_API_TOKEN in the environment is not.",
    ) == configuration.notes


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MCMIRROR_STATE", "mysql://x"),
        ("MCMIRROR_LISTEN", "8080"),
        ("MCMIRROR_LOG", "xml"),
        ("MCMIRROR_TIMEZONE", "Mars"),
        ("MCMIRROR_GRACE", "25"),
    ],
)
def test_a_variable_that_cannot_be_meant(read: Callable[..., Configuration], name: str, value: str) -> None:
    assert name == only(read, JOB, **{name: value})[0]


def test_a_slip_in_a_name_is_noticed_and_a_name_of_others_is_not(read: Callable[..., Configuration]) -> None:
    configuration = read(JOB, MCMIRROR_LISTN="0.0.0.0:1", MCMIRROR_IMAGE="x", MCMIRROR_CONFIG="")
    assert ("MCMIRROR_LISTN is set but not used. Did you mean MCMIRROR_LISTEN?",) == configuration.notes


def test_a_command_without_jobs_has_the_settings_of_the_environment(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "MCMIRROR_LISTEN": "0.0.0.0:8080"}
    assert "0.0.0.0:8080" == load(None, environ, tmp_path).settings.listen
    with pytest.raises(ConfigError, match="MCMIRROR_LISTEN"):
        load(None, environ | {"MCMIRROR_LISTEN": "x"}, tmp_path)


def test_a_literal_token_in_a_file_that_others_read_is_noted(
    read: Callable[..., Configuration], tmp_path: Path
) -> None:
    text = '[settings]\napi_token = "written-out"\npushgateway = "http://u:hidden@push:1"\n' + JOB
    (tmp_path / "mcmirror.toml").touch(0o644)
    (note,) = read(text).notes
    assert "holds settings.api_token, settings.pushgateway and other users may read it" in note
    assert "written-out" not in note


@pytest.mark.parametrize(
    ("address", "secret"),
    [
        ("https://hooks/a1b2", True),
        ("https://u:p@hooks", True),
        ("https://hooks?key=a1b2", True),
        ("http://127.0.0.1:9000/", False),
        ("https://hooks", False),
    ],
)
def test_the_address_of_a_whole_server_is_no_secret(
    read: Callable[..., Configuration], tmp_path: Path, address: str, secret: bool
) -> None:
    (tmp_path / "mcmirror.toml").touch(0o644)
    hook = f'[notify.x]\ntype = "webhook"\nurl = "{address}"\n[defaults]\nnotify = ["x"]\n'
    assert secret == any("holds notify.x.url" in note for note in read(hook + JOB).notes)


def test_what_is_watched(read: Callable[..., Configuration], tmp_path: Path) -> None:
    text = """
[settings]
api_token = "{file:token}"
[alias.s]
url = "http://127.0.0.1:1"
access_key = "{env:ACCESS}"
secret_key = "{file:~/secret}"
[notify.ops]
type = "webhook"
url = "{file:/run/secrets/hook}"
"""
    (tmp_path / "push").write_text("http://push:9091\n")
    configuration = read(text + JOB, ACCESS_FILE="keys/access", MCMIRROR_PUSHGATEWAY_FILE=str(tmp_path / "push"))
    assert configuration.path is not None
    assert {
        configuration.path,
        tmp_path / "token",
        tmp_path / "secret",
        tmp_path / "keys/access",
        tmp_path / "push",
        Path("/run/secrets/hook"),
    } == set(watched(configuration))
    assert watched(configuration) == configuration.files


def test_the_files_of_an_environment_are_watched_too(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("secret-key\n")
    environ = {
        "HOME": str(tmp_path),
        "S3_SYNC_ENABLED": "true",
        "S3_SYNC_ACCESS_KEY": "access-key",
        "S3_SYNC_SECRET_KEY_FILE": str(tmp_path / "key"),
        "S3_SYNC_BUCKET": "copy",
    }
    assert (tmp_path / "key",) == watched(load(None, environ, tmp_path, needs_jobs=True))
