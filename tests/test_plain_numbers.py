"""Numbers are ASCII wherever they are read: digits of other scripts are refused, and said."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mcmirror.config import ConfigError, Wrong, load, prefix, syntax
from mcmirror.model.job import MaxDelete
from mcmirror.model.listen import address
from tests.servers.command import Cli, clean_environment

ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
WIDE = {ord(digit): ord(digit) - ord("0") + 0xFF10 for digit in "0123456789"}
SCRIPTS = pytest.mark.parametrize("script", [ARABIC, WIDE], ids=["arabic", "wide"])

READERS: dict[str, tuple[Callable[[str], object], str]] = {
    "duration": (syntax.duration, "30m"),
    "interval": (syntax.interval, "1h30m"),
    "keeping": (syntax.keeping, "90d"),
    "age": (syntax.age, "7d"),
    "size": (syntax.size, "10MiB"),
    "listen": (syntax.listen, "127.0.0.1:8080"),
    "number": (syntax.number, "3"),
    "seconds": (syntax.seconds, "1800"),
    "max_delete": (MaxDelete.parse, "25%"),
    "max_delete objects": (MaxDelete.parse, "100"),
    "prefix": (prefix.check, "{today-3d:%Y}"),
    "address": (address, "127.0.0.1:8080"),
}


@SCRIPTS
@pytest.mark.parametrize("kind", READERS)
def test_a_value_in_digits_of_another_script_is_refused(kind: str, script: dict[int, int]) -> None:
    read, text = READERS[kind]
    read(text)
    with pytest.raises((Wrong, ValueError)):
        read(text.translate(script))


@pytest.mark.parametrize("text", ["1_0", "1e1", "inf", "nan", "-1", "+1", "0x1", ""])
def test_what_python_alone_takes_for_a_number_is_no_limit(text: str) -> None:
    for written in (text, f"{text}%"):
        with pytest.raises(ValueError, match=r"limit|percentage|number"):
            MaxDelete.parse(written)


@SCRIPTS
@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--parallel", "2"),
        ("history", "--limit", "2"),
        ("mirror", "./a", "./b", "--workers", "4"),
        ("mirror", "./a", "./b", "--retries", "4"),
        ("mirror", "./a", "./b", "--stall-timeout", "60"),
        ("mirror", "./a", "./b", "--max-delete", "10"),
        ("verify", "./a", "./b", "--content=10%"),
        ("tui", "--web", "8001"),
    ],
    ids=lambda arguments: arguments[0] + arguments[-2],
)
def test_an_option_in_digits_of_another_script_is_a_mistake_of_usage(
    tmp_path: Path, arguments: tuple[str, ...], script: dict[int, int]
) -> None:
    cli = Cli(tmp_path, clean_environment(tmp_path / "home", {}))
    done = cli(*(word.translate(script) for word in arguments))
    assert 2 == done.code, done
    assert "No such option" not in done.stderr
    assert "Traceback" not in done.stderr


@SCRIPTS
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MIRROR_MAX_WORKERS", "4"),
        ("MIRROR_INTERVAL", "1800"),
        ("MIRROR_INTERVAL", "30m"),
        ("MCMIRROR_GRACE", "30s"),
        ("MCMIRROR_MAX_AGE", "26h"),
        ("MCMIRROR_LISTEN", "127.0.0.1:8080"),
        ("MIRROR_PREFIX", "{today-1d}"),
    ],
)
def test_a_variable_in_digits_of_another_script_is_named(
    tmp_path: Path, variable: str, value: str, script: dict[int, int]
) -> None:
    given = {"BUCKET_PAIR": "minio/aaa:aws/bbb"}
    for side in ("MINIO", "AWS"):
        given |= {f"{side}_URL": "http://127.0.0.1:1", f"{side}_ACCESS_KEY": "key", f"{side}_SECRET_KEY": "secret123"}
    load(None, {**given, variable: value}, tmp_path, needs_jobs=True)
    with pytest.raises(ConfigError) as caught:
        load(None, {**given, variable: value.translate(script)}, tmp_path, needs_jobs=True)
    assert [variable] == [mistake.key for mistake in caught.value.mistakes]


@pytest.mark.parametrize(
    ("read", "longest", "longer", "said"),
    [
        (syntax.duration, "3650d", "3651d", "3650 days"),
        (syntax.interval, "3650d", "3651d", "3650 days"),
        (syntax.keeping, "36500d", "36501d", "36500 days"),
    ],
)
def test_a_time_that_is_too_long_says_the_true_limit(
    read: Callable[[str], float], longest: str, longer: str, said: str
) -> None:
    read(longest)
    with pytest.raises(Wrong, match=said) as caught:
        read(longer)
    assert longest in caught.value.remedy
