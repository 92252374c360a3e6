"""The dashboard runs the engine itself, on real servers: run, watch, break, see why, mend, see the recovery."""

import asyncio
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mcmirror.config import load
from mcmirror.service import Service
from mcmirror.tui.local import LocalSource
from mcmirror.tui.source import Refusal
from tests.conftest import Pair, Side
from tests.servers.command import Cli
from tests.servers.minio import Minio
from tests.servers.proxy import Call, Proxy
from tests.tui_samples import driven
from tests.waiting import until

PATIENCE = 120.0


def configured(cli: Cli, jobs: dict[str, dict[str, Any]]) -> Path:
    """A configuration in the command's folder."""
    lines = ["[settings]", f'state = "sqlite:///{cli.folder}/state.db"']
    for name, job in jobs.items():
        lines += [f"[job.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in job.items())]
    file = cli.folder / "mcmirror.toml"
    file.write_text("\n".join(lines) + "\n")
    return file


@contextmanager
def local(cli: Cli, *, schedules: bool = False) -> Iterator[LocalSource]:
    """A source over the configuration in the command's folder."""
    file = cli.folder / "mcmirror.toml"

    def read(before: Service | None = None) -> Service:
        configuration = load(file, cli.environment, cli.folder)
        return Service(configuration, cli.environment) if before is None else before.succeeded_by(configuration)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", cli.environment["HOME"])  # locks lie there
        source = LocalSource(read, edits=lambda: file, schedules=schedules)
        try:
            yield source
        finally:
            source.close()


def verdicts(cli: Cli) -> list[str]:
    """Of all runs that are remembered, the newest first."""
    return [run["status"] for run in json.loads(cli("history", "--json").stdout)]


def quick(pair: Pair, **more: Any) -> dict[str, Any]:
    return {"source": pair.source.location, "target": pair.target.location, "retries": 0, **more}


def test_run_watch_break_see_why_mend_see_the_recovery(
    cli: Cli, bucket_pair: Pair, new_side: Callable[..., Side]
) -> None:
    side = new_side("dst2")
    cli.environment["MC_HOST_dst2"] = side.server.mc_host()
    bucket_pair.source.put({f"2026/{number}.txt": b"x" * 100 for number in range(15)})
    configured(cli, {"copy": {**quick(bucket_pair), "target": side.location}})

    async def test() -> None:
        with local(cli) as source:
            async with driven(source, (120, 40), clock=time.time) as driver:
                await driver.until(lambda: "○ never ran" in driver.text)
                await driver.press("r")
                await driver.until(lambda: "✓ verified" in driver.text)
                assert bucket_pair.source.sizes() == side.sizes()
                side.server.kill()
                await driver.press("r", "enter")
                await driver.until(lambda: "✗ failed" in driver.text)
                await driver.until(lambda: "1 problem, Enter explains" in driver.text)
                driver.app.screen.query_one("#problems").focus()
                await driver.press("enter")
                await driver.until(lambda: "Problem: connection-refused" in driver.text)
                await driver.press("escape", "escape")
                await driver.until(lambda: "✗ 1 needs you" in driver.text)
                side.server.start()
                await driver.press("r")
                await driver.until(lambda: "✓ 1 good" in driver.text)
                await driver.until(lambda: "✗ 1 needs you" not in driver.text)
                await driver.until(
                    lambda: (
                        ["succeeded", "failed", "succeeded"] == [past.status for past in source.view().pasts["copy"]]
                    )
                )

    asyncio.run(test())
    assert ["succeeded", "failed", "succeeded"] == verdicts(cli)


def test_a_plan_a_refusal_and_its_release(cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"a/1": b"1", "a/2": b"2"})
    bucket_pair.target.put({f"old/{number}": b"x" for number in range(20)})
    configured(cli, {"copy": quick(bucket_pair, remove=True)})

    async def test() -> None:
        with local(cli) as source:
            async with driven(source, (120, 40), clock=time.time) as driver:
                await driver.until(lambda: "○ never ran" in driver.text)
                await driver.press("r")
                await driver.until(lambda: "✗ refused" in driver.text)
                assert 20 == len(bucket_pair.target.sizes())
                await driver.press("P")
                await driver.until(lambda: "WOULD HAVE REMOVED 20 objects" in driver.text)
                await driver.until(lambda: "- old/19" in driver.text)
                await driver.press("R")
                await driver.until(lambda: "type the number 20" in driver.asked)
                await driver.type("20")
                await driver.press("enter")
                await driver.until(lambda: "copy verified:" in driver.text)
                assert {"a/1": 1, "a/2": 1} == bucket_pair.target.sizes()
                await driver.press("v")
                await driver.until(lambda: "the target holds every object of the source" in driver.words)

    asyncio.run(test())
    # The job's own limit is as it was.
    bucket_pair.target.put({f"old/{number}": b"x" for number in range(20)})
    assert 4 == cli("run").code


