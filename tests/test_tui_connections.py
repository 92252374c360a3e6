# ruff: noqa: ASYNC240  (files are small here)
"""The connections: seen, tried, added, changed, taken over, removed; never a key on the screen or in the file."""

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

from mcmirror.config import home_of, load, write
from mcmirror.tui.form import Form
from tests.conftest import Pair
from tests.servers.minio import Minio
from tests.tui_forms import Test, edited, fill
from tests.tui_samples import Driver, Still

FILE = """# ours
[alias.one]  # the first
url = "http://127.0.0.1:1"
access_key = "{env:ONE_KEY}"
secret_key = "{env:ONE_SECRET}"

# the job
[job.photos]
source = "one/photos"
target = "./copy"
"""
SECRET = "a-secret-that-nobody-sees"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mc: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    for name, value in {
        "HOME": str(home), "ONE_KEY": "one-key", "ONE_SECRET": SECRET, "MCMIRROR_MC": str(mc),
        "XDG_CONFIG_HOME": str(home / "config"),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    path = work / "mcmirror.toml"
    path.write_text(FILE)
    return path


def drive(path: Path | None, test: Test, **more: Any) -> Still:
    """Open the connections over this file, and drive them."""
    return edited(path, "2", (100, 30), test, **more)


def test_all_that_can_be_used_is_listed_with_where_it_comes_from(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MC_HOST_other", f"http://key:{SECRET}@127.0.0.1:2")
    folder = Path.home() / ".mc"
    folder.mkdir()
    alias = {"url": "http://127.0.0.1:3", "accessKey": "key", "secretKey": SECRET, "api": "S3v4", "path": "auto"}
    (folder / "config.json").write_text(json.dumps({"version": "10", "aliases": {"theirs": alias}}))

    async def test(driver: Driver, source: Still) -> None:
        text = driver.text
        assert "3 connections" in text
        for line in (
            "http://127.0.0.1:1",
            "http://127.0.0.1:2",
            "http://127.0.0.1:3",
            "mcmirror.toml",
            "MC_HOST_other",
        ):
            assert line in text
        assert "keys {env:ONE_KEY}, {env:ONE_SECRET}   jobs photos" in text
        await driver.press("end")
        await driver.until(lambda: "used, never changed from here" in driver.words)
        assert SECRET not in driver.text
        await driver.press("e")
        assert "Change it there." in driver.text
        await driver.press("x")
        assert "Remove it there." in driver.text

    drive(file, test)
    assert FILE == file.read_text()


def test_the_selected_one_is_tried_and_what_is_wrong_has_its_remedy(file: Path) -> None:
    async def test(driver: Driver, source: Still) -> None:
        await driver.until(lambda: "✗ port" in driver.text)
        assert "✓ address" in driver.text
        assert "do:" in driver.text
        assert "why: connection refused" in driver.text

    drive(file, test)


def test_a_connection_that_works_says_so_with_its_latency_and_the_rights_of_its_jobs(
    file: Path, source: Minio, bucket_pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket_pair.source.put({"one.txt": b"x"})
    monkeypatch.setenv("SRC_KEY", source.root.access_key)
    monkeypatch.setenv("SRC_SECRET", source.root.secret_key)
    text = FILE.replace("http://127.0.0.1:1", source.url).replace("ONE_", "SRC_")
    file.write_text(text.replace("one/photos", f"one/{bucket_pair.source.bucket}"))

    async def test(driver: Driver, still: Still) -> None:
        await driver.until(lambda: "✓ works" in driver.text)
        assert "✓ keys  accepted" in driver.text
        assert "✓ photos: list source" in driver.text
        assert "✓ photos: read source" in driver.text
        assert " ms" in driver.text
        monkeypatch.setenv("SRC_SECRET", "wrong-and-secret")
        await driver.press("t")
        await driver.until(lambda: "✗ keys" in driver.text)
        assert "wrong-and-secret" not in driver.text

    drive(file, test)


def test_one_is_added_and_the_rest_of_the_file_stays(file: Path) -> None:
    async def test(driver: Driver, source: Still) -> None:
        await driver.press("a")
        await fill(
            driver, name="two", url="http://127.0.0.1:9", access_key="{env:ONE_KEY}", secret_key="{env:ONE_SECRET}"
        )
        await driver.press("ctrl+s")
        await driver.until(lambda: "two is written to mcmirror.toml" in driver.text)
        assert "2 connections" in driver.text

    source = drive(file, test)
    assert ("reload",) in source.asked
    head, tail = FILE.split("# the job")
    assert file.read_text().startswith(head.rstrip())
    assert file.read_text().endswith("# the job" + tail)
    assert '[alias.two]\nurl = "http://127.0.0.1:9"\naccess_key = "{env:ONE_KEY}"\n' in file.read_text()
    assert "insecure" not in file.read_text()


def test_the_first_one_makes_the_file(file: Path) -> None:
    file.unlink()

    async def test(driver: Driver, source: Still) -> None:
        assert "There is none yet: a adds one" in driver.text
        await driver.press("a")
        await fill(driver, name="two", url="http://127.0.0.1:9")
        await driver.press("ctrl+s")
        await driver.until(lambda: "two is written" in driver.text)

    drive(file, test)
    assert '[alias.two]\nurl = "http://127.0.0.1:9"\n' == file.read_text()


def test_keys_that_are_typed_are_kept_apart_as_alias_set_keeps_them(file: Path) -> None:
    async def test(driver: Driver, source: Still) -> None:
        await driver.press("a")
        await fill(driver, name="two", url="http://127.0.0.1:9")
        for key, typed in (("access_key", "AKIDTYPED"), ("secret_key", SECRET)):
            driver.app.screen.set_focus(driver.app.screen.query_one(f"#{key}"))
            await driver.type(typed)
            assert typed not in driver.text
        await driver.press("ctrl+s")
        await driver.until(lambda: "two is written" in driver.text)
        assert SECRET not in driver.text

    source = drive(file, test)
    assert ("reload",) in source.asked
    folder = write.secrets_folder(os.environ, home_of(os.environ))
    kept = {name: folder / f"two-{name.replace('_', '-')}" for name in ("access_key", "secret_key")}
    written = tomllib.loads(file.read_text())["alias"]["two"]
    assert {"url": "http://127.0.0.1:9", **{key: f"{{file:{path}}}" for key, path in kept.items()}} == written
    assert ["AKIDTYPED\n", f"{SECRET}\n"] == [path.read_text() for path in kept.values()]
    assert {0o600} == {path.stat().st_mode & 0o777 for path in kept.values()}
    assert SECRET == load(file, os.environ, file.parent).aliases["two"].secret_key.value


def test_a_key_that_is_typed_anew_takes_the_place_of_the_one_before(file: Path) -> None:
    folder = write.secrets_folder(os.environ, home_of(os.environ))
    kept = write.keep_secret(folder, "one-secret-key", "before")
    file.write_text(FILE.replace("{env:ONE_SECRET}", kept))

    async def test(driver: Driver, source: Still) -> None:
        await driver.press("e")
        await fill(driver, secret_key="typed-anew")
        await driver.press("ctrl+s")
        await driver.until(lambda: "one is written" in driver.text)

    drive(file, test)
    assert FILE.replace("{env:ONE_SECRET}", kept) == file.read_text()
    assert {"one-secret-key": "typed-anew\n"} == {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"access_key": "AKID"}, "there is no secret_key beside the access_key"),
        ({"access_key": "{env:ONE_KEY", "secret_key": "s"}, "this is no whole reference"),
        ({"access_key": "a\x07b", "secret_key": "s"}, "another control character"),
    ],
    ids=["half", "open", "control"],
)
def test_keys_that_cannot_be_are_neither_kept_nor_written(file: Path, typed: dict[str, str], said: str) -> None:
    async def test(driver: Driver, source: Still) -> None:
        await driver.press("a")
        await fill(driver, name="two", url="http://127.0.0.1:9", **typed)
        await driver.press("ctrl+s")
        await driver.until(lambda: said in " ".join(driver.text.replace("│", " ").split()))

    drive(file, test)
    assert (FILE, []) == (file.read_text(), kept_keys())


