"""One row of the matrix: a fault, what mc makes of it, and what mcmirror has to make of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.stage import Stage

Scene = Callable[["Stage"], object]
"""Sets a fault up on a stage."""

HANGS = -1
"""In place of an exit code: mc had not ended when the test's patience had."""


@dataclass(frozen=True)
class Mc:
    """What ``mc mirror`` does by itself. Every field is asserted, so the table in docs/faults.md stays true."""

    exit: int
    says: str = ""
    """Part of what its error lines say; empty: it prints no error line at all."""
    arrived: str = "none"
    """How much of what was asked for is done, copies and wanted removals alike: all, some or none."""
    destroyed: str = "none"
    """How many of the target's further objects are gone that no sane run would have removed: all, some or none."""
    litter: bool = False
    """Whether it makes folders where it was started."""
    by_chance: bool = False
    """Timing decides between 0 and 1, so this half of the row is not asserted."""

    @property
    def told_the_truth(self) -> bool:
        """Whether its exit code fits what is on the target, and nothing was destroyed."""
        return (self.exit == 0) == (self.arrived == "all") and self.destroyed == "none" and self.exit != HANGS


@dataclass(frozen=True)
class Fault:
    """A row."""

    name: str
    what: str
    """For the table."""
    scene: Scene
    mc: Mc
    status: str
    code: int
    category: str | None
    """One that must be among the report's problems; empty: there must be none; None: either."""
    untouched: bool = False
    """Whether the target must be left as it was."""

    def __str__(self) -> str:
        return self.name
