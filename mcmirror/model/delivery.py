"""What is to be told to somebody: decided once, delivered until it arrives or is too old."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mcmirror.model.streak import Streak

_OURS = uuid.UUID("6d636d69-7272-4f72-8000-74656c6c6564")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing for one listener. Sent at least once; the id tells the receiver which ones are the same."""

    id: str
    """A UUID: see ``delivery_id``."""
    listener: str
    job: str
    """Those of one listener with the same text here arrive in their order."""
    run: str
    """The id of the run; empty when it is about none."""
    kind: str
    """The occasion."""
    payload: Mapping[str, Any]
    """As JSON; what is in it is the channel's business. Holds no secret."""
    created: float = 0.0
    """Seconds since the epoch."""
    attempts: int = 0
    """That failed."""
    thread: str = ""
    """What the channel returned for the message about the start of this run."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a decision about one listener is made from."""

    runs: frozenset[str]
    """Those of the runs that this listener was not told of yet."""
    streaks: Mapping[str, Streak]
    """Of every job that was asked for."""
    failing: frozenset[str]
    """Every job whose last run failed, as far as this listener heard."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be remembered and to be sent."""

    streaks: Mapping[str, Streak] = field(default_factory=dict)
    deliveries: tuple[Delivery, ...] = ()
    replaces: frozenset[str] = frozenset()
    """Kinds: waiting ones of the same listener and ``job`` that need not be sent any more."""


def delivery_id(*parts: str) -> str:
    """The id of what these parts name: the same in every process and after every crash."""
    return str(uuid.uuid5(_OURS, "\n".join(parts)))