def kept_keys() -> list[tuple[str, str]]:
    folder = write.secrets_folder(os.environ, home_of(os.environ))
    return [(path.name, path.read_text()) for path in folder.iterdir()] if folder.exists() else []


def test_what_was_kept_is_taken_back_when_the_file_cannot_be_written(file: Path) -> None:
    async def test(driver: Driver, source: Still) -> None:
        await driver.press("a")
        await fill(driver, name="two", url="http://127.0.0.1:9", access_key="AKID", secret_key=SECRET)
        file.write_text(FILE + "# a word of another\n")
        await driver.press("ctrl+s")
        await driver.until(lambda: "somebody else changed the file meanwhile" in driver.words.replace("│ ", ""))

    drive(file, test)
    assert (FILE + "# a word of another\n", []) == (file.read_text(), kept_keys())


def test_where_no_key_can_be_kept_it_is_said(file: Path) -> None:
    folder = write.secrets_folder(os.environ, home_of(os.environ))
    folder.parent.mkdir(parents=True)
    folder.write_text("a file where the folder should be")

    async def test(driver: Driver, source: Still) -> None:
        await driver.press("a")
        await fill(driver, name="two", url="http://127.0.0.1:9", access_key="AKID", secret_key=SECRET)
        await driver.press("ctrl+s")
        await driver.until(lambda: "the keys cannot be kept" in driver.words.replace("│ ", ""))
        assert isinstance(driver.app.screen, Form)

    drive(file, test)
    assert FILE == file.read_text()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": "2two"}, "this cannot be the name of a server"),
        ({"name": "one"}, "is there already"),
        ({"name": "two", "url": "htp://x"}, "http"),
        ({"name": "two", "url": ""}, 'Write url = "https://host:port".'),
        ({"name": "two", "access_key": "{env:NONE}", "secret_key": "{env:ONE_SECRET}"}, "NONE is not set"),
        ({"name": "two", "access_key": "{env:ONE_KEY}"}, "there is no secret_key beside the access_key"),
        ({"name": "two", "ca_file": "/nowhere.pem"}, "there is no file /nowhere.pem"),
    ],
)
def test_what_is_wrong_is_said_in_the_words_of_the_command_line_and_not_written(
    file: Path, values: dict[str, str], said: str
) -> None:
    async def test(driver: Driver, source: Still) -> None:
        await driver.press("a")
        await fill(driver, **{"url": "http://127.0.0.1:9", **values})
        await driver.press("ctrl+s")
        await driver.until(lambda: said in " ".join(driver.text.replace("│", " ").split()))
        assert isinstance(driver.app.screen, Form)

    source = drive(file, test)
    assert FILE == file.read_text()
    assert ("reload",) not in source.asked