def test_cancelling_and_leaving_stop_mc_politely(cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({f"big/{number}": os.urandom(2**20) for number in range(30)})
    configured(cli, {"copy": quick(bucket_pair, limit_upload="128KiB")})

    async def test() -> None:
        with local(cli) as source:
            async with driven(source, (120, 40), clock=time.time) as driver:
                await driver.until(lambda: "○ never ran" in driver.text)
                await driver.press("r", "enter")
                await driver.until(lambda: "▶ copying" in driver.text)
                with pytest.raises(Refusal, match="the job is at it already"):
                    source.trigger("copy")
                await driver.press("c")
                await driver.until(lambda: "Cancel this run of copy?" in driver.text)
                await driver.press("y")
                await driver.until(lambda: "• cancelled" in driver.text or "✗ cancelled" in driver.text)
                await driver.press("r")
                await driver.until(lambda: "▶ copying" in driver.text)
                assert ("copy",) == source.ours()
                await driver.press("q")
                await driver.until(lambda: "1 run goes on. Stop and quit?" in driver.text)
                await driver.press("y")
                await driver.until(lambda: not driver.app.is_running)

    asyncio.run(test())
    assert ["cancelled", "cancelled"] == verdicts(cli)


def test_what_others_run_is_seen_here(cli: Cli, bucket_pair: Pair, new_proxy: Callable[[Minio], Proxy]) -> None:
    bucket_pair.source.put({"a": b"1"})
    proxy, seen = new_proxy(bucket_pair.target.server), threading.Event()
    proxy.on("put", Call(lambda: seen.wait(PATIENCE)))
    cli.environment["MC_HOST_dst"] = bucket_pair.target.server.mc_host(address=proxy.address)
    configured(cli, {"copy": quick(bucket_pair, stall_timeout="10m", every="1h")})
    with local(cli) as source:
        source.start()
        until(lambda: source.view().state)
        until(lambda: "schedules do not run" in source.view().note)
        before = time.time()
        other = cli.start("run", "--quiet")
        try:
            until(lambda: (state := source.view().state) and state.jobs[0].phase == "elsewhere")
        finally:
            seen.set()
            other.communicate(timeout=PATIENCE)
        assert 0 == other.returncode
        until(lambda: (state := source.view().state) and state.jobs[0].last and state.jobs[0].last.succeeded)
        state = source.view().state
        assert state is not None
        assert "" == state.jobs[0].run
        assert state.jobs[0].last_success > before


def test_a_wrong_configuration_is_said_and_read_again(cli: Cli, bucket_pair: Pair) -> None:
    file = configured(cli, {"copy": {"source": "nowhere"}})

    async def test() -> None:
        with local(cli) as source:
            async with driven(source, (120, 40), clock=time.time) as driver:
                await driver.until(lambda: "target" in driver.text and "! " in driver.text)
                await driver.press("r")
                configured(cli, {"copy": quick(bucket_pair)})
                source.reload()
                await driver.until(lambda: "○ never ran" in driver.text)
                file.write_text("[job.copy]\nsorce = 1\n")
                await driver.until(lambda: "did you mean" in driver.words.lower() or "sorce" in driver.words)
                await driver.until(lambda: "○ never ran" in driver.text)

    asyncio.run(test())


def test_a_first_configuration_that_is_written_meanwhile_is_read(
    cli: Cli, bucket_pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(cli.folder)

    def read(before: Service | None = None) -> Service:
        configuration = load(None, cli.environment, cli.folder)
        return Service(configuration, cli.environment) if before is None else before.succeeded_by(configuration)

    async def test() -> None:
        source = LocalSource(read, edits=lambda: cli.folder / "mcmirror.toml")
        try:
            async with driven(source, (120, 40), clock=time.time) as driver:
                await driver.until(lambda: "mcmirror init" in driver.words)
                configured(cli, {"copy": quick(bucket_pair)})
                await driver.until(lambda: "○ never ran" in driver.text)
        finally:
            source.close()

    asyncio.run(test())


def test_schedules_run_only_when_told_so(cli: Cli, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"a": b"1"})
    configured(cli, {"copy": quick(bucket_pair, every="1s")})
    with local(cli, schedules=True) as source:
        source.start()
        until(lambda: (state := source.view().state) and state.jobs[0].last and state.jobs[0].last.succeeded)
        until(lambda: "schedules run here" == source.view().note)
        # Whoever asks for them a second time is told who has them.
        with local(cli, schedules=True) as second:
            second.start()
            until(lambda: second.view().state)
            until(lambda: "schedules: mcmirror serve" in second.view().note)
    runs = len(verdicts(cli))
    with local(cli) as source:
        source.start()
        until(lambda: source.view().state)
        # Its clock has gone by three of its times.
        until(lambda: (state := source.view().state) and state.heartbeat >= state.started + 3)
    assert runs == len(verdicts(cli))
