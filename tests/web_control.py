"""A server in memory for the tests of what asks one, and clients as rude as they come."""

import http.client
import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from mcmirror.config import Configuration
from mcmirror.model.agent import AgentProcess, AgentState
from mcmirror.model.control import Busy, Stopping, UnknownJob, UnknownRun
from mcmirror.model.progress import Progress
from mcmirror.model.record import Cause, Outcome, Record
from mcmirror.model.relay import RelayState
from mcmirror.model.replication_state import DirectionState, ReplicationState
from mcmirror.model.state import JobState, NotifierState, State, Totals
from mcmirror.service.event_bus import EventBus, Subscription
from tests.inspected import Looker, Room, jobs
from tests.ui_samples import PARTIAL, VERIFIED

NOW = 1_790_000_000.25
TOKEN = "the-token-of-the-api"
BEGUN = b"retry: 3000\n: mcmirror\n\n"
"""What a stream begins with, once it hears everything."""
PATIENCE = 120.0
"""Seconds for anything to happen, on a machine that is busy."""

SUCCESS = Record(
    "20260921T120000-0000000a",
    "photos",
    "onprem/photos",
    "aws/photos-dr",
    Cause.SCHEDULE,
    "2026-09-21T12:00:00.000+00:00",
    "host",
    7,
    "2026-09-21T12:01:12.300+00:00",
    VERIFIED,
)
FAILURE = replace(SUCCESS, id="20260921T130000-0000000b", job="docs/2026 → x", report=replace(PARTIAL, job="docs"))

PHOTOS = JobState(
    "photos",
    "onprem/photos",
    "aws/photos-dr",
    "cron 0 2 * * * (Asia/Seoul)",
    next_run=NOW + 3600,
    last=SUCCESS,
    last_success=NOW - 600,
    max_age=3600,
    overdue_since=NOW + 3000,
)
DOCS = JobState(
    "docs/2026 → x",
    "onprem/docs",
    "aws/docs",
    "every 30m",
    run="20260921T140000-0000000c",
    phase="mirror",
    last=FAILURE,
    max_age=86400,
    overdue_since=NOW + 80000,
)
STATE = State(
    now=NOW,
    started=NOW - 1000,
    heartbeat=NOW - 1,
    service="nightly",
    jobs=(PHOTOS, DOCS),
    relays=(RelayState("one", 3, NOW - 60, 2, 1234, 5, 6, 7, "it answered HTTP 503"),),
    replications=(
        ReplicationState(
            "link",
            NOW - 30,
            300.0,
            (
                DirectionState("a/b", "c/d", "behind", well=False, working=True, online=True, behind=3, lag=12.5),
                DirectionState("c/d", "a/b", "offline", well=False, working=False, online=False, error="refused"),
            ),
        ),
    ),
    agents=(
        AgentState(
            "seoul",
            120.0,
            ("photos",),
            (AgentProcess("one", "host", 7, "1.2.3", capacity=3, running=1, started=NOW - 500, seen=NOW - 5),),
            waiting=2,
            running=1,
            since=NOW - 900,
        ),
    ),
    notifiers=(NotifierState("team", waiting=2, failures=3, given_up=1, error="it answered HTTP 500"),),
    warnings=("the new configuration is refused: x",),
    totals={
        "photos": Totals(
            runs={"succeeded": 3, "failed": 1},
            objects={"copied": 1204, "removed": 2, "kept": 0, "remaining": 0},
            bytes={"copied": 3 * 2**30, "removed": 20, "kept": 0, "remaining": 0},
            problems={"connection-lost": 2},
            requests={"source_list": 200, "target_put": 1300},
            retries=1,
        )
    },
)


