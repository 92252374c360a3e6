"""A server that takes a backslash for a slash: no object is overwritten under the name of another."""

import json
from dataclasses import replace

import pytest

from tests.faults.conftest import NewStage, Play
from tests.faults.fault import Fault, Mc
from tests.faults.stage import SMALL, Stage
from tests.servers.command import Cli, Result
from tests.servers.proxy import DENIED, Proxy

COMMON = {f"k{number:02}": b"x" for number in range(20)}
WHY = "this target stores it as w/x"


def _folding(stage: Stage) -> Proxy:
    """A target that takes a backslash for a slash, as SeaweedFS does; anybody may write there."""
    target = stage.target
    everybody = {"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["s3:*"]}
    where = [f"arn:aws:s3:::{target.bucket}", f"arn:aws:s3:::{target.bucket}/*"]
    policy = {"Version": "2012-10-17", "Statement": [{**everybody, "Resource": where}]}
    target.client.put_bucket_policy(Bucket=target.bucket, Policy=json.dumps(policy))
    proxy = stage.proxy(target)
    proxy.folds = True
    stage.hosts["MC_HOST_dst"] = proxy.url
    return proxy


def _taken_for_another(stage: Stage) -> None:
    """The source's key with a backslash beside the target's own with a slash."""
    stage.source.put({"w\\x": b"of the source"})
    stage.target.put({"w/x": b"of the target"})
    _folding(stage)


FAULTS = (
    Fault(
        "key-folded",
        "target takes `w\\x` for `w/x`, as SeaweedFS does",
        _taken_for_another,
        Mc(exit=0, arrived="some"),
        status="partial",
        code=3,
        category="key-not-storable",
    ),
)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_one_key_taken_for_another(fault: Fault, play: Play) -> None:
    play(fault)


def _read(stage: Stage, key: str) -> bytes:
    """What the target has."""
    body: bytes = stage.target.client.get_object(Bucket=stage.target.bucket, Key=key)["Body"].read()
    return body


def _written(proxy: Proxy, key: str) -> int:
    """How often something was written there."""
    return sum(1 for one in proxy.requests if one.kind == "put" and one.path.endswith(f"/{key}"))


def _assert_impossible(result: Result) -> None:
    assert (3, "partial") == (result.code, result.report["status"]), result.stdout
    assert [("w\\x", WHY)] == [(left["key"], left["reason"]) for left in result.report["remaining_keys"]]
    assert ["key-not-storable"] == [found["category"] for found in result.report["problems"]]


def test_a_key_that_the_target_stores_as_another_is_impossible_and_holds_no_removal_back(
    new_stage: NewStage, cli: Cli
) -> None:
    stage = new_stage()
    stage.source.put(COMMON | {"w\\x": b"with a backslash"})
    stage.target.put(SMALL | COMMON | {"gone/1": b"extra", "gone/2": b"extra"})
    stage.flags += ["--remove"]
    _folding(stage)

    first, second = stage.run(cli), stage.run(cli)

    assert sorted([*SMALL, *COMMON, "w/x"]) == sorted(stage.target.sizes())
    assert ["gone/1", "gone/2"] == first.report["removed_keys"], first.stdout
    for result in (first, second):
        assert (3, "partial") == (result.code, result.report["status"]), result.stdout
        (left,) = result.report["remaining_keys"]
        assert ("w\\x", "this target stores it as w/x") == (left["key"], left["reason"])
        assert ["key-not-storable"] == [found["category"] for found in result.report["problems"]]


@pytest.mark.parametrize("flags", [[], ["--overwrite"], ["--overwrite", "--remove"]], ids=" ".join)
def test_both_keys_of_the_source_never_overwrite_each_other(new_stage: NewStage, cli: Cli, flags: list[str]) -> None:
    stage = new_stage()
    stage.source.put({"w/x": b"with a slash", "w\\x": b"with a backslash"})
    stage.source.put({f"w/{number}": b"" for number in range(5)})
    proxy = _folding(stage)
    stage.flags += flags

    for _ in range(2):
        _assert_impossible(stage.run(cli))
        assert (b"with a slash", 1) == (_read(stage, "w/x"), _written(proxy, "w/x"))


@pytest.mark.parametrize("flags", [[], ["--overwrite", "--remove"]], ids=" ".join)
def test_what_is_on_the_target_under_the_other_name_stays(new_stage: NewStage, cli: Cli, flags: list[str]) -> None:
    stage = new_stage()
    stage.source.put({"w\\x": b"of the source"})
    stage.target.put({"w/x": b"of the target", "w/y": b"too many"})
    proxy = _folding(stage)
    stage.flags += flags

    for _ in range(2):
        _assert_impossible(stage.run(cli))
        assert (b"of the target", 0) == (_read(stage, "w/x"), _written(proxy, "w/x"))
    hosts = replace(cli, environment={**cli.environment, **stage.hosts})
    _assert_impossible(hosts("verify", stage.source_place, stage.target_place, "--json"))
    assert ("--remove" in flags) == ("w/y" not in stage.target.sizes())


def test_a_copy_for_its_metadata_is_not_made_under_the_other_name(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    stage.source.put({"w/x": b"with a slash"})
    where = {"Bucket": stage.source.bucket, "Key": "w\\x"}
    stage.source.client.put_object(**where, Body=b"with a backslash", ContentType="text/x-own", Metadata={"own": "1"})
    proxy = _folding(stage)
    stage.flags += ["--metadata", "--overwrite"]

    for _ in range(2):
        _assert_impossible(stage.run(cli))
    assert (b"with a slash", 1) == (_read(stage, "w/x"), _written(proxy, "w/x"))


def test_a_target_that_does_not_say_what_it_has_is_not_written_to(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    stage.source.put({"w\\x": b"of the source"})
    stage.target.put({"w/x": b"of the target"})
    proxy = _folding(stage)
    proxy.on("head", DENIED, path="/w/x$")

    result = stage.run(cli)

    assert (3, ["w\\x"]) == (result.code, [left["key"] for left in result.report["remaining_keys"]]), result.stdout
    assert "the target does not say whether it has w" in result.report["problems"][0]["message"]
    assert (b"of the target", 0) == (_read(stage, "w/x"), _written(proxy, "w/x"))
    assert SMALL.keys() <= stage.target.sizes().keys()


@pytest.mark.parametrize("there", [{}, {"w/x": b"of the target"}], ids=["empty", "with the other"])
def test_a_target_that_keeps_them_apart_gets_both(new_stage: NewStage, cli: Cli, there: dict[str, bytes]) -> None:
    stage = new_stage()
    both = {"w/x": b"of the target", "w\\x": b"with a backslash", "b\\c\\d": b"x", "b\\c/d": b"y", "b/c/d": b"z"}
    stage.source.put(both)
    stage.target.put(there)

    first = stage.run(cli)
    stage.source.put({"w\\x": b"another", "b\\c/d": b"other"})
    stage.source.delete("b\\c\\d")
    stage.flags += ["--overwrite", "--remove"]
    second = stage.run(cli)

    assert (0, 0) == (first.code, second.code), first.stdout + second.stdout
    assert stage.source.contents() == stage.target.contents()
