"""How a run stands in line for a target that another one writes to."""

from dataclasses import dataclass
from enum import StrEnum


class Lock(StrEnum):
    """What to do while another process writes to the target."""

    SKIP = "skip"
    """End at once, exit code 75."""
    WAIT = "wait"
    FAIL = "fail"
    """End at once as a failure."""


@dataclass(frozen=True, slots=True)
class Manners:
    """How a run stands in line."""

    lock: Lock = Lock.SKIP
    patience: float = 0.0
    """Seconds to wait at most; 0: as long as it takes."""