@dataclass
class InMemory:
    """A ``Control`` whose state is what a test wants."""

    current: State = STATE
    records: dict[str, Record] = field(default_factory=lambda: {one.id: one for one in (FAILURE, SUCCESS)})
    ended_fates: dict[str, list[tuple[Outcome, str]]] = field(default_factory=dict)
    asked: list[tuple[str, ...]] = field(default_factory=list)
    hub: EventBus = field(default_factory=EventBus)
    broken: Exception | None = None
    looker: Looker = field(default_factory=lambda: Looker(Configuration(jobs=jobs(PHOTOS.name, DOCS.name))))

    def __post_init__(self) -> None:
        self.looker.let.set()
        self.inspections = Room(self.looker, self.hub).inspections()

    @property
    def ended(self) -> bool:
        return self.hub.ended

    def state(self) -> State:
        if self.broken:
            raise self.broken
        return self.current

    def renew(self) -> str:
        return ""

    def trigger(
        self,
        job: str,
        *,
        max_delete: int | None = None,
        create_target: bool = False,
        plan: str = "",
        cause: Cause = Cause.API,
    ) -> str:
        assert cause is Cause.API
        if create_target:
            self.asked.append(("create_target", job))
        if plan:
            self.asked.append(("agreed", job, plan))
        found = self._job(job)
        if self.current.stopping:
            raise Stopping
        if found.run:
            raise Busy(found.run)
        self.asked.append(("trigger", job) if max_delete is None else ("trigger", job, str(max_delete)))
        return "20260921T150000-0000000d"

    def cancel(self, run: str) -> None:
        if all(job.run != run for job in self.current.jobs):
            raise UnknownRun(run)
        self.asked.append(("cancel", run))

    def pause(self, job: str = "") -> None:
        self._pause(job, paused=True)

    def resume(self, job: str = "") -> None:
        self._pause(job, paused=False)

    def _pause(self, job: str, *, paused: bool) -> None:
        if not job:
            self.current = replace(self.current, paused=paused)
            return
        self._job(job)
        jobs = tuple(replace(one, paused=paused) if one.name == job else one for one in self.current.jobs)
        self.current = replace(self.current, jobs=jobs)

    def _job(self, job: str) -> JobState:
        for one in self.current.jobs:
            if one.name == job:
                return one
        raise UnknownJob(job)

    def subscribe(self) -> Subscription:
        return self.hub.subscribe()

    def runs(self, *, job: str = "", status: str = "", before: str = "", limit: int = 50) -> tuple[Record, ...]:
        found = sorted(self.records.values(), key=lambda record: record.id, reverse=True)
        fitting = [
            one
            for one in found
            if (not job or one.job == job) and (not status or one.status == status) and (not before or one.id < before)
        ]
        return tuple(fitting[:limit])

    def run(self, run: str) -> Record:
        if run not in self.records:
            raise UnknownRun(run)
        return self.records[run]

    def progress(self, run: str) -> Progress | None:
        return self.hub.progress(run)

    def fates(self, run: str) -> Iterator[tuple[Outcome, str]]:
        self.run(run)
        yield from self.ended_fates.get(run, [])
        if self.broken:
            raise self.broken


@dataclass(frozen=True)
class Got:
    """An answer, read whole."""

    status: int
    headers: dict[str, str]
    """By name in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[str, str, str]:
        error = self.json["error"]
        return error["what"], error["why"], error["do"]


@dataclass(frozen=True)
class Client:
    """Asks a server on the loopback interface."""

    port: int
    token: str = TOKEN

    def __call__(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Got:
        """Ask once; keywords are headers, with ``_`` for ``-``; an empty one is not sent."""
        given = {"Authorization": f"Bearer {self.token}", **{k.replace("_", "-"): v for k, v in headers.items()}}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, {name: value for name, value in given.items() if value})
            answer = connection.getresponse()
            return Got(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Got:
        return self("GET", path, None, **headers)

    def post(self, path: str, body: bytes | None = None, **headers: str) -> Got:
        return self("POST", path, body, **headers)

    def raw(self, data: bytes = b"") -> socket.socket:
        """Open a connection and send these bytes."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        connection.sendall(data)
        return connection

    def rude(self, data: bytes) -> bytes:
        """Send these bytes, and read whatever comes until the server closes."""
        with self.raw(data) as connection:
            return everything(connection)

    def stream(self, path: str, **headers: str) -> socket.socket:
        """Ask for a stream and leave it to be read."""
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {self.token}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return self.raw("\r\n".join((*lines, "", "")).encode())


def everything(connection: socket.socket) -> bytes:
    """What comes until the end."""
    received = b""
    while True:
        try:
            piece = connection.recv(65536)
        except ConnectionResetError:
            return received
        if not piece:
            return received
        received += piece


def until(connection: socket.socket, words: bytes, received: bytes = b"") -> bytes:
    """What comes until these words are there."""
    while words not in received:
        piece = connection.recv(65536)
        assert piece, f"{words!r} did not come: {received[-500:]!r}"
        received += piece
    return received


def eventually(condition: Any) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)
