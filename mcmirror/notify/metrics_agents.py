"""Agents as Prometheus takes them."""

from collections.abc import Callable, Iterable, Iterator

from mcmirror.model.agent import AgentState
from mcmirror.notify.exposition import Family, labels

_GAUGES: tuple[tuple[str, str, Callable[[AgentState, float], float]], ...] = (
    ("up", "1 while it takes work: its last probe task, or sign of a run, is not older than max_age.",
     lambda agent, now: not agent.gone(now)),
    ("last_seen_timestamp_seconds", "When it last took a probe task or gave a sign of a run, 0 for never.",
     lambda agent, _: agent.seen),
    ("running_runs", "Runs that it works on.", lambda agent, _: agent.running),
    ("waiting_runs", "Runs that none of its processes has taken yet.", lambda agent, _: agent.waiting),
    ("capacity_runs", "How many it takes at once, over its processes that were seen within max_age.",
     lambda agent, now: agent.capacity(now)),
)  # fmt: skip


def agent_families(agents: Iterable[AgentState], now: float) -> Iterator[Family]:
    """What is known of the agents; nothing without any."""
    known = tuple(agents)
    if not known:
        return
    for name, text, value in _GAUGES:
        family = Family(f"mcmirror_agent_{name}", text, names=("agent",))
        for agent in known:
            family.add(labels(agent=agent.name), value(agent, now))
        yield family
