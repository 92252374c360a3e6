"""A target bucket that is missing is offered to be made, and then the job runs; real servers."""

import asyncio
import time
from dataclasses import replace

import pytest

from tests.conftest import Pair
from tests.servers.command import Cli
from tests.test_tui_local import configured, local, quick
from tests.tui_samples import driven


@pytest.mark.parametrize("key", ["r", "P", "v"])
def test_a_bucket_that_is_missing_is_made_when_somebody_says_yes(key: str, cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"a": b"1"})
    missing = f"{bucket_pair.target.location}-new"
    before = configured(cli, {"copy": {**quick(bucket_pair), "target": missing}}).read_bytes()

    async def test() -> None:
        with local(cli) as source:
            async with driven(source, (120, 40), clock=time.time) as driver:
                await driver.until(lambda: "○ never ran" in driver.text)
                await driver.press(key)
                await driver.until(lambda: f"Make the bucket {missing}?" in driver.words)
                await driver.press("n")
                await driver.until(lambda: "Make the bucket" not in driver.text)
                if key == "r":
                    await driver.until(lambda: "b makes the bucket and runs the job." in driver.words)
                    await driver.press("b")
                else:
                    await driver.press(key) if key == "v" else await driver.press("l")
                await driver.until(lambda: f"Make the bucket {missing}?" in driver.words)
                await driver.press("y")
                await driver.until(lambda: "copy verified:" in driver.text)

    asyncio.run(test())
    made = replace(bucket_pair.target, bucket=f"{bucket_pair.target.bucket}-new")
    assert {"a": 1} == made.sizes()
    assert before == (cli.folder / "mcmirror.toml").read_bytes(), "it was for this run alone"


def test_a_source_bucket_that_is_missing_is_not_offered(cli: Cli, bucket_pair: Pair) -> None:
    configured(cli, {"copy": {**quick(bucket_pair), "source": f"{bucket_pair.source.location}-none"}})

    async def test() -> None:
        with local(cli) as source:
            async with driven(source, (120, 40), clock=time.time) as driver:
                await driver.until(lambda: "○ never ran" in driver.text)
                await driver.press("r")
                await driver.until(lambda: "✗ failed" in driver.text)
                assert "Make the bucket" not in driver.text
                await driver.press("b")
                await driver.until(lambda: "No bucket of a target is missing here." in driver.told)

    asyncio.run(test())
