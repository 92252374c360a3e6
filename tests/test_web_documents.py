"""What a server says of itself, and the dashboard reads back."""

import json
from dataclasses import replace

import pytest

from mcmirror.codec.documents import PROBLEMS, decode, encode, epoch, rfc3339
from mcmirror.codec.events import as_json
from mcmirror.model.backlog import BacklogState
from mcmirror.model.realtime import Channel, RealtimeState
from mcmirror.model.state import JobState, State
from tests.web_control import DOCS, FAILURE, NOW, PHOTOS, STATE


def brief(job: JobState) -> JobState:
    """What a state shows of a job: of its last run neither keys nor more problems than fit."""
    assert job.last is not None
    assert job.last.report is not None
    report = replace(job.last.report, remaining=(), removed=(), problems=job.last.report.problems[:PROBLEMS])
    return replace(job, last=replace(job.last, report=report))


@pytest.mark.parametrize(
    "state",
    [
        STATE,
        State(now=NOW, started=NOW, heartbeat=NOW),
        replace(STATE, paused=True, stopping=True, jobs=(replace(PHOTOS, last=None, paused=True, dry_run=True),)),
    ],
)
def test_a_state_comes_back_from_its_document(state: State) -> None:
    read = decode(State, json.loads(as_json(encode(state))))
    assert replace(state, jobs=tuple(brief(job) if job.last else job for job in state.jobs)) == read


def test_every_field_is_told_so_that_none_is_forgotten() -> None:
    """Each field of the samples differs from its default: a new one would come back as that."""
    realtime = RealtimeState(Channel.DEAF, NOW, "why", dirty=1)
    backlog = BacklogState(1, 2, 3, 4, 5, 6, NOW, NOW, "why", 2.0, NOW, paused=True)
    told = replace(DOCS, paused=True, dry_run=True, next_run=NOW, last_success=NOW, realtime=realtime, backlog=backlog)
    defaults = JobState("", "", "", "")
    for name in JobState.__slots__:
        assert getattr(told, name) != getattr(defaults, name), name
    state = replace(STATE, jobs=(told,), paused=True, stopping=True)
    for name in State.__slots__:
        assert getattr(state, name) != getattr(State(0, 0, 0), name), name
    assert replace(state, jobs=(brief(told),)) == decode(State, encode(state))


def test_an_older_or_newer_server_is_read_as_far_as_it_goes() -> None:
    document = encode(STATE)
    del document["warnings"], document["totals"], document["jobs"][0]["dry_run"]
    document["news"] = document["jobs"][0]["news"] = 1
    read = decode(State, document)
    assert ((), {}, "photos") == (read.warnings, read.totals, read.jobs[0].name)


@pytest.mark.parametrize("document", [{}, {"time": 5}, {**encode(STATE), "jobs": [{}]}, {"error": {}}])
def test_what_is_no_state_is_said_to_be_none(document: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"State|isoformat"):
        decode(State, document)


def test_times_are_utc_with_milliseconds_and_null_where_there_is_none() -> None:
    assert ("2026-09-21T14:13:20.250Z", None) == (rfc3339(NOW), rfc3339(0))
    assert (NOW, 0.0) == (epoch(rfc3339(NOW)), epoch(None))


def test_a_last_run_is_told_without_its_many_keys() -> None:
    assert FAILURE.report is not None
    document = encode(STATE)["jobs"][1]["last"]["report"]
    assert (25, []) == (len(FAILURE.report.remaining), document["remaining_keys"])
