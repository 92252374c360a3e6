"""Jobs, orders, plans and differences come back from their documents as they were: they travel to agents so."""

import json
from dataclasses import fields, replace
from typing import Any

import pytest

from mcmirror.agents.task import task_document, task_of
from mcmirror.codec.events import difference_document, difference_of
from mcmirror.codec.jobs import alias_document, alias_of, job_document, job_of, plan_document, plan_of
from mcmirror.engine.context import Named
from mcmirror.engine.order import Order
from mcmirror.model.job import Assurance, Job, MaxDelete, MirrorOptions, Origin, Tags, Verb
from mcmirror.model.location import Alias, Location, Secret
from mcmirror.model.lock import Lock, Manners
from mcmirror.model.plan import Changed, Count, Difference, Entry, Extraneous, Impossible, Kept, Missing, Plan, Reason

JOB = Job(
    "photos",
    Location("onprem", "photos/2026"),
    Location("", "/srv/photos"),
    MirrorOptions(overwrite=True, preserve=False, tags=Tags.COPY, exclude=("*.tmp", "ä*"), workers=7, attr="a=b"),
    assurance=Assurance.OFF,
    max_delete=MaxDelete(None, 12),
    retry_delay=1.5,
    prefix="{yesterday:%Y}",
    timezone="Asia/Seoul",
    origin=Origin.PAIRS,
)
ONE, OTHER = Entry("a/ü", 3, "0" * 32, "2026-01-01T00:00:00"), Entry("a/ü", 4, "", "2026-01-01T00:00:00.001")


def through(document: Any) -> Any:
    return json.loads(json.dumps(document))


def test_a_job_comes_back() -> None:
    assert JOB == job_of(through(job_document(JOB)))


def test_an_alias_comes_back_and_shows_its_secrets_nowhere_else() -> None:
    alias = Alias("onprem", "https://h:9000", Secret("key"), Secret("hidden"), region="r", insecure=True)
    assert alias == alias_of(through(alias_document(alias)))
    assert "hidden" not in repr(alias)


def test_a_plan_comes_back() -> None:
    counts: dict[str, Any] = {one.name: Count(3, 4) for one in fields(Plan) if one.type in {"Count", Count}}
    plan = Plan(**counts, at_source=7, tag_calls=True, asked=2, named=True, torn=(ONE, OTHER))
    assert plan == plan_of(through(plan_document(plan)))
    assert len(counts) > 8


@pytest.mark.parametrize(
    "difference",
    [Missing(ONE), Changed(ONE, OTHER, Reason.CONTENT), Kept(ONE, OTHER, Reason.NEWER), Extraneous(OTHER),
     Impossible(ONE, "its name")],
)  # fmt: skip
def test_a_difference_comes_back(difference: Difference) -> None:
    assert difference == difference_of(through(difference_document("photos", difference)))


def test_what_is_none_is_refused() -> None:
    for wrong in (
        {},
        {"kind": "missing"},
        {"kind": "odd", "key": "a"},
        {"kind": "kept", "key": "a", "reason": "newer", "source": 7},
    ):
        with pytest.raises(ValueError, match="difference"):
            difference_of(wrong)


class Nobody:
    def alias(self, name: str) -> Alias | None:
        del name
        return None


def test_an_order_comes_back_whole() -> None:
    named = Named(("a", "b"), gone=frozenset("a"), removed=frozenset("b"), careful=frozenset("ab"))
    order = Order(Verb.VERIFY, 10.0, 5.0, debug=True, manners=Manners(Lock.FAIL, 7.0), named=named, shared=True)
    task = task_of(through(task_document(replace(JOB, agent="seoul"), order, Nobody(), {})))
    assert (JOB, {}) == (task.job, task.aliases)
    assert order == replace(task.order, stop=order.stop)
