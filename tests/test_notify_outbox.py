"""What is to be told lies there until it has arrived: one contract, on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from mcmirror.model.delivery import Decision, Delivery, Known, delivery_id
from mcmirror.model.state import NotifierState
from mcmirror.model.streak import Streak
from mcmirror.store.database import Database, sql
from mcmirror.store.outbox import GIVE_UP, KEPT, LEASE, RETRIES, Outbox

NOW = 1_795_226_400.0
FAILING = Streak("failed", "2026-11-21T02:00:00+00:00", failures=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state/state.db"
    server = request.getfixturevalue("postgres")
    return str(server.url(server.database()))


@pytest.fixture
def new_outbox(state: str) -> Iterator[Callable[[], Outbox]]:
    """Open it as one more process would."""
    opened = list[Outbox]()

    def new() -> Outbox:
        opened.append(Outbox(Database(state)))
        return opened[-1]

    yield new
    for outbox in opened:
        outbox.close()


@pytest.fixture
def outbox(new_outbox: Callable[[], Outbox]) -> Outbox:
    return new_outbox()


def message(run: str, kind: str = "failure", job: str = "photos", listener: str = "ops") -> Delivery:
    return Delivery(delivery_id(listener, run, kind), listener, job, run, kind, {"title": f"{run} {kind} ßüß"})


def saying(*deliveries: Delivery, replaces: frozenset[str] = frozenset()) -> Callable[[Known], Decision]:
    return lambda _: Decision({"photos": FAILING}, deliveries, replaces)


def put(outbox: Outbox, run: str, now: float = NOW, **how: str) -> Delivery:
    delivery = message(run, **how)
    assert outbox.decide(delivery.listener, [run], ["photos"], saying(delivery), now)
    return delivery


def test_a_run_is_told_once_and_every_message_is_as_it_was(outbox: Outbox, new_outbox: Callable[[], Outbox]) -> None:
    known = list[Known]()

    def judge(what: Known) -> Decision:
        known.append(what)
        return Decision({"photos": FAILING}, (message("r1"),))

    assert outbox.decide("ops", ["r1"], ["photos", "docs"], judge, NOW)
    assert not new_outbox().decide("ops", ["r1"], ["photos"], judge, NOW)
    assert not outbox.decide("ops", ["r1"], ["photos"], judge, NOW)
    assert [Known(frozenset({"r1"}), {"photos": Streak(), "docs": Streak()}, frozenset())] == known
    # Another listener, and another run, are other matters.
    assert new_outbox().decide("chat", ["r1"], ["photos"], judge, NOW)
    assert new_outbox().decide("ops", ["r1", "r2"], ["photos"], judge, NOW)
    assert Known(frozenset({"r2"}), {"photos": FAILING}, frozenset({"photos"})) == known[-1]
    taken = new_outbox().take("ops", NOW)
    assert taken is not None
    assert (message("r1").payload, 0, NOW, "") == (taken.payload, taken.attempts, taken.created, taken.thread)
    outbox.arrived(taken, "", NOW)
    assert None is outbox.take("ops", NOW)


def test_a_decision_is_written_whole_or_not_at_all(outbox: Outbox, new_outbox: Callable[[], Outbox]) -> None:
    class Killed(BaseException):
        pass

    def judge(_: Known) -> Decision:
        raise Killed

    with pytest.raises(Killed):
        outbox.decide("ops", ["r1"], ["photos"], judge, NOW)
    known = list[Known]()

    def again(what: Known) -> Decision:
        known.append(what)
        return Decision({"photos": FAILING}, (message("r1"), Delivery("", "ops", "", "", "", {"no": {1, 2}})))

    # The second of its messages cannot be written.
    with pytest.raises(TypeError):
        new_outbox().decide("ops", ["r1"], ["photos"], again, NOW)
    assert {} == outbox.states()
    assert new_outbox().decide("ops", ["r1"], ["photos"], saying(message("r1")), NOW)
    assert (frozenset({"r1"}), Streak()) == (known[0].runs, known[0].streaks["photos"])


def test_two_processes_never_get_the_same_one(new_outbox: Callable[[], Outbox]) -> None:
    first, second = new_outbox(), new_outbox()
    for number in range(30):
        put(first, f"r{number}", job=f"j{number}")

    def work(outbox: Outbox) -> list[str]:
        found = []
        while (delivery := outbox.take("ops", NOW)) is not None:
            found.append(delivery.id)
        return found

    with ThreadPoolExecutor(4) as pool:
        taken = [one for found in pool.map(work, [first, second] * 2) for one in found]
    assert sorted(message(f"r{number}").id for number in range(30)) == sorted(taken)
    assert ("", "") == (first.warning, second.warning)


def test_two_processes_decide_about_one_run_once(new_outbox: Callable[[], Outbox]) -> None:
    first, second = new_outbox(), new_outbox()

    def decided(arguments: tuple[Outbox, int]) -> bool:
        outbox, number = arguments
        return outbox.decide("ops", [f"r{number}"], ["photos"], saying(message(f"r{number}")), NOW)

    work = [(outbox, number) for number in range(20) for outbox in (first, second)]
    with ThreadPoolExecutor(4) as pool:
        assert 20 == sum(pool.map(decided, work))
    assert 20 == first.states()["ops"].waiting


def test_whoever_died_while_sending_is_followed_by_somebody_else(
    outbox: Outbox, new_outbox: Callable[[], Outbox]
) -> None:
    put(outbox, "r1")
    first = outbox.take("ops", NOW)
    other = new_outbox()
    assert None is other.take("ops", NOW + LEASE - 1)
    assert NOW + LEASE == pytest.approx(other.due()["ops"])
    second = other.take("ops", NOW + LEASE + 1)
    assert first is not None
    assert second is not None
    assert first.id == second.id


def test_it_is_tried_again_at_growing_distances_for_a_day_and_then_given_up(outbox: Outbox) -> None:
    put(outbox, "r1")
    now, attempts = NOW, list[float]()
    while (delivery := outbox.take("ops", now)) is not None:
        attempts.append(now)
        outbox.failed(delivery, f"failure {len(attempts)}", now)
        if "ops" not in outbox.due():
            break
        assert None is outbox.take("ops", outbox.due()["ops"] - 1)
        now = outbox.due()["ops"]
    distances = [round(later - earlier) for earlier, later in pairwise(attempts)]
    assert list(RETRIES) == distances[: len(RETRIES)]
    assert {3600} == set(distances[len(RETRIES) :])
    assert GIVE_UP <= attempts[-1] - NOW < GIVE_UP + 3600
    number = len(attempts)
    assert NotifierState("ops", 0, number, 1, f"failure {number}") == outbox.states()["ops"]


def test_a_service_that_asks_for_time_gets_it_for_all_its_messages_from_every_process(
    outbox: Outbox, new_outbox: Callable[[], Outbox]
) -> None:
    put(outbox, "r1", job="a")
    delivery = outbox.take("ops", NOW)
    assert delivery is not None
    outbox.failed(delivery, "busy", NOW, wait=1234.0)
    other = new_outbox()
    put(other, "r2", job="b")
    put(other, "r3", listener="chat")
    for one in (outbox, other):
        # Whoever hurries may know that something was mended; the service still wants its time.
        one.hurry(["ops"], NOW)
        assert None is one.take("ops", NOW + 1233)
        assert NOW + 1234 == pytest.approx(one.due()["ops"])
        assert NOW + 1234 == pytest.approx(one.held("ops"))
    assert 0 == other.held("chat")
    assert NotifierState("ops", 2, 1, 0, "busy") == other.states()["ops"]
    chat = other.take("chat", NOW)
    assert chat is not None
    assert "r3" == chat.run
    # A shorter wish does not end a longer one.
    other.failed(chat, "busy", NOW, wait=100)
    other.failed(chat, "busy", NOW, wait=50)
    assert NOW + 100 == pytest.approx(outbox.held("chat"))
    taken = [one.run for one in (outbox.take("ops", NOW + 1234), other.take("ops", NOW + 1234)) if one]
    assert ["r2", "r1"] == taken


def test_what_will_never_be_taken_is_not_sent_again(outbox: Outbox) -> None:
    put(outbox, "r1")
    delivery = outbox.take("ops", NOW)
    assert delivery is not None
    outbox.failed(delivery, "never", NOW, final=True)
    assert NotifierState("ops", 0, 1, 1, "never") == outbox.states()["ops"]
    assert {} == outbox.due()


def test_what_arrives_clears_the_error_and_lets_the_rest_go(outbox: Outbox) -> None:
    for number in range(2):
        put(outbox, f"r{number}", job=f"j{number}")
        delivery = outbox.take("ops", NOW)
        assert delivery is not None
        outbox.failed(delivery, "down", NOW)
    delivery = outbox.take("ops", NOW + 11)
    assert delivery is not None
    outbox.arrived(delivery, "", NOW + 11)
    assert NotifierState("ops", 1, 0, 0, "") == outbox.states()["ops"]
    assert NOW + 11 >= outbox.due()["ops"]


def test_messages_about_one_job_keep_their_order(outbox: Outbox) -> None:
    put(outbox, "r1")
    put(outbox, "r2", kind="recovery")
    put(outbox, "r3", job="docs")
    first = outbox.take("ops", NOW)
    assert first is not None
    outbox.failed(first, "down", NOW)
    taken = outbox.take("ops", NOW)
    assert taken is not None
    assert "r3" == taken.run
    # The recovery does not overtake the failure, however late that is.
    assert None is outbox.take("ops", NOW)
    again = outbox.take("ops", NOW + 11)
    assert again is not None
    assert (first.id, 1) == (again.id, again.attempts)


def runs(outbox: Outbox) -> list[str]:
    """Deliver all there is."""
    found = []
    while (delivery := outbox.take("ops", NOW + 60)) is not None:
        found.append(delivery.run)
        outbox.arrived(delivery, "", NOW + 60)
    return found


NEWER = frozenset({"failure", "start"})


def test_what_is_late_gives_way_to_what_is_newer_with_all_that_waits_behind_it(outbox: Outbox) -> None:
    put(outbox, "r1")
    delivery = outbox.take("ops", NOW)
    assert delivery is not None
    outbox.failed(delivery, "down", NOW)
    put(outbox, "r2", kind="start")
    put(outbox, "r3", job="docs")
    assert outbox.decide("ops", ["r4"], ["photos"], saying(message("r4"), replaces=NEWER), NOW)
    assert ["r3", "r4"] == runs(outbox)


def test_what_is_being_sent_or_is_not_late_or_was_answered_stays(outbox: Outbox) -> None:
    put(outbox, "r1")
    assert outbox.decide("ops", ["r2"], ["photos"], saying(message("r2"), replaces=NEWER), NOW)
    assert 2 == outbox.states()["ops"].waiting
    late = outbox.take("ops", NOW)
    assert late is not None
    outbox.failed(late, "down", NOW)
    assert late == replace(outbox.take("ops", NOW + 10) or late, attempts=0)
    put(outbox, "r3", kind="recovery")
    put(outbox, "r4", kind="start")
    assert outbox.decide("ops", ["r5"], ["photos"], saying(message("r5"), replaces=NEWER), NOW + 10)
    outbox.failed(late, "down", NOW + 10)
    # Who hears of a recovery has to hear of the failure before it.
    assert ["r1", "r2", "r3", "r5"] == runs(outbox)


def test_where_the_start_stands_is_known_to_the_next_process(outbox: Outbox, new_outbox: Callable[[], Outbox]) -> None:
    decision = Decision(deliveries=(message("r1", "start"),))
    assert outbox.begin("ops", "r1", decision, NOW)
    assert not new_outbox().begin("ops", "r1", decision, NOW)
    start = outbox.take("ops", NOW)
    assert start is not None
    outbox.arrived(start, "C1 17.5", NOW)
    put(outbox, "r1", kind="success")
    end = new_outbox().take("ops", NOW)
    assert end is not None
    assert "C1 17.5" == end.thread


def test_what_waits_is_hurried_when_it_may_be_mended(outbox: Outbox) -> None:
    put(outbox, "r1")
    delivery = outbox.take("ops", NOW)
    assert delivery is not None
    outbox.failed(delivery, "not_in_channel", NOW)
    outbox.hurry(["other"], NOW)
    assert None is outbox.take("ops", NOW)
    outbox.hurry(["ops"], NOW)
    assert None is not outbox.take("ops", NOW)


def test_who_was_told_is_forgotten_when_nobody_can_ask_any_more(outbox: Outbox, state: str) -> None:
    put(outbox, "r1", listener="gone")
    put(outbox, "r2")
    delivery = outbox.take("ops", NOW)
    assert delivery is not None
    outbox.arrived(delivery, "", NOW)
    assert outbox.begin("ops", "r3", Decision(), NOW)
    outbox.prune(NOW + KEPT + 1)
    database = Database(state)
    with database.read() as connection:
        # What has still to be sent, and a run that goes on, are remembered.
        assert ["r1", "r3"] == list(connection.execute(sql("SELECT run FROM told ORDER BY run")).scalars())
    database.close()
