"""The metrics of a server, as Prometheus reads them."""

from dataclasses import replace
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from mcmirror import __version__
from mcmirror.model.report import Status
from mcmirror.model.state import State
from mcmirror.notify.metrics import scraped
from tests.ui_samples import EVIL
from tests.web_control import DOCS, NOW, PHOTOS, STATE

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


def told(state: State, accept: str = "") -> str:
    """The whole text."""
    return b"".join(scraped(state, accept)[0]).decode()


def samples(state: State) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Each sample's value by its name and labels; each only once."""
    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    for family in plain(told(state)):
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found, key
            found[key] = sample.value
    return found


def value(state: State, name: str, **labels: str) -> float | None:
    """The value of one sample; None when there is none."""
    return samples(state).get((f"mcmirror_{name}", frozenset(labels.items())))


@pytest.mark.parametrize(
    ("expected", "name", "labels"),
    [
        (1.0, "build_info", {"version": __version__}),
        (NOW - 1000, "start_time_seconds", {}),
        (1.0, "scheduler_heartbeat_age_seconds", {}),
        (NOW - 1, "scheduler_heartbeat_timestamp_seconds", {}),
        (0.0, "paused", {}),
        (1.0, "warnings", {}),
        (2.0, "notifier_waiting_messages", {"notifier": "team"}),
        (3.0, "notifier_failures", {"notifier": "team"}),
        (1.0, "notifier_given_up_messages", {"notifier": "team"}),
        (NOW - 600, "job_last_success_timestamp_seconds", {"job_name": "photos"}),
        (None, "job_last_success_timestamp_seconds", {"job_name": DOCS.name}),
        (3600.0, "job_max_age_seconds", {"job_name": "photos"}),
        (NOW + 3000, "job_overdue_timestamp_seconds", {"job_name": "photos"}),
        (NOW + 3600, "job_next_run_timestamp_seconds", {"job_name": "photos"}),
        (None, "job_next_run_timestamp_seconds", {"job_name": DOCS.name}),
        (72.3, "job_last_run_duration_seconds", {"job_name": "photos"}),
        (1204.0, "job_last_run_objects", {"job_name": "photos", "outcome": "copied"}),
        (3.0 * 2**30, "job_last_run_bytes", {"job_name": "photos", "outcome": "copied"}),
        (25.0, "job_last_run_objects", {"job_name": DOCS.name, "outcome": "remaining"}),
        (18.0, "job_last_run_problems", {"job_name": DOCS.name, "category": "permission"}),
        (1300.0, "job_last_run_requests", {"job_name": "photos", "side": "target", "kind": "put"}),
        (1.0, "job_last_run_status", {"job_name": DOCS.name, "status": "partial"}),
        (0.0, "job_last_run_status", {"job_name": DOCS.name, "status": "succeeded"}),
        (1.0, "job_running", {"job_name": DOCS.name}),
        (0.0, "job_running", {"job_name": "photos"}),
        (3.0, "job_runs_total", {"job_name": "photos", "status": "succeeded"}),
        (0.0, "job_runs_total", {"job_name": DOCS.name, "status": "failed"}),
        (1204.0, "job_objects_total", {"job_name": "photos", "outcome": "copied"}),
        (20.0, "job_bytes_total", {"job_name": "photos", "outcome": "removed"}),
        (2.0, "job_problems_total", {"job_name": "photos", "category": "connection-lost"}),
        (200.0, "job_requests_total", {"job_name": "photos", "side": "source", "kind": "list"}),
        (1.0, "job_retries_total", {"job_name": "photos"}),
        (0.0, "job_retries_total", {"job_name": DOCS.name}),
    ],
)
def test_what_is_known_is_a_metric(expected: float | None, name: str, labels: dict[str, str]) -> None:
    assert expected == value(STATE, name, **labels)


def test_a_job_says_what_it_mirrors() -> None:
    labels = {"job_name": "photos", "source": PHOTOS.source, "target": PHOTOS.target, "trigger": PHOTOS.trigger}
    assert 1.0 == value(STATE, "job_info", **labels)


