"""What changes while a run is under way, and what had changed before."""

from pathlib import Path

import pytest

from tests.faults.conftest import NewStage, Play
from tests.faults.fault import Fault, Mc
from tests.faults.stage import SMALL, Stage
from tests.servers.command import Cli
from tests.servers.proxy import Call, CallAfter


def _target_dropped(stage: Stage) -> None:
    stage.proxy(stage.target).on("put", Call(stage.target.drop), times=1)


def _source_deleted(stage: Stage) -> None:
    stage.proxy(stage.source).on("get", Call(lambda: stage.source.delete("b/c")), path="/b/c$", times=1)


def _source_replaced_before(stage: Stage) -> None:
    stage.proxy(stage.source).on("get", Call(lambda: stage.source.put({"z": b"newer, longer"})), path="/z$", times=1)


def _source_replaced_after(stage: Stage) -> None:
    """The old bytes are on their way when the new ones come: same size."""
    stage.flags += ["--overwrite"]
    stage.proxy(stage.source).on("get", CallAfter(lambda: stage.source.put({"z": b"LAST"})), path="/z$", times=1)


def _source_truncated(stage: Stage) -> None:
    stage.source.put({"large": b"x" * (3 << 20)})
    proxy = stage.proxy(stage.source)
    proxy.on("get", Call(lambda: stage.source.put({"large": b"y" * 1000})), path="/large$", times=1)


def _drift(stage: Stage) -> None:
    stage.target.put(SMALL | {"z": b"tsal"})
    stage.flags += ["--overwrite"]


def _differs_kept(stage: Stage) -> None:
    stage.target.put(SMALL | {"z": b"tsal"})
    stage.flags += ["--strict"]


FAULTS = (
    Fault(
        "target-bucket-dropped",
        "target bucket deleted during the run",
        _target_dropped,
        Mc(0),
        "failed",
        1,
        "bucket-not-found",
    ),
    Fault(
        "source-object-deleted",
        "source object deleted during the run",
        _source_deleted,
        Mc(0, arrived="all"),
        "succeeded",
        0,
        "",
    ),
    Fault(
        "source-object-replaced",
        "source object replaced before it is read",
        _source_replaced_before,
        Mc(0, arrived="some"),
        "succeeded",
        0,
        "",
    ),
    Fault(
        "source-object-replaced-late",
        "source object replaced (same size) while it is read, `--overwrite`",
        _source_replaced_after,
        Mc(0, arrived="some"),
        "succeeded",
        0,
        "",
    ),
    Fault(
        "source-object-truncated",
        "source object replaced by a short one before it is read",
        _source_truncated,
        Mc(1, "Failed to copy", "some"),
        "succeeded",
        0,
        "changed-while-copying",
    ),
    Fault(
        "drift",
        "target: same size, other bytes, `--overwrite`",
        _drift,
        Mc(0, arrived="some"),
        "succeeded",
        0,
        "",
    ),
)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_the_verdict_is_the_truth(fault: Fault, play: Play) -> None:
    play(fault)


def test_drift_is_kept_without_overwrite_and_counted_when_strict(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    stage.target.put(SMALL | {"z": b"tsal"})

    kept = stage.run(cli)
    strict = stage.run(cli, "--strict")

    assert (0, 1) == (kept.code, kept.report["kept"]["objects"])
    assert (3, "partial") == (strict.code, strict.report["status"])
    assert ["z"] == stage.truth().missing


def test_a_local_file_that_is_cut_while_it_is_read(new_stage: NewStage, cli: Cli, tmp_path: Path) -> None:
    stage = new_stage()
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "large").write_bytes(b"x" * (40 << 20))
    (folder / "small").write_bytes(b"1")
    proxy = stage.proxy(stage.target)
    proxy.on("part", Call(lambda: (folder / "large").write_bytes(b"short")), times=1)
    stage.source_place = str(folder)

    result = stage.run(cli)

    assert (0, "succeeded") == (result.code, result.report["status"]), result.stdout
    assert {"large": 5, "small": 1} == stage.target.sizes()
    assert 0 == len(
        stage.target.client.list_multipart_uploads(Bucket=stage.target.bucket, Prefix="large").get("Uploads", [])
    )


def test_what_is_written_meanwhile_waits_for_the_next_run(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    stage.proxy(stage.target).on("put", Call(lambda: stage.source.put({"0 late": b"1"})), times=1)

    first = stage.run(cli)
    second = stage.run(cli)

    assert (0, 0, "all") == (first.code, second.code, stage.truth().arrived)
    assert 1 == second.report["done"]["objects"] or 0 == second.report["planned"]["objects"]
