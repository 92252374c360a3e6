"""The dashboard attached to a real serve, over a line that is cut each second: it shows that, and goes on by itself."""

import asyncio
import os
import threading
import time
from collections.abc import Callable

from tests.conftest import Pair
from tests.serve.house import TOKEN, House, in_time
from tests.servers.minio import Minio
from tests.servers.proxy import Call, Proxy
from tests.serving import PATIENCE
from tests.test_tui_remote import attached_to
from tests.tui_relay import Relay
from tests.tui_samples import driven


def test_a_run_is_begun_watched_and_seen_to_its_end_over_a_line_that_breaks(
    house: House, bucket_pair: Pair, new_proxy: Callable[[Minio], Proxy]
) -> None:
    del house.defaults["every"]
    house.jobs["job"] |= {"limit_upload": "2MiB", "stall_timeout": "10m"}
    bucket_pair.source.put({f"big/{number}": os.urandom(2**20) for number in range(10)})
    proxy, stale = new_proxy(bucket_pair.target.server), threading.Event()
    proxy.on("put", Call(lambda: stale.wait(PATIENCE)))
    house.cli.environment["MC_HOST_dst"] = bucket_pair.target.server.mc_host(address=proxy.address)
    serve = house.start()

    async def test(relay: Relay) -> None:
        source = attached_to(f"http://127.0.0.1:{relay.port}", TOKEN)
        async with driven(source, (120, 40), clock=time.time) as driver:
            await driver.until(lambda: "○ never ran" in driver.text)
            await driver.press("r", "enter")
            await driver.until(lambda: "▶ copying" in driver.text)
            relay.closed = True
            relay.cut()
            await driver.until(lambda: "! STALE since " in driver.text)
            await driver.until(lambda: "▶ copying" in driver.text)
            stale.set()
            relay.closed = False
            await driver.until(lambda: "STALE" not in driver.text)
            breaking = threading.Event()

            def broken() -> None:
                while not breaking.wait(1.0):
                    relay.cut()

            thread = threading.Thread(target=broken)
            thread.start()
            await driver.until(lambda: "job verified:" in driver.text)
            breaking.set()
            thread.join()
            await driver.press("escape")
            await driver.until(lambda: "✓ 1 good" in driver.text)
            await driver.press("q")
            await driver.until(lambda: not driver.app.is_running)

    with Relay(serve.port) as relay:
        asyncio.run(test(relay))
    assert bucket_pair.equal
    assert ["succeeded"] == house.ended("job")
    # Nobody noticed that it came and went.
    assert serve.up
    in_time(lambda: "Traceback" not in serve.log)
    assert 143 == serve.stop()


def test_a_plan_a_refusal_its_release_and_a_verification(house: House, bucket_pair: Pair) -> None:
    del house.defaults["every"]
    house.jobs["job"]["max_delete"] = "25%"
    bucket_pair.source.put({"a/1": b"1", "a/2": b"2"})
    bucket_pair.target.put({f"old/{number:02}": b"x" for number in range(20)})
    serve = house.start()

    async def test() -> None:
        source = attached_to(f"http://127.0.0.1:{serve.port}", TOKEN)
        async with driven(source, (120, 40), clock=time.time) as driver:
            await driver.until(lambda: "○ never ran" in driver.text)
            await driver.press("P")
            await driver.until(lambda: "WOULD HAVE REMOVED 20 objects" in driver.text)
            await driver.until(lambda: "- old/19" in driver.text)
            await driver.press("R")
            await driver.type("20")
            await driver.press("enter")
            await driver.until(lambda: "job verified:" in driver.text)
            assert {"a/1": 1, "a/2": 1} == bucket_pair.target.sizes()
            await driver.press("v")
            await driver.until(lambda: "the target holds every object of the source" in driver.words)
            await driver.until(lambda: "✓ checking" in driver.text)
            await driver.press("P")
            await driver.until(lambda: "✓ up to date" in driver.text)
            bucket_pair.source.put({"a/3": b"3"})
            await driver.press("l")
            await driver.until(lambda: "copy   1 object, 1 B" in driver.text)
            await driver.press("r")
            await driver.until(lambda: "a/3" in bucket_pair.target.sizes())
            await driver.until(lambda: "job verified:" in driver.text)

    asyncio.run(test())
    assert [None, 20] == [record.max_delete for record in house.records()]


def test_who_comes_late_sees_totals_and_an_end(house: House, bucket_pair: Pair) -> None:
    del house.defaults["every"]
    house.jobs["job"]["limit_upload"] = "512KiB"
    bucket_pair.source.put({f"big/{number}": os.urandom(2**20) for number in range(40)})
    serve = house.start()
    run = serve.post("jobs/job/run")["run"]

    def copying() -> bool:
        progress = serve.ask("GET", f"runs/{run}")[1]["progress"]
        return bool(progress and progress["phase"] == "mirror" and progress["bytes"])

    in_time(copying)

    async def test() -> None:
        source = attached_to(f"http://127.0.0.1:{serve.port}", TOKEN)
        async with driven(source, (120, 40), clock=time.time) as driver:
            await driver.until(lambda: "job" in driver.text)
            await driver.press("enter")
            await driver.until(lambda: "of 40 objects" in driver.text and "of 40.0 MiB" in driver.text)
            await driver.until(lambda: "/s" in driver.text and " left" in driver.text)
            await driver.press("c", "y")
            await driver.until(lambda: "cancelled" in driver.text)

    asyncio.run(test())
