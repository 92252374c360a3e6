"""Keys and rights: what a server refuses."""

import pytest

from tests.conftest import Side
from tests.faults.conftest import Play
from tests.faults.fault import Fault, Mc, Scene
from tests.faults.stage import Stage
from tests.servers.minio import Credentials, deny


def _side(stage: Stage, alias: str) -> Side:
    return stage.source if alias == "src" else stage.target


def _may_not(alias: str, action: str, below: str = "*", flags: tuple[str, ...] = ()) -> Scene:
    def scene(stage: Stage) -> None:
        side = _side(stage, alias)
        stage.target.put({"extra": b"1"})
        stage.flags += flags
        stage.user(side, deny([action], [side.bucket if action == "ListBucket" else f"{side.bucket}/{below}"]))

    return scene


def _keys(alias: str, *, access: str = "", secret: str = "") -> Scene:
    def scene(stage: Stage) -> None:
        side = _side(stage, alias)
        root = side.server.root
        stage.reach(side, credentials=Credentials(access or root.access_key, secret or root.secret_key))

    return scene


FAULTS = (
    Fault(
        "put-denied",
        "target refuses every PUT (policy)",
        _may_not("dst", "PutObject"),
        Mc(0),
        "failed",
        1,
        "permission",
        untouched=True,
    ),
    Fault(
        "put-denied-below-a-prefix",
        "target refuses PUT below one prefix",
        _may_not("dst", "PutObject", "b/*"),
        Mc(0, arrived="some"),
        "partial",
        3,
        "permission",
    ),
    Fault(
        "get-denied-below-a-prefix",
        "source refuses GET below one prefix",
        _may_not("src", "GetObject", "b/*"),
        Mc(1, by_chance=True),
        "partial",
        3,
        "permission",
    ),
    Fault(
        "delete-denied",
        "target refuses DELETE, with `--remove`",
        _may_not("dst", "DeleteObject", flags=("--remove",)),
        Mc(1, by_chance=True),
        "partial",
        3,
        "permission",
    ),
    Fault(
        "source-list-denied",
        "source refuses LIST",
        _may_not("src", "ListBucket"),
        Mc(0, "Unable to list comparison retrying"),
        "failed",
        1,
        "permission",
        untouched=True,
    ),
    Fault(
        "target-list-denied",
        "target refuses LIST",
        _may_not("dst", "ListBucket"),
        Mc(0, "Unable to list comparison retrying"),
        "failed",
        1,
        "permission",
        untouched=True,
    ),
    Fault(
        "source-unknown-key",
        "source does not know the access key",
        _keys("src", access="nobody-here"),
        Mc(1, "does not exist in our records"),
        "failed",
        1,
        "credentials",
        untouched=True,
    ),
    Fault(
        "target-unknown-key",
        "target does not know the access key",
        _keys("dst", access="nobody-here"),
        Mc(0, "does not exist in our records"),
        "failed",
        1,
        "credentials",
        untouched=True,
    ),
    Fault(
        "source-wrong-secret",
        "wrong secret key for the source",
        _keys("src", secret="not-the-secret"),
        Mc(1, "SignatureDoesNotMatch"),
        "failed",
        1,
        "credentials",
        untouched=True,
    ),
    Fault(
        "target-wrong-secret",
        "wrong secret key for the target",
        _keys("dst", secret="not-the-secret"),
        Mc(1, "SignatureDoesNotMatch"),
        "failed",
        1,
        "credentials",
        untouched=True,
    ),
)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_the_verdict_is_the_truth(fault: Fault, play: Play) -> None:
    play(fault)
