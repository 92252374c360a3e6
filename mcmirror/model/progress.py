"""How far a run is: all that somebody needs who comes in the middle of it."""

from dataclasses import dataclass, field

from mcmirror.model.event import Phase
from mcmirror.model.plan import Count, Plan
from mcmirror.model.problem import Problem


@dataclass(frozen=True, slots=True)
class Progress:
    """A run, a plan or a verification at a moment; the events that follow continue it."""

    job: str
    source: str = ""
    """Empty until it has begun."""
    target: str = ""
    dry_run: bool = False
    waiting: str = ""
    """The target that another run writes to."""
    phase: Phase | None = None
    phases: tuple[tuple[Phase, float], ...] = ()
    """Those that have begun, each with the seconds that it took so far."""
    listed: tuple[int, int] = (0, 0)
    """Objects seen in the listing under way, source and target."""
    plan: Plan | None = field(default=None)
    """Without its differences; None until it stands, and with assurance off."""
    total: Count = Count()
    """To be copied; before another attempt the objects that are left, whose bytes are not known."""
    announced: Count = Count()
    """Copies that have begun in this phase: mc says so before it copies."""
    moved: int = 0
    """Bytes that mc has written in this phase; -1 where the system does not count them."""
    removed: int = 0
    """Objects."""
    attempt: int = 1
    problems: tuple[Problem, ...] = ()
    """The first different ones."""