def test_one_is_changed_where_it_stands(file: Path) -> None:
    async def test(driver: Driver, source: Still) -> None:
        await driver.press("e")
        await fill(driver, url="http://127.0.0.1:9")
        await driver.press("ctrl+s")
        await driver.until(lambda: "one is written" in driver.text)

    drive(file, test)
    assert FILE.replace("127.0.0.1:1", "127.0.0.1:9") == file.read_text()


def test_a_key_in_the_file_is_never_shown_and_stays(file: Path) -> None:
    literal = FILE.replace("{env:ONE_SECRET}", SECRET)
    file.write_text(literal)
    file.chmod(0o600)

    async def test(driver: Driver, source: Still) -> None:
        assert "in the file itself" in driver.text
        await driver.press("e")
        await fill(driver, region="eu-central-1")
        assert "empty keeps it" in driver.text
        assert SECRET not in driver.text
        await driver.press("ctrl+s")
        await driver.until(lambda: "one is written" in driver.text)

    drive(file, test)
    assert f'secret_key = "{SECRET}"\nregion = "eu-central-1"\n' in file.read_text()


def test_what_somebody_else_wrote_meanwhile_stays(file: Path) -> None:
    async def test(driver: Driver, source: Still) -> None:
        await driver.press("e")
        await fill(driver, url="http://127.0.0.1:9")
        file.write_text(FILE + "# a word of another\n")
        await driver.press("ctrl+s")
        await driver.until(lambda: "somebody else changed the file meanwhile" in driver.words.replace("│ ", ""))
        await driver.press("escape", "y")
        await driver.until(lambda: not isinstance(driver.app.screen, Form))

    drive(file, test)
    assert FILE + "# a word of another\n" == file.read_text()


def test_leaving_a_form_asks_only_when_something_was_changed(file: Path) -> None:
    async def test(driver: Driver, source: Still) -> None:
        await driver.press("e")
        await driver.until(lambda: isinstance(driver.app.screen, Form))
        await driver.press("escape")
        await driver.until(lambda: not isinstance(driver.app.screen, Form))
        await driver.press("e")
        await fill(driver, region="x")
        await driver.press("escape")
        assert "Leave without saving?" in driver.text
        await driver.press("n")
        assert isinstance(driver.app.screen, Form)
        await driver.press("escape", "y")
        await driver.until(lambda: not isinstance(driver.app.screen, Form))

    drive(file, test)
    assert FILE == file.read_text()


