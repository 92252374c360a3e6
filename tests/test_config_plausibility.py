"""What can be read and cannot be meant: each a mistake with its remedy, or a note where it does no harm."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from mcmirror.config import ConfigError, Configuration, load
from mcmirror.config import cron as crontab
from mcmirror.engine.trigger import Cron

JOB = '[job.one]\nsource = "./a"\ntarget = "./b"\n'
HOUR, DAY = 3600.0, 86400.0
PAIR = {
    "MINIO_URL": "http://127.0.0.1:9000",
    "MINIO_ACCESS_KEY": "a",
    "MINIO_SECRET_KEY": "b",
    "AWS_URL": "http://127.0.0.1:9001",
    "AWS_ACCESS_KEY": "c",
    "AWS_SECRET_KEY": "d",
    "BUCKET_PAIR": "minio/source:aws/target",
}
SIDECAR = {"S3_SYNC_ENABLED": "true", "S3_SYNC_ACCESS_KEY": "a", "S3_SYNC_SECRET_KEY": "b", "S3_SYNC_BUCKET": "copy"}


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Configuration]:
    def read_text(text: str = "", **environ: str) -> Configuration:
        if text:
            (tmp_path / "mcmirror.toml").write_text(text)
        return load(None, {"HOME": str(tmp_path), **environ}, tmp_path, needs_jobs=True)

    return read_text


def only(read: Callable[..., Configuration], text: str = "", **environ: str) -> tuple[str, str, str]:
    with pytest.raises(ConfigError) as caught:
        read(text, **environ)
    (mistake,) = caught.value.mistakes
    return mistake.key, mistake.message, mistake.remedy


UNIT = 'Write a number with its unit: "60s", "30m", "26h" or "1d".'
WEEKENDS = (
    "1d2h is less than the longest pause of its schedule, 3d: "
    'health is red at its end although nothing is wrong; "3d6h" is more.'
)
RED = "{} is less than from run to run, {}: health would be red in between"


@pytest.mark.parametrize(
    ("text", "key", "message", "remedy"),
    [
        ('every = "1h"\nmax_age = "30m"', "max_age", RED.format("30m", "1h"), 'Write more, for example "1h5m".'),
        ('cron = "0 2 * * *"\nmax_age = "12h"', "max_age", RED.format("12h", "1d"), 'Write more, for example "1d2h".'),
        ('cron = "@weekly"\nmax_age = "26h"', "max_age", RED.format("1d2h", "7d"), 'Write more, for example "7d14h".'),
        (
            'cron = "0 2 * * 1-5"\nmax_age = "1h"',
            "max_age",
            RED.format("1h", "1d"),
            'Write more, for example "3d6h".',
        ),
        (
            'every = "5m"\njitter = "10m"',
            "jitter",
            "10m is more than from run to run, 5m: a start would come after the next one",
            'Write less than "5m".',
        ),
        (
            'cron = "*/10 * * * *"\njitter = "1h"',
            "jitter",
            "1h is more than from run to run, 10m: a start would come after the next one",
            'Write less than "10m".',
        ),
        (
            'newer_than = "1d"\nolder_than = "7d"',
            "newer_than",
            "no object is younger than 1d and older than 7d",
            "Exchange the two, or take one out.",
        ),
        ('newer_than = "0s"', "newer_than", "no object is younger than 0s", 'Write more than zero, for example "7d".'),
        ('every = "10ms"', "every", "'10ms' is less than a second", 'Write "1s" or more.'),
        ("retries = -1", "retries", "is out of range", "Write a number greater than or equal to 0."),
        (
            'every = "-5m"',
            "every",
            "'-5m' is no duration",
            'Write a number with its unit: "60s", "30m", "26h" or "1d".',
        ),
        (
            'cron = "0 2 30 2 *"',
            "cron",
            "'0 2 30 2 *' never comes: no such month has a day 30",
            'Choose a day that the month has: "0 0 28 2 *" is the 28th of February, at midnight.',
        ),
    ],
)
def test_a_job_that_cannot_be_meant(
    read: Callable[..., Configuration], text: str, key: str, message: str, remedy: str
) -> None:
    assert (f"job.one.{key}", message, remedy) == only(read, JOB + text)


def test_what_the_defaults_say_is_held_against_each_job(read: Callable[..., Configuration]) -> None:
    weekly = '[job.two]\nsource = "./c"\ntarget = "./d"\ncron = "@weekly"\n'
    text = f'[defaults]\nmax_age = "26h"\ncron = "@daily"\n{JOB}{weekly}'
    assert ("job.two.max_age", RED.format("1d2h", "7d")) == only(read, text)[:2]
    assert 8 * DAY == read(f'{text}max_age = "8d"\n').schedules["two"].max_age


@pytest.mark.parametrize(
    ("text", "key", "remedy"),
    [
        ("parallel = 0", "parallel", "Write a number greater than or equal to 1."),
        ("keep_runs = 0", "keep_runs", "Write a number greater than or equal to 1."),
        ('grace = "-5s"', "grace", UNIT),
        ('mc = ""', "mc", "Write a value, or take it out."),
    ],
)
def test_a_setting_that_cannot_be_meant(read: Callable[..., Configuration], text: str, key: str, remedy: str) -> None:
    found = only(read, f"[settings]\n{text}\n{JOB}")
    assert (f"settings.{key}", remedy) == (found[0], found[2])


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("catch_up = true", "job.one.catch_up has no use: the job has no schedule; write every or cron."),
        ('jitter = "5m"', "job.one.jitter has no use: the job has no schedule; write every or cron."),
        ('lock = "skip"\nlock_timeout = "5m"', 'job.one.lock_timeout has no use beside lock = "skip".'),
        ('exclude = ["*"]', "job.one.exclude: '*' leaves out every object: nothing is mirrored."),
        ('cron = "0 2 * * 1-5"\nmax_age = "26h"', f"job.one.max_age: {WEEKENDS}"),
    ],
)
def test_what_has_no_use_or_does_no_harm_is_a_note(read: Callable[..., Configuration], text: str, note: str) -> None:
    assert (note,) == read(JOB + text).notes


@pytest.mark.parametrize(
    "text",
    [
        'every = "1h"\nmax_age = "1h"',
        'every = "1h"\njitter = "1h"',
        'cron = "0 0 * * *"\nmax_age = "24h"',
        'max_age = "1s"',
        'newer_than = "7d"\nolder_than = "1d"',
        'older_than = "0s"',
        'lock = "wait"\nlock_timeout = "5m"',
        'cron = "0 0 29 2 *"',
    ],
)
def test_what_can_be_meant(read: Callable[..., Configuration], text: str) -> None:
    assert () == read(JOB + text).notes


def test_the_defaults_may_say_what_only_some_jobs_can_use(read: Callable[..., Configuration]) -> None:
    scheduled = '[job.two]\nsource = "./c"\ntarget = "./d"\nevery = "1h"\n'
    assert () == read(f'[defaults]\ncatch_up = true\njitter = "5m"\n{JOB}{scheduled}').notes


@pytest.mark.parametrize(
    ("environ", "key", "message", "remedy"),
    [
        (
            {**SIDECAR, "MCMIRROR_MAX_AGE": "10m"},
            "MCMIRROR_MAX_AGE",
            RED.format("10m", "30m"),
            "Write more, for example 33m.",
        ),
        (
            {**PAIR, "MIRROR_INTERVAL": "2h", "MCMIRROR_MAX_AGE": "1h"},
            "MCMIRROR_MAX_AGE",
            RED.format("1h", "2h"),
            "Write more, for example 2h10m.",
        ),
        (
            {**PAIR, "MIRROR_CRON": "@daily", "MCMIRROR_MAX_AGE": "1h"},
            "MCMIRROR_MAX_AGE",
            RED.format("1h", "1d"),
            "Write more, for example 1d2h.",
        ),
        ({**PAIR, "MIRROR_INTERVAL": "10ms"}, "MIRROR_INTERVAL", "'10ms' is less than a second", 'Write "1s" or more.'),
        (
            {**PAIR, "MIRROR_CRON": "0 0 31 4 *"},
            "MIRROR_CRON",
            "'0 0 31 4 *' never comes: no such month has a day 31",
            'Choose a day that the month has: "0 0 28 2 *" is the 28th of February, at midnight.',
        ),
        (
            {**PAIR, "MCMIRROR_MAX_AGE": "-1h"},
            "MCMIRROR_MAX_AGE",
            "'-1h' is no duration",
            UNIT,
        ),
    ],
)
def test_an_environment_that_cannot_be_meant(
    read: Callable[..., Configuration], environ: dict[str, str], key: str, message: str, remedy: str
) -> None:
    assert (key, message, remedy) == only(read, **environ)


def test_an_interval_with_a_unit_is_told_as_the_seconds_that_are_meant(read: Callable[..., Configuration]) -> None:
    key, message, remedy = only(read, **SIDECAR, S3_SYNC_INTERVAL="30m")
    assert ("S3_SYNC_INTERVAL", True, True) == (key, "'30m'" in message, remedy.startswith("Write 1800"))


def test_notes_of_an_environment(read: Callable[..., Configuration]) -> None:
    environ = {**PAIR, "MIRROR_CRON": "0 2 * * 1-5", "MCMIRROR_MAX_AGE": "26h", "MIRROR_EXCLUDE": "*"}
    assert (
        f"MCMIRROR_MAX_AGE: {WEEKENDS}",
        "MIRROR_EXCLUDE: '*' leaves out every object: nothing is mirrored.",
    ) == read(**environ).notes


@pytest.mark.parametrize(
    ("expression", "shortest", "longest"),
    [
        ("* * * * *", 60, 60),
        ("@hourly", HOUR, HOUR),
        ("@monthly", 28 * DAY, 31 * DAY),
        ("*/7 * * * *", 240, 420),
        ("0 9-17 * * *", HOUR, 16 * HOUR),
        ("0 2 * * 1-5", DAY, 3 * DAY),
        ("0 2 * * 7", 7 * DAY, 7 * DAY),
        ("30 6 1,15 * *", 14 * DAY, 17 * DAY),
        ("0 0 13 * 5", DAY, 7 * DAY),
        ("0 0 29 2 *", 1461 * DAY, 1461 * DAY),
    ],
)
def test_the_pauses_of_a_cron_expression_are_those_of_the_schedule(
    expression: str, shortest: float, longest: float
) -> None:
    assert (shortest, longest) == crontab.distances(expression)
    # The library that keeps the schedule agrees.
    trigger, times = Cron(expression), [datetime(2026, 1, 1, tzinfo=UTC).timestamp()]
    while len(times) < 400 and times[-1] < datetime(2033, 1, 1, tzinfo=UTC).timestamp():
        times.append(trigger.next_after(times[-1], 0.0))
    pauses = {later - earlier for earlier, later in pairwise(times[1:])}
    assert (min(pauses), max(pauses)) == (shortest, longest)
