"""A screen that edits mcmirror.toml, opened over a file, and the forms on it filled in."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from mcmirror.tui.form import Choice, Form
from mcmirror.tui.source import View
from tests.tui_samples import STATE, Driver, Still, driven

Test = Callable[[Driver, Still], Coroutine[Any, Any, None]]


def edited(path: Path | None, room: str, size: tuple[int, int], test: Test, **more: Any) -> Still:
    """Open a room by its key over this file, and drive it; keywords are fields of the source."""
    source = Still(View(STATE), edits=path, **more)

    async def run() -> None:
        async with driven(source, size) as driver:
            await driver.press(room)
            await test(driver, source)

    asyncio.run(run())
    return source


async def fill(driver: Driver, **values: str) -> None:
    """Put values into the fields of the form that is open."""
    await driver.until(lambda: isinstance(driver.app.screen, Form))
    for key, value in values.items():
        field = driver.app.screen.query_one(f"#{key}")
        driver.app.screen.set_focus(field)
        if isinstance(field, Choice):
            while field.value != value:
                await driver.press("right")
        else:
            setattr(field, "text" if key == "exclude" else "value", value)
    await driver.pause()
