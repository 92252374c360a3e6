"""A server's state, or a run that has ended, as Prometheus takes it: scraped, in a file, pushed.

The label is ``job_name``: Prometheus keeps ``job`` for what it scrapes, and a Pushgateway for its groups.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from functools import cache
from itertools import chain
from typing import TypeVar

from mcmirror import __version__
from mcmirror.model.cost import Requests
from mcmirror.model.record import Record
from mcmirror.model.relay import RelayState
from mcmirror.model.replication_state import DirectionState, ReplicationState
from mcmirror.model.report import RunReport, Status
from mcmirror.model.state import JobState, State, Totals
from mcmirror.notify.exposition import PLAIN, Family, format_for, labels, written
from mcmirror.notify.metrics_agents import agent_families
from mcmirror.notify.metrics_backlog import backlog_families
from mcmirror.notify.metrics_realtime import realtime_families

OUTCOMES = {
    "planned": "planned",
    "copied": "done",
    "removed": "removed",
    "kept": "kept",
    "extraneous": "extraneous",
    "equal": "equal",
    "remaining": "remaining",
    "vanished": "vanished",
}
"""The label ``outcome`` -> the field of ``Tally``."""
SUMMED = ("copied", "removed", "kept", "remaining")
"""The outcomes that ``Totals`` sums up."""
NAME = "job_name"
LASTING = ("mcmirror_job_last_success_timestamp_seconds", "mcmirror_job_overdue_timestamp_seconds")
"""What a run leaves as it was that does not know better."""

T = TypeVar("T")
Samples = Iterable[tuple[str, float]]
"""Of one job: its further labels, with a comma before each, and the value."""


def scraped(state: State, accept: str = "") -> tuple[Iterator[bytes], str]:
    """The whole of a running server, in pieces, and its content type: OpenMetrics for whoever accepts that."""
    form = format_for(accept)
    return written(chain(server_families(state), job_families(state), _process()), form), form


def text_of(jobs: Iterable[JobState], before: str = "") -> str:
    """What can be said of jobs by a process that ends with their runs; no sums, for they begin anew each time.

    ``before`` is such a text of an earlier process. It is kept for other jobs, and of these jobs' what ``LASTING``
    names, when now nothing is known of it.
    """
    state = State(0.0, 0.0, 0.0, jobs=tuple(jobs))
    families = {family.name: family for family in job_families(state, lasting=False)}
    _keep(families, before, {job.name for job in state.jobs})
    return b"".join(written(families.values(), PLAIN)).decode()


def _keep(families: Mapping[str, Family], before: str, jobs: set[str]) -> None:
    """Add what ``before`` says and nothing now contradicts."""
    if not before:
        return
    from prometheus_client.parser import text_string_to_metric_families

    try:
        earlier = list(text_string_to_metric_families(before))
    except (ValueError, KeyError, IndexError):
        # Not of our making, or broken: what comes now is right.
        return
    for old in earlier:
        if old.name in families:
            families[old.name].add_missing(
                (labels(**sample.labels), sample.value)
                for sample in old.samples
                if (name := sample.labels.get(NAME)) and (name not in jobs or old.name in LASTING)
            )


def _process() -> Iterator[Family]:
    """What the process uses."""
    from prometheus_client import ProcessCollector

    for metric in ProcessCollector(registry=None).collect():
        family = Family(metric.name, metric.documentation, kind=metric.type)
        for sample in metric.samples:
            family.add("", sample.value)
        yield family


def server_families(state: State) -> Iterator[Family]:
    """What holds for the server as a whole, and for its notifiers."""
    build = Family("mcmirror_build", "The version of mcmirror.", kind="info")
    build.add(labels(version=__version__), 1)
    yield build
    for name, text, value in (
        ("start_time_seconds", "When mcmirror serve began, since the epoch.", state.started),
        ("scheduler_heartbeat_timestamp_seconds", "When the scheduler last looked at the clock.", state.heartbeat),
        ("scheduler_heartbeat_age_seconds", "Seconds since then.", max(0.0, state.now - state.heartbeat)),
        ("paused", "Whether the whole server is paused.", state.paused),
        ("stopping", "Whether the server is being stopped.", state.stopping),
        ("warnings", "Number of warnings; /readyz names them. They stop no run.", len(state.warnings)),
    ):
        family = Family(f"mcmirror_{name}", text)
        family.add("", value)
        yield family
    for name, text, field in (
        ("waiting_messages", "Messages still to be delivered.", "waiting"),
        ("failures", "Failed attempts since it last worked.", "failures"),
        ("given_up_messages", "Messages that were given up.", "given_up"),
    ):
        family = Family(f"mcmirror_notifier_{name}", text, names=("notifier",))
        for notifier in state.notifiers:
            family.add(labels(notifier=notifier.name), getattr(notifier, field))
        yield family
    yield from _relays(state.relays)
    yield from _replications(state.replications)
    yield from agent_families(state.agents, state.now)


def _relays(relays: Iterable[RelayState]) -> Iterator[Family]:
    """What relays have to do, and what they did since the state began."""
    for name, text, kind, value in _OF_RELAYS:
        family = Family(f"mcmirror_relay_{name}", text, kind=kind, names=("relay",))
        for relay in relays:
            family.add(labels(relay=relay.name), value(relay))
        yield family
    family = Family(
        "mcmirror_relay_duplicate_events", "Events that were dropped.", kind="counter", names=("relay", "reason")
    )
    for relay in relays:
        for reason in ("pending", "repeated"):
            family.add(labels(relay=relay.name, reason=reason), getattr(relay, reason))
    yield family


_OF_RELAYS: tuple[tuple[str, str, str, Callable[[RelayState], float]], ...] = (
    ("waiting_events", "Events to be handed on.", "gauge", lambda relay: relay.waiting),
    ("oldest_event_timestamp_seconds", "When the oldest of these came, 0 for none.", "gauge", lambda one: one.oldest),
    ("dead_events", "Events that were given up.", "gauge", lambda relay: relay.dead),
    ("failures", "Failed attempts since one succeeded.", "gauge", lambda relay: relay.failures),
    ("delivered_events", "Events that were handed on.", "counter", lambda relay: relay.delivered),
)
"""Name, help, kind and value."""


def _replications(replications: Iterable[ReplicationState]) -> Iterator[Family]:
    """How each direction of each replication was at the last look; what is not known has no sample."""
    for name, text, value in _OF_REPLICATIONS:
        family = Family(f"mcmirror_replication_{name}", text, names=("replication", "from", "to"))
        for replication in replications:
            for one in replication.directions:
                if (found := value(one)) is not None:
                    places = {"replication": replication.name, "from": one.source, "to": one.target}
                    family.add(labels(**places), found)
        yield family
    family = Family(
        "mcmirror_replication_checked_timestamp_seconds",
        "When it was last looked at, 0 for never.",
        names=("replication",),
    )
    for replication in replications:
        family.add(labels(replication=replication.name), replication.looked)
    yield family


_OF_REPLICATIONS: tuple[tuple[str, str, Callable[[DirectionState], float | None]], ...] = (
    ("up", "1 while the rule is at work and the target is reached.", lambda one: one.working),
    ("behind_versions", "Versions and delete markers that are still to come.", lambda one: one.behind),
    ("lag_seconds", "Age of the oldest of these.", lambda one: one.lag),
)
"""Name, help and value."""


def job_families(state: State, *, lasting: bool = True) -> Iterator[Family]:
    """What is known of the jobs; with ``lasting`` also what only a process that stays can know."""
    jobs = {labels(job_name=job.name): job for job in state.jobs}
    yield from _told(jobs)
    yield from _last_runs({job: one.last.report for job, one in jobs.items() if one.last and one.last.report})
    if lasting:
        yield from _moment(jobs, state)
        yield from realtime_families(jobs)
        yield from backlog_families(jobs)
        yield from _sums({job: state.totals.get(one.name, Totals()) for job, one in jobs.items()})


def _told(jobs: Mapping[str, JobState]) -> Iterator[Family]:
    """What a job is, and its times; a time that there is not yet is left out."""

    def info(job: JobState) -> Samples:
        return [("," + labels(source=job.source, target=job.target, trigger=job.trigger), 1)]

    yield _family("info", "What the job mirrors, and when.", jobs, info, "source", "target", "trigger")
    times: list[tuple[str, str, Callable[[JobState], float]]] = [
        ("last_success_timestamp_seconds", "When the last run that succeeded ended.", lambda job: job.last_success),
        ("last_run_timestamp_seconds", "When the last run ended.", lambda job: _ended_at(job.last)),
        ("max_age_seconds", "How old the last success may become.", lambda job: job.max_age),
        (
            "overdue_timestamp_seconds",
            "When the last success becomes, or became, older than max_age.",
            lambda job: job.overdue_since if job.max_age else 0.0,
        ),
        ("next_run_timestamp_seconds", "When the schedule starts it next.", lambda job: job.next_run),
    ]
    for name, text, value in times:
        known = {job: moment for job, one in jobs.items() if (moment := value(one))}
        yield _family(name, text, known, lambda moment: [("", moment)])


def _moment(jobs: Mapping[str, JobState], state: State) -> Iterator[Family]:
    values: list[tuple[str, str, Callable[[JobState], bool]]] = [
        ("running", "Whether a run is under way, or waits for its turn.", lambda job: bool(job.run)),
        ("waiting", "Whether its run waits for the lock of another run.", lambda job: job.phase == "waiting"),
        ("paused", "Whether it is paused, alone or with the server.", lambda job: job.paused or state.paused),
        ("stale", "Whether the last success is older than max_age allows.", lambda job: job.stale(state.now)),
    ]
    for name, text, value in values:
        yield _family(name, text, {job: value(one) for job, one in jobs.items()}, lambda held: [("", held)])


def _last_runs(reports: Mapping[str, RunReport]) -> Iterator[Family]:
    def objects(report: RunReport) -> Samples:
        return [(label, getattr(report.tally, OUTCOMES[outcome]).objects) for outcome, label in _OUTCOME.items()]

    def size(report: RunReport) -> Samples:
        return [(label, getattr(report.tally, OUTCOMES[outcome]).bytes) for outcome, label in _OUTCOME.items()]

    def problems(report: RunReport) -> Samples:
        found = Counter(problem.category.value for problem in report.problems)
        return [(_also(category=category), number) for category, number in found.items()]

    def status(report: RunReport) -> Samples:
        return [(label, report.status.value == one) for one, label in _STATUS.items()]

    def requests(report: RunReport) -> Samples:
        return [(_side_and_kind(name), getattr(report.requests, name)) for name in _REQUESTS]

    yield _family("last_run_status", "1 for the verdict of the last run, 0 for all others.", reports, status, "status")
    yield _family(
        "last_run_duration_seconds", "How long the last run took.", reports,
        lambda report: [("", report.lasted)] if report.lasted is not None else (),
    )  # fmt: skip
    yield _family("last_run_attempts", "Attempts of the last run.", reports, lambda report: [("", report.attempts)])
    yield _family(
        "last_run_verified", "Whether the last verdict comes from listing both sides.", reports,
        lambda report: [("", report.verified)],
    )  # fmt: skip
    yield _family("last_run_objects", "The last run's objects.", reports, objects, "outcome")
    yield _family("last_run_bytes", "The last run's bytes.", reports, size, "outcome")
    yield _family("last_run_problems", "The last run's problems.", reports, problems, "category")
    yield _family("last_run_requests", "The last run's requests, estimated.", reports, requests, "side", "kind")


def _sums(totals: Mapping[str, Totals]) -> Iterator[Family]:
    """Counters since the process began; those with a known set of labels begin at 0, so that a first one shows."""

    def counter(name: str, text: str, samples: Callable[[Totals], Samples], *names: str) -> Family:
        return _family(name, text, totals, samples, *names, kind="counter")

    def outcomes(sums: Mapping[str, int]) -> Samples:
        return [(_OUTCOME[outcome], sums.get(outcome, 0)) for outcome in SUMMED]

    def runs(total: Totals) -> Samples:
        return [(label, total.runs.get(status, 0)) for status, label in _STATUS.items()]

    def problems(total: Totals) -> Samples:
        return [(_also(category=category), number) for category, number in total.problems.items()]

    def requests(total: Totals) -> Samples:
        return [(_side_and_kind(name), number) for name, number in total.requests.items()]

    yield counter("runs", "Runs by verdict.", runs, "status")
    yield counter("objects", "Objects by outcome.", lambda total: outcomes(total.objects), "outcome")
    yield counter("bytes", "Bytes by outcome.", lambda total: outcomes(total.bytes), "outcome")
    yield counter("problems", "Problems by category.", problems, "category")
    yield counter("requests", "Requests, estimated.", requests, "side", "kind")
    yield counter("retries", "Attempts after the first of a run.", lambda total: [("", total.retries)])


def _family(
    name: str, text: str, jobs: Mapping[str, T], samples: Callable[[T], Samples], *names: str, kind: str = "gauge"
) -> Family:
    """A metric of jobs, whose ``labels`` lead to what ``samples`` are taken of."""
    family = Family(f"mcmirror_job_{name}", text, kind=kind, names=(NAME, *names))
    for job, one in jobs.items():
        for more, value in samples(one):
            family.add(job + more, value)
    return family


@cache
def _also(**given: str) -> str:
    """Further labels, of values that are few."""
    return "," + labels(**given)


def _side_and_kind(request: str) -> str:
    """The labels of ``source_list`` and so on."""
    side, _, kind = request.partition("_")
    return _also(side=side, kind=kind)


_STATUS = {status.value: _also(status=status.value) for status in Status}
_OUTCOME = {outcome: _also(outcome=outcome) for outcome in OUTCOMES}
_REQUESTS = tuple(field.name for field in fields(Requests))


def _ended_at(record: Record | None) -> float:
    return datetime.fromisoformat(record.finished).timestamp() if record and record.finished else 0.0
