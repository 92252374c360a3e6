"""What a channel of events says of a place; believed of nothing but that a key is worth a look."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Connected:
    """The channel is open, or open again: what changed before was not heard."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something happened to an object."""

    key: str
    """Relative to the place."""
    gone: bool = False
    """Whether the event says that it was removed: a hint for how to ask, no more."""


Heard = Connected | Change
