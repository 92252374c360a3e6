"""mcmirror alias, against a real server."""

import json
import os
import pty
import subprocess
import termios
from pathlib import Path
from typing import Any

import pytest

from tests.servers.command import COMMAND, Cli, Result
from tests.servers.minio import Minio
from tests.waiting import until


@pytest.fixture
def home(cli: Cli) -> Path:
    return cli.folder / "home"


def typed(cli: Cli, *arguments: str, keys: str) -> Result:
    """Run with ``keys`` on standard input."""
    done = subprocess.run(
        [str(COMMAND), *arguments],
        cwd=cli.folder,
        env=cli.environment,
        input=keys.encode(),
        capture_output=True,
        timeout=120,
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def keys_of(server: Minio) -> str:
    return f"{server.root.access_key}\n{server.root.secret_key}\n"


def test_set_tests_and_writes_and_the_file_holds_no_key(cli: Cli, home: Path, source: Minio) -> None:
    cli.write("# mine\n")
    done = typed(cli, "alias", "set", "mine", source.url, "--stdin", keys=keys_of(source))
    assert 0 == done.code, done.stderr
    text = (cli.folder / "mcmirror.toml").read_text()
    assert text.startswith("# mine\n")
    assert source.root.secret_key not in text + done.stdout + done.stderr
    secret = home / ".config" / "mcmirror" / "secrets" / "mine-secret-key"
    assert f"{source.root.secret_key}\n" == secret.read_text()
    assert (0o600, 0o700) == (secret.stat().st_mode & 0o777, secret.parent.stat().st_mode & 0o777)
    assert 0 == cli("alias", "test", "mine").code


def test_set_with_a_wrong_key_writes_nothing(cli: Cli, home: Path, source: Minio) -> None:
    done = typed(cli, "alias", "set", "mine", source.url, "--stdin", keys=f"{source.root.access_key}\nwrong-secret\n")
    assert 1 == done.code, done.stderr
    assert "wrong-secret" not in done.stderr
    assert "do:" in done.stderr
    assert not (cli.folder / "mcmirror.toml").exists()
    assert not (home / ".config").exists()


def test_set_takes_references(cli: Cli, source: Minio) -> None:
    given = ("--access-key", "{env:A}", "--secret-key", "{env:B}")
    variables: dict[str, Any] = {"A": source.root.access_key, "B": source.root.secret_key}
    assert 0 == cli("alias", "set", "mine", source.url, *given, **variables).code
    assert 'secret_key = "{env:B}"' in (cli.folder / "mcmirror.toml").read_text()
    assert 0 == cli("alias", "test", "mine", **variables).code
    missing = cli("alias", "test", "mine")
    assert 2 == missing.code
    assert "B is not set" in missing.stderr


def test_set_asks_at_a_terminal_and_shows_nothing(cli: Cli, source: Minio) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [str(COMMAND), "alias", "set", "mine", source.url],
        cwd=cli.folder,
        env=cli.environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    seen = b""
    try:
        for line, prompt in zip(keys_of(source).splitlines(), (b"Access key", b"Secret key"), strict=True):
            while prompt not in seen:
                seen += os.read(master, 1024)
            # The terminal's echo goes off right after the question, and what was typed before is thrown away.
            until(lambda: not termios.tcgetattr(master)[3] & termios.ECHO)
            os.write(master, line.encode() + b"\n")
        assert 0 == process.wait(120)
    finally:
        process.kill()
        process.wait()
    while chunk := _rest(master):
        seen += chunk
    os.close(master)
    assert source.root.secret_key.encode() not in seen
    assert 0 == cli("alias", "test", "mine").code


def _rest(master: int) -> bytes:
    try:
        return os.read(master, 1024)
    except OSError:
        return b""


@pytest.mark.parametrize(
    ("arguments", "keys", "said"),
    [
        (("mine", "http://host", "--secret-key", "hunter2"), "", "a key in an argument can be read"),
        (("mine", "http://host"), "", "no terminal"),
        (("mine", "http://host", "--stdin"), "only-one\n", "two lines were expected, 1 came"),
        (("mine", "http://host", "--stdin"), "\n\n", "both lines are empty"),
        (("mine", "http://host", "--stdin"), "a\n\n", "one of the two lines is empty"),
        (("mine", "host:9000", "--stdin", "--no-check"), "a\nb\n", "does not begin with http"),
        # Before anything is read or asked.
        (("mine", "host:9000"), "", "does not begin with http"),
        (("9", "http://host"), "", "cannot be an alias"),
        (("my alias", "http://host", "--stdin", "--no-check"), "a\nb\n", "cannot be an alias"),
    ],
)
def test_what_set_refuses(cli: Cli, arguments: tuple[str, ...], keys: str, said: str) -> None:
    done = typed(cli, "alias", "set", *arguments, keys=keys)
    assert 2 == done.code
    assert said in done.stderr
    assert "hunter2" not in done.stderr
    assert not (cli.folder / "mcmirror.toml").exists()


def test_set_mends_a_file_that_does_not_load(cli: Cli, source: Minio) -> None:
    cli.write('[alias.mine]\nurl = "nowhere"\n[job.one]\nsource = "mine/abc"\ntarget = "./copy"\n')
    assert 2 == cli("job", "list").code
    assert 0 == typed(cli, "alias", "set", "mine", source.url, "--stdin", keys=keys_of(source)).code
    assert 0 == cli("job", "list").code


def test_list_shows_where_aliases_come_from_and_no_key(cli: Cli, source: Minio) -> None:
    cli.write('[alias.mine]\nurl = "https://mine"\naccess_key = "AK"\nsecret_key = "hunter2"\n')
    done = cli("alias", "list", "--json")
    assert 0 == done.code
    listed = {alias["name"]: (alias["url"], alias["origin"]) for alias in json.loads(done.stdout)}
    assert ("https://mine", str(cli.folder / "mcmirror.toml")) == listed["mine"]
    assert (source.url, "MC_HOST_src") == listed["src"]
    plain = cli("alias", "list")
    assert ["ALIAS", "dst", "mine", "src"] == [line.split()[0] for line in plain.stdout.splitlines()]
    assert "hunter2" not in done.stdout + plain.stdout
    assert source.root.secret_key not in done.stdout + plain.stdout


def test_test_knows_the_person_s_own_aliases_and_guesses(cli: Cli) -> None:
    assert 0 == cli("alias", "test", "src").code
    done = cli("alias", "test", "scr")
    assert 2 == done.code
    assert "Did you mean src?" in done.stderr
    far = cli("alias", "test", "nope", MC_HOST_onprem="http://a:b@127.0.0.1:9")
    assert "Define it: mcmirror alias set nope URL" in far.stderr


def test_test_says_why_a_server_does_not_answer(cli: Cli) -> None:
    done = cli("alias", "test", "gone", MC_HOST_gone="http://AKAK:hunter22@127.0.0.1:1")
    assert 1 == done.code
    assert "refused" in done.stderr
    assert "hunter22" not in done.stderr


CONNECTION = {
    "name": "Source MinIO",
    "type": "minio",
    "source_config": {
        "endpoint": "minio-source.example.com:9000",
        "access_key": "minioadmin",
        "secret_key": "hunter2-hunter2",
        "bucket": "my-source-bucket",
        "use_ssl": True,
        "region": "us-east-1",
    },
}


def test_import_takes_one_connection_or_a_list(cli: Cli, home: Path) -> None:
    second = {**CONNECTION, "name": "2nd", "source_config": {**CONNECTION["source_config"], "use_ssl": False}}  # type: ignore[dict-item]
    cli.write(json.dumps([CONNECTION, second]), "connections.json")
    done = cli("alias", "import", "connections.json")
    assert 0 == done.code, done.stderr
    assert "source-minio/my-source-bucket" in done.stderr
    listed = {alias["name"]: alias["url"] for alias in json.loads(cli("alias", "list", "--json").stdout)}
    assert "https://minio-source.example.com:9000" == listed["source-minio"]
    assert "http://minio-source.example.com:9000" == listed["s2nd"]
    text = (cli.folder / "mcmirror.toml").read_text()
    assert 'region = "us-east-1"' in text
    assert "hunter2" not in text + done.stderr + done.stdout
    kept = home / ".config" / "mcmirror" / "secrets" / "source-minio-secret-key"
    assert "hunter2-hunter2\n" == kept.read_text()
    again = cli("alias", "import", "connections.json")
    assert 2 == again.code
    assert 2 == again.stderr.count("is there already")
    assert 0 == cli("alias", "import", "connections.json", "--force").code
    assert 4 == len(list(kept.parent.iterdir()))


def test_import_takes_the_config_of_mc_itself(cli: Cli, mc: Path, source: Minio) -> None:
    environ = {"HOME": str(cli.folder), "MC_CONFIG_DIR": str(cli.folder / "theirs"), "PATH": "/usr/bin:/bin"}
    document = {
        "url": source.url,
        "accessKey": source.root.access_key,
        "secretKey": source.root.secret_key,
        "api": "S3v4",
        "path": "auto",
    }
    subprocess.run(
        [str(mc), "alias", "import", "theirs"],
        env=environ,
        input=json.dumps(document).encode(),
        capture_output=True,
        timeout=120,
        check=True,
    )
    done = typed(cli, "alias", "import", "-", keys=(cli.folder / "theirs" / "config.json").read_text())
    assert 0 == done.code, done.stderr
    text = (cli.folder / "mcmirror.toml").read_text()
    assert "[alias.theirs]" in text
    assert "alias.play" not in text
    assert "alias.gcs" not in text
    assert 0 == cli("alias", "test", "theirs").code


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]x",
        '{"name": "a"}',
        '{"name": "abc", "source_config": {"endpoint": "e", "access_key": "x"}}',
        '[{"name": "a", "source_config": {}}]',
        "3",
        '{"source_config": {"endpoint": "e"}}',
    ],
)
def test_import_refuses_what_it_does_not_know(cli: Cli, text: str) -> None:
    done = typed(cli, "alias", "import", "-", keys=text)
    assert 2 == done.code
    assert "do:" in done.stderr
    assert not (cli.folder / "mcmirror.toml").exists()


