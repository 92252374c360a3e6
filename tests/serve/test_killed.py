"""``kill -9`` at random moments, while everything else fails as well: at the end all is as if nothing had happened."""

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from tests.conftest import Pair, Side
from tests.serve import tale
from tests.serve.house import House, Serve, assert_no_mc
from tests.serve.receiver import Channel, Receiver
from tests.servers.proxy import Proxy
from tests.waiting import until

KILLS = 20
SEED = 11
TELLING = 900.0
"""Seconds."""


class _Fate:
    """Changes the source, and breaks and mends what is around ``serve``, by dice."""

    def __init__(self, source: Side, target: Side, receiver: Receiver, slack: Channel) -> None:
        self.dice = random.Random(SEED)
        self.source, self.target, self.receiver, self.slack = source, target, receiver, slack
        self.number = 0

    def turn(self) -> None:
        """One more change."""
        self.number += 1
        keys = [f"{self.number:04}/{index}" for index in range(self.dice.randint(1, 4))]
        self.source.put({key: self.dice.randbytes(self.dice.randint(0, 3000)) for key in keys})
        if self.dice.random() < 0.3:
            self.source.delete(self.dice.choice(sorted(self.source.sizes())))
        self.receiver.wrong = self.dice.choice([0, 0, 503])
        self.slack.always = self.dice.choice(["", "", "500"])
        if self.target.server.process is None:
            self.target.server.start()
        elif self.dice.random() < 0.25:
            self.target.server.kill()

    def mend(self) -> None:
        """Let everything be well again."""
        self.receiver.wrong, self.slack.always = 0, ""
        if self.target.server.process is None:
            self.target.server.start()


@pytest.mark.timeout(2400)
def test_killed_twenty_times(  # noqa: PLR0917  fixtures
    house: House, receiver: Receiver, slack: Channel, bucket_pair: Pair, new_side: Callable[..., Side],
    new_proxy: Callable[..., Proxy],
) -> None:  # fmt: skip
    source, target = bucket_pair.source, new_side("dst")
    proxy = new_proxy(target.server)
    proxy.delay = 0.05
    house.cli.environment["MC_HOST_dst"] = target.server.mc_host(address=proxy.address)
    local = house.folder / "local"
    house.jobs = {
        "far": {"source": source.location, "target": target.location},
        "near": {"source": source.location, "target": str(local)},
    }
    fate = _Fate(source, target, receiver, slack)
    serves = list[Serve]()
    for turn in range(KILLS):
        fate.turn()
        serve = house.start(up=False)
        serves.append(serve)
        if turn % 3:  # else while it begins, for a machine that is busy may need all that time for it
            serve.until(lambda: bool(serve.said("run_started")))  # noqa: B023
        moment = time.monotonic() + fate.dice.uniform(0.6, 6)
        while time.monotonic() < moment:
            time.sleep(min(0.8, max(0.0, moment - time.monotonic())))
            fate.turn()
        serve.kill()
    fate.mend()
    assert_no_mc(source.bucket, target.bucket)
    for folder in (house.folder / "tmp").iterdir():
        os.utime(folder, (0, 0))  # one that was killed before it had its lock must be a minute old
    inbox = house.folder / "home/.local/state/mcmirror/state.db.inbox"
    for file in inbox.glob("*.hidden"):
        os.utime(file, (0, 0))  # so must a run's file that was killed before it had its name

    last = house.start()
    serves.append(last)
    house.another("far")
    house.another("near")
    for job in house.jobs:
        with suppress(AssertionError):  # what is missing is said below
            # Whoever was killed telling has its message for a while, and who was down is asked ever later.
            until(lambda: _well_told(house, receiver, job), TELLING)  # noqa: B023
        assert [] == tale.amiss(house.records(job), tale.told(receiver, job))
    last.until(lambda: all(one["waiting"] == 0 for one in last.ask("GET", "status")[1]["notifiers"]))
    assert 143 == last.stop()

    assert source.contents() == target.contents()
    assert source.sizes() == {str(path.relative_to(local)): path.stat().st_size for path in _files(local)}
    _assert_recorded(house, receiver, serves)
    _assert_told_once(house, receiver, slack)
    assert_no_mc(source.bucket, target.bucket)
    assert [] == house.cli.leftovers
    assert [] == sorted(path.name for path in inbox.iterdir())
    again = house.run("run", "--json", "--lock", "fail")
    assert {"far": "succeeded", "near": "succeeded"} == {job: one["status"] for job, one in again.reports.items()}


def _well_told(house: House, receiver: Receiver, job: str) -> bool:
    """Whether all is told, and that it is well again last."""
    told = tale.told(receiver, job)
    return not tale.amiss(house.records(job), told) and (not told or told[-1][0] == "recovery")


def _files(folder: Any) -> list[Any]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _assert_recorded(house: House, receiver: Receiver, serves: list[Serve]) -> None:
    """Each run that anybody has seen has exactly one record, and what was said of its end is what is remembered."""
    records = {record.id: record for record in house.records()}
    assert len(records) == len(house.records())
    assert not [record for record in records.values() if record.report is None]
    seen = {one.run for one in receiver.got}
    ends: dict[str, str] = {}
    for serve in serves:
        seen |= {line["run"] for line in serve.lines if "run" in line}
        ends |= {line["run"]: line["status"] for line in serve.said("run_finished")}
    assert seen - {""} <= records.keys()
    for run, status in ends.items():
        assert records[run].status in {status, "interrupted"}, run
    killed = {record.id for record in records.values() if record.status == "interrupted"}
    assert len(killed) >= KILLS // 4, "the kills came when nothing ran: they prove nothing"
    assert len(records) > KILLS
    pids = {serve.process.pid for serve in serves}
    assert pids >= {record.pid for record in records.values()}


def _assert_told_once(house: House, receiver: Receiver, slack: Channel) -> None:
    """One delivery an occasion and a run, whatever number of times it was sent."""
    for job in house.jobs:
        assert [] == tale.amiss(house.records(job), tale.told(receiver, job))
    under = Counter((one.what, one.run) for one in receiver.once().values())
    assert [] == [what for what, number in under.items() if number > 1]
    twice = [number for number, times in Counter(number for number, _ in slack.posted).items() if times > 1]
    assert len(twice) <= 2, "only what was on its way when it was killed"
    assert [text for _, text in slack.posted if text.startswith("✅")]
