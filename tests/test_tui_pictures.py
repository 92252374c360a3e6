"""Each screen at two sizes, as it was looked at: `MCMIRROR_PICTURES=write` writes them anew, to be looked at again."""

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mcmirror.model.event import ProblemFound, RunFinished
from mcmirror.tui.app import Dashboard
from tests.test_tui_plan import PLAN, REFUSED, planning
from tests.test_tui_run import heard, moving
from tests.tui_samples import NOW, SIZES, Driver, Still, driven, still
from tests.ui_samples import DENIED, PARTIAL

FOLDER = Path(__file__).with_name("snapshots")
Step = Callable[[Driver], Awaitable[object]]


def going() -> Still:
    source, _ = moving()
    heard(source, [ProblemFound("logs", DENIED)])
    return source


def ended() -> Still:
    source = going()
    heard(source, [RunFinished("logs", replace(PARTIAL, job="logs", source="onprem/logs", target="aws/logs-dr"))])
    return source


def stale() -> Still:
    source = still()
    source.current = replace(source.current, stale_since=NOW - 42, trouble="nobody listens there", note="attached")
    source.where = "http://127.0.0.1:8080"
    return source


async def run_of_logs(driver: Driver) -> None:
    driver.app.open_run("logs")
    await driver.pause()


async def plan_of_photos(driver: Driver) -> None:
    driver.app.open_plan("photos")
    await driver.until(lambda: "old/" in driver.text)


async def explanation(driver: Driver) -> None:
    await run_of_logs(driver)
    driver.app.screen.query_one("#problems").focus()
    await driver.press("enter")


async def release(driver: Driver) -> None:
    await plan_of_photos(driver)
    await driver.press("R")


async def nothing(driver: Driver) -> None:
    await driver.pause()


async def leaving(driver: Driver) -> None:
    driver.app.source.mine = ("logs",)  # type: ignore[attr-defined]
    await driver.press("q")


async def helping(driver: Driver) -> None:
    await driver.press("question_mark")


PICTURES: dict[str, tuple[Callable[[], Still], Step]] = {
    "overview": (going, nothing),
    "overview-stale": (stale, nothing),
    "run": (going, run_of_logs),
    "run-ended": (ended, run_of_logs),
    "run-explained": (going, explanation),
    "plan": (planning, plan_of_photos),
    "plan-refused": (lambda: planning(PLAN, REFUSED), plan_of_photos),
    "plan-release": (lambda: planning(PLAN, REFUSED), release),
    "quit": (still, leaving),
    "help": (still, helping),
}


DRAWN = ("overview", "run", "plan-refused")
"""Those that are kept as SVG too, for people."""


async def picture(name: str, size: tuple[int, int]) -> tuple[str, str]:
    """As text, and as SVG."""
    make, step = PICTURES[name]
    async with driven(make(), size) as driver:
        await step(driver)
        # The line on top names every screen there is; it has tests of its own.
        return driver.text.partition("\n")[2] + "\n", drawn(driver.app)


def drawn(app: Dashboard) -> str:
    return app.export_screenshot(title="mcmirror")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", PICTURES)
def test_the_screen_is_as_it_was_looked_at(name: str, size: tuple[int, int]) -> None:
    text, svg = asyncio.run(picture(name, size))
    file = FOLDER / f"{name}-{size[0]}x{size[1]}.txt"
    if os.environ.get("MCMIRROR_PICTURES") == "write":
        FOLDER.mkdir(exist_ok=True)
        file.write_text(text)
        if name in DRAWN and size == SIZES[1]:
            file.with_suffix(".svg").write_text(svg)
    assert file.read_text() == text


def test_no_colours_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    text, svg = asyncio.run(picture("overview", (80, 24)))
    assert (FOLDER / "overview-80x24.txt").read_text() == text
    colours = set(re.findall(r"fill: #([0-9a-f]{6})", svg.partition("</style>")[0]))
    colours.discard("c5c8c6")  # Rich's own, of the window's frame
    assert colours
    assert all(one[0:2] == one[2:4] == one[4:6] for one in colours), colours


def test_nothing_lies_in_the_folder_that_is_no_picture() -> None:
    expected = {f"{name}-{width}x{height}" for name in PICTURES for width, height in SIZES}
    assert expected <= {path.stem for path in FOLDER.iterdir()}
