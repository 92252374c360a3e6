"""A server's state, or a run that has ended, as Prometheus takes it: scraped, in a file, pushed.

The label is ``job_name``: Prometheus keeps ``job`` for what it scrapes, and a Pushgateway for its groups.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from mcmirror import __version__
from mcmirror.model.record import Record
from mcmirror.model.report import RunReport, Status
from mcmirror.model.state import JobState, State, Totals

if TYPE_CHECKING:
    from prometheus_client.core import Metric
    from prometheus_client.registry import CollectorRegistry

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
JOB = [NAME]
LASTING = ("mcmirror_job_last_success_timestamp_seconds", "mcmirror_job_overdue_timestamp_seconds")
"""What a run that fails leaves as it was."""


def scraped(state: State, accept: str = "") -> tuple[bytes, str]:
    """The whole of a running server, and its content type: OpenMetrics for whoever accepts that, else plain text."""
    from prometheus_client.exposition import choose_encoder

    encode, kind = choose_encoder(accept)
    return encode(_registry(lambda: (*server_families(state), *job_families(state)), process=True)), kind


def text_of(jobs: Iterable[JobState], before: str = "") -> str:
    """What can be said of jobs by a process that ends with their runs; no sums, for they begin anew each time.

    ``before`` is such a text of an earlier process. It is kept for other jobs, and of these jobs' what ``LASTING``
    names, when now nothing is known of it.
    """
    from prometheus_client import generate_latest

    state = State(0.0, 0.0, 0.0, jobs=tuple(jobs))
    families = {family.name: family for family in job_families(state, lasting=False)}
    _keep(families, before, {job.name for job in state.jobs})
    return generate_latest(_registry(families.values, process=False)).decode()


def _keep(families: "dict[str, Metric]", before: str, jobs: set[str]) -> None:
    """Add what ``before`` says and nothing now contradicts."""
    from prometheus_client.parser import text_string_to_metric_families

    try:
        earlier = list(text_string_to_metric_families(before))
    except (ValueError, KeyError, IndexError):
        # Not of our making, or broken: what comes now is right.
        return
    for old in earlier:
        family = families.get(old.name)
        if family is None:
            continue
        now = {sample.labels.get(NAME) for sample in family.samples}
        family.samples += [
            sample
            for sample in old.samples
            if (name := sample.labels.get(NAME)) and (name not in jobs or (old.name in LASTING and name not in now))
        ]


class _Families:
    """A collector over what a function yields."""

    def __init__(self, families: "Callable[[], Iterable[Metric]]") -> None:
        self._families = families

    def collect(self) -> "Iterable[Metric]":
        return self._families()


def _registry(families: "Callable[[], Iterable[Metric]]", *, process: bool) -> "CollectorRegistry":
    from prometheus_client import CollectorRegistry, ProcessCollector

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(families))
    if process:
        ProcessCollector(registry=registry)
    return registry


def server_families(state: State) -> "Iterator[Metric]":
    """What holds for the server as a whole, and for its notifiers."""
    from prometheus_client.core import GaugeMetricFamily as Gauge
    from prometheus_client.core import InfoMetricFamily as Info

    yield Info("mcmirror_build", "The version of mcmirror.", {"version": __version__})
    for name, text, value in (
        ("start_time_seconds", "When mcmirror serve began, since the epoch.", state.started),
        ("scheduler_heartbeat_timestamp_seconds", "When the scheduler last looked at the clock.", state.heartbeat),
        ("scheduler_heartbeat_age_seconds", "How long ago that was.", max(0.0, state.now - state.heartbeat)),
        ("paused", "Whether the whole server is paused.", state.paused),
        ("stopping", "Whether the server is being stopped.", state.stopping),
        ("warnings", "How much is not as it should be and stops no run; readyz says what.", len(state.warnings)),
    ):
        yield Gauge(f"mcmirror_{name}", text, float(value))
    waiting = Gauge("mcmirror_notifier_waiting_messages", "Messages still to be delivered.", labels=["notifier"])
    failures = Gauge("mcmirror_notifier_failures", "Failed attempts since it last worked.", labels=["notifier"])
    given_up = Gauge("mcmirror_notifier_given_up_messages", "Messages that were given up.", labels=["notifier"])
    for notifier in state.notifiers:
        waiting.add_metric([notifier.name], notifier.waiting)
        failures.add_metric([notifier.name], notifier.failures)
        given_up.add_metric([notifier.name], notifier.given_up)
    yield from (waiting, failures, given_up)


def job_families(state: State, *, lasting: bool = True) -> "Iterator[Metric]":
    """What is known of the jobs; with ``lasting`` also what only a process that stays can know."""
    yield from _told(state.jobs)
    yield from _last_runs([(job.name, job.last.report) for job in state.jobs if job.last and job.last.report])
    if lasting:
        yield from _moment(state)
        yield from _sums({job.name: state.totals.get(job.name, Totals()) for job in state.jobs})


def _told(jobs: Iterable[JobState]) -> "Iterator[Metric]":
    """What a job is, and its times; a time that there is not yet is left out."""
    from prometheus_client.core import GaugeMetricFamily as Gauge

    jobs = tuple(jobs)
    info = Gauge("mcmirror_job_info", "What the job mirrors, and when.", labels=[*JOB, "source", "target", "trigger"])
    for job in jobs:
        info.add_metric([job.name, job.source, job.target, job.trigger], 1)
    yield info
    times: list[tuple[str, str, Callable[[JobState], float]]] = [
        ("last_success_timestamp_seconds", "When the last run that succeeded ended.", lambda job: job.last_success),
        ("last_run_timestamp_seconds", "When the last run ended.", lambda job: _ended_at(job.last)),
        ("max_age_seconds", "How old the last success may become.", lambda job: job.max_age),
        (
            "overdue_timestamp_seconds",
            "When the last success becomes, or became, too old.",
            lambda job: job.overdue_since if job.max_age else 0.0,
        ),
        ("next_run_timestamp_seconds", "When the schedule starts it next.", lambda job: job.next_run),
    ]
    for name, text, value in times:
        family = Gauge(f"mcmirror_job_{name}", text, labels=JOB)
        for job in jobs:
            if value(job):
                family.add_metric([job.name], value(job))
        yield family


def _moment(state: State) -> "Iterator[Metric]":
    from prometheus_client.core import GaugeMetricFamily as Gauge

    values: list[tuple[str, str, Callable[[JobState], bool]]] = [
        ("running", "Whether a run is under way, or waits for its turn.", lambda job: bool(job.run)),
        ("waiting", "Whether its run waits for another one's lock.", lambda job: job.phase == "waiting"),
        ("paused", "Whether it is paused, alone or with the server.", lambda job: job.paused or state.paused),
        ("stale", "Whether the last success is older than max_age allows.", lambda job: job.stale(state.now)),
    ]
    for name, text, value in values:
        family = Gauge(f"mcmirror_job_{name}", text, labels=JOB)
        for job in state.jobs:
            family.add_metric([job.name], float(value(job)))
        yield family


def _last_runs(reports: "list[tuple[str, RunReport]]") -> "Iterator[Metric]":
    from prometheus_client.core import GaugeMetricFamily as Gauge

    status = Gauge("mcmirror_job_last_run_status", "1 for the last verdict.", labels=[*JOB, "status"])
    duration = Gauge("mcmirror_job_last_run_duration_seconds", "How long the last run took.", labels=JOB)
    attempts = Gauge("mcmirror_job_last_run_attempts", "How often the last run tried.", labels=JOB)
    verified = Gauge("mcmirror_job_last_run_verified", "Whether listings stand behind the verdict.", labels=JOB)
    objects = Gauge("mcmirror_job_last_run_objects", "The last run's objects.", labels=[*JOB, "outcome"])
    size = Gauge("mcmirror_job_last_run_bytes", "The last run's bytes.", labels=[*JOB, "outcome"])
    problems = Gauge("mcmirror_job_last_run_problems", "The last run's problems.", labels=[*JOB, "category"])
    requests = Gauge(
        "mcmirror_job_last_run_requests", "The last run's requests, estimated.", labels=[*JOB, "side", "kind"]
    )
    for name, report in reports:
        for one in Status:
            status.add_metric([name, one.value], float(report.status is one))
        duration.add_metric([name], report.seconds)
        attempts.add_metric([name], report.attempts)
        verified.add_metric([name], float(report.verified))
        for outcome, field in OUTCOMES.items():
            count = getattr(report.tally, field)
            objects.add_metric([name, outcome], count.objects)
            size.add_metric([name, outcome], count.bytes)
        for category, number in _counted(problem.category.value for problem in report.problems).items():
            problems.add_metric([name, category], number)
        for side, kind, number in _requests(asdict(report.requests)):
            requests.add_metric([name, side, kind], number)
    yield from (status, duration, attempts, verified, objects, size, problems, requests)


def _sums(totals: Mapping[str, Totals]) -> "Iterator[Metric]":
    """Counters since the process began; those with a known set of labels begin at 0, so that a first one shows."""
    from prometheus_client.core import CounterMetricFamily as Counter

    runs = Counter("mcmirror_job_runs", "Runs by verdict.", labels=[*JOB, "status"])
    objects = Counter("mcmirror_job_objects", "Objects by outcome.", labels=[*JOB, "outcome"])
    size = Counter("mcmirror_job_bytes", "Bytes by outcome.", labels=[*JOB, "outcome"])
    problems = Counter("mcmirror_job_problems", "Problems by category.", labels=[*JOB, "category"])
    requests = Counter("mcmirror_job_requests", "Requests, estimated.", labels=[*JOB, "side", "kind"])
    retries = Counter("mcmirror_job_retries", "Attempts after the first of a run.", labels=JOB)
    for name, total in totals.items():
        for status in Status:
            runs.add_metric([name, status.value], total.runs.get(status.value, 0))
        for outcome in SUMMED:
            objects.add_metric([name, outcome], total.objects.get(outcome, 0))
            size.add_metric([name, outcome], total.bytes.get(outcome, 0))
        for category, number in total.problems.items():
            problems.add_metric([name, category], number)
        for side, kind, number in _requests(total.requests):
            requests.add_metric([name, side, kind], number)
        retries.add_metric([name], total.retries)
    yield from (runs, objects, size, problems, requests, retries)


def _requests(requests: Mapping[str, int]) -> Iterator[tuple[str, str, int]]:
    """``source_list`` and so on, as side and kind."""
    for name, number in requests.items():
        side, _, kind = name.partition("_")
        yield side, kind, number


def _counted(words: Iterable[str]) -> dict[str, int]:
    found = dict[str, int]()
    for word in words:
        found[word] = found.get(word, 0) + 1
    return found


def _ended_at(record: Record | None) -> float:
    return datetime.fromisoformat(record.finished).timestamp() if record and record.finished else 0.0
