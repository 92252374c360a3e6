"""Messages between master and agent, sealed with the agent's key; the one door to cryptography, which is an extra.

A message names inside the seal to which side it goes, for which agent, task and attempt, and its number: one that was
altered, forged, sent back or sent to somebody else does not open, and a receiver drops one that it had before.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mcmirror import __version__
from mcmirror.codec.events import as_json
from mcmirror.messages.error_lookup import problem
from mcmirror.model.problem import Category, Trouble

PROTOCOL = 1
"""Of the messages. It grows when an agent of an older mcmirror would misunderstand one."""
EXTRA = "mcmirror[agents]"


class Side(StrEnum):
    """To whom a message goes."""

    AGENT = "agent"
    MASTER = "master"


@dataclass(frozen=True, slots=True)
class Message:
    """What one side says to the other."""

    kind: str
    task: str
    attempt: int = 1
    number: int = 0
    """Within the attempt and its direction, growing."""
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    protocol: int = PROTOCOL
    version: str = __version__
    """Of the mcmirror that sent it."""

    @property
    def foreign(self) -> str:
        """What to say of another protocol; empty when it is ours."""
        if self.protocol == PROTOCOL:
            return ""
        theirs = f"mcmirror {self.version} speaks protocol {self.protocol}"
        return f"{theirs}, mcmirror {__version__} protocol {PROTOCOL}"


class Unsealable(Exception):
    """Bytes that are no message for this side and this agent, or too old; the text holds nothing of them."""


class Seal:
    """Seals and opens messages of one agent. Thread-safe."""

    def __init__(self, agent: str, keys: Sequence[str]) -> None:
        """The first key seals, all open. Raises Trouble when one is none, or cryptography is missing."""
        self.agent = agent
        fernet = _fernet()
        try:
            self._box = fernet.MultiFernet([fernet.Fernet(key) for key in keys])
        except ValueError:
            what = f"the key of agent {agent} is no key"
            remedy = "Print one with `mcmirror agent key`, and give it to the master and to the agent."
            raise Trouble(problem(Category.CONFIGURATION, what, "", f"agent.{agent}.key", remedy=remedy)) from None
        self._refused = fernet.InvalidToken

    def close(self, to: Side, message: Message) -> bytes:
        """Seal a message."""
        document = {
            "protocol": message.protocol,
            "version": message.version,
            "to": to.value,
            "agent": self.agent,
            "kind": message.kind,
            "task": message.task,
            "attempt": message.attempt,
            "number": message.number,
            "body": message.body,
        }
        return bytes(self._box.encrypt(zlib.compress(as_json(document), 1)))

    def open(self, at: Side, sealed: bytes, life: float | None = None) -> Message:
        """Open a message that was sealed at most ``life`` seconds ago. Raises Unsealable."""
        try:
            opened = self._box.decrypt(sealed, None if life is None else max(1, int(life)))
        except self._refused:
            why = f"it was not sealed with the key of agent {self.agent}, was altered, or is too old"
            raise Unsealable(why) from None
        try:
            found = json.loads(zlib.decompress(opened))
            if (found["to"], found["agent"]) != (at.value, self.agent):
                raise Unsealable(f"it was sealed for the {found['to']} of agent {found['agent']}")
            names = ("kind", "task", "attempt", "number", "body", "protocol", "version")
            return Message(**{name: found[name] for name in names})
        except (ValueError, KeyError, TypeError, zlib.error):
            raise Unsealable("it is no message of mcmirror") from None


def new_key() -> str:
    """A new key. Raises Trouble when cryptography is missing."""
    return str(_fernet().Fernet.generate_key().decode())


def _fernet() -> Any:
    try:
        from cryptography import fernet
    except ImportError:
        cause = "messages between master and agent are sealed, and cryptography is not installed"
        remedy = f"Install it: pip install '{EXTRA}'. From a checkout, bin/mcmirror installs it itself."
        found = problem(Category.SYSTEM, "agents cannot be used", cause, remedy=remedy)
        raise Trouble(found) from None
    return fernet
