"""The dashboard attached to a real serve, over a line that is cut each second: it shows that, and goes on by itself."""

import asyncio
import os
import threading
import time
from collections.abc import Callable

from mcmirror.ui.tui.client import Client
from mcmirror.ui.tui.remote import RemoteSource
from tests.conftest import Pair
from tests.serve.house import TOKEN, House, in_time
from tests.servers.minio import Minio
from tests.servers.proxy import Call, Proxy
from tests.serving import PATIENCE
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
        source = RemoteSource(Client(f"http://127.0.0.1:{relay.port}", TOKEN))
        async with driven(source, (120, 40), clock=time.time) as driver:
            await driver.until(lambda: "○ never ran" in driver.text)
            await driver.press("r", "enter")
            await driver.until(lambda: "▶ copying" in driver.text)
            relay.closed = True
            relay.cut()
            await driver.until(lambda: "! STALE since " in driver.text)
            assert "▶ copying" in driver.text
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
