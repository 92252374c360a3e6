"""Where the copies go is full."""

import os

import pytest

from tests.faults.conftest import Play
from tests.faults.fault import Fault, Mc
from tests.faults.stage import Stage


def _quota(stage: Stage) -> None:
    target = stage.move("dst")
    stage.source.put({"large": bytes(2 << 20)})
    target.server.quota(target.bucket, "1MiB")


def _full(stage: Stage) -> None:
    stage.move("dst", small="40m")
    stage.source.put({"large": os.urandom(48 << 20)})


FAULTS = (
    Fault(
        "quota", "target: an object exceeds the quota", _quota, Mc(1, "quota exceeded", "some"), "partial", 3, "quota"
    ),
    Fault(
        "disk-full",
        "target: the disk is full",
        _full,
        Mc(1, "XMinioStorageFull", "some"),
        "partial",
        3,
        "disk-full",
    ),
)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_the_verdict_is_the_truth(fault: Fault, play: Play) -> None:
    play(fault)