def test_remove_minds_the_jobs_and_forgets_the_keys(cli: Cli, home: Path, source: Minio) -> None:
    cli.write('# mine\n[job.one]\nsource = "mine/abc"\ntarget = "./copy"\n')
    assert 0 == typed(cli, "alias", "set", "mine", source.url, "--stdin", keys=keys_of(source)).code
    refused = cli("alias", "remove", "mine")
    assert 2 == refused.code
    assert "job.one" in refused.stderr
    assert 0 == cli("alias", "remove", "mine", "--force").code
    assert (
        '# mine\n[job.one]\nsource = "mine/abc"\ntarget = "./copy"'
        == (cli.folder / "mcmirror.toml").read_text().strip()
    )
    assert [] == list((home / ".config" / "mcmirror" / "secrets").iterdir())


def test_remove_touches_nothing_that_is_not_ours(cli: Cli) -> None:
    done = cli("alias", "remove", "src")
    assert 2 == done.code
    assert "MC_HOST_src" in done.stderr
    assert 2 == cli("alias", "remove", "nobody").code


def test_half_a_pair_of_keys_is_refused_and_loses_nothing(cli: Cli) -> None:
    text = '[alias.mine]\nurl = "http://host"\naccess_key = "{env:A}"\nsecret_key = "{env:B}"\n'
    file = cli.write(text)
    done = cli("alias", "set", "mine", "http://host", "--access-key", "{env:A}", "--no-check", A="access", B="secret")
    assert 2 == done.code
    assert "--secret-key: there is none beside --access-key" in done.stderr
    done = cli("alias", "set", "mine", "http://host", "--secret-key", "{env:B}", "--no-check", A="access", B="secret")
    assert 2 == done.code
    assert "--access-key: there is none beside --secret-key" in done.stderr
    assert text == file.read_text()


