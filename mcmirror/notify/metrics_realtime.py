"""Jobs in real time as Prometheus takes them."""

from collections.abc import Callable, Iterator, Mapping

from mcmirror.model.realtime import Channel, RealtimeState
from mcmirror.model.state import JobState
from mcmirror.notify.exposition import Family, labels

_GAUGES: tuple[tuple[str, str, Callable[[RealtimeState], float]], ...] = (
    ("lag_seconds", "Age of the oldest change that is not on the target yet.", lambda one: one.lag),
    ("max_lag_seconds", "How old it may become.", lambda one: one.max_lag),
    ("longest_lag_seconds", "The longest time from a change to its copy since the process began.",
     lambda one: one.longest_lag),
    ("proven", "Whether a canary shows that events arrive.", lambda one: one.proven),
    ("dirty_keys", "Keys that may have changed and were not looked at yet.", lambda one: one.dirty),
    ("failing_keys", "Those of them that were tried in vain.", lambda one: one.failing),
    ("held_removals", "Removals that wait for somebody: more than max_delete allows.", lambda one: one.held),
    ("red", "Whether somebody has to know.", lambda one: one.red),
)  # fmt: skip
_COUNTERS: tuple[tuple[str, str, Callable[[RealtimeState], float]], ...] = (
    ("events", "Changes that were heard of.", lambda one: one.events),
    ("batches", "Batches.", lambda one: one.batches),
    ("copied_objects", "Objects that batches copied.", lambda one: one.copied),
    ("removed_objects", "Objects that batches removed.", lambda one: one.removed),
    ("gaps", "Times in which events may have been lost; a full run followed each.", lambda one: one.gaps),
    ("reconnects", "Times that the channel was opened again.", lambda one: one.reconnects),
)


def realtime_families(jobs: Mapping[str, JobState]) -> Iterator[Family]:
    """What is known of the jobs in real time, by their labels; nothing without any."""
    states = {label: job.realtime for label, job in jobs.items() if job.realtime is not None}
    if not states:
        return
    for kind, rows in (("gauge", _GAUGES), ("counter", _COUNTERS)):
        for name, text, value in rows:
            family = Family(f"mcmirror_job_realtime_{name}", text, kind=kind, names=("job_name",))
            for label, state in states.items():
                family.add(label, value(state))
            yield family
    channels = Family("mcmirror_job_realtime_channel", "1 for how its events arrive, 0 for all others.",
                      names=("job_name", "channel"))  # fmt: skip
    for label, state in states.items():
        for channel in Channel:
            channels.add(f"{label},{labels(channel=channel.value)}", channel is state.channel)
    yield channels