def test_what_changes_with_time_is_a_gauge() -> None:
    late = replace(
        STATE, jobs=(replace(PHOTOS, overdue_since=NOW - 1, phase="waiting", run="x"), replace(DOCS, paused=True))
    )
    for name, photos, docs in (("stale", 1.0, 0.0), ("waiting", 1.0, 0.0), ("paused", 0.0, 1.0), ("running", 1.0, 1.0)):
        got = [value(late, f"job_{name}", job_name=job) for job in ("photos", DOCS.name)]
        assert [photos, docs] == got, name
    whole = replace(STATE, paused=True, stopping=True)
    assert [1.0, 1.0, 1.0] == [
        value(whole, "paused"), value(whole, "stopping"), value(whole, "job_paused", job_name="photos")
    ]  # fmt: skip


def test_a_job_without_max_age_is_never_overdue() -> None:
    state = replace(STATE, jobs=(replace(PHOTOS, max_age=0.0, overdue_since=NOW),))
    assert None is value(state, "job_overdue_timestamp_seconds", job_name="photos")
    assert None is value(state, "job_max_age_seconds", job_name="photos")


def test_a_job_that_has_never_run_has_no_last_run() -> None:
    state = replace(STATE, jobs=(replace(PHOTOS, last=None, last_success=0.0),))
    names = {name for name, _ in samples(state)}
    assert not [name for name in names if name.startswith("mcmirror_job_last_")]
    assert 0.0 == value(state, "job_running", job_name="photos")


def test_each_verdict_is_told_so_that_none_lingers() -> None:
    for status in Status:
        assert PHOTOS.last is not None
        assert PHOTOS.last.report is not None
        last = replace(PHOTOS.last, report=replace(PHOTOS.last.report, status=status))
        state = replace(STATE, jobs=(replace(PHOTOS, last=last),))
        told = {one.value: value(state, "job_last_run_status", job_name="photos", status=one.value) for one in Status}
        assert {one.value: float(one is status) for one in Status} == told


def test_a_name_of_any_signs_stays_one_label() -> None:
    state = replace(STATE, jobs=(replace(PHOTOS, name='a"\\\n' + EVIL),))
    assert 0.0 == value(state, "job_running", job_name='a"\\\n' + EVIL)


def families(text: str, parse: Any) -> dict[str, Any]:
    return {family.name: family for family in parse(text)}


def test_both_formats_are_right_and_say_the_same() -> None:
    text, other = told(STATE), told(STATE, OPENMETRICS)
    kinds = [scraped(STATE, accept)[1].partition(";")[0] for accept in ("", OPENMETRICS, "text/plain;version=0.0.4")]
    assert ["text/plain", "application/openmetrics-text", "text/plain"] == kinds
    # The parser of OpenMetrics is strict: names, types, order, the end.
    strict = families(other, openmetrics)
    ours = {name for name in strict if name.startswith("mcmirror_")}
    assert ours == {
        name.removesuffix("_info") if name == "mcmirror_build_info" else name
        for name in families(text, plain)
        if name.startswith("mcmirror_")
    }
    for name in ours:
        assert strict[name].documentation.endswith("."), name


def test_names_keep_to_the_conventions() -> None:
    for name, family in families(told(STATE), plain).items():
        assert not name.endswith("_total"), "the parser takes it off"
        for sample in family.samples:
            assert (family.type == "counter") == sample.name.endswith("_total"), sample.name
            assert "job" not in sample.labels, "Prometheus keeps job for what it scrapes"
            assert "instance" not in sample.labels
        for unit in ("minutes", "hours", "kilobytes", "milliseconds", "percent"):
            assert unit not in name


def test_the_process_tells_of_itself() -> None:
    names = {name for name, _ in samples(STATE)}
    assert {"process_resident_memory_bytes", "process_open_fds", "process_start_time_seconds"} <= names
    assert not [name for name in names if name.startswith("python_")]


def test_of_two_thousand_jobs_no_more_is_held_at_once_than_one_metric() -> None:
    jobs = tuple(replace(PHOTOS, name=f"job-{number}") for number in range(2000))
    state = replace(STATE, jobs=jobs, totals={job.name: STATE.totals["photos"] for job in jobs})
    pieces = list(scraped(state)[0])
    assert 2000 == sum(piece.count(b"mcmirror_job_stale{") for piece in pieces)
    assert {1} == {piece.count(b"# TYPE ") for piece in pieces}
