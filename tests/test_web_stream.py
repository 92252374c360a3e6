"""The live stream of events: what a reader gets, what it has missed, and that it holds nobody up."""

import json
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

import pytest

from mcmirror.http import stream as stream_module
from mcmirror.http.clients import Limits
from mcmirror.http.server import Web
from mcmirror.http.stream import Stream
from mcmirror.model.control import Sent, UnderWay
from mcmirror.model.event import CopyStarted, Event, Moved, Phase, PhaseStarted, RunFinished
from mcmirror.model.job import Verb
from mcmirror.service import event_bus as feed_module
from tests.ui_samples import EVIL, PLAN, VERIFIED, run_events
from tests.web_control import BEGUN, PATIENCE, TOKEN, Client, InMemory, eventually, everything, until

RUN = "20260921T140000-0000000c"


@pytest.fixture
def control() -> InMemory:
    return InMemory()


@pytest.fixture
def web(control: InMemory) -> Iterator[Web]:
    web = Web(control, "127.0.0.1:0", token=lambda: TOKEN)
    web.start()
    yield web
    web.stop()


@pytest.fixture
def client(web: Web) -> Client:
    return Client(web.address.port)


def documents(received: bytes) -> list[dict[str, Any]]:
    """The data of each event, with its id."""
    found = []
    for block in received.split(b"\n\n"):
        lines = [line for line in block.splitlines() if line.startswith((b"id: ", b"data: "))]
        if len(lines) == 2:
            found.append({**json.loads(lines[1][6:]), "id": int(lines[0][4:])})
    return found


def sent(control: InMemory, *events: Event) -> None:
    for event in events:
        control.hub.send(RUN, event)


def test_every_event_of_a_run_arrives_as_the_command_line_prints_it(client: Client, control: InMemory) -> None:
    with client.stream("/api/v1/events") as reader:
        received = until(reader, BEGUN)
        assert b"Content-Type: text/event-stream" in received
        sent(control, *run_events())
        received = until(reader, b'"event":"run_finished"', received)
        control.hub.end()
        received += everything(reader)
    found = documents(received)
    assert list(range(1, 16)) == [one["id"] for one in found]
    assert {RUN} == {one["run"] for one in found}
    assert ["run_started", "run_finished"] == [found[0]["event"], found[-1]["event"]]
    assert "succeeded" == found[-1]["report"]["status"]
    assert EVIL in [one.get("key") for one in found]
    assert all(one["time"].endswith("Z") for one in found)
    assert received.endswith(b": the server has ended\n\n\r\n0\r\n\r\n")


def test_one_job_alone_can_be_heard(client: Client, control: InMemory) -> None:
    with client.stream("/api/v1/events?job=photos") as reader:
        until(reader, BEGUN)
        sent(
            control, PhaseStarted("docs", Phase.PLAN), PhaseStarted("photos", Phase.PLAN), RunFinished("docs", VERIFIED)
        )
        sent(control, PhaseStarted("photos", Phase.VERIFY))
        found = documents(until(reader, b"verify"))
    assert [("photos", 2), ("photos", 4)] == [(one["job"], one["id"]) for one in found]
    assert 404 == client.get("/api/v1/events?job=phots").status
    assert 400 == client.get("/api/v1/events?jobs=photos").status


def test_silence_is_broken_by_comments_that_say_where_to_go_on(
    client: Client, control: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "LOOK", 0.02)
    monkeypatch.setattr(stream_module, "KEEP_ALIVE", 0.1)
    with client.stream("/api/v1/events?job=photos") as reader:
        received = until(reader, b": keep-alive\n\n")
        sent(control, PhaseStarted("docs", Phase.PLAN))
        until(reader, b": keep-alive\nid: 1\n\n", received)


def test_a_reader_that_comes_back_hears_what_it_has_missed(client: Client, control: InMemory) -> None:
    control.hub.subscribe()
    sent(control, *[PhaseStarted("photos", Phase.PLAN)] * 7)
    with client.stream("/api/v1/events", Last_Event_ID="4") as reader:
        until(reader, BEGUN)
        sent(control, PhaseStarted("photos", Phase.VERIFY))
        found = documents(until(reader, b"verify"))
    assert {"event": "lost", "events": 3, "id": 7} == found[0]
    assert 8 == found[1]["id"]


