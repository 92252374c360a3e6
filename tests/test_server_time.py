"""The server through simulated days: no drift, no pile, no leak, whatever the clock and the jobs do."""

import gc
import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from mcmirror.config import ConfigError, Configuration, Mistake, Schedule
from mcmirror.model.control import Busy, Stopping, UnknownJob, UnknownRun
from mcmirror.model.record import Cause, Record
from mcmirror.model.report import Status
from mcmirror.model.state import ailments
from mcmirror.service.server import Server
from tests.simulation import BEGIN, Notifications, Service, World, configuration

DAY = 86400.0
MINUTELY = Schedule(cron="* * * * *")


def test_a_day_with_faults_shows_no_drift_and_loses_no_turn() -> None:
    dice = random.Random(7)
    world = World(
        lasts=lambda job: {"slow": 150.0, "gap": 20.0}.get(job, dice.uniform(0.5, 20)),
        verdict=lambda job, _: dice.choice([Status.FAILED, Status.SUCCEEDED]) if job == "broken" else Status.SUCCEEDED,
    )
    schedules = {
        "minutely": MINUTELY,
        "interval": Schedule(every=60),
        "gap": Schedule(every=40, gap=True),
        "slow": MINUTELY,
        "broken": MINUTELY,
        "nightly": Schedule(cron="0 2 * * *"),
        "hand": Schedule(),
    }
    server = world.server(configuration(schedules, parallel=10))

    world.live(server, DAY)

    counts = Counter({job: len(starts) for job, starts in world.starts.items()})
    assert {"minutely": 1439, "interval": 1440, "gap": 1440, "slow": 480, "broken": 1439, "nightly": 1} == counts
    for job in ("minutely", "interval", "slow", "broken"):
        assert max((start - BEGIN) % 60 for start in world.starts[job]) < 0.01, job
    assert [BEGIN + 7200] == [round(start, 1) for start in world.starts["nightly"]]
    assert len(world.records) == sum(counts.values()) - len(world.waiting)
    assert len({record.id for record in world.records}) == len(world.records)
    totals = server.state().totals
    assert 1439 == sum(totals["broken"].runs.values())
    assert 600 < totals["broken"].runs["failed"] < 840


def test_days_leave_nothing_behind() -> None:
    world = World()
    server = world.server(configuration({f"job{number}": MINUTELY for number in range(5)}, parallel=5))

    def objects() -> int:
        world.records.clear()
        world.starts.clear()
        world.lines.clear()
        gc.collect()
        return len(gc.get_objects())

    world.live(server, DAY / 12)
    before = objects()
    world.live(server, DAY)
    assert objects() - before < 200


def test_the_clock_is_set_forward_and_back() -> None:
    world = World()
    server = world.server(configuration({"minutely": MINUTELY, "interval": Schedule(every=60)}))
    world.live(server, 600)
    for jump in (7200, -3 * 7200):
        world.now += jump
        counted = {job: len(starts) for job, starts in world.starts.items()}
        world.live(server, 600)
        for job, starts in world.starts.items():
            assert 9 <= len(starts) - counted[job] <= 11, (jump, job)
    assert 2 == [event for _, event in world.lines].count("clock_set")


def test_two_thousand_jobs_of_every_minute_all_have_their_turn() -> None:
    world = World(lasts=lambda _: 0.01)
    server = world.server(configuration({f"j{number:04}": MINUTELY for number in range(2000)}, parallel=50))
    world.live(server, 301)
    assert {5} == {len(starts) for starts in world.starts.values()}
    assert 2000 == len(world.starts)
    assert max(starts[-1] for starts in world.starts.values()) < BEGIN + 301


def test_so_many_at_once_and_one_a_target() -> None:
    world = World(lasts=lambda _: 30.0)
    made = configuration({name: Schedule(at_start=True) for name in "abcd"}, parallel=2)
    same = replace(made.jobs["b"], target=made.jobs["a"].target)
    world.live(world.server(replace(made, jobs={**made.jobs, "b": same})), 120)
    assert {"a": BEGIN, "c": BEGIN, "b": BEGIN + 30, "d": BEGIN + 30} == {
        job: at for job, (at,) in world.starts.items()
    }


def test_a_turn_that_comes_while_the_last_run_goes_on_is_left_out_and_said_once() -> None:
    world = World(lasts=lambda _: 1000.0)
    world.live(world.server(configuration({"slow": Schedule(every=60)})), 3000)
    assert [BEGIN, BEGIN + 1020, BEGIN + 2040] == world.starts["slow"]
    assert 3 == [event for _, event in world.lines].count("turn_left_out")


def test_by_hand_beside_the_schedule() -> None:
    world = World(lasts=lambda _: 5.0)
    server = world.server(configuration({"interval": Schedule(every=60), "hand": Schedule()}))
    world.live(server, 90)
    run = server.trigger("interval")
    with pytest.raises(Busy) as busy:
        server.trigger("interval")
    assert run == busy.value.run
    with pytest.raises(UnknownJob):
        server.trigger("intervall")
    world.live(server, 90)
    assert [0, 60, 90, 120] == [start - BEGIN for start in world.starts["interval"]]
    assert [Cause.SCHEDULE, Cause.SCHEDULE, Cause.API, Cause.SCHEDULE] == [one.cause for one in world.records]
    assert (run, Cause.API) == (world.records[2].id, server.run(run).cause)


