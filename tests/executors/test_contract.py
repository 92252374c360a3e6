"""What every executor does, wherever its runs happen."""

import os
import re
import signal
import subprocess
from itertools import pairwise

from mcmirror.engine.context import Named
from mcmirror.engine.order import Order
from mcmirror.model.event import CopyStarted, Event, Planned, RunFinished, RunStarted
from mcmirror.model.job import Verb
from mcmirror.model.plan import Extraneous, Missing
from mcmirror.model.report import Status
from tests.conftest import Pair
from tests.executors.world import Running, World
from tests.servers.command import COMMAND
from tests.waiting import until

SLOW = "512KiB"
"""A second: what is copied below takes a while."""


def fill(pair: Pair, number: int = 24, size: int = 128 * 1024) -> None:
    pair.source.put({f"folder/{name:03}": os.urandom(size) for name in range(number)})


def test_a_run_comes_to_its_report(world: World, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"a": b"a", "b/c": b"cc"})
    bucket_pair.target.put({"old": b"o", "b/c": b"other"})
    job = world.job(bucket_pair, overwrite=True, remove=True)
    run = Running(world.master(), job)
    assert (Status.SUCCEEDED, True, 2, 1) == (
        run.report.status, run.report.verified, run.report.tally.done.objects, run.report.tally.removed.objects,
    )  # fmt: skip
    assert bucket_pair.equal
    assert isinstance(run.events[0], RunStarted)
    assert 1 == sum(isinstance(event, RunStarted | RunFinished) for event in run.events[1:])
    (planned,) = [event.plan for event in run.events if isinstance(event, Planned)]
    assert ["a", "b/c", "old"] == [(one.target if isinstance(one, Extraneous) else one.source).key
                                   for one in planned.differences]  # fmt: skip


def test_a_verification_says_what_is_missing(world: World, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"a": b"a", "b": b"b"})
    bucket_pair.target.put({"a": b"a"})
    job = world.job(bucket_pair)
    report = Running(world.master(), job, Order(verb=Verb.VERIFY, content=100.0)).report
    assert (Status.PARTIAL, ["b"], 1) == (
        report.status,
        [one.key for one in report.remaining],
        report.tally.read.objects,
    )
    assert {"a"} == set(bucket_pair.target.contents())


def test_a_batch_is_about_its_keys_alone(world: World, bucket_pair: Pair) -> None:
    bucket_pair.source.put({"a": b"a", "b": b"b", "never": b"n"})
    bucket_pair.target.put({"gone": b"g", "b": b"old!"})
    job = world.job(bucket_pair, overwrite=True, remove=True)
    named = Named(("a", "b", "gone"), gone=frozenset(["gone"]))
    run = Running(world.master(), job, Order(named=named))
    assert (Status.SUCCEEDED, 2, 1) == (
        run.report.status, run.report.tally.done.objects, run.report.tally.removed.objects,
    )  # fmt: skip
    assert {"a", "b"} == set(bucket_pair.target.contents())
    (plan,) = [event.plan for event in run.events if isinstance(event, Planned)]
    assert plan.named
    assert {"gone"} == {one.target.key for one in plan.differences if isinstance(one, Extraneous)}
    assert {"a", "b"} == {one.source.key for one in plan.differences if isinstance(one, Missing)}


def test_progress_arrives_under_way_and_a_run_can_be_cancelled(world: World, bucket_pair: Pair) -> None:
    fill(bucket_pair)
    run = Running(world.master(), world.job(bucket_pair, limit_upload=SLOW))
    until(run.copying)
    assert not run.seen(RunFinished)()
    run.order.stop.request(signal.SIGTERM)
    assert (Status.CANCELLED, signal.SIGTERM) == (run.report.status, run.report.signal)
    assert len(bucket_pair.target.contents()) < len(bucket_pair.source.contents())
    again = Running(world.master(), world.job(bucket_pair))
    assert Status.SUCCEEDED is again.report.status
    assert bucket_pair.equal