def test_a_reader_of_another_server_hears_that_nobody_knows_how_much(client: Client, control: InMemory) -> None:
    with client.stream("/api/v1/events", Last_Event_ID="4000") as reader:
        until(reader, BEGUN)
        sent(control, PhaseStarted("photos", Phase.VERIFY))
        found = documents(until(reader, b"verify"))
    assert [("lost", None), ("phase_started", "missing")] == [
        (one["event"], one.get("events", "missing")) for one in found
    ]


@pytest.mark.parametrize("number", ["x", "-1", "9" * 4000, "٣"])
def test_a_number_that_is_none_is_as_good_as_none(client: Client, control: InMemory, number: str) -> None:
    with client.stream("/api/v1/events", Last_Event_ID=number) as reader:
        until(reader, BEGUN)
        sent(control, PhaseStarted("photos", Phase.VERIFY))
        assert 1 == len(documents(until(reader, b"verify")))


def test_a_reader_that_takes_its_time_is_told_how_many_events_it_lost(
    client: Client, control: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "KEPT", 50)
    with client.stream("/api/v1/events?all=1") as reader:
        until(reader, BEGUN)
        control.hub.send(RUN, PhaseStarted("photos", Phase.GUARD))
        received = until(reader, b"guard")
        long = CopyStarted("photos", "k" * 50_000, 1)
        for _ in range(2000):  # 100 MB: more than any socket takes
            control.hub.send(RUN, long)
        control.hub.send(RUN, PhaseStarted("photos", Phase.PLAN))
        found = documents(until(reader, b'"phase":"plan"', received))
    lost = [one["events"] for one in found if one["event"] == "lost"]
    shown = [one for one in found if one["event"] != "lost"]
    assert lost
    assert 2002 == sum(lost) + len(shown)


def test_a_reader_that_never_reads_is_cut_and_holds_nobody_up(
    control: InMemory,
) -> None:
    web = Web(control, "127.0.0.1:0", token=lambda: TOKEN, limits=Limits(writing=0.5))
    web.start()
    client, before = Client(web.address.port), threading.active_count()
    with client.stream("/api/v1/events?all=1") as reader:
        until(reader, BEGUN)

        def cut() -> bool:
            for _ in range(100):
                control.hub.send(RUN, CopyStarted("photos", "k" * 50_000, 1))
            assert 200 == client.get("/healthz").status
            return not control.hub._subscriptions

        eventually(cut)
    eventually(lambda: threading.active_count() <= before)
    web.stop()


def test_a_reader_that_goes_is_forgotten(client: Client, control: InMemory) -> None:
    client.stream("/api/v1/events").close()
    reader = client.stream("/api/v1/events")
    until(reader, BEGUN)
    reader.close()

    def forgotten() -> bool:
        sent(control, PhaseStarted("photos", Phase.PLAN))
        return not control.hub._subscriptions

    eventually(forgotten)


def test_streams_end_with_the_web_server_though_events_go_on(client: Client, control: InMemory, web: Web) -> None:
    with client.stream("/api/v1/events") as reader:
        until(reader, BEGUN)
        web.stop()
        everything(reader)
    eventually(lambda: not control.hub._subscriptions)


def test_a_server_that_has_ended_has_nothing_to_tell(client: Client, control: InMemory) -> None:
    control.hub.end()
    assert 503 == client.get("/api/v1/events").status


class Scripted:
    """A feed of these events, and a control that ends with them."""

    def __init__(self, events: list[Sent]) -> None:
        self._events = deque(events)
        self.closed = False

    @property
    def ended(self) -> bool:
        return not self._events

    thinned = lost = False

    def subscribe(self) -> "Scripted":
        return self

    def next(self, _: float) -> Sent | None:
        return self._events.popleft() if self._events else None

    def close(self) -> None:
        self.closed = True


