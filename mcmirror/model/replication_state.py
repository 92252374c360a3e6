"""How the replications of a server that watches them are doing."""

from dataclasses import dataclass

from mcmirror.model.wording import shown_seconds


@dataclass(frozen=True, slots=True)
class DirectionState:
    """One direction at the last look."""

    source: str
    """``alias/bucket``."""
    target: str
    state: str
    """In a word or two: ``in sync``, ``behind``, ``offline``, ``no rule``."""
    well: bool
    """Everything has arrived, by a rule that is at work."""
    working: bool
    """The rule is at work and the target is reached, whether or not something is still to come."""
    online: bool | None = None
    last_online: str = ""
    behind: int | None = None
    """Versions and delete markers that are still to come; None when that is not known."""
    lag: float | None = None
    """Age in seconds of the oldest of them; None when that is not known."""
    error: str = ""
    """Why it could not be looked at; holds no secret."""


@dataclass(frozen=True, slots=True)
class ReplicationState:
    """One replication."""

    name: str
    looked: float = 0.0
    """When it was last looked at, in seconds since the epoch; 0: not yet."""
    max_lag: float = 0.0
    """Seconds; 0: any lag is right."""
    directions: tuple[DirectionState, ...] = ()
    error: str = ""
    """Why it could not be looked at at all; holds no secret."""

    def outage(self) -> str:
        """Why it is not as it should be; empty when it is, or is not known yet."""
        if self.error:
            return self.error
        for one in self.directions:
            if not one.working:
                return one.error or f"{one.source} → {one.target}: {one.state}"
        return self.late()

    def late(self) -> str:
        """Which direction is later than ``max_lag`` allows; empty for none."""
        late = [one for one in self.directions if self.max_lag and (one.lag or 0.0) > self.max_lag]
        if not late:
            return ""
        lag, most = shown_seconds(late[0].lag), shown_seconds(self.max_lag)
        return f"{late[0].source} → {late[0].target}: the oldest version to come is {lag} old, max_lag is {most}"
