"""The dashboard's screen of backlogs: what waits, how fast it goes, and what is wrong."""

import asyncio
from dataclasses import replace

from mcmirror.model.backlog import BacklogState
from mcmirror.tui.rows import Rows
from tests.tui_samples import NOW, STATE, driven, still

BUSY = BacklogState(pending=99_800, leased=200, done=1_204, rate=240.0, oldest=NOW - 3600, prepared=NOW - 3600)
BAD = BacklogState(pending=7, failed=2, dead=3, done=88, error="403 Forbidden", oldest=NOW - 60)


def test_one_line_a_job_and_what_is_wrong_below() -> None:
    first, second, *others = STATE.jobs
    jobs = (replace(first, backlog=BUSY), replace(second, backlog=BAD), *others)

    async def test() -> None:
        async with driven(still(jobs=jobs), (140, 40)) as driver:
            assert "7 Backlog" in driver.text
            await driver.press("7")
            screen = driver.text
            assert "100,009 to do" in screen
            assert "3 given up" in screen
            (line,) = [line for line in screen.splitlines() if "100,000" in line and first.name in line]
            assert all(word in line for word in ("200", "1,204", "240", "6m"))
            driver.app.screen.query_one("#rows", Rows).choose(second.name)
            await driver.pause()
            screen = driver.text
            assert "why: 403 Forbidden" in screen
            assert f"mcmirror backlog retry {second.name}" in screen
            assert f"nothing works on it: mcmirror backlog process {second.name}" in screen

    asyncio.run(test())


def test_where_no_job_has_a_backlog_nothing_stands_on_top() -> None:
    async def test() -> None:
        async with driven(still(), (120, 40)) as driver:
            assert "7 Backlog" not in driver.text
            await driver.press("7")
            assert "No job has a backlog" in driver.text

    asyncio.run(test())