def test_one_that_a_job_uses_is_not_removed_and_the_job_is_named(file: Path) -> None:
    async def test(driver: Driver, source: Still) -> None:
        await driver.press("x")
        await driver.until(lambda: "1 job uses one: photos" in driver.text)
        assert "Change the job first." in driver.text

    drive(file, test)
    assert FILE == file.read_text()


def test_one_is_removed_after_a_question(file: Path) -> None:
    file.write_text(FILE.replace("one/photos", "./from"))

    async def test(driver: Driver, source: Still) -> None:
        await driver.press("x")
        await driver.until(lambda: "Remove the connection one?" in driver.text)
        await driver.press("n")
        assert "[alias.one]" in file.read_text()
        await driver.press("x")
        await driver.until(lambda: "Remove the connection one?" in driver.text)
        await driver.press("y")
        await driver.until(lambda: "one is removed" in driver.text)
        assert "There is none yet" in driver.text

    source = drive(file, test)
    assert ("reload",) in source.asked
    assert "[alias.one]" not in file.read_text()
    assert "# the job\n[job.photos]" in file.read_text()


def connection(name: str = "Source MinIO") -> dict[str, Any]:
    config = {"endpoint": "127.0.0.1:9", "access_key": "key", "secret_key": SECRET, "use_ssl": False, "bucket": "b"}
    return {"name": name, "source_config": config}


def test_connections_of_another_system_are_taken_over_and_their_keys_kept_apart(file: Path) -> None:
    (file.parent / "theirs.json").write_text(json.dumps([connection(), connection("Other")]))

    async def test(driver: Driver, source: Still) -> None:
        await driver.press("i")
        await fill(driver, file="none.json")
        await driver.until(lambda: "the file cannot be read" in driver.text)
        await fill(driver, file="theirs.json")
        await driver.press("ctrl+s")
        await driver.until(lambda: "3 connections" in driver.text)
        assert "source-minio" in driver.text
        assert SECRET not in driver.text

    drive(file, test)
    assert SECRET not in file.read_text()
    kept = Path.home() / "config" / "mcmirror" / "secrets" / "source-minio-secret-key"
    assert (f"{SECRET}\n", 0o600) == (kept.read_text(), kept.stat().st_mode & 0o777)
    assert f'secret_key = "{{file:{kept}}}"' in file.read_text()


def test_taking_over_replaces_nothing_unasked(file: Path) -> None:
    (file.parent / "theirs.json").write_text(json.dumps(connection("one")))

    async def test(driver: Driver, source: Still) -> None:
        await driver.press("i")
        await fill(driver, file="theirs.json")
        await driver.press("ctrl+s")
        await driver.until(lambda: "is there already" in driver.text)
        assert FILE == file.read_text()
        driver.app.screen.set_focus(driver.app.screen.query_one("#force"))
        await driver.press("space", "ctrl+s")
        await driver.until(lambda: "1 imported: one" in driver.text)

    drive(file, test)
    assert 'url = "http://127.0.0.1:9"' in file.read_text()


def test_from_afar_they_are_not_to_be_had_and_it_says_why(file: Path) -> None:
    async def test(driver: Driver, source: Still) -> None:
        await driver.until(lambda: "They are the server's, and not to be seen from here." in driver.text)
        assert "Read only: the configuration is on the machine of the server" in driver.text
        keys = ("a Add", "e Edit", "c Check", "i Import", "x Remove", "a adds one")
        assert [] == [key for key in keys if key in driver.text]
        await driver.press("a")
        assert not isinstance(driver.app.screen, Form)
        await driver.press("question_mark")
        await driver.until(lambda: "Help: Connections" in driver.text)
        assert "a new connection" not in driver.text

    drive(None, test, where="http://127.0.0.1:8080")


def test_a_file_that_is_no_toml_is_said_and_left_alone(file: Path) -> None:
    file.write_text("[alias\n")

    async def test(driver: Driver, source: Still) -> None:
        assert "this is no TOML" in driver.text
        await driver.press("a")
        assert not isinstance(driver.app.screen, Form)

    drive(file, test)
    assert "[alias\n" == file.read_text()
