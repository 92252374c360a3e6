"""Keys that may have changed at a source and were not looked at yet."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dirty:
    """A key to be looked at."""

    key: str
    number: int
    """Goes up whenever the key is marked again."""
    gone: bool
    since: float
    attempts: int


@dataclass(frozen=True, slots=True)
class DirtyState:
    """How many there are."""

    count: int = 0
    oldest: float = 0.0
    """When the oldest was marked, in seconds since the epoch; 0 when there is none."""
    failing: int = 0
    held: int = 0
    due: float = 0.0
    """When the next one may be looked at; 0 when there is none."""
    error: str = ""