def streamed(events: list[Sent], *, step: float, **how: Any) -> list[dict[str, Any]]:
    """What a stream makes of events that come ``step`` seconds apart."""
    clock = iter(number * step for number in range(10_000_000))
    scripted = Scripted(events)
    stream = Stream(scripted, monotonic=lambda: next(clock), **how)  # type: ignore[arg-type]
    found = documents(b"".join(stream))
    assert scripted.closed
    return found


def copies(number: int) -> list[Sent]:
    return [
        Sent(one, "2026-01-01T00:00:00.000+00:00", RUN, CopyStarted("photos" if one % 2 else "docs", f"k{one}", 1))
        for one in range(1, number + 1)
    ]


def test_a_flood_of_copies_is_told_a_few_times_a_second_for_each_job() -> None:
    found = streamed(copies(10_000), step=0.0001)
    assert {"photos", "docs"} == {one["job"] for one in found}
    assert 4 <= len(found) <= 12
    photos = [one for one in found if one["job"] == "photos"]
    assert 0 == photos[0]["left_out"]
    assert photos[1]["left_out"] > 500
    assert {"copy_started"} == {one["event"] for one in found}


def test_copies_that_come_slowly_or_are_all_asked_for_are_all_told() -> None:
    assert 100 == len(streamed(copies(100), step=1.0))
    found = streamed(copies(1000), step=0.0001, every_copy=True)
    assert 1000 == len(found)
    assert "left_out" not in found[0]


def test_a_flood_costs_its_reader_little(client: Client, control: InMemory) -> None:
    """The last event of a flood arrives though only a few of it are told."""
    with client.stream("/api/v1/events") as reader:
        received = until(reader, BEGUN)
        for number in range(30_000):
            control.hub.send(RUN, CopyStarted("photos", f"k{number}", 1))
        control.hub.send(RUN, RunFinished("photos", VERIFIED))
        reader.settimeout(PATIENCE)
        received = until(reader, b"run_finished", received)
    assert len(received) < 100_000


def joined(received: bytes) -> list[dict[str, Any]]:
    """What is said of runs that had begun before the stream did."""
    blocks = [block for block in received.split(b"\n\n") if block.rpartition(b"\r\n")[2].startswith(b"data: ")]
    return [json.loads(block.partition(b"data: ")[2]) for block in blocks]


def test_whoever_comes_in_the_middle_is_told_how_far_each_run_is(client: Client, control: InMemory) -> None:
    sent(control, *run_events()[:7])
    sent(control, *(CopyStarted("photos", f"k{number}", 10) for number in range(100)), Moved("photos", 1500))
    control.hub.send("plan-1", PhaseStarted("docs", Phase.PLAN), Verb.PLAN)
    with client.stream("/api/v1/events") as reader:
        received = until(reader, b'"inspection":"plan-1"')
        with client.stream("/api/v1/events?job=photos") as other:
            alone = until(other, b'"under_way"')
        sent(control, RunFinished("photos", VERIFIED))
        received = until(reader, b'"event":"run_finished"', received)
    run, plan = joined(received)
    assert ("under_way", RUN, "photos") == (run["event"], run["run"], run["job"])
    assert ("mirror", 1500, {"objects": 101, "bytes": 2000}) == (run["phase"], run["bytes"], run["announced"])
    assert ({"objects": 4, "bytes": 3500}, PLAN.equal.objects) == (run["total"], run["plan"]["equal"]["objects"])
    assert ["preflight", "plan", "guard", "mirror"] == list(run["phases"])
    assert ("plan-1", "plan", "docs") == (plan["inspection"], plan["verb"], plan["job"])
    (last,) = documents(received)
    assert 110 == last["id"], "what was told of the past has no number"
    assert b"plan-1" not in alone


def test_a_run_that_has_ended_or_was_lost_is_not_under_way(control: InMemory) -> None:
    sent(control, *run_events())
    control.hub.send("lost", PhaseStarted("docs", Phase.PLAN))
    found = control.hub.subscribe().next(0)
    assert isinstance(found, UnderWay)
    assert "lost" == found.run
    control.hub.forget("lost")
    assert control.hub.subscribe().next(0) is None
