"""How a job follows its source in real time, and how that goes."""

from dataclasses import dataclass
from enum import StrEnum

from mcmirror.model.wording import objects, shown_seconds

WATCH, WEBHOOK, POLL = "watch", "webhook", "poll"
"""Kinds of channels beside ``sqs://...``: mc listens, the server posts to us, nobody tells anything."""


@dataclass(frozen=True, slots=True)
class Realtime:
    """What a job with ``realtime = true`` says. Times in seconds."""

    events: str = WATCH
    """``watch``, ``webhook``, ``poll``, or the URL of a queue, ``sqs://...``."""
    poll_every: float = 60.0
    """From the start of a full run to the start of the next one while no channel tells what changes."""
    batch_interval: float = 2.0
    """How long the first dirty key waits for others."""
    catch_up_every: float = 3600.0
    max_lag: float = 300.0
    """Age of the oldest dirty key beyond which the job is not healthy."""
    canary: str = ".mcmirror/"
    """Below it at the source a key is written from time to time, to hear whether events arrive; empty: none is."""


class Channel(StrEnum):
    """How the events of a job arrive."""

    CONNECTING = "connecting"
    LISTENING = "listening"
    DEAF = "deaf"
    """It is open, and what was written at the source is not heard."""
    LOST = "lost"
    """It cannot be opened."""
    POLLING = "polling"
    """There is none, by choice."""


@dataclass(frozen=True, slots=True)
class RealtimeState:
    """How a job in real time is doing. Times are seconds, moments since the epoch; 0 where there is none."""

    channel: Channel = Channel.CONNECTING
    since: float = 0.0
    """Since when the channel is as it is."""
    why: str = ""
    """Why it is deaf, or cannot be opened; in the words of mc or of the server."""
    polls_every: float = 0.0
    """Between full runs while the channel tells nothing; 0 while it does."""
    heard: float = 0.0
    """When the canary was heard last."""
    proven: bool = False
    """Whether a canary shows that events arrive; else nobody knows the lag."""
    dirty: int = 0
    lag: float = 0.0
    """Age of the oldest dirty key."""
    longest_lag: float = 0.0
    """Since the process began."""
    max_lag: float = 0.0
    failing: int = 0
    """Dirty keys that were tried in vain."""
    error: str = ""
    """Why the first of them, or a whole batch, failed."""
    held: int = 0
    """Removals that wait because they were too many within the window."""
    events: int = 0
    batches: int = 0
    copied: int = 0
    removed: int = 0
    gaps: int = 0
    """Times in which events may have been lost; a full run followed each."""
    reconnects: int = 0
    catching_up: bool = False
    """Whether a full run is under way, or wanted."""

    @property
    def red(self) -> bool:
        """Whether somebody has to know."""
        return self.channel in {Channel.DEAF, Channel.LOST} or self.held > 0 or self.late

    @property
    def late(self) -> bool:
        """Whether the oldest change waits for too long."""
        return 0 < self.max_lag < self.lag


def ailment(job: str, state: RealtimeState) -> str:
    """Why a job in real time is not as it should be; empty when it is."""
    if state.channel is Channel.DEAF:
        return f"{job}: {deafness(state)}"
    if state.channel is Channel.LOST:
        return f"{job}: the channel of events cannot be opened: {state.why}; {polling(state)}"
    if state.held:
        return f"{job}: {objects(state.held)} wait to be removed: more than max_delete allows within an hour"
    if state.late:
        why = f": {state.error}" if state.error else ""
        limit = shown_seconds(state.max_lag)
        return f"{job}: the oldest change is {shown_seconds(state.lag)} old, max_lag is {limit}{why}"
    return ""


def deafness(state: RealtimeState) -> str:
    """What is said of a channel that delivers nothing."""
    return f"events are not heard: {state.why}; {polling(state)}"


def polling(state: RealtimeState) -> str:
    """What is done meanwhile."""
    return f"a full run every {shown_seconds(state.polls_every)} takes their place"


def summary(state: RealtimeState) -> str:
    """How it goes, in one line."""
    lag = f"lag {shown_seconds(state.lag)}" if state.proven or state.dirty else "lag unknown: no canary"
    parts = [f"real time, {state.channel}", lag]
    parts += [f"{objects(state.dirty)} dirty"] if state.dirty else []
    parts += [f"{state.failing:,} failing"] if state.failing else []
    parts += [f"{objects(state.held)} held"] if state.held else []
    return ", ".join(parts)
