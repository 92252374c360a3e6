# ruff: noqa: ASYNC240  (files are small here)
"""The jobs: added, changed, copied, removed, run and paused; judged in the words of the command line before a write."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from mcmirror.tui.form import Form
from mcmirror.tui.rows import Rows
from tests.tui_forms import Test, edited, fill
from tests.tui_samples import Driver, Still

FILE = """# ours
[settings]
timezone = "Asia/Seoul"

[defaults]
overwrite = true  # everywhere

[alias.onprem]
url = "http://127.0.0.1:1"
[alias.aws]
url = "http://127.0.0.1:2"

# pictures
[job.photos]
source = "onprem/photos"  # from
target = "aws/photos-dr"
exclude = ["*.tmp", # no
  "x, y/*"]
retries = 5
cron = "0 2 * * *"

# logs
[job.logs]
source = "onprem/logs"
target = "aws/logs-dr"

[notify.ops]
type = "webhook"
url = "{env:HOOK}"
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOOK", "https://example.com/a-secret")
    path = tmp_path / "mcmirror.toml"
    path.write_text(FILE)
    return path


def drive(path: Path | None, test: Test, **more: Any) -> Still:
    """Open the jobs over this file, with the cursor on photos, and drive them."""

    async def on_photos(driver: Driver, source: Still) -> None:
        driver.app.screen.query_one(Rows).choose("photos")
        await driver.pause()
        await test(driver, source)

    return edited(path, "3", (100, 40), on_photos, **more)


def words(driver: Driver) -> str:
    """What stands on the screen, without its frames and line breaks."""
    return " ".join(driver.text.replace("│", " ").split())


def jobs(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads(file.read_text())["job"]
    return found


def test_each_job_has_a_line_and_the_selected_one_what_is_written_of_it(file: Path) -> None:
    async def test(driver: Driver, source: Still) -> None:
        assert "6 jobs   mcmirror.toml" in driver.text
        assert "written  exclude" in driver.text
        assert 'cron = "0 2 * * *"' in words(driver)
        assert "‖ paused" in driver.text
        assert "▶ under way" in driver.text

    drive(file, test)


@pytest.mark.parametrize(
    ("keys", "asked", "room"),
    [
        (("r",), ("trigger", "photos"), "Run"),
        (("P",), ("plan", "photos"), "Plan"),
        (("v",), ("verify", "photos"), "Run"),
        (("p",), ("pause", "photos"), "Jobs"),
        (("end", "p"), ("resume", "wiki"), "Jobs"),
    ],
)
def test_a_key_asks_the_source(file: Path, keys: tuple[str, ...], asked: tuple[str, ...], room: str) -> None:
    async def test(driver: Driver, source: Still) -> None:
        await driver.press(*keys)
        await driver.until(lambda: asked in source.asked)
        assert room == driver.app.screen.NAME  # type: ignore[attr-defined]

    drive(file, test)


def test_a_job_is_added_and_the_rest_of_the_file_stays(file: Path) -> None:
    async def test(driver: Driver, source: Still) -> None:
        await driver.press("a")
        await fill(
            driver, name="docs", source="onprem/docs", target="aws/docs-dr", every="30m", overwrite="false",
            remove="true", max_delete="40", exclude="*.tmp\n\nold/*\n", prefix="a/", max_age="26h", notify="ops",
        )  # fmt: skip
        await driver.press("ctrl+s")
        await driver.until(lambda: "docs is written to mcmirror.toml" in driver.text)

    source = drive(file, test)
    assert ("reload",) in source.asked
    expected = {
        "source": "onprem/docs", "target": "aws/docs-dr", "every": "30m", "overwrite": False, "remove": True,
        "max_delete": 40, "exclude": ["*.tmp", "old/*"], "prefix": "a/", "max_age": "26h", "notify": ["ops"],
    }  # fmt: skip
    assert expected == jobs(file)["docs"]
    assert [line for line in FILE.splitlines() if line] == [
        line for line in file.read_text().splitlines() if line and line in FILE.splitlines()
    ]


def test_a_job_is_changed_where_it_stands_and_what_has_no_field_stays(file: Path) -> None:
    async def test(driver: Driver, source: Still) -> None:
        await driver.press("e")
        await fill(driver, cron="0 3 * * *", remove="true")
        await driver.press("ctrl+s")
        await driver.until(lambda: "photos is written" in driver.text)

    drive(file, test)
    expected = FILE.replace('cron = "0 2 * * *"\n', 'cron = "0 3 * * *"\nremove = true\n')
    assert expected == file.read_text()


def test_what_is_emptied_is_left_to_the_defaults_again(file: Path) -> None:
    async def test(driver: Driver, source: Still) -> None:
        await driver.press("e")
        await driver.until(lambda: isinstance(driver.app.screen, Form))
        assert "default (on)" in driver.text, "overwrite, of [defaults]"
        assert "default: Asia/Seoul" in driver.text
        await fill(driver, cron="", exclude="")
        await driver.press("ctrl+s")
        await driver.until(lambda: "photos is written" in driver.text)

    drive(file, test)
    assert {"source": "onprem/photos", "target": "aws/photos-dr", "retries": 5} == jobs(file)["photos"]


def test_another_one_like_it_takes_over_what_has_no_field_too(file: Path) -> None:
    async def test(driver: Driver, source: Still) -> None:
        await driver.press("u")
        await fill(driver, name="photos-2", target="aws/photos-2")
        await driver.press("ctrl+s")
        await driver.until(lambda: "photos-2 is written" in driver.text)

    drive(file, test)
    assert {**jobs(file)["photos"], "target": "aws/photos-2"} == jobs(file)["photos-2"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": "a/b"}, "this cannot be the name of a job. Use letters, digits"),
        ({"name": "photos"}, "is there already"),
        ({"source": ""}, 'Write source = "alias/bucket"'),
        ({"source": "onpre/docs"}, "there is no alias 'onpre'. Did you mean onprem?"),
        ({"target": "onprem/docs/below"}, "are the same place, or one lies in the other"),
        ({"cron": "0 2 * *"}, "'0 2 * *' has 4 fields, not five."),
        ({"every": "soon"}, "'soon' is no duration"),
        ({"cron": "@daily", "every": "1h"}, "cron and every exclude each other. Keep one of them."),
        ({"timezone": "Asia/Soul"}, "'Asia/Soul' is no time zone of this machine. Write Asia/Seoul."),
        ({"max_delete": "lots"}, "'lots' is no limit"),
        ({"max_age": "0s"}, "'0s' is no time at all"),
        ({"notify": "ops, opps"}, "there is no [notify.opps]. Did you mean ops?"),
        ({"prefix": "{yesterdy:%Y}"}, "yesterd"),
    ],
)
def test_what_is_wrong_is_said_as_one_types_and_is_not_written(file: Path, values: dict[str, str], said: str) -> None:
    async def test(driver: Driver, source: Still) -> None:
        await driver.press("a")
        await fill(driver, **{"name": "docs", "source": "onprem/docs", "target": "aws/docs-dr", **values})
        if all(values.values()):
            await driver.until(lambda: said in words(driver))
        await driver.press("ctrl+s")
        await driver.until(lambda: said in words(driver))
        assert isinstance(driver.app.screen, Form)

    source = drive(file, test)
    assert FILE == file.read_text()
    assert ("reload",) not in source.asked


