"""What master and agent say to each other over a broker, besides tasks and events."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from mcmirror.model.agent import AgentProcess

BEGIN, BEAT, ENDED, PROBED = "begin", "beat", "ended", "probed"
"""Of an agent: may I begin the attempt; I work on it; I work on it no more; a probe task has arrived."""
GO, NO, HELD, STOP, OVER = "go", "no", "held", "stop", "over"
"""Of a master: begin it; do not; how it stands, as the answer to a beat; end it; nothing
more is wanted of it."""


def process_document(process: AgentProcess) -> dict[str, Any]:
    """A process of an agent."""
    return asdict(process)


def process_of(document: Mapping[str, Any]) -> AgentProcess:
    """The process of such a document. Raises TypeError."""
    return AgentProcess(**document)
