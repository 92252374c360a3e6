"""A removal needs the plan, the target's object as planned, and a request for the very key that finds nothing."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.faults.conftest import NewStage, Play
from tests.faults.fault import Fault, Mc
from tests.faults.stage import SMALL, Stage
from tests.servers.command import Cli
from tests.servers.proxy import BROKEN, DENIED, HTML, Action, Alter, Answer, Call, CallAfter, Hang, s3_error

COMMON = {f"k{number:02}": b"x" for number in range(20)}
HIDDEN = {"m/1": b"live", "m/2": b"live"}


def _without(*beginnings: str) -> Alter:
    """A listing that lacks all keys with these beginnings, whole in every other way."""

    def shorten(body: bytes) -> bytes:
        for beginning in beginnings:
            of_key = rb"<Key>" + re.escape(beginning).encode()
            body = re.sub(rb"<Contents>(?:(?!</Contents>).)*" + of_key + rb".*?</Contents>", b"", body, flags=re.DOTALL)
        return body

    return Alter(shorten)


EMPTIED = _without("")


def _removing(stage: Stage, extra: dict[str, bytes]) -> None:
    stage.source.put(COMMON)
    stage.target.put(SMALL | COMMON | extra)
    stage.flags += ["--remove"]


def _hiding(stage: Stage) -> None:
    """Live objects that no listing of the source shows: a page that ends early, a delete marker before them."""
    _removing(stage, HIDDEN)
    stage.source.put(HIDDEN)
    stage.proxy(stage.source).on("list", _without("m/"))


def _emptied(stage: Stage) -> None:
    """The plan sees the source; from then on it lists nothing, with status 200."""
    stage.source.put(COMMON)
    stage.target.put({**SMALL, "old": b"extra"})
    stage.flags += ["--remove"]
    # Bare mc lists once, mcmirror a second time when it looks what arrived.
    stage.proxy(stage.source).on("list", EMPTIED, first=2)


def _rewritten(stage: Stage) -> None:
    """Between the plan and the removal."""
    _removing(stage, {"old": b"old"})
    stage.source.put({"new": b"to be copied"})
    proxy = stage.proxy(stage.target)
    proxy.on("put", Call(lambda: stage.target.put({"old": b"NEW"})), path="/new$", times=1)


FAULTS = (
    Fault(
        "source-hides-objects",
        "source: the listing lacks objects that are there, with `--remove`",
        _hiding,
        Mc(0, arrived="some"),
        "failed",
        1,
        "listing-broken",
        untouched=True,
    ),
    Fault(
        "source-lists-nothing-later",
        "source: lists nothing when it is looked at again, with `--remove`",
        _emptied,
        Mc(0, arrived="all"),
        "failed",
        1,
        "source-shrank",
    ),
    Fault(
        "target-rewritten",
        "target: an object to be removed is written anew during the run, with `--remove`",
        _rewritten,
        Mc(0, by_chance=True),
        "partial",
        3,
        "",
    ),
)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_the_verdict_is_the_truth(fault: Fault, play: Play) -> None:
    play(fault)


def test_objects_that_the_sources_listing_hides_stay(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    _hiding(stage)

    result = stage.run(cli)

    assert (1, "failed", False) == (result.code, result.report["status"], result.report["verified"]), result.stdout
    assert HIDDEN.keys() <= stage.target.sizes().keys()
    assert {"listing-broken"} == {found["category"] for found in result.report["problems"]}
    assert {0} == {result.report["requests"]["target_delete"]}


def test_a_source_that_lists_nothing_when_looked_at_again(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    _emptied(stage)

    result = stage.run(cli)

    assert (1, "failed", False) == (result.code, result.report["status"], result.report["verified"]), result.stdout
    assert "source-shrank" in {found["category"] for found in result.report["problems"]}
    assert "old" in stage.target.sizes()
    assert 0 == result.report["vanished"]["objects"]


def test_a_source_that_loses_most_of_its_objects_between_copy_and_removal(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    _removing(stage, {"old": b"extra"})
    stage.proxy(stage.source).on("list", _without("k"), first=2, times=1)  # 20 of 25

    result = stage.run(cli)

    assert (1, "failed") == (result.code, result.report["status"]), result.stdout
    assert {"source-shrank"} == {found["category"] for found in result.report["problems"]}
    assert "old" in stage.target.sizes()


def test_a_few_that_vanish_are_no_failure(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    stage.source.put(COMMON)
    stage.proxy(stage.source).on("get", Call(lambda: stage.source.delete("z", "k19")), path="/a$", times=1)

    result = stage.run(cli)

    assert (0, "succeeded") == (result.code, result.report["status"]), result.stdout
    assert sorted(stage.source.sizes()) == sorted(stage.target.sizes().keys() - {"z", "k19"})


def test_a_copy_that_only_the_listing_lost_has_not_vanished(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    stage.source.put(COMMON)
    stage.proxy(stage.source).on("list", _without("z"), first=2)

    result = stage.run(cli)

    assert 0 == result.report["vanished"]["objects"], result.stdout
    assert (3, ["z"]) == (result.code, [one["key"] for one in result.report["remaining_keys"]])


def test_what_somebody_wrote_on_the_target_after_the_plan_stays(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    _removing(stage, {"old/1": b"one", "old/2": b"two"})
    stage.source.put({"new": b"to be copied"})
    proxy = stage.proxy(stage.target)
    proxy.on("put", Call(lambda: stage.target.put({"old/2": b"TWO"})), path="/new$", times=1)

    result = stage.run(cli)

    assert (3, ["old/2"]) == (result.code, [one["key"] for one in result.report["remaining_keys"]]), result.stdout
    assert "after the plan" in result.report["remaining_keys"][0]["reason"]
    assert "old/2" in stage.target.sizes()
    assert ["old/1"] == result.report["removed_keys"]


def test_what_comes_back_to_the_source_right_before_its_removal_stays(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    _removing(stage, {"old": b"only here"})
    seen = stage.proxy(stage.source)
    seen.on("list", CallAfter(lambda: stage.source.put({"old": b"again"})), first=2, times=1)

    result = stage.run(cli)

    assert "old" in stage.target.sizes(), result.stdout
    assert 0 == result.report["removed"]["objects"]
    assert 0 == result.code


@pytest.mark.parametrize(
    ("answer", "category"),
    [
        (DENIED, "permission"),
        (BROKEN, "server-error"),
        (Answer(404, b"", "text/html"), "listing-broken"),
        (Answer(404), "listing-broken"),
        (HTML, "listing-broken"),
        (s3_error(301, "PermanentRedirect"), "redirected"),
    ],
    ids=["denied", "broken", "a proxy's 404", "404 without the server's stamp", "web page", "redirect"],
)
def test_only_the_servers_own_404_is_absence(answer: Action, category: str, new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    _removing(stage, {"old": b"extra", "older": b"extra"})
    stage.proxy(stage.source).on("head", answer, path="/old$")
    stage.again = ("--retries", "0")

    result = stage.run(cli)

    assert (3, "partial") == (result.code, result.report["status"]), result.stdout
    assert ["old"] == [one["key"] for one in result.report["remaining_keys"]]
    assert ["older"] == result.report["removed_keys"]
    assert ["old"] == [key for key in ("old", "older") if key in stage.target.sizes()]
    assert category in {found["category"] for found in result.report["problems"]}


def test_many_removals_are_asked_for_in_few_processes_and_counted(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    _removing(stage, {f"old/{number:03}": b"extra" for number in range(215)})  # three command lines
    stage.flags += ["--max-delete", "unlimited", "--no-preserve"]  # without the sample of metadata
    stage.again = ()
    above, below = stage.proxy(stage.source), stage.proxy(stage.target)

    result = stage.run(cli, "--debug")

    assert (0, 215) == (result.code, result.report["removed"]["objects"]), result.stdout
    asked, counted = above.counts, result.report["requests"]
    assert 215 == asked["head"] == counted["source_head"]
    assert asked["list"] == counted["source_list"]
    assert below.counts["head"] == counted["target_head"]
    assert below.counts["list"] == counted["target_list"]
    assert below.counts["delete"] == counted["target_delete"] == 215


def test_a_key_that_the_source_never_answers_for_keeps_no_other(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    _removing(stage, {f"old/{number}": b"extra" for number in range(6)})
    stage.flags += ["--max-delete", "unlimited"]
    stage.again = ("--retries", "0", "--stall-timeout", "6")
    stage.proxy(stage.source).on("head", Hang(), path="/old/1$")

    result = stage.run(cli)

    assert (3, ["old/1"]) == (result.code, [one["key"] for one in result.report["remaining_keys"]]), result.stdout
    assert ["old/1"] == [key for key in stage.target.sizes() if key.startswith("old/")]
    assert ["stalled"] == [found["category"] for found in result.report["problems"]]


def test_a_key_with_many_neighbours_is_asked_for_by_itself(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    stage.source.put({f"a{number:04}": b"" for number in range(2100)})
    stage.target.put({"a": b"extra"})
    stage.source.delete("a")
    stage.flags += ["--remove", "--max-delete", "1"]

    result = stage.run(cli)

    assert (0, ["a"]) == (result.code, result.report["removed_keys"]), result.stdout


def test_the_marker_of_a_folder_goes_alone(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    stage.source.put({**COMMON, "d/kept": b"1"})
    stage.target.put({**SMALL, **COMMON, "d/kept": b"1", "d/": b"", "e/": b"data"})
    stage.flags += ["--remove"]

    result = stage.run(cli)

    assert (0, ["d/", "e/"]) == (result.code, sorted(result.report["removed_keys"])), result.stdout
    assert "d/kept" in stage.target.sizes()


@pytest.mark.parametrize("key", ["/k00", "k//00", "./k00", "x/../k00", "../other/k00", "x/.", "k\\00"])
def test_a_key_that_may_be_taken_for_another_is_not_removed(key: str, new_stage: NewStage, cli: Cli) -> None:
    """The target lists one that MinIO would not store: other servers do, and mc or they fold it."""
    stage = new_stage()
    _removing(stage, {"k": b"", "k/00": b"x"} if "\\" in key else {})
    stage.source.put({"k/00": b"x"} if "\\" in key else {})
    target = stage.proxy(stage.target)
    target.on("list", _with(key))

    result = stage.run(cli)

    assert 3 == result.code, result.stdout
    assert key in [one["key"] for one in result.report["remaining_keys"]]
    assert 0 == target.counts["delete"]
    assert COMMON.keys() <= stage.target.sizes().keys()


def _with(key: str) -> Alter:
    """A listing that shows one object more, wherever its key is asked for."""
    entry = (
        f"<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
        "<ETag>&#34;9dd4e461268c8034f5c8564e155c67a6&#34;</ETag><Size>1</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
    ).encode()

    def lengthen(body: bytes) -> bytes:
        prefix = re.search(rb"<Prefix>(.*?)</Prefix>", body)
        if prefix and not key.startswith(unquote(prefix[1].decode())):
            return body
        parts = [*re.findall(rb"<Contents>.*?</Contents>", body, re.DOTALL), entry]
        parts.sort(key=lambda part: unquote(part.partition(b"<Key>")[2].partition(b"</Key>")[0].decode()))
        rest = re.sub(rb"<Contents>.*</Contents>", b"", body, flags=re.DOTALL)
        return rest.replace(b"</ListBucketResult>", b"".join(parts) + b"</ListBucketResult>")

    return Alter(lengthen)


def test_a_local_source_is_asked_for_each_file(cli: Cli, new_stage: NewStage, tmp_path: Path) -> None:
    stage = new_stage()
    files = tmp_path / "files"
    files.mkdir()
    for key, body in COMMON.items():
        (files / key).write_bytes(body)
    stage.target.put(COMMON | {"link": b"copy", "gone": b"copy"})
    (files / "link").symlink_to(tmp_path / "nowhere")
    stage.source_place = str(files)
    stage.flags += ["--remove"]

    result = stage.run(cli)

    assert "link" in stage.target.sizes(), result.stdout
    assert "gone" not in stage.target.sizes()