def test_a_master_that_is_killed_leaves_nothing_that_runs_beside_the_next_run(world: World, bucket_pair: Pair) -> None:
    fill(bucket_pair)
    file = world.configuration("master", world.table(bucket_pair, f'limit_upload = "{SLOW}"'))
    environment = world.environment("master", servers=not world.remote)
    command = [str(COMMAND), "run", "--json", "--config", str(file)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert any(b'"copy_started"' in line for line in process.stdout)
        process.kill()
    done = subprocess.run([*command, "--lock", "wait"], env=environment, capture_output=True, timeout=180, check=False)
    assert 0 == done.returncode, done.stderr.decode()
    assert bucket_pair.equal
    history = subprocess.run(
        [str(COMMAND), "history", "--json", "--config", str(file)], env=environment, capture_output=True, check=True
    )
    assert {"succeeded", "interrupted"} == set(re.findall(r'"status": "(\w+)"', history.stdout.decode()))


def test_a_worker_that_is_killed_costs_nothing(lonely: World, bucket_pair: Pair) -> None:
    fill(bucket_pair)
    first = lonely.agent("first")
    job = lonely.job(bucket_pair, limit_upload=SLOW)
    run = Running(lonely.master(), job)
    until(run.copying)
    os.killpg(first.pid, signal.SIGKILL)
    lonely.agent("second")
    assert (Status.SUCCEEDED, True) == (run.report.status, run.report.verified)
    assert bucket_pair.equal
    assert 1 == sum(isinstance(event, RunStarted) for event in run.events)
    assert lonely.master().executor().agents()[0].waiting == 0


def test_a_worker_that_is_stopped_gives_its_run_back(lonely: World, bucket_pair: Pair) -> None:
    fill(bucket_pair)
    first = lonely.agent("first")
    run = Running(lonely.master(), lonely.job(bucket_pair, limit_upload=SLOW))
    until(run.copying)
    first.terminate()
    assert 143 == first.wait(60)
    lonely.agent("second")
    assert Status.SUCCEEDED is run.report.status
    assert bucket_pair.equal


def test_a_worker_that_was_frozen_ends_its_run_and_another_one_has_it(lonely: World, bucket_pair: Pair) -> None:
    fill(bucket_pair)
    first = lonely.agent("first")
    run = Running(lonely.master(), lonely.job(bucket_pair, limit_upload=SLOW))
    until(run.copying)
    os.killpg(first.pid, signal.SIGSTOP)
    lonely.agent("second")
    until(lambda: any("begins again" in str(event) for event in tuple(run.events)))
    os.killpg(first.pid, signal.SIGCONT)
    assert Status.SUCCEEDED is run.report.status
    assert bucket_pair.equal
    until(lambda: "is ended:" in lonely.log("first"))
    assert [1] == [sum(isinstance(event, RunFinished) for event in run.events)]


def test_two_runs_of_one_target_take_turns(world: World, bucket_pair: Pair) -> None:
    fill(bucket_pair, 40)
    service, job = world.master(world.table(bucket_pair)), world.job(bucket_pair, limit_upload=SLOW)
    one = Running(service, job)
    until(one.copying)
    other = Running(service, job)
    command = [str(COMMAND), "run", "--config", str(service.configuration.path)]
    environment = world.environment("master", servers=not world.remote)
    assert 75 == subprocess.run(command, env=environment, capture_output=True, check=False).returncode
    assert (Status.SUCCEEDED, 40) == (one.report.status, one.report.tally.done.objects)
    assert (Status.SUCCEEDED, 0) == (other.report.status, other.report.tally.done.objects)


def test_events_come_in_their_order(world: World, bucket_pair: Pair) -> None:
    bucket_pair.source.put({f"{number:04}": b"x" for number in range(700)})
    run = Running(world.master(), world.job(bucket_pair))
    assert Status.SUCCEEDED is run.report.status
    events: list[Event] = run.events
    copied = [event.key for event in events if isinstance(event, CopyStarted)]
    assert 700 == len(set(copied))
    (plan,) = [event.plan for event in events if isinstance(event, Planned)]
    keys = [one.source.key for one in plan.differences if isinstance(one, Missing)]
    assert 700 == len(keys)
    assert all(one < other for one, other in pairwise(keys))


def test_a_run_in_parts_is_judged_as_one(world: World, bucket_pair: Pair) -> None:
    bucket_pair.source.put({f"k{number:03}": b"x" * number for number in range(230)} | {"same": b"s"})
    bucket_pair.target.put({"same": b"s", "old": b"o"})
    job = world.job(bucket_pair, overwrite=True, remove=True, split=2)

    run = Running(world.master(), job)

    report = run.report
    assert (Status.SUCCEEDED, True) == (report.status, report.verified)
    tally = report.tally
    assert (230, 230, 1, 1) == (
        tally.planned.objects, tally.done.objects, tally.equal.objects, tally.removed.objects,
    )  # fmt: skip
    assert "it was copied in 3 parts" in report.notes
    assert bucket_pair.equal
    assert (1, 1, 1) == tuple(
        sum(isinstance(event, kind) for event in run.events) for kind in (RunStarted, Planned, RunFinished)
    )
    assert 230 == len({event.key for event in run.events if isinstance(event, CopyStarted)})
