"""A backlog and its items as JSON: times in UTC, null where there is none; durations in seconds."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mcmirror.model.backlog import BacklogState, Item


def backlog_document(job: str, state: BacklogState) -> Mapping[str, Any]:
    """How the backlog of a job is doing."""
    return {
        "job": job,
        "pending": state.pending,
        "leased": state.leased,
        "failed": state.failed,
        "held": state.held,
        "dead": state.dead,
        "done": state.done,
        "oldest": _time(state.oldest),
        "next": _time(state.due),
        "error": state.error,
        "rate": round(state.rate, 3),
        "remaining_seconds": round(state.remaining_seconds, 1) or None,
        "prepared": _time(state.prepared),
        "paused": state.paused,
    }


def item_document(item: Item) -> Mapping[str, Any]:
    """One item."""
    return {
        "key": item.key,
        "action": item.action,
        "state": item.state,
        "attempts": item.attempts,
        "since": _time(item.since),
        "next": _time(item.due),
        "lease": _time(item.lease),
        "owner": item.owner,
        "error": item.error,
        "finished": _time(item.finished),
    }


def _time(seconds: float) -> str | None:
    if not seconds:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
