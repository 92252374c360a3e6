"""Plays a row: bare mc on one stage, mcmirror on another of the same make, and the truth on both."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Side
from tests.faults.fault import HANGS, Fault
from tests.faults.stage import SMALL, Stage, Truth
from tests.servers.command import Cli, Result
from tests.servers.minio import Minio
from tests.servers.proxy import Proxy

NewStage = Callable[[], Stage]
LONG = 150.0
"""Seconds for an mc that is to end: a slow machine makes no row fail."""
Play = Callable[[Fault], Result]


@pytest.fixture
def new_stage(  # noqa: PLR0917  fixtures
    source: Minio,
    target: Minio,
    source_client: Any,
    target_client: Any,
    new_proxy: Callable[[Minio], Proxy],
    new_side: Callable[..., Side],
    tmp_path: Path,
) -> NewStage:
    """Make stages."""

    def make() -> Stage:
        name = f"t{secrets.token_hex(6)}"
        sides = [
            Side(source, source_client, f"{name}-source", "src"),
            Side(target, target_client, f"{name}-target", "dst"),
        ]
        for side in sides:
            side.client.create_bucket(Bucket=side.bucket)
        sides[0].put(SMALL)
        folder = tmp_path / name
        folder.mkdir()
        return Stage(sides[0], sides[1], folder, new_proxy, new_side)

    return make


@pytest.fixture
def play(new_stage: NewStage, cli: Cli, mc: Path) -> Play:
    """Assert everything that a row says, and that the verdict is the truth."""

    def bare(fault: Fault) -> None:
        stage = new_stage()
        fault.scene(stage)
        if fault.mc.exit != HANGS:
            stage.patience = LONG
        before = stage.truth()
        code, said = stage.bare(mc)
        if stage.aftermath:
            stage.aftermath()
        after = stage.truth()
        destroyed = after.destroyed_since(before) if fault.untouched else "none"
        seen = (code, after.arrived_since(before, stage.flags), destroyed)
        assert (fault.mc.exit, fault.mc.arrived, fault.mc.destroyed) == seen, said
        assert fault.mc.litter == any(stage.folder.iterdir())
        assert fault.mc.says in said if fault.mc.says else not said, said

    def whole(fault: Fault) -> Result:
        stage = new_stage()
        fault.scene(stage)
        before = stage.truth()
        result = stage.run(cli)
        if stage.aftermath:
            stage.aftermath()
        after = stage.truth()
        _assert_true(fault, result, before, after, stage.flags)
        assert [] == cli.leftovers
        assert ["home", "tmp"] == sorted(path.name for path in cli.folder.iterdir())
        return result

    def run(fault: Fault) -> Result:
        if not fault.mc.by_chance:
            bare(fault)
        return whole(fault)

    return run


def _assert_true(fault: Fault, result: Result, before: Truth, after: Truth, flags: list[str]) -> None:
    """The verdict is the row's, and it is the truth."""
    assert result.reports, result.stderr
    report = result.report
    assert (fault.status, fault.code) == (report["status"], result.code), result.stdout
    categories = {problem["category"] for problem in report["problems"]}
    if fault.category is not None:
        assert fault.category in categories if fault.category else not categories, report["problems"]
    assert "unknown" not in categories, [problem["cause"] for problem in report["problems"]]
    due = after.due(flags)
    if report["verified"]:
        assert due == sorted(one["key"] for one in report["remaining_keys"])
        assert len(due) == report["remaining"]["objects"]
    if report["status"] in {"succeeded", "partial"}:
        assert bool(due) == (report["status"] == "partial")
    if fault.untouched:
        assert before.target == after.target
