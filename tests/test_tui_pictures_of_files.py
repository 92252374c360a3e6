"""The screens that edit mcmirror.toml and look back, at two sizes; looked at as test_tui_pictures.py says."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mcmirror.engine.reachability import Grade, fine, wrong
from mcmirror.messages.error_lookup import problem
from mcmirror.model.problem import Category
from mcmirror.model.record import Outcome
from mcmirror.tui import connections_check
from mcmirror.tui.form import Form
from mcmirror.tui.rows import Rows
from mcmirror.tui.source import View
from tests.test_tui_history import RUNS, Past
from tests.test_tui_pictures import FOLDER
from tests.tui_samples import SIZES, STATE, Driver, driven

FILE = """# ours
[alias.onprem]
url = "https://minio.example.com:9000"
access_key = "{env:ONPREM_KEY}"
secret_key = "{file:/run/secrets/onprem}"
[alias.aws]
url = "https://s3.eu-central-1.amazonaws.com"

[job.photos]
source = "onprem/photos"
target = "aws/photos-dr"
exclude = ["*.tmp", "old/*"]
cron = "0 2 * * *"
timezone = "Asia/Seoul"
"""
Step = Callable[[Driver], Awaitable[object]]
FOUND = (
    (fine("alias aws", "address", "s3.eu-central-1.amazonaws.com is 52.219.170.1"), 0.012),
    (fine("alias aws", "port", "s3.eu-central-1.amazonaws.com:443 is open"), 0.0214),
    (fine("alias aws", "tls", "TLSv1.3, certificate trusted"), 0.03),
    (wrong("alias aws", "clock", problem(Category.CLOCK_SKEW, "The server's clock is 8 s ahead of this one",
                                         "Date: Sat, 21 Nov 2026 06:00:00 GMT"), Grade.WARNING), 0.02),
    (wrong("alias aws", "keys", problem(Category.CREDENTIALS, "The access key is not known",
                                        "InvalidAccessKeyId")), 0.1),
)  # fmt: skip


async def connections(driver: Driver) -> None:
    await driver.press("2")
    await driver.until(lambda: "✗ keys" in driver.text)


async def connection(driver: Driver) -> None:
    await connections(driver)
    driver.app.screen.query_one(Rows).choose("onprem")
    await driver.press("e")
    await driver.until(lambda: isinstance(driver.app.screen, Form) and "ONPREM_KEY" in driver.text)
    driver.app.screen.query_one("#url").value = "htp://minio"  # type: ignore[attr-defined]
    await driver.until(lambda: "htp" in driver.text and "Save" in driver.text)
    await driver.pause()


async def jobs(driver: Driver) -> None:
    await driver.press("3")
    driver.app.screen.query_one(Rows).choose("photos")
    await driver.until(lambda: 'cron = "0 2' in driver.text)


async def job(driver: Driver) -> None:
    await jobs(driver)
    await driver.press("e")
    await driver.until(lambda: isinstance(driver.app.screen, Form) and "old/*" in driver.text)
    await driver.pause()


async def history(driver: Driver) -> None:
    await driver.press("4")
    await driver.press("space")


async def past(driver: Driver) -> None:
    await history(driver)
    driver.app.screen.query_one(Rows).choose("r2")
    await driver.press("enter")
    await driver.until(lambda: getattr(driver.app.screen, "_fates", None) is not None)
    await driver.pause()


async def comparison(driver: Driver) -> None:
    await history(driver)
    driver.app.screen.query_one(Rows).choose("r2")
    await driver.press("m")
    await driver.until(lambda: "requests" in driver.text)


PICTURES: dict[str, Step] = {
    "connections": connections,
    "connection": connection,
    "jobs": jobs,
    "job": job,
    "history": history,
    "history-run": past,
    "history-compare": comparison,
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", PICTURES)
def test_the_screen_is_as_it_was_looked_at(
    name: str, size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections_check, "tried", lambda *_: iter([]))
    monkeypatch.setattr(connections_check, "timed", lambda _: iter(FOUND))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MC_HOST_backup", "https://key:secret@backup.example.com")
    monkeypatch.chdir(tmp_path)
    file = Path("mcmirror.toml")
    file.write_text(FILE)
    source = Past(View(STATE), records=tuple(replace(one, host="host", pid=7) for one in RUNS), edits=file)
    source.found = (
        (Outcome.COPIED, "2026/one.jpg"),
        (Outcome.COPIED, "2026/two.jpg"),
        (Outcome.REMAINING, "2026/three.jpg"),
    )

    async def picture() -> str:
        async with driven(source, size) as driver:
            await PICTURES[name](driver)
            return driver.text.partition("\n")[2] + "\n"

    text = asyncio.run(picture())
    kept = FOLDER / f"{name}-{size[0]}x{size[1]}.txt"
    if os.environ.get("MCMIRROR_PICTURES") == "write":
        kept.write_text(text)
    assert kept.read_text() == text
    assert "key:secret" not in text
