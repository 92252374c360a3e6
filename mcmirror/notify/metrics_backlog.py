"""Backlogs of jobs as Prometheus takes them."""

from collections.abc import Callable, Iterator, Mapping

from mcmirror.model.backlog import BacklogState, ItemState
from mcmirror.model.state import JobState
from mcmirror.notify.exposition import Family, labels

_GAUGES: tuple[tuple[str, str, Callable[[BacklogState], float]], ...] = (
    ("rate", "Items done a second, over the last minutes.", lambda one: one.rate),
    ("remaining_seconds", "How long the rest takes at this rate; 0 when that is not known.",
     lambda one: one.remaining_seconds),
    ("oldest_timestamp_seconds", "When the oldest open item was put in, since the epoch; 0 when there is none.",
     lambda one: one.oldest),
    ("paused", "Whether no batch begins.", lambda one: one.paused),
)  # fmt: skip


def backlog_families(jobs: Mapping[str, JobState]) -> Iterator[Family]:
    """What is known of the backlogs, by the labels of their jobs; nothing without any."""
    states = {label: job.backlog for label, job in jobs.items() if job.backlog is not None}
    if not states:
        return
    items = Family("mcmirror_job_backlog_items", "Items by state; done ones as long as they are remembered.",
                   names=("job_name", "state"))  # fmt: skip
    for label, state in states.items():
        for kind in ItemState:
            items.add(f"{label},{labels(state=kind.value)}", getattr(state, kind.value))
    yield items
    for name, text, value in _GAUGES:
        family = Family(f"mcmirror_job_backlog_{name}", text, names=("job_name",))
        for label, state in states.items():
            family.add(label, value(state))
        yield family
