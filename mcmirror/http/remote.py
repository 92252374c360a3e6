"""`control.Control` over HTTP: what another process, or another machine, asks of `mcmirror serve`."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from mcmirror.codec.documents import decode
from mcmirror.codec.events import event_of
from mcmirror.http.client import Answered, Client, messages, part
from mcmirror.model.control import (
    Busy,
    Declined,
    Outdated,
    Sent,
    Stopping,
    Unanswered,
    UnderWay,
    UnknownInspection,
    UnknownJob,
    UnknownRun,
)
from mcmirror.model.inspection import Inspection
from mcmirror.model.job import Verb
from mcmirror.model.progress import Progress
from mcmirror.model.record import Cause, Outcome, Record
from mcmirror.model.state import State

OTHER = "what answers is no mcmirror serve, or one of another version"


class RemoteControl:
    """Implements ``control.Control``, and its inspections."""

    ended = False

    def __init__(self, client: Client) -> None:
        self._client = client
        self.inspections = RemoteInspections(client)

    def state(self) -> State:
        """How it is."""
        with _read():
            return decode(State, self._client.ask("GET", "/status"))

    def renew(self) -> str:
        """The server does so by itself before it begins something."""
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
        """Run a job now; the id of the run. ``cause`` is the server's: the API."""
        del cause
        given = {"max_delete": max_delete, "plan": plan or None, "create_target": create_target or None}
        body = {name: value for name, value in given.items() if value is not None} or None
        with _read(), _declined(UnknownJob(job), Outdated(job)):
            return str(self._client.ask("POST", f"/jobs/{part(job)}/run", body)["run"])

    def cancel(self, run: str) -> None:
        """Stop a run."""
        with _declined(UnknownRun(run), UnknownRun(run)):
            self._client.ask("POST", f"/runs/{part(run)}/cancel")

    def pause(self, job: str = "") -> None:
        """Start no more runs by schedule."""
        with _declined(UnknownJob(job)):
            self._client.ask("POST", f"/jobs/{part(job)}/pause" if job else "/pause")

    def resume(self, job: str = "") -> None:
        """Undo that."""
        with _declined(UnknownJob(job)):
            self._client.ask("POST", f"/jobs/{part(job)}/resume" if job else "/resume")

    def subscribe(self) -> "RemoteFeed":
        """Hear every event from now on."""
        return RemoteFeed(self._client)

    def runs(self, *, job: str = "", status: str = "", before: str = "", limit: int = 50) -> tuple[Record, ...]:
        """Runs, the newest first."""
        query = {"job": job, "status": status, "before": before, "limit": limit}
        with _read():
            return tuple(decode(Record, one) for one in self._client.ask("GET", "/runs", **query)["runs"])

    def run(self, run: str) -> Record:
        """One run."""
        return decode(Record, {"cause": "api", "started": "", **self._run(run)})

    def progress(self, run: str) -> Progress | None:
        """How far it is."""
        found = self._run(run)
        with _read():
            return decode(Progress, found["progress"], job=found["job"]) if found.get("progress") else None

    def _run(self, run: str) -> Mapping[str, Any]:
        with _declined(UnknownRun(run)):
            found: Mapping[str, Any] = self._client.ask("GET", f"/runs/{part(run)}")
            return found

    def fates(self, run: str) -> Iterator[tuple[Outcome, str]]:
        """What became of each object."""
        with _read(), _declined(UnknownRun(run)):
            for line in self._client.lines(f"/runs/{part(run)}?fates=1"):
                document = json.loads(line)
                if "fate" in document:
                    yield Outcome(document["fate"]), document["key"]


class RemoteInspections:
    """Implements ``control.Inspections``."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def begin(self, job: str, verb: Verb) -> str:
        """Have one made, or share one that is being made."""
        with _read(), _declined(UnknownJob(job)):
            return str(self._client.ask("POST", f"/jobs/{part(job)}/{verb.value}")["inspection"])

    def cancel(self, inspection: str) -> bool:
        """Want it no more."""
        with _read(), _declined(UnknownInspection(inspection), UnknownInspection(inspection)):
            return bool(self._client.ask("POST", f"/inspections/{part(inspection)}/cancel")["cancelled"])

    def get(self, inspection: str) -> Inspection:
        """How it stands, or what it came to."""
        with _read(), _declined(UnknownInspection(inspection)):
            return decode(Inspection, self._client.ask("GET", f"/inspections/{part(inspection)}"))

    def all(self) -> tuple[Inspection, ...]:
        """All that are known, as they are listed."""
        with _read():
            found = self._client.ask("GET", "/inspections")["inspections"]
            return tuple(decode(Inspection, one) for one in found)


class RemoteFeed:
    """Implements ``control.Feed``. The server leaves out most of many copies, and says something every 15 s."""

    def __init__(self, client: Client) -> None:
        self.thinned, self.lost = True, False
        self._lines = client.lines("/events")
        self._messages = messages(self._lines)

    def next(self, timeout: float) -> Sent | UnderWay | None:
        """The next one."""
        del timeout
        for number, data in self._messages:
            try:
                return self._heard(number, json.loads(data)) if data else None
            except (ValueError, KeyError, TypeError):
                return None  # of a newer server
        raise Unanswered("the server has ended")

    def _heard(self, number: str, document: Mapping[str, Any]) -> Sent | UnderWay | None:
        kind = document["event"]
        if kind == "lost":
            self.lost = True
            return None
        run, verb = str(document.get("inspection") or document["run"]), Verb(document.get("verb", "run"))
        if kind == "under_way":
            return UnderWay(run, verb, decode(Progress, document, job=document["job"]))
        event = event_of(document)
        if event is None:
            return None
        return Sent(int(number or 0), document["time"], run, event, verb, int(document.get("left_out", 0)))

    def close(self) -> None:
        """End it."""
        self._lines.close()
        with suppress(ValueError):  # another thread reads it, and ends by that
            self._messages.close()


@contextmanager
def _read() -> Iterator[None]:
    """What cannot be read is no answer."""
    try:
        yield
    except (ValueError, KeyError, TypeError):
        raise Unanswered(OTHER) from None


@contextmanager
def _declined(unknown: Declined, conflict: Declined | None = None) -> Iterator[None]:
    """What the server declines, as in process, with the words of the server."""
    try:
        yield
    except Answered as answered:
        found: Declined = answered
        if answered.status == 404:
            found = unknown
        elif answered.status == 409:
            found = Busy(answered.run) if answered.run else conflict or answered
        elif answered.status == 503:
            found = Stopping()
        found.told = answered.told
        raise found from None
