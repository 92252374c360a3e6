"""Single values: ours to read, and mc's to take."""

import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mcmirror.config import Wrong, cron, prefix, syntax
from mcmirror.model.age import age_limits


@pytest.mark.parametrize(
    ("text", "seconds"), [("60s", 60), ("30m", 1800), ("26h", 93600), ("1d", 86400), ("1h30m", 5400), ("1.5h", 5400)]
)
def test_durations(text: str, seconds: float) -> None:
    assert seconds == syntax.duration(text)


@pytest.mark.parametrize("text", ["", "60", "1h 30m", "-1h", "h", "1y", "1hh"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(Wrong):
        syntax.duration(text)


@pytest.mark.parametrize("text", ["https://host", "http://127.0.0.1:9000", "https://[::1]:9000", "https://a.b/"])
def test_addresses(text: str) -> None:
    assert text.rstrip("/") == syntax.url(text)


@pytest.mark.parametrize(
    "text",
    [
        "host:9000",
        "ftp://host",
        "https://",
        "https://host/bucket",
        "https://host?x=1",
        "https://host:x",
        "https://ho st",
        "https://user:hunter2@host",
        "user:hunter2@host",
        "https://host:99999",
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(Wrong) as caught:
        syntax.url(text)
    assert caught.value.remedy
    assert "hunter2" not in str(caught.value) + caught.value.remedy


@pytest.mark.parametrize(
    "text", ["0 2 * * *", "*/5 * * * *", "0,30 8-18 * jan-mar mon-fri", "15 4 1-31/2 * 7", "@daily"]
)
def test_cron(text: str) -> None:
    assert text == cron.check(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "* * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "5-1 * * * *",
        "*/0 * * * *",
        "a * * * *",
        "* * * * *x",
        "@often",
        "1-2-3 * * * *",
    ],
)
def test_what_is_no_cron(text: str) -> None:
    with pytest.raises(Wrong):
        cron.check(text)


NEW_YEAR = datetime(2025, 1, 1, 0, 30, tzinfo=ZoneInfo("Asia/Seoul"))


@pytest.mark.parametrize(
    ("text", "timezone", "expanded"),
    [
        ("{yesterday:%Y/%m/%d}", "Asia/Seoul", "2024/12/31"),
        ("{today:%Y/%m/%d}", "Asia/Seoul", "2025/01/01"),
        ("{today:%Y/%m/%d}", "UTC", "2024/12/31"),
        ("logs/{today}/", "UTC", "logs/2024/12/31"),
        ("{today-3d:%Y%m%d}/x", "Asia/Seoul", "20241229/x"),
        ("{today-1h:%d-%H}", "Asia/Seoul", "31-23"),
        ("{today+1w:%j}", "Asia/Seoul", "008"),
        ("{yesterday-1d:%d}{today:%d}", "Asia/Seoul", "3001"),
        ("plain/2025", "UTC", "plain/2025"),
        ("", "UTC", ""),
    ],
)
def test_dates_in_a_prefix(text: str, timezone: str, expanded: str) -> None:
    assert expanded == prefix.expand(text, NEW_YEAR, timezone)
    assert expanded == prefix.expand(text, NEW_YEAR.astimezone(ZoneInfo("America/New_York")), timezone)


def test_yesterday_is_the_day_before_also_when_the_clock_changes() -> None:
    # 25 hours long: the day on which summer time ended.
    monday = datetime(2025, 10, 27, 0, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert "2025/10/26" == prefix.expand("{yesterday}", monday, "Europe/Berlin")
    assert "2025/10/25" == prefix.expand("{yesterday}", monday - timedelta(days=1), "Europe/Berlin")


@pytest.mark.parametrize(
    "text",
    ["{tomorrow}", "{today", "a}", "{}", "{today:%Q}", "{today:}", "{today:%}", "a//b", "../a", "a/./b", "{today-3x}"],
)
def test_what_is_no_prefix(text: str) -> None:
    with pytest.raises(Wrong):
        prefix.check(text)


@pytest.fixture
def mirror(mc: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Mirror one small file from folder to folder, with one more flag."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "one").write_text("x")

    def run(*flags: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(mc), "--json", "mirror", *flags, str(source), str(tmp_path / "target")],
            env={"HOME": str(tmp_path), "MC_CONFIG_DIR": str(tmp_path / "mc"), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.mark.parametrize(
    "text", ["10MiB", "10 MiB", "10M", "10MB", "500kB", "1000000", "1.5GiB", "10mib", "7b", "2Ti", "0"]
)
def test_sizes_that_mc_takes(mirror: Callable[..., subprocess.CompletedProcess[str]], text: str) -> None:
    done = mirror("--limit-upload", syntax.size(text))
    assert 0 == done.returncode, done.stdout


@pytest.mark.parametrize("text", ["10Mbit", "10MiB/s", "10Mbps", "fast", "-1", "", "10X"])
def test_sizes_that_mc_refuses(mirror: Callable[..., subprocess.CompletedProcess[str]], text: str) -> None:
    with pytest.raises(Wrong):
        syntax.size(text)
    # An empty limit is none for mc; a person who wrote one meant something.
    assert (0 if text == "" else 1) == mirror(f"--limit-upload={text}").returncode


@pytest.mark.parametrize("text", ["7d10h31s", "12h", "30d", "1d2h3m4s", "90m", "31s7d"])
def test_ages_that_mc_takes(mirror: Callable[..., subprocess.CompletedProcess[str]], text: str) -> None:
    done = mirror("--newer-than", syntax.age(text))
    assert 0 == done.returncode, done.stdout


@pytest.mark.parametrize("text", ["soon", "7", "7d 1h", ""])
def test_ages_that_mc_refuses(mirror: Callable[..., subprocess.CompletedProcess[str]], text: str) -> None:
    with pytest.raises(Wrong):
        syntax.age(text)
    assert (0 if text == "" else 1) == mirror("--newer-than", text).returncode


@pytest.mark.parametrize("text", ["1w", "1M", "1y", "1.5h", "5ms", "2025-01-22 00:00:00 UTC"])
def test_ages_that_only_mc_takes(text: str) -> None:
    with pytest.raises(Wrong):
        syntax.age(text)


@pytest.mark.parametrize("name", syntax.CHECKSUMS)
def test_checksums_that_mc_takes(mirror: Callable[..., subprocess.CompletedProcess[str]], name: str) -> None:
    done = mirror("--checksum", syntax.checksum(name.lower()))
    assert 0 == done.returncode, done.stdout


@pytest.mark.parametrize(
    ("parse", "most", "beyond"),
    [
        (syntax.age, "36500d", "36501d"),
        (syntax.age, "1d", f"{'9' * 5000}d"),
        (syntax.duration, "3650d", "3650d1s"),
        (syntax.duration, "1d", f"{'9' * 5000}h"),
        (syntax.size, "1PiB", "1.1PiB"),
        (syntax.size, "1125TB", "1126TB"),
        (syntax.size, "1125899906842624", "1125899906842625"),
        (syntax.size, "1b", "9" * 5000),
        (syntax.retries, "1000", "1001"),
        (syntax.retries, "0", "9" * 5000),
        (syntax.seconds, "315360000", "315360001"),
    ],
)
def test_what_nobody_can_mean_is_refused_with_the_limit(parse: Callable[[str], object], most: str, beyond: str) -> None:
    parse(most)
    with pytest.raises(Wrong) as caught:
        parse(beyond)
    assert caught.value.remedy.startswith("Write ")
    assert len(str(caught.value)) < 100


def test_an_age_before_all_dates_limits_nothing_and_overflows_nothing() -> None:
    assert ("0001-01-01T00:00:00", "") == age_limits("", "9999999d", NEW_YEAR)
    assert ("", "0001-01-01T00:00:00") == age_limits("99999999999999d", "", NEW_YEAR)
