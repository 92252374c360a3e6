"""Where aliases come from, and in which order."""

import json
import subprocess
from pathlib import Path

import pytest

from mcmirror.config import ConfigError, Configuration, find_alias, known_aliases, load
from mcmirror.config.inherited import from_environment

TOML = '[alias.one]\nurl = "https://toml"\naccess_key = "{env:UNSET}"\nsecret_key = "{env:UNSET}"\n'


def config_json(folder: Path, **urls: str) -> None:
    folder.mkdir()
    aliases = {
        name: {"url": url, "accessKey": "AK", "secretKey": f"secret-of-{name}", "api": "s3v4", "path": "auto"}
        for name, url in urls.items()
    }
    (folder / "config.json").write_text(json.dumps({"version": "10", "aliases": aliases}))


def url_of(name: str, home: Path, environ: dict[str, str], configuration: Configuration | None = None) -> str | None:
    alias = find_alias(name, configuration or Configuration(), environ, home)
    return alias.url if alias else None


def test_the_order_is_toml_then_variable_then_files(tmp_path: Path) -> None:
    config_json(tmp_path / ".mc", one="http://mc", two="http://mc", three="http://mc")
    config_json(tmp_path / ".mcli", three="http://mcli", four="http://mcli")
    config_json(tmp_path / ".minio-client", five="http://minio-client")
    config_json(tmp_path / "chosen", three="http://chosen")
    environ = {"MC_HOST_one": "http://variable", "MC_HOST_two": "http://variable", "UNSET": "x"}
    (tmp_path / "mcmirror.toml").write_text(TOML)
    configuration = load(None, environ, tmp_path)
    assert "https://toml" == url_of("one", tmp_path, environ, configuration)
    assert "http://variable" == url_of("two", tmp_path, environ, configuration)
    assert "http://mc" == url_of("three", tmp_path, environ, configuration)
    assert "http://mcli" == url_of("four", tmp_path, environ, configuration)
    assert "http://minio-client" == url_of("five", tmp_path, environ, configuration)
    assert "http://chosen" == url_of("three", tmp_path, {"MC_CONFIG_DIR": str(tmp_path / "chosen")})
    assert None is url_of("six", tmp_path, environ, configuration)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://AK:SK@host:9000", ("https://host:9000", "AK", "SK", "")),
        ("http://AK:SK:TOKEN@host", ("http://host", "AK", "SK", "TOKEN")),
        ("https://AK:S/K@%2F+#?&[]$\\\"' é@host:9000", ("https://host:9000", "AK", "S/K@%2F+#?&[]$\\\"' é", "")),
        ("https://host:9000", ("https://host:9000", "", "", "")),
        ("https://host:9000/", ("https://host:9000", "", "", "")),
    ],
)
def test_the_variable_is_taken_raw(value: str, expected: tuple[str, ...]) -> None:
    alias = from_environment("x", {"MC_HOST_x": value})
    assert alias is not None
    assert expected == (alias.url, alias.access_key.value, alias.secret_key.value, alias.session_token.value)
    assert "MC_HOST_x" == alias.origin


@pytest.mark.parametrize(
    "value", ["nonsense-hunter2", "ftp://AK:hunter2@host", "https://hunter2@host", "https://AK:hunter2@"]
)
def test_a_variable_that_cannot_be_read_is_a_mistake_without_its_value(value: str, tmp_path: Path) -> None:
    environ = {"MC_HOST_bad": value}
    with pytest.raises(ConfigError) as caught:
        find_alias("bad", Configuration(), environ, tmp_path)
    (mistake,) = caught.value.mistakes
    assert "MC_HOST_bad" == mistake.key
    assert "hunter2" not in str(caught.value)
    (known,) = known_aliases(Configuration(), environ, tmp_path)
    assert ("bad", "") == (known.name, known.url)
    assert "hunter2" not in repr(known)


def test_mc_reads_the_same_from_the_variable(mc: Path, tmp_path: Path) -> None:
    value = "https://AK:S/K%2F+é:TOKEN@127.0.0.1:9000"
    done = subprocess.run(
        [str(mc), "alias", "list", "x", "--json"],
        env={"HOME": str(tmp_path), "MC_CONFIG_DIR": str(tmp_path / "mc"), "MC_HOST_x": value, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        timeout=120,
        check=True,
    )
    seen = json.loads(done.stdout)
    alias = from_environment("x", {"MC_HOST_x": value})
    assert alias is not None
    assert (seen["URL"], seen["accessKey"], seen["secretKey"]) == (
        alias.url,
        alias.access_key.value,
        alias.secret_key.value,
    )


def test_what_mc_wrote_is_read(mc: Path, tmp_path: Path) -> None:
    document = {
        "url": "https://example.com:9000",
        "accessKey": "AKAK",
        "secretKey": "a:b/c d é+%2F",
        "api": "S3v4",
        "path": "on",
    }
    subprocess.run(
        [str(mc), "alias", "import", "mine"],
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        input=json.dumps(document).encode(),
        capture_output=True,
        timeout=120,
        check=True,
    )
    (folder,) = (path for path in tmp_path.iterdir() if (path / "config.json").exists())
    folder.rename(tmp_path / ".mc")
    alias = find_alias("mine", Configuration(), {}, tmp_path)
    assert alias is not None
    assert ("https://example.com:9000", "AKAK", "a:b/c d é+%2F", "S3v4", "on") == (
        alias.url,
        alias.access_key.value,
        alias.secret_key.value,
        alias.api,
        alias.path,
    )
    assert str(tmp_path / ".mc" / "config.json") == alias.origin
    # mc adds four aliases of its own: two with made-up keys, a local one, and the public one.
    assert ["local", "mine"] == [known.name for known in known_aliases(Configuration(), {}, tmp_path)]
    assert "https://play.min.io" == url_of("play", tmp_path, {})
    assert None is url_of("s3", tmp_path, {})


def test_an_authority_that_mc_trusts_is_trusted(tmp_path: Path) -> None:
    config_json(tmp_path / ".mc", one="https://mc")
    authorities = tmp_path / ".mc" / "certs" / "CAs"
    authorities.mkdir(parents=True)
    (authorities / "own.pem").write_text("-----BEGIN CERTIFICATE-----")
    alias = find_alias("one", Configuration(), {}, tmp_path)
    assert alias is not None
    assert str(authorities / "own.pem") == alias.ca_file


@pytest.mark.parametrize("text", ["", "{", "[]", '{"aliases": 3}', '{"aliases": {"one": 3, "two": {"url": "x"}}}'])
def test_a_file_that_makes_no_sense_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / ".mc").mkdir()
    (tmp_path / ".mc" / "config.json").write_text(text)
    config_json(tmp_path / ".mcli", one="http://mcli")
    assert "http://mcli" == url_of("one", tmp_path, {})


def test_the_list_shows_no_secret_and_needs_no_variable(tmp_path: Path) -> None:
    (tmp_path / "mcmirror.toml").write_text(TOML)
    config_json(tmp_path / ".mc", two="http://mc")
    environ = {"MC_HOST_three": "http://AK:hunter2@host"}
    known = known_aliases(load(None, environ, tmp_path), environ, tmp_path)
    assert [
        ("one", "https://toml", str(tmp_path / "mcmirror.toml")),
        ("three", "http://host", "MC_HOST_three"),
        ("two", "http://mc", str(tmp_path / ".mc" / "config.json")),
    ] == [(alias.name, alias.url, alias.origin) for alias in known]
    assert "hunter2" not in repr(known)
    assert "secret-of" not in repr(known)
