"""An agent: a site that takes runs from a master, and how it is doing."""

from dataclasses import dataclass

from mcmirror.model.wording import shown_seconds


@dataclass(frozen=True, slots=True)
class AgentProcess:
    """One process that serves an agent's site. Times are seconds since the epoch, 0 where there is none."""

    instance: str
    """Unique to the process."""
    host: str = ""
    pid: int = 0
    version: str = ""
    """Of mcmirror there."""
    capacity: int = 0
    """Runs at once."""
    running: int = 0
    started: float = 0.0
    seen: float = 0.0
    """When it last took a probe task, or gave a sign of a run that it works on."""


@dataclass(frozen=True, slots=True)
class AgentState:
    """One agent as its master sees it."""

    name: str
    max_age: float
    """Seconds since ``seen`` after which it is gone."""
    jobs: tuple[str, ...] = ()
    """The jobs that run there."""
    processes: tuple[AgentProcess, ...] = ()
    """Those that were seen within ``max_age``, and the last one in any case."""
    waiting: int = 0
    """Runs that no process has taken yet."""
    running: int = 0
    since: float = 0.0
    """When the master began to look."""

    @property
    def seen(self) -> float:
        """When any of its processes last showed that it takes work; 0: never."""
        return max((one.seen for one in self.processes), default=0.0)

    def capacity(self, now: float) -> int:
        """Runs at once, over the processes that were seen lately."""
        return sum(one.capacity for one in self.processes if now - one.seen <= self.max_age)

    def gone(self, now: float) -> bool:
        """Whether it has not shown for too long that it takes work."""
        return now - max(self.seen, self.since) > self.max_age

    def ailment(self, now: float) -> str:
        """Why it is not well, for people; empty when it is."""
        if not self.gone(now):
            return ""
        last = f"it took its last probe {shown_seconds(now - self.seen)} ago" if self.seen else "it was never seen"
        jobs = f"; its jobs wait: {', '.join(self.jobs)}" if self.jobs else ""
        return f"agent {self.name} is gone: {last}, max_age is {shown_seconds(self.max_age)}{jobs}"