def test_pause_and_resume_of_one_and_of_all() -> None:
    world = World()
    server = world.server(configuration({"a": MINUTELY, "b": MINUTELY, "g": Schedule(every=60, gap=True)}))
    server.pause("a")
    world.live(server, 121)
    assert (None, 2, 2) == (world.starts.get("a"), len(world.starts["b"]), len(world.starts["g"]))
    server.pause()
    world.live(server, 300)
    assert (None, 2, 2) == (world.starts.get("a"), len(world.starts["b"]), len(world.starts["g"]))
    assert [True, True, True] == [job.paused for job in server.state().jobs]
    assert server.trigger("a"), "a pause keeps nobody's hand back"
    server.resume()
    server.resume("a")
    world.live(server, 120)
    assert [3, 4] == [len(world.starts["a"]), len(world.starts["b"])]
    assert len(world.starts["g"]) >= 3
    with pytest.raises(UnknownJob):
        server.pause("nobody")


def test_a_pause_of_before_holds_at_once() -> None:
    world = World(paused={""})
    world.live(world.server(configuration({"a": Schedule(at_start=True, cron="* * * * *")})), 300)
    assert {} == world.starts


def test_a_configuration_that_is_broken_is_refused_and_one_that_is_mended_is_taken() -> None:
    world = World(lasts=lambda _: 1.0)
    made = [configuration({"a": MINUTELY})]

    def load() -> Configuration:
        if not made:
            raise ConfigError([Mistake("mcmirror.toml", "job.a.crn", "is no key", "Did you mean cron?")])
        return made[0]

    world.load = load
    server = world.server(made.pop())
    world.changed = True
    world.live(server, 130)
    server.reload()
    world.live(server, 10)
    assert 2 == len(world.starts["a"])
    assert "crn" in server.state().warnings[0]
    assert [("configuration", False)] == world.notices
    made.append(configuration({"a": MINUTELY, "b": MINUTELY}))
    world.changed = True
    world.live(server, 60)
    assert (3, 1) == (len(world.starts["a"]), len(world.starts["b"]))
    assert () == server.state().warnings
    assert [("configuration", False), ("configuration", True)] == world.notices
    made[0] = configuration({"b": MINUTELY})
    server.reload()
    world.live(server, 60)
    assert (3, 2) == (len(world.starts["a"]), len(world.starts["b"]))


def test_stop_takes_no_more_work_and_tells_what_runs() -> None:
    world = World(lasts=lambda _: 30.0)
    server = world.server(configuration({"a": MINUTELY, "b": MINUTELY}, parallel=1))
    world.live(server, 65)
    server.stop(15)
    with pytest.raises(Stopping):
        server.trigger("a")
    world.live(server, 300)
    assert ["cancelled"] == [record.status for record in world.records]
    assert not server.busy


def test_cancel() -> None:
    world = World(lasts=lambda _: 30.0)
    server = world.server(configuration({"a": Schedule(), "b": Schedule()}, parallel=1))
    running, queued = server.trigger("a"), server.trigger("b")
    server.cancel(running)
    server.cancel(queued)
    world.live(server, 60)
    assert [("a", "cancelled")] == [(record.job, record.status) for record in world.records]
    with pytest.raises(UnknownRun):
        server.cancel(running)


def test_a_success_that_is_too_old_is_an_ailment() -> None:
    world = World(verdict=lambda _, now: Status.SUCCEEDED if now < BEGIN + 200 else Status.FAILED)
    server = world.server(configuration({"a": replace(MINUTELY, max_age=300), "never": Schedule(max_age=100)}))
    world.live(server, 50)
    assert () == ailments(server.state())
    world.live(server, 100)
    assert ["never: no run has succeeded, max_age is 1m 40s"] == list(ailments(server.state()))
    world.live(server, 400)
    assert 2 == len(ailments(server.state()))
    world.now += 100
    assert any("the scheduler has not looked at the clock" in one for one in ailments(server.state()))


def test_a_mistake_of_ours_ends_one_run_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    def verdict(job: str, now: float) -> Status:
        if job == "a":
            raise RuntimeError("a bug")
        return Status.SUCCEEDED

    world = World(verdict=verdict)
    world.live(world.server(configuration({"a": MINUTELY, "b": MINUTELY})), 200)
    assert (3, 3) == (len(world.starts["a"]), len(world.starts["b"]))
    assert "a mistake of ours ended the run of a" in caplog.text


def test_a_stop_waits_until_the_last_run_is_told() -> None:
    world, telling, let_go = World(), threading.Event(), threading.Event()

    class Slow(Notifications):
        def finished(self, record: Record) -> None:
            telling.set()
            assert let_go.wait(60), record

    around = replace(world.surroundings(), told=Slow(world), spawn=_spawn)
    server = Server(Service(world, configuration({"nightly": Schedule()})), around)  # type: ignore[arg-type]
    server.trigger("nightly")
    assert telling.wait(60)
    server.stop()
    assert not server.wait(0)
    let_go.set()
    assert server.wait(60)


def _spawn(work: Callable[[], None], name: str) -> None:
    threading.Thread(target=work, name=name, daemon=True).start()
