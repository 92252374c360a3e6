"""One object that cannot be read or written keeps no other from arriving."""

import threading
from collections.abc import Callable

import pytest

from tests.faults.conftest import NewStage, Play
from tests.faults.fault import Fault, Mc
from tests.faults.stage import Stage
from tests.servers.command import Cli
from tests.servers.minio import deny
from tests.servers.proxy import BROKEN, DENIED, Call, Hang, s3_error

FIRST, SECOND = "000", "001"
"""Before all others, where mc begins."""
MANY = {f"{number:03}": b"%d" % number for number in range(2, 60)}


EIGHT = {f"{number:03}" for number in range(2, 10)}
"""More than mc copies at once."""


def _many(stage: Stage) -> None:
    stage.source.put({FIRST: b"first", SECOND: b"second", **MANY})


def _drifted(stage: Stage) -> None:
    """The same sizes on the target and other bytes: ``mc mirror`` sees nothing of it."""
    _many(stage)
    bodies = {FIRST: b"first", SECOND: b"second", **MANY}
    stage.target.put({key: b"?" * len(body) for key, body in bodies.items()})
    stage.flags += ["--overwrite"]


def _get_denied(stage: Stage) -> None:
    _many(stage)
    stage.user(stage.source, deny(["GetObject"], [f"{stage.source.bucket}/{FIRST}"]))


def _drift_denied(stage: Stage) -> None:
    _drifted(stage)
    stage.user(stage.source, deny(["GetObject"], [f"{stage.source.bucket}/{key}" for key in (FIRST, SECOND)]))


def _at(kind: str, alias: str, fill: Callable[[Stage], None], *actions: object) -> Callable[[Stage], None]:
    def scene(stage: Stage) -> None:
        fill(stage)
        side = stage.source if alias == "src" else stage.target
        for action in actions:
            stage.proxy(side).on(kind, action, path=f"/{FIRST}$")  # type: ignore[arg-type]

    return scene


FAULTS = (
    Fault(
        "one-get-denied",
        "source refuses GET of the first object of many",
        _get_denied,
        Mc(1, by_chance=True),
        "partial",
        3,
        "permission",
    ),
    Fault(
        "drift-denied",
        "source refuses GET of two of many objects that have other bytes of the same size on the target",
        _drift_denied,
        Mc(0, arrived="some"),
        "partial",
        3,
        "permission",
    ),
    Fault(
        "one-get-500",
        "source answers 500 to each GET of one object",
        _at("get", "src", _many, BROKEN),
        Mc(1, by_chance=True),
        "partial",
        3,
        "server-error",
    ),
    Fault(
        "one-put-refused",
        "target refuses the name of one object",
        _at("put", "dst", _many, s3_error(400, "XMinioInvalidObjectName")),
        Mc(1, by_chance=True),
        "partial",
        3,
        "key-not-storable",
    ),
    Fault(
        "one-put-denied-by-a-proxy",
        "target refuses PUT of one object",
        _at("put", "dst", _many, DENIED),
        Mc(0, arrived="some"),
        "partial",
        3,
        "permission",
    ),
)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_all_others_arrive(fault: Fault, play: Play) -> None:
    result = play(fault)

    assert {FIRST, SECOND} >= {one["key"] for one in result.report["remaining_keys"]}


@pytest.mark.parametrize(
    ("fill", "kind", "keys"),
    [
        (_drifted, "head", {FIRST}),
        (_drifted, "head", {"003", "004", "040"}),
        (_drifted, "get", EIGHT),
        (_many, "get", EIGHT),
        (_many, "put", EIGHT),
    ],
    ids=["one head", "heads", "gets", "gets of a mirror", "puts of a mirror"],
)
def test_objects_that_hang_keep_no_other_from_arriving(
    fill: Callable[[Stage], None], kind: str, keys: set[str], new_stage: NewStage, cli: Cli
) -> None:
    stage = new_stage()
    fill(stage)
    stage.again = ("--retries", "0", "--stall-timeout", "4")
    side = stage.target if kind == "put" else stage.source
    stage.proxy(side).on(kind, Hang(), path=f"/({'|'.join(keys)})$")

    result = stage.run(cli)

    assert (3, sorted(keys)) == (result.code, stage.truth().missing), result.stdout
    assert {"stalled"} == {found["category"] for found in result.report["problems"]}


def test_a_server_that_hangs_for_all_objects_is_given_up_soon(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    _drifted(stage)
    stage.again = ("--retries", "0", "--stall-timeout", "4")
    source = stage.proxy(stage.source)
    source.on("head", Hang(), path=r"/\d+$")

    result = stage.run(cli)

    assert 3 == result.code, result.stdout
    assert {*MANY, FIRST, SECOND} <= set(stage.truth().missing)
    assert 30 > source.counts["head"]


def test_who_wants_to_stop_is_stopped_at_the_first(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    _drift_denied(stage)
    stage.flags += ["--fail-fast"]

    result = stage.run(cli)

    assert 3 == result.code, result.stdout
    assert {*MANY, FIRST, SECOND} == set(stage.truth().missing)


def test_a_target_that_dies_is_not_asked_for_each_object(new_stage: NewStage, cli: Cli) -> None:
    """mc would go on to the last one, and try each of them for seconds."""
    stage = new_stage()
    target = stage.move("dst")
    for number in range(6):
        stage.source.put({f"{number}/{each:03}": b"x" for each in range(100)})
    stage.proxy(stage.source).on("get", Call(target.server.stop), first=20, times=1)
    stage.again = ("--retries", "0")

    result = stage.run(cli)

    assert (1, "failed") == (result.code, result.report["status"]), result.stdout
    failed = [found for found in result.report["problems"] if "was not copied" in found["message"]]
    assert 50 <= len(failed) < 300
    assert "connection-refused" in {found["category"] for found in result.report["problems"]}


def test_a_target_that_dies_and_comes_back_gets_the_rest(new_stage: NewStage, cli: Cli) -> None:
    stage = new_stage()
    target = stage.move("dst")
    stage.source.put({f"d/{each:03}": b"x" for each in range(300)})
    stopped = threading.Lock()  # released while the server is down

    def stop() -> None:
        target.server.stop()
        stopped.release()

    def start() -> None:
        if stopped.acquire(blocking=False):
            target.server.start()

    stopped.acquire()
    source = stage.proxy(stage.source)
    source.on("get", Call(stop), first=20, times=1)
    source.on("list", Call(start))
    stage.again = ("--retries", "2", "--retry-delay", "1")

    result = stage.run(cli)

    assert (0, []) == (result.code, stage.truth().missing), result.stdout