def test_keys_are_given_in_one_way(cli: Cli) -> None:
    given = ("--stdin", "--access-key", "{env:A}", "--secret-key", "{env:B}")
    done = typed(cli, "alias", "set", "mine", "http://host", *given, "--no-check", keys="a\nb\n")
    assert 2 == done.code
    assert "--stdin: the keys are given twice" in done.stderr


def test_test_accepts_no_keys_where_there_are_none(cli: Cli, source: Minio) -> None:
    cli.write(f'[alias.mine]\nurl = "{source.url}"\n')
    done = cli("alias", "test", "mine")
    assert (0, f"mine: {source.url} answers; no keys: anonymous.\n") == (done.code, done.stderr)
    doctor = cli("doctor")
    assert "keys: no keys: anonymous" in doctor.stdout


def test_a_config_of_mc_that_is_broken_is_said(cli: Cli, home: Path) -> None:
    broken = home / ".mc" / "config.json"
    broken.parent.mkdir()
    broken.write_text('{"aliases": {"mine": hunter2')
    listed = cli("alias", "list")
    assert 0 == listed.code
    assert listed.stderr.startswith(f"note: {broken} cannot be used: it is no JSON (")
    assert "mend it" in listed.stderr
    for arguments in (("alias", "test", "mine"), ("plan", "mine/bucket", "./copy")):
        done = cli(*arguments)
        assert done.code in {1, 2}
        assert f"{broken} cannot be used" in done.stderr
        assert "hunter2" not in done.stdout + done.stderr
