"""Changing mcmirror.toml: its comments stay, and nobody sees half of it."""

from pathlib import Path

import pytest

from mcmirror.config import ConfigError, load
from mcmirror.config.write import drop_alias, forget_secrets, jobs_using, keep_secret, put_alias, references

TEXT = """# ours
[settings]   # for all
parallel = 2

[alias.one]  # the first
url = "https://one"   # its address
region = "eu-central-1"
# between

[job.photos] # the job
source = "one/photos"
target = './copy'
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mcmirror.toml"
    path.write_text(TEXT)
    return path


def test_adding_an_alias_changes_no_other_line(file: Path) -> None:
    put_alias(file, "two", {"url": "https://two", "access_key": "{env:A}", "secret_key": "{env:B}", "insecure": True})
    before, after = TEXT.splitlines(), file.read_text().splitlines()
    assert [line for line in before if line] == [line for line in after if line and line in before]
    aliases = load(file, {"A": "a", "B": "b"}, file.parent).aliases
    assert ("https://two", ("a", "b"), True) == (aliases["two"].url, aliases["two"].secrets(), aliases["two"].insecure)
    assert "https://one" == aliases["one"].url


def test_an_alias_is_added_to_a_file_with_dotted_keys(tmp_path: Path) -> None:
    path = tmp_path / "mcmirror.toml"
    dotted = 'alias.one.url = "https://one"\nalias.one.region = "eu-central-1"\n[job.photos]\nsource = "one/photos"\n'
    path.write_text(dotted + "target = './copy'\n")

    put_alias(path, "two", {"url": "https://two"})
    put_alias(path, "three", {"url": "https://three", "insecure": True})

    assert path.read_text().startswith(dotted)
    aliases = load(path, {}, tmp_path).aliases
    assert [("https://one", "eu-central-1"), ("https://two", ""), ("https://three", "")] == [
        (aliases[name].url, aliases[name].region) for name in ("one", "two", "three")
    ]
    drop_alias(path, "two")
    assert {"one", "three"} == set(load(path, {}, tmp_path).aliases)


def test_replacing_an_alias_keeps_its_comments_and_drops_what_is_not_said_again(file: Path) -> None:
    put_alias(file, "one", {"url": "http://new"})
    assert TEXT.replace("https://one", "http://new").replace('region = "eu-central-1"\n', "") == file.read_text()


def test_removing_what_was_added_gives_the_file_back(file: Path) -> None:
    put_alias(file, "two", {"url": "https://two"})
    drop_alias(file, "two")
    assert TEXT.split() == file.read_text().split()
    drop_alias(file, "one")
    assert {} == dict(load(file, {}, file.parent).aliases)
    assert "# ours" in file.read_text()


def test_a_new_file_is_made(tmp_path: Path) -> None:
    put_alias(tmp_path / "new.toml", "one", {"url": "https://one"})
    assert '[alias.one]\nurl = "https://one"\n' == (tmp_path / "new.toml").read_text()


def test_the_mode_stays_unless_a_literal_secret_comes_in(file: Path) -> None:
    file.chmod(0o640)
    put_alias(file, "two", {"url": "https://two", "secret_key": "{env:B}"})
    assert 0o640 == file.stat().st_mode & 0o777
    put_alias(file, "two", {"url": "https://two", "secret_key": "literal"})
    assert 0o600 == file.stat().st_mode & 0o777


def test_a_link_stays_a_link(file: Path) -> None:
    link = file.with_name("link.toml")
    link.symlink_to(file)
    put_alias(link, "two", {"url": "https://two"})
    assert link.is_symlink()
    assert "https://two" in file.read_text()


def test_a_file_that_is_no_toml_is_left_alone(file: Path) -> None:
    file.write_text("[alias\n")
    with pytest.raises(ConfigError, match="no TOML"):
        put_alias(file, "two", {"url": "https://two"})
    assert "[alias\n" == file.read_text()
    assert ["mcmirror.toml"] == [path.name for path in file.parent.iterdir()]


def test_inline_tables_work_too(file: Path) -> None:
    file.write_text('alias = { one = { url = "https://one" } }\n')
    put_alias(file, "two", {"url": "https://two"})
    assert ["one", "two"] == list(load(file, {}, file.parent).aliases)


def test_the_jobs_of_an_alias(file: Path) -> None:
    assert ["photos"] == jobs_using(file, "one")
    assert [] == jobs_using(file, "on")


def test_secrets_are_kept_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "secrets"
    reference = keep_secret(folder, "one-secret-key", "value")
    assert f"{{file:{folder}/one-secret-key}}" == reference
    assert "value\n" == (folder / "one-secret-key").read_text()
    assert (0o700, 0o600) == (folder.stat().st_mode & 0o777, (folder / "one-secret-key").stat().st_mode & 0o777)


def test_another_configuration_keeps_its_secret_of_the_same_name(tmp_path: Path) -> None:
    theirs = keep_secret(tmp_path, "one-secret-key", "theirs")
    ours = keep_secret(tmp_path, "one-secret-key", "ours")
    assert f"{{file:{tmp_path}/one-secret-key-2}}" == ours
    assert ours == keep_secret(tmp_path, "one-secret-key", "new", mine=ours)
    assert "theirs\n" == (tmp_path / "one-secret-key").read_text()
    assert theirs == keep_secret(tmp_path, "one-secret-key", "changed", mine=theirs)


def test_only_secrets_that_were_kept_are_forgotten(file: Path, tmp_path: Path) -> None:
    kept = keep_secret(tmp_path / "secrets", "one-secret-key", "value")
    (tmp_path / "other").write_text("value")
    put_alias(file, "one", {"url": "https://one", "access_key": f"{{file:{tmp_path}/other}}", "secret_key": kept})
    written = references(file, "one")
    assert {"access_key": f"{{file:{tmp_path}/other}}", "secret_key": kept} == written
    assert [tmp_path / "secrets" / "one-secret-key"] == forget_secrets(tmp_path / "secrets", written)
    assert (tmp_path / "other").exists()


@pytest.mark.parametrize("before", ["", "[settings]\nparallel = 2\n", '[alias.one]\nurl = "https://one"\n'])
@pytest.mark.parametrize("after", ["", '[job.x]\nsource = "./a"\ntarget = "./b"\n', "\n# about\n[notify.x]\n"])
def test_an_empty_line_stands_before_and_after_a_new_table(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "mcmirror.toml"
    path.write_text(before + after)
    put_alias(path, "two", {"url": "https://two"})
    lines = path.read_text().splitlines()
    here = lines.index("[alias.two]")
    assert here == 0 or lines[here - 1] == ""
    assert lines[here + 2 : here + 3] in ([], [""])


def test_a_byte_order_mark_does_not_hinder(file: Path) -> None:
    file.write_text(TEXT, encoding="utf-8-sig")
    put_alias(file, "two", {"url": "https://two"})
    assert ["one", "two"] == list(load(file, {}, file.parent).aliases)
