"""By mouse as by key, with the keys where one looks; a file that goes wrong while the dashboard is open is said."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Static

from mcmirror.tui.form import Choice, Form
from mcmirror.tui.frame import Room
from mcmirror.tui.rows import Rows
from mcmirror.tui.run import RunRoom
from tests.conftest import Pair
from tests.servers.command import Cli
from tests.test_tui_local import configured, local, quick
from tests.tui_forms import edited
from tests.tui_samples import Driver, Still, driven, still


def on(driver: Driver) -> str:
    """The name of the screen."""
    screen = driver.app.screen
    return screen.NAME if isinstance(screen, Room) else type(screen).__name__


async def click(driver: Driver, text: str) -> None:
    """Click on the first place where that stands."""
    for y, line in enumerate(driver.text.splitlines()):
        if text in line:
            await driver.pilot.click(offset=(line.index(text) + 1, y))
            await driver.pause()
            return
    raise AssertionError(f"{text!r} is not on the screen:\n{driver.text}")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
def test_tabs_lines_and_keys_at_the_bottom_can_be_clicked(size: tuple[int, int]) -> None:
    async def test() -> None:
        source = still()
        async with driven(source, size) as driver:
            await click(driver, "3 Jobs")
            assert "Jobs" == on(driver)
            await click(driver, "1 Overview")
            assert "Overview" == on(driver)
            await click(driver, "archive")
            await driver.until(lambda: isinstance(driver.app.screen, RunRoom))
            await click(driver, "Back")
            assert "Overview" == on(driver)
            await click(driver, "Plan")
            await driver.until(lambda: ("plan", "archive") in source.asked)

    asyncio.run(test())


def test_who_begins_clicks_on_the_card(tmp_path: Path) -> None:
    async def test() -> None:
        source = still(jobs=())
        source.edits = tmp_path / "mcmirror.toml"
        async with driven(source) as driver:
            await click(driver, "Say what is mirrored where")
            assert "Jobs" == on(driver)

    asyncio.run(test())


def test_a_choice_is_clicked(tmp_path: Path) -> None:
    file = tmp_path / "mcmirror.toml"
    file.write_text("")

    async def test(driver: Driver, source: Still) -> None:
        await driver.press("a")
        await driver.until(lambda: isinstance(driver.app.screen, Form))
        choice = driver.app.screen.query_one("#create_target", Choice)
        assert "" == choice.value
        await driver.pilot.click(choice)
        await driver.until(lambda: "true" == choice.value)

    edited(file, "3", (100, 40), test)


def test_tab_goes_from_the_list_to_what_is_selected_and_back() -> None:
    async def test() -> None:
        async with driven(still()) as driver:
            assert isinstance(driver.app.focused, Rows)
            await driver.press("tab")
            assert driver.app.focused is driver.app.screen.query_one("#below")
            await driver.press("tab")
            assert isinstance(driver.app.focused, Rows)
            await driver.pilot.resize_terminal(40, 10)
            await driver.until(lambda: driver.app.size == (40, 10))
            await driver.press("tab")
            assert isinstance(driver.app.focused, Rows), "what is not shown has no keys"
            assert driver.app.screen.query_one("#rows").region.height >= 2
            assert driver.app.screen.query_one("#sum", Static).region.height

    asyncio.run(test())


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda file: file.write_text("[job.copy]\nsource = "), "no TOML"),
        (lambda file: file.unlink(), "cannot be read"),
    ],
    ids=["half", "gone"],
)
def test_a_file_that_goes_wrong_meanwhile_is_said_until_it_is_right(
    spoil: Callable[[Path], Any], said: str, cli: Cli, bucket_pair: Pair
) -> None:
    file = configured(cli, {"copy": quick(bucket_pair)})
    good = file.read_bytes()

    async def test() -> None:
        with local(cli) as source:
            async with driven(source, (120, 40), clock=time.time) as driver:
                await driver.until(lambda: "○ never ran" in driver.text)
                spoil(file)
                await driver.press("r")
                await driver.until(lambda: any("nothing was begun" in one for one in driver.told))
                await driver.until(lambda: f"! {file}" in driver.text and said in driver.words)
                assert "copy" in driver.text
                file.write_bytes(good)
                await driver.press("r")
                await driver.until(lambda: any(mark in driver.text for mark in ("✓ verified", "✗ failed")))
                await driver.until(lambda: f"! {file}" not in driver.text)

    asyncio.run(test())
