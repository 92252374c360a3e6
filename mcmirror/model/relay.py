"""A relay: takes the events that servers report, and hands each on once, in the order of its key."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RelayedEvent:
    """One event that waits to be handed on, or was given up."""

    relay: str
    id: str
    """The same for every event that tells this relay the same: see ``S3Event.identity``."""
    subject: str
    """``bucket/key``: those of one subject are handed on one after another."""
    rank: str
    """Their order."""
    name: str
    """What happened: ``ObjectCreated:Put``."""
    payload: str = field(repr=False)
    """The document that is handed on, as JSON."""
    created: float = 0.0
    """When it was stored, in seconds since the epoch."""
    attempts: int = 0
    """That failed."""
    error: str = ""
    """Why it was given up; holds no secret."""


@dataclass(frozen=True, slots=True)
class RelayState:
    """One relay and what it has still to do."""

    name: str
    waiting: int = 0
    """Events to be handed on."""
    oldest: float = 0.0
    """When the oldest of these was stored; 0 where there is none."""
    dead: int = 0
    """Events that were given up; they can be replayed."""
    delivered: int = 0
    """Events that were handed on, since the state began."""
    pending: int = 0
    """Events that were dropped because their object waited for its replication."""
    repeated: int = 0
    """Events that were dropped because another one had told the same."""
    failures: int = 0
    """Attempts that failed since one last succeeded."""
    error: str = ""
    """Why the last attempt failed; holds no secret."""


class NotStored(Exception):
    """The state cannot be used: whoever sent the events has to send them again. The text says why, for people."""


class Receiver(Protocol):
    """Takes what a server's webhook sends."""

    @property
    def token(self) -> str:
        """What the request has to carry in its header Authorization, as it is or as ``Bearer TOKEN``."""

    def receive(self, body: bytes) -> None:
        """Store a document of events durably. Raises ValueError when it is none, and NotStored."""
