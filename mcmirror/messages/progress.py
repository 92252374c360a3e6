"""The sentence that says how far a run is."""

from mcmirror.messages.events import PHASES, listed_text
from mcmirror.model.event import Phase
from mcmirror.model.progress import ProgressTracker
from mcmirror.model.wording import objects, shown_bytes, shown_seconds


def progress_text(tracker: ProgressTracker, now: float) -> str:
    """The phase and its numbers, on one line."""
    facts = ", ".join((*counts(tracker), *pace(tracker, now)))
    return f"{PHASES[tracker.phase] if tracker.phase else 'starting'}{f': {facts}' if facts else ''}"


def counts(tracker: ProgressTracker) -> list[str]:
    """What is done of what is to be done in this phase."""
    total = tracker.total
    if tracker.phase is Phase.MIRROR and total.objects:
        of_bytes = f"{shown_bytes(tracker.bytes)} of {shown_bytes(total.bytes)}"
        return [f"{tracker.begun:,} of {objects(total.objects)} begun", *([of_bytes] if total.bytes else [])]
    if tracker.phase is Phase.MIRROR:
        return [f"{objects(tracker.begun)} begun", *([shown_bytes(tracker.bytes)] if tracker.bytes else [])]
    if tracker.phase is Phase.REMOVE:
        whole = tracker.plan.extraneous.objects if tracker.plan else tracker.removed
        return [f"{tracker.removed:,} of {objects(whole)} removed"]
    return [listed_text(*tracker.listed)] if any(tracker.listed) else []


def pace(tracker: ProgressTracker, now: float) -> list[str]:
    """Rate and time left of the copying, where they are known."""
    if tracker.phase is not Phase.MIRROR or not tracker.total.objects:
        return []
    rate, left = tracker.rate(now), tracker.seconds_left(now)
    found = [f"{shown_bytes(rate)}/s"] if rate else []
    return [*found, *([f"{shown_seconds(max(1.0, left))} left"] if left is not None else [])]