def test_what_only_shows_beside_other_jobs_is_said_before_it_is_written(file: Path) -> None:
    text = FILE + '\n[job.below]\nsource = "onprem/below"\ntarget = "aws/logs-dr/below"\n'
    file.write_text(text)

    async def test(driver: Driver, source: Still) -> None:
        driver.app.screen.query_one(Rows).choose("logs")
        await driver.press("e")
        await fill(driver, remove="true")
        await driver.press("ctrl+s")
        await driver.until(lambda: "it would remove what job below copies" in words(driver))

    drive(file, test)
    assert text == file.read_text()


def test_what_somebody_else_wrote_meanwhile_stays(file: Path) -> None:
    async def test(driver: Driver, source: Still) -> None:
        await driver.press("e")
        await fill(driver, cron="@daily")
        file.write_text(FILE + "# a word of another\n")
        await driver.press("ctrl+s")
        await driver.until(lambda: "somebody else changed the file meanwhile" in words(driver))
        assert isinstance(driver.app.screen, Form)

    drive(file, test)
    assert FILE + "# a word of another\n" == file.read_text()


def test_a_job_is_removed_after_a_question(file: Path) -> None:
    async def test(driver: Driver, source: Still) -> None:
        await driver.press("x")
        await driver.until(lambda: "Remove the job photos?" in driver.text)
        await driver.press("escape")
        assert FILE == file.read_text()
        await driver.press("x")
        await driver.until(lambda: "Remove the job photos?" in driver.text)
        await driver.press("y")
        await driver.until(lambda: "photos is removed" in driver.text)

    source = drive(file, test)
    assert ("reload",) in source.asked
    assert ["logs"] == list(jobs(file))
    assert "# logs\n[job.logs]" in file.read_text()


def test_a_job_that_is_under_way_is_not_removed(file: Path) -> None:
    async def test(driver: Driver, source: Still) -> None:
        driver.app.screen.query_one(Rows).choose("logs")
        await driver.press("x")
        await driver.until(lambda: "logs is under way" in driver.text)

    drive(file, test)
    assert FILE == file.read_text()


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("http://127.0.0.1:8080", "the configuration is on the machine of the server"),
        ("this process", "comes from the environment"),
    ],
)
def test_where_there_is_no_file_jobs_are_run_and_not_changed(where: str, why: str) -> None:
    async def test(driver: Driver, source: Still) -> None:
        assert why in words(driver)
        for key in ("a", "e", "x"):
            await driver.press(key)
            assert not isinstance(driver.app.screen, Form)
        assert [] == [key for key in ("a Add", "e Edit", "x Remove") if key in driver.text]
        await driver.press("r")
        await driver.until(lambda: ("trigger", "photos") in source.asked)

    drive(None, test, where=where)


def test_the_lines_of_a_file_that_is_wrong_elsewhere_can_still_be_mended(file: Path) -> None:
    file.write_text(FILE.replace("onprem/logs", "onpre/logs"))

    async def test(driver: Driver, source: Still) -> None:
        await driver.press("e")
        await fill(driver, cron="@daily")
        await driver.press("ctrl+s")
        await driver.until(lambda: "photos is written" in driver.text)

    drive(file, test)
    assert "@daily" == jobs(file)["photos"]["cron"]
