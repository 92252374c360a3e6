"""Changing mcmirror.toml: its comments stay, and nobody sees half of it."""

import tomllib
from pathlib import Path

import pytest

from mcmirror.config import ConfigError, load
from mcmirror.config.write import (
    drop_alias,
    forget_secrets,
    keep_secret,
    put_alias,
    references,
    replace_file,
    tables_using,
    with_table,
    without_table,
)

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
    assert ["job.photos"] == tables_using(file, "one")
    assert [] == tables_using(file, "on")


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


JOBS = """# ours
[job.photos] # the job
source = "one/photos"  # from
target = './copy'
exclude = ["a/*", # why
  "b/*"]
# cron = "@daily"

# before the next
[job."x.y"]
source = "one/x"
target = "./x"

# the end
[notify.ops]
type = "slack"
"""
PLACE = Path("mcmirror.toml")


def table(text: str, name: str) -> dict[str, object]:
    found: dict[str, object] = tomllib.loads(text)["job"][name]
    return found


def test_a_job_is_changed_where_it_stands_and_what_stays_keeps_its_spelling() -> None:
    wanted = {**table(JOBS, "photos"), "source": "two/photos", "cron": "0 2 * * *", "remove": True}
    new = with_table(JOBS, PLACE, "job", "photos", wanted)
    assert wanted == table(new, "photos")
    expected = JOBS.replace("one/photos", "two/photos").replace(
        '"b/*"]\n', '"b/*"]\ncron = "0 2 * * *"\nremove = true\n'
    )
    assert expected == new


def test_a_job_is_added_before_the_comment_of_what_follows() -> None:
    wanted = {"source": "a/b", "target": "./q", "exclude": ["a", "b"], "retries": 3}
    new = with_table(JOBS, PLACE, "job", "new.one", wanted)
    assert wanted == table(new, "new.one")
    assert [line for line in JOBS.splitlines() if line] == [
        line for line in new.splitlines() if line and line in JOBS.splitlines()
    ]


def test_removing_a_job_takes_no_comment_of_another() -> None:
    new = without_table(JOBS, PLACE, "job", "photos")
    assert "# ours\n\n# before the next\n" + JOBS[JOBS.index('[job."x.y"]') :] == new
    new = without_table(new, PLACE, "job", "x.y")
    assert '# ours\n\n# before the next\n\n# the end\n[notify.ops]\ntype = "slack"\n' == new
    with pytest.raises(KeyError):
        without_table(new, PLACE, "job", "photos")


@pytest.mark.parametrize(
    "text",
    [
        'job.a.source = "./a"\njob.a.target = "./b"\njob.b.source = "./c"\njob.b.target = "./d"\n',
        'job = { a = { source = "./a", target = "./b" }, b = { source = "./c", target = "./d" } }\n',
        '[job]\n[job . a]\nsource = "./a"\ntarget = "./b"\n[ job.b ]\nsource = "./c"\ntarget = "./d"\n',
        '[job.a]\nsource = """\n[job.b]\n"""\ntarget = "./b"\n[job.b]\nsource = "./c"\ntarget = "./d"\n',
        '[job."a"]\nsource = "./a"\ntarget = "./b"\n[job.b]\nsource = "./c"\ntarget = "./d"',
    ],
)
def test_however_it_is_written_jobs_are_added_changed_and_removed(text: str) -> None:
    jobs = tomllib.loads(text)["job"]
    new = {"source": "./e", "target": "./f"}
    added = with_table(text, PLACE, "job", "c", new)
    assert {**jobs, "c": new} == tomllib.loads(added)["job"]
    changed = with_table(added, PLACE, "job", "b", {**jobs["b"], "remove": True})
    assert {**jobs, "b": {**jobs["b"], "remove": True}, "c": new} == tomllib.loads(changed)["job"]
    removed = without_table(without_table(changed, PLACE, "job", "b"), PLACE, "job", "c")
    assert {"a": jobs["a"]} == tomllib.loads(removed)["job"]
    assert "job" not in tomllib.loads(without_table(removed, PLACE, "job", "a"))


def test_what_somebody_else_wrote_meanwhile_is_not_overwritten(file: Path) -> None:
    before = file.read_text()
    file.write_text(before + "# a word\n")
    with pytest.raises(ConfigError, match="somebody else changed the file meanwhile"):
        replace_file(file, "x = 1\n", before=before)
    assert before + "# a word\n" == file.read_text()
    replace_file(file, "# new\n", before=file.read_text())
    assert "# new\n" == file.read_text()


def test_a_file_that_somebody_removed_meanwhile_is_not_made_again(file: Path) -> None:
    before = file.read_text()
    file.unlink()
    with pytest.raises(ConfigError, match="meanwhile"):
        replace_file(file, "# new\n", before=before)
    assert not file.exists()
