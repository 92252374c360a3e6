"""The dashboard's screen of agents: what a master says of them."""

import asyncio

from mcmirror.model.agent import AgentProcess, AgentState
from tests.tui_samples import NOW, driven, still

ONE = AgentProcess("one", "minio-1", 4711, "1.2.3", capacity=4, running=2, started=NOW - 900, seen=NOW - 7)
SEOUL = AgentState("seoul", 120.0, ("photos", "docs"), (ONE,), waiting=3, running=2, since=NOW - 1000)
TOKYO = AgentState("tokyo", 120.0, ("films",), since=NOW - 1000)


def test_one_line_an_agent_and_its_processes_below() -> None:
    async def test() -> None:
        async with driven(still(agents=(SEOUL, TOKYO)), (120, 40)) as driver:
            assert "6 Agents" in driver.text
            await driver.press("6")
            screen = driver.text
            assert "2 agents" in screen
            assert "1 gone" in screen
            (line,) = [line for line in screen.splitlines() if "photos, docs" in line]
            assert all(word in line for word in ("seoul", "takes work", "2/4", "3", "7s"))
            assert "process 4711 on minio-1, mcmirror 1.2.3: seen 7s ago, 2 of 4 runs" in screen
            await driver.press("down")
            screen = driver.text
            assert "agent tokyo is gone: it was never seen" in screen
            assert "start it at its site: mcmirror agent tokyo" in screen
            await driver.press("slash", "s")
            assert "films" not in driver.text

    asyncio.run(test())


def test_where_none_is_known_nothing_stands_on_top() -> None:
    async def test() -> None:
        async with driven(still(), (120, 40)) as driver:
            assert "6 Agents" not in driver.text
            await driver.press("6")
            assert "No agent is known here" in driver.text

    asyncio.run(test())
