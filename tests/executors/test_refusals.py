"""Messages that are no message, and agents that cannot or do not take one."""

import sys
from base64 import urlsafe_b64encode
from functools import partial

import pytest

from mcmirror.agents import executor
from mcmirror.agents.seal import Message, Seal, Side, Unsealable, new_key
from mcmirror.contrib.celery.broker import application
from mcmirror.model.event import Waiting
from mcmirror.model.problem import Category, Trouble
from mcmirror.model.report import Status
from tests.conftest import Pair
from tests.executors import world as worlds
from tests.executors.world import Running, World

KEY, OTHER = (urlsafe_b64encode(sign * 32).decode() for sign in (b"k", b"o"))
MESSAGE = Message("task", "run-1", 2, 3, {"text": "secret"})


def test_a_message_comes_back_as_it_was() -> None:
    sealed = Seal("seoul", [KEY]).close(Side.AGENT, MESSAGE)
    assert b"secret" not in sealed
    assert MESSAGE == Seal("seoul", [KEY]).open(Side.AGENT, sealed)


@pytest.mark.parametrize(
    ("agent", "key", "at", "why"),
    [
        ("seoul", KEY, Side.MASTER, "sealed for the agent of agent seoul"),
        ("tokyo", KEY, Side.AGENT, "sealed for the agent of agent seoul"),
        ("seoul", OTHER, Side.AGENT, "not sealed with the key of agent seoul"),
    ],
)
def test_a_message_opens_only_where_it_belongs(agent: str, key: str, at: Side, why: str) -> None:
    sealed = Seal("seoul", [KEY]).close(Side.AGENT, MESSAGE)
    with pytest.raises(Unsealable, match=why):
        Seal(agent, [key]).open(at, sealed)


def test_an_altered_message_does_not_open() -> None:
    sealed = bytearray(Seal("seoul", [KEY]).close(Side.AGENT, MESSAGE))
    for place in (0, 12, len(sealed) // 2, len(sealed) - 4):
        altered = bytearray(sealed)
        altered[place] = ord("A") if altered[place] != ord("A") else ord("B")
        with pytest.raises(Unsealable):
            Seal("seoul", [KEY]).open(Side.AGENT, bytes(altered))


def test_keys_are_changed_one_side_after_the_other() -> None:
    old, both, turned = Seal("a", [KEY]), Seal("a", [KEY, OTHER]), Seal("a", [OTHER, KEY])
    for sender, receiver in ((old, both), (both, old), (both, turned), (turned, both)):
        assert MESSAGE == receiver.open(Side.AGENT, sender.close(Side.AGENT, MESSAGE))
    with pytest.raises(Unsealable):
        old.open(Side.AGENT, turned.close(Side.AGENT, MESSAGE))


def test_what_is_no_key_is_a_problem_that_does_not_show_it() -> None:
    with pytest.raises(Trouble) as caught:
        Seal("seoul", ["not-a-key"])
    found = caught.value.problem
    assert (Category.CONFIGURATION, "agent.seoul.key") == (found.category, found.object)
    assert "mcmirror agent key" in found.remedy
    assert "not-a-key" not in str(found)


def test_another_protocol_is_refused_and_both_versions_are_named(
    lonely: World, bucket_pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    lonely.agent()
    monkeypatch.setattr(executor, "Message", partial(Message, protocol=99, version="9.9.9"))
    report = Running(lonely.master(), lonely.job(bucket_pair)).report
    (found,) = report.problems
    assert (Status.FAILED, Category.AGENT_REFUSED) == (report.status, found.category)
    for text in (found.cause, lonely.log()):
        assert "mcmirror 9.9.9 speaks protocol 99" in text
        assert "protocol 1" in text


def test_another_key_is_refused(lonely: World, bucket_pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worlds, "MAX_AGE", "7s")
    lonely.agent(key=new_key())
    report = Running(lonely.master(), lonely.job(bucket_pair)).report
    # Over a broker nobody knows whom to answer.
    category = Category.AGENT_GONE if lonely.kind == "celery" else Category.AGENT_REFUSED
    assert (Status.FAILED, [category]) == (report.status, [one.category for one in report.problems])
    assert "was refused" in lonely.log()
    assert lonely.key not in lonely.log()


def test_an_agent_that_is_gone_is_a_problem_of_a_run_by_hand(
    lonely: World, bucket_pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worlds, "MAX_AGE", "7s")
    run = Running(lonely.master(), lonely.job(bucket_pair))
    (found,) = run.report.problems
    assert (Status.FAILED, Category.AGENT_GONE, True) == (run.report.status, found.category, found.retryable)
    assert [Waiting("photos", bucket_pair.target.location, "seoul")] == [
        event for event in run.events if isinstance(event, Waiting)
    ]


def test_what_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, use, extra in (
        ("cryptography", new_key, "mcmirror[agents]"),
        ("celery", lambda: application("redis://127.0.0.1:1/0"), "mcmirror[celery]"),
    ):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(Trouble) as caught:
            use()
        found = caught.value.problem
        assert "not installed" in found.cause
        assert f"pip install '{extra}'" in found.remedy
