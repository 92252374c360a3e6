"""The dashboard acts by mcmirror.toml as it is at that moment: a target that was changed is the one that is asked."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcmirror.tui.local import LocalSource
from mcmirror.tui.source import Refusal
from tests.conftest import Pair, Side
from tests.servers.command import Cli
from tests.test_tui_local import configured, local, quick
from tests.tui_samples import driven
from tests.waiting import until


@pytest.fixture
def other(cli: Cli, new_side: Callable[..., Side]) -> Side:
    """Another target, empty."""
    side = new_side("dst2")
    cli.environment["MC_HOST_dst2"] = side.server.mc_host()
    return side


def ready(source: LocalSource) -> None:
    source.start()
    until(lambda: source.view().state and source.view().state.jobs)  # type: ignore[union-attr]


def ended(source: LocalSource, key: str) -> Any:
    """The report of what has this key."""
    until(lambda: (seen := source.fold.look(key)) and seen.over)
    seen = source.fold.look(key)
    assert seen is not None
    return seen.report


@pytest.mark.parametrize("verb", ["trigger", "plan", "verify"])
def test_a_target_that_was_changed_is_the_one_that_is_looked_at(
    verb: str, cli: Cli, bucket_pair: Pair, other: Side
) -> None:
    bucket_pair.source.put({"a": b"1"})
    bucket_pair.target.put({"a": b"1"})
    configured(cli, {"copy": quick(bucket_pair)})
    with local(cli) as source:
        ready(source)
        configured(cli, {"copy": {**quick(bucket_pair), "target": other.location}})
        report = ended(source, getattr(source, verb)("copy"))
    assert other.location == report.target
    assert {"trigger": ("succeeded", 1), "plan": ("succeeded", 0), "verify": ("partial", 0)}[verb] == (
        report.status.value, len(other.sizes()),
    )  # fmt: skip


@pytest.mark.parametrize("verb", ["trigger", "plan", "verify"])
@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda file: file.write_text("[job.copy]\nsource = "), "no TOML"),
        (lambda file: file.write_text(file.read_text().replace("retries", "retrys")), "retrys"),
        (lambda file: file.unlink(), "cannot be read"),
        (lambda file: file.write_bytes(b"\xff"), "UTF-8"),
    ],
    ids=["half", "misspelt", "gone", "binary"],
)
def test_a_file_that_is_wrong_now_begins_nothing_and_says_why(
    spoil: Callable[[Path], Any], why: str, verb: str, cli: Cli, bucket_pair: Pair
) -> None:
    bucket_pair.source.put({"a": b"1"})
    file = configured(cli, {"copy": quick(bucket_pair)})
    good = file.read_bytes()
    with local(cli) as source:
        ready(source)
        spoil(file)
        for _ in range(2):
            with pytest.raises(Refusal) as refused:
                getattr(source, verb)("copy")
            assert "nothing was begun" in refused.value.what
            assert why in refused.value.why
        assert ("", {}) == (source.live("copy"), bucket_pair.target.sizes())
        file.write_bytes(good)
        ended(source, getattr(source, verb)("copy"))


def test_a_job_that_is_gone_from_the_file_does_not_run(cli: Cli, bucket_pair: Pair) -> None:
    configured(cli, {"copy": quick(bucket_pair), "rest": quick(bucket_pair)})
    with local(cli) as source:
        ready(source)
        configured(cli, {"rest": quick(bucket_pair)})
        with pytest.raises(Refusal, match="there is no job copy"):
            source.trigger("copy")


def test_a_plan_is_agreed_to_for_the_job_that_was_planned_and_no_other(
    cli: Cli, bucket_pair: Pair, other: Side
) -> None:
    bucket_pair.source.put({"a": b"1"})
    configured(cli, {"copy": quick(bucket_pair)})

    async def test() -> None:
        with local(cli) as source:
            async with driven(source, (120, 40), clock=time.time) as driver:
                await driver.until(lambda: "○ never ran" in driver.text)
                await driver.press("P")
                await driver.until(lambda: "copy   1 object" in driver.text)
                configured(cli, {"copy": {**quick(bucket_pair), "target": other.location}})
                await driver.press("r")
                await driver.until(lambda: any("is not any more what was planned" in said for said in driver.told))
                assert ({}, {}) == (bucket_pair.target.sizes(), other.sizes())
                await driver.press("l")
                await driver.until(lambda: other.location in driver.text and "copy   1 object" in driver.text)
                await driver.press("r")
                await driver.until(lambda: "copy verified:" in driver.text)

    asyncio.run(test())
    assert ({}, {"a": 1}) == (bucket_pair.target.sizes(), other.sizes())
