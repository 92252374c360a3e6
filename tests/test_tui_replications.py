"""The dashboard's screen of replications: what a server that watches them says."""

import asyncio
from dataclasses import replace

from mcmirror.model.replication_state import DirectionState, ReplicationState
from mcmirror.tui.rows import Rows
from tests.tui_samples import NOW, driven, still

LINK = ReplicationState(
    "link",
    NOW - 30,
    60.0,
    (
        DirectionState("onprem/in", "aws/in", "behind", well=False, working=True, online=True, behind=1204, lag=45.0),
        DirectionState("aws/in", "onprem/in", "in sync", well=True, working=True, online=True, behind=0, lag=0.0),
    ),
)
AWAY = replace(
    LINK,
    name="away",
    directions=(
        DirectionState(
            "onprem/b",
            "far/b",
            "offline",
            well=False,
            working=False,
            online=False,
            last_online="2026-09-21T14:00:00Z",
            error="far/b could not be listed",
        ),
    ),
)


def test_one_line_a_direction_and_what_is_wrong_below() -> None:
    async def test() -> None:
        async with driven(still(replications=(LINK, AWAY)), (120, 40)) as driver:
            assert "5 Replications" in driver.text
            await driver.press("5")
            screen = driver.text
            assert "2 watched" in screen
            assert "1 with an outage" in screen
            (behind,) = [line for line in screen.splitlines() if "onprem/in → aws/in" in line and "1,204" in line]
            assert all(word in behind for word in ("link", "behind", "45s", "30s"))
            driver.app.screen.query_one("#rows", Rows).choose("away onprem/b")
            await driver.pause()
            screen = driver.text
            assert "target offline, last seen 2026-09-21 14:00:00 UTC" in screen
            assert "far/b could not be listed" in screen
            assert "see: mcmirror replicate status away" in screen
            await driver.press("slash", "l")
            assert "far/b" not in driver.text
            await driver.press("escape")
            assert "far/b" in driver.text

    asyncio.run(test())


def test_where_none_is_watched_nothing_stands_on_top() -> None:
    async def test() -> None:
        async with driven(still(), (120, 40)) as driver:
            assert "5 Replications" not in driver.text
            await driver.press("5")
            assert "No replication is watched here" in driver.text

    asyncio.run(test())
