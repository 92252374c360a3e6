"""Generated replications, and servers that fail: it is said, applying goes on, and removing leads back."""

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcmirror.model.bucket_events import EventFilter
from mcmirror.model.location import Location
from mcmirror.model.replication import BucketState, Carried, Remote, Replication, Rule, WantedEvents
from mcmirror.model.replication_steps import Action, Application, StepState
from mcmirror.replication.apply import adopt, apply, remove
from mcmirror.replication.difference import Observed, plan_of
from mcmirror.replication.servers import observe
from tests.replication_world import SERVERS, Notes, World

SOURCE, TARGET = "one/bucket", "other/copy"
ARN = "arn:minio:sqs::one:webhook"
THEIRS = Rule("theirs", enabled=True, priority=900, replicate=frozenset(), arn="arn:minio:replication::elsewhere")
ELSEWHERE = Remote("arn:minio:replication::elsewhere", "http://elsewhere:9000", "copy", "key")
BUCKETS = st.one_of(
    st.none(),
    st.builds(
        BucketState,
        versioning=st.sampled_from(["", "Enabled", "Suspended"]),
    ),
    st.just(BucketState(versioning="Enabled", rules=(THEIRS,), remotes=(ELSEWHERE,))),
)
DESIRED = st.builds(
    partial(Replication, "link", Location.parse(SOURCE), Location.parse(TARGET)),
    both_ways=st.booleans(),
    replicate=st.frozensets(st.sampled_from(Carried)),
    priority=st.integers(1, 3),
    bandwidth=st.sampled_from([0, 10**9]),
    synchronous=st.booleans(),
    events=st.sampled_from(
        [(), (WantedEvents("target", EventFilter(ARN, ("put", "replica"))),)],
    ),
)


def world(source: BucketState | None, target: BucketState | None) -> World:
    return World({place: state for place, state in ((SOURCE, source), (TARGET, target)) if state is not None})


def seen(desired: Replication, servers: World, notes: Notes) -> Observed:
    return observe(desired, servers, SERVERS, notes.made)


def applied(desired: Replication, servers: World, notes: Notes) -> Application:
    return apply(desired, seen(desired, servers, notes), servers, notes, lambda _: None)


def removed(desired: Replication, servers: World, notes: Notes) -> Application:
    return remove(desired, seen(desired, servers, notes), servers, notes, lambda _: None)


def back(state: BucketState | None) -> BucketState | None:
    """A bucket to which everything was done and undone: versioning that was never on is suspended."""
    if state is None or state.rules:
        return state
    return replace(state, versioning=state.versioning or "Suspended")


@given(DESIRED, BUCKETS, BUCKETS, st.integers(-1, 8), st.booleans())
def test_whatever_fails_it_goes_on_and_leads_back(
    desired: Replication, source: BucketState | None, target: BucketState | None, fails: int, after: bool
) -> None:
    servers, notes = world(source, target), Notes()
    servers.fails, servers.after = fails, after
    first = applied(desired, servers, notes)
    done = [one for one in first.results if one.state is StepState.DONE]
    assert len(first.plan.steps) == len(first.results)
    assert all(one.step in first.plan.steps for one in done)
    assert bool(first.failed) == (not after and 0 <= fails < len(first.plan.steps))
    left = plan_of(desired, seen(desired, servers, notes)).steps
    assert len(first.results) - len(done) == len(left)

    servers.fails = -1
    assert applied(desired, servers, notes).failed is None
    changes = servers.changes
    again = applied(desired, servers, notes)
    assert ((), changes) == (again.results, servers.changes)

    servers.calls, servers.fails = 0, fails
    removed(desired, servers, notes)
    servers.fails = -1
    assert removed(desired, servers, notes).failed is None
    now = (servers.buckets.get(SOURCE), servers.buckets.get(TARGET))
    for before, state in zip((source, target), now, strict=True):
        assert state in {before, back(before)}
    assert () == removed(desired, servers, notes).results


@given(DESIRED, DESIRED)
def test_another_configuration_is_reached_from_any(one: Replication, other: Replication) -> None:
    other = replace(other, events=one.events)
    servers, notes = world(None, None), Notes()
    assert applied(one, servers, notes).failed is None
    assert applied(other, servers, notes).failed is None
    assert () == plan_of(other, seen(other, servers, notes)).steps
    assert other.both_ways == bool(servers.buckets[TARGET].rules)


@given(DESIRED)
def test_without_notes_rules_are_known_by_their_names_and_the_rest_stays(desired: Replication) -> None:
    servers = world(None, None)
    applied(desired, servers, Notes())
    removed(desired, servers, Notes())
    assert [(), ()] == [servers.buckets[place].rules for place in (SOURCE, TARGET)]
    assert ["Enabled", "Enabled"] == [servers.buckets[place].versioning for place in (SOURCE, TARGET)]


@given(DESIRED)
def test_an_adopted_rule_is_changed_in_place_and_removed(desired: Replication) -> None:
    versioned = BucketState(versioning="Enabled")
    servers, notes = world(versioned, versioned), Notes()
    theirs = replace(desired, name="theirs", both_ways=False, events=(), priority=500)
    servers.add_rule(SOURCE, TARGET, theirs, SERVERS["other"])
    assert plan_of(desired, seen(desired, servers, notes)).conflicts
    assert () == applied(desired, servers, notes).results

    assert "mcmirror-theirs" in [made.detail for made in adopt(desired, seen(desired, servers, notes), notes)]
    assert [] == adopt(desired, seen(desired, servers, notes), notes)
    assert applied(desired, servers, notes).failed is None
    assert ["mcmirror-theirs"] == [rule.id for rule in servers.buckets[SOURCE].rules]
    removed(desired, servers, notes)
    assert (versioned, versioned) == (servers.buckets[SOURCE], servers.buckets[TARGET])


@pytest.mark.parametrize("action", list(Action))
def test_every_action_is_taken_by_some_world(action: Action) -> None:
    servers, notes, taken = world(None, BucketState(versioning="Suspended")), Notes(), set[Action]()
    events = (WantedEvents("target", EventFilter(ARN, ("put",))),)
    desired = Replication("link", Location.parse(SOURCE), Location.parse(TARGET), both_ways=True, events=events)
    for wanted in (desired, replace(desired, priority=2), replace(desired, both_ways=False, priority=2)):
        taken |= {one.step.action for one in applied(wanted, servers, notes).results}
    taken |= {one.step.action for one in removed(desired, servers, notes).results}
    assert action in taken
