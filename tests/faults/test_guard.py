"""What would destroy, or could only end in nonsense, is refused before the first write."""

import threading
from pathlib import Path

import pytest

from tests.faults.conftest import LONG, NewStage, Play
from tests.faults.fault import Fault, Mc, Scene
from tests.faults.stage import SMALL, Stage
from tests.servers.command import Cli
from tests.servers.proxy import Call
from tests.waiting import until

OLD = {f"old/{number:02}": b"the only copy" for number in range(20)}


def _empty_source(stage: Stage) -> None:
    stage.source.delete(*SMALL)
    stage.target.put(OLD)
    stage.flags += ["--remove"]


def _half_empty_source(stage: Stage) -> None:
    stage.target.put(SMALL | OLD)
    stage.flags += ["--remove"]


def _missing_prefix(stage: Stage) -> None:
    stage.target.put({f"2026/{key}": body for key, body in OLD.items()})
    stage.source_place += "/2026"
    stage.target_place += "/2026"
    stage.flags += ["--remove"]


def _bare_alias(stage: Stage) -> None:
    stage.move("src")
    stage.move("dst").put(OLD)
    stage.source_place, stage.target_place = "src", "dst"
    stage.flags += ["--remove"]


def _no_such_alias(which: str) -> Scene:
    def scene(stage: Stage) -> None:
        setattr(stage, f"{which}_place", f"nobody/{getattr(stage, which).bucket}")

    return scene


def _source_gone(stage: Stage) -> None:
    stage.target.put(OLD)
    stage.source_place = "src/there-is-no-such-bucket"
    stage.flags += ["--remove"]


def _target_gone(stage: Stage) -> None:
    stage.target_place = "dst/there-is-no-such-bucket"


def _row(name: str, what: str, scene: Scene, mc: Mc, verdict: tuple[str, int, str]) -> Fault:
    return Fault(name, what, scene, mc, *verdict, untouched=True)


FAULTS = (
    _row(
        "empty-source",
        "empty source, with `--remove`",
        _empty_source,
        Mc(0, arrived="all", destroyed="all"),
        ("refused", 4, "source-empty"),
    ),
    _row(
        "shrunken-source",
        "source lost most of its objects, with `--remove`",
        _half_empty_source,
        Mc(0, arrived="all", destroyed="all"),
        ("refused", 4, "too-many-deletes"),
    ),
    _row(
        "missing-prefix",
        "nothing below the source's prefix, with `--remove`",
        _missing_prefix,
        Mc(1, "Object does not exist"),
        ("failed", 1, "source-not-found"),
    ),
    _row(
        "bare-alias",
        "a whole server as target, with `--remove`",
        _bare_alias,
        Mc(0, arrived="some", destroyed="all"),
        ("refused", 4, "alias-root"),
    ),
    _row(
        "source-bucket-missing",
        "source bucket missing, with `--remove`",
        _source_gone,
        Mc(1, "does not exist"),
        ("failed", 1, "bucket-not-found"),
    ),
    _row(
        "target-bucket-missing",
        "target bucket missing",
        _target_gone,
        Mc(1, "does not exist"),
        ("failed", 1, "bucket-not-found"),
    ),
    _row(
        "source-alias-undefined",
        "source alias not defined",
        _no_such_alias("source"),
        Mc(1, "not found"),
        ("failed", 1, "alias-unknown"),
    ),
    _row(
        "target-alias-undefined",
        "target alias not defined",
        _no_such_alias("target"),
        Mc(0, litter=True),
        ("failed", 1, "alias-unknown"),
    ),
)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_the_verdict_is_the_truth(fault: Fault, play: Play) -> None:
    play(fault)


def test_a_target_inside_the_source_is_refused(new_stage: NewStage, cli: Cli, mc: Path) -> None:
    """Not a row: bare mc exits 0, rightly, and each run copies what the last one wrote."""
    stage = new_stage()
    stage.source_place += "/b"
    stage.target_place = f"{stage.source_place}/copy"
    before = stage.source.contents()

    result = stage.run(cli)

    assert (4, "refused", before) == (result.code, result.report["status"], stage.source.contents())
    assert ["overlap"] == [problem["category"] for problem in result.report["problems"]]
    grown = []
    for _ in range(3):
        stage.patience = LONG
        assert 0 == stage.bare(mc)[0]
        grown.append(len(stage.source.sizes()))
    assert len(before) < grown[0] < grown[1] < grown[2]


def test_a_missing_target_bucket_is_made_on_request(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    stage.target.drop()
    stage.flags += ["--create-target"]

    result = stage.run(cli)

    assert (0, "all") == (result.code, stage.truth().arrived), result.stdout


def test_a_lifted_limit_removes(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    _half_empty_source(stage)
    stage.flags += ["--max-delete", "20"]

    result = stage.run(cli)

    assert (0, [], sorted(OLD)) == (result.code, stage.truth().due(stage.flags), sorted(result.report["removed_keys"]))


def test_the_second_run_on_one_target_yields(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    proxy = stage.proxy(stage.source)
    yielded = threading.Event()
    proxy.on("get", Call(lambda: yielded.wait(LONG)), path="/a$")
    stage.again = ("--retries", "0", "--stall-timeout", "300")
    first = cli.start(*stage.arguments(), **stage.hosts)
    until(lambda: proxy.counts["get"])

    second = stage.run(cli)
    yielded.set()
    first.communicate(timeout=LONG)

    assert (75, "skipped") == (second.code, second.report["status"])
    assert ["locked"] == [problem["category"] for problem in second.report["problems"]]
    assert (0, "all") == (first.returncode, stage.truth().arrived)


def test_a_source_that_is_empty_all_of_a_sudden_is_no_success(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    assert 0 == stage.run(cli).code
    stage.source.delete(*SMALL)

    result = stage.run(cli)

    assert (4, "refused", ["source-empty"]) == (
        result.code,
        result.report["status"],
        [problem["category"] for problem in result.report["problems"]],
    )
    assert f"it held {len(SMALL)} objects" in result.report["problems"][0]["message"]
    assert 0 == stage.run(cli, "--max-delete", "unlimited").code
    assert 0 == stage.run(cli).code, "it is known to be empty now"
