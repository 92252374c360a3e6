"""What `/api/v1` answers: each function takes a request and what its path names."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from mcmirror.codec.documents import brief, encode, job_document
from mcmirror.http.answer import Answer, Refused, Request, answered, refusal
from mcmirror.http.asking import fields, flag, job_of, no_job, nothing, parameters, stopping, unknown_word
from mcmirror.http.lines import streamed
from mcmirror.http.stream import TYPE, Stream
from mcmirror.model.control import Busy, Control, Outdated, Stopping, UnknownJob, UnknownRun
from mcmirror.model.record import RUNNING, Record
from mcmirror.model.report import Status

MOST = 500
"""Runs in one answer."""
STATUSES = (*(status.value for status in Status), RUNNING)
_ID = re.compile(r"\d{8}T\d{6}-[0-9a-f]{8}", re.ASCII)
MOST_OBJECTS = 2**53 - 1
"""What every reader of JSON takes for a whole number."""


class Api:
    """The API over a server."""

    def __init__(self, control: Control, stopped: Callable[[], bool]) -> None:
        """``stopped`` says whether streams are to end though the server goes on."""
        self._control = control
        self._stopped = stopped

    def status(self, request: Request) -> Answer:
        """GET status."""
        parameters(request)
        return answered(encode(self._control.state()))

    def jobs(self, request: Request) -> Answer:
        """GET jobs."""
        parameters(request)
        state = self._control.state()
        return answered({"jobs": [job_document(job, state.now) for job in state.jobs]})

    def job(self, request: Request, name: str) -> Answer:
        """GET jobs/NAME."""
        parameters(request)
        state = self._control.state()
        return answered(job_document(job_of(state, name), state.now))

    def runs(self, request: Request) -> Answer:
        """GET runs: the newest first; ``next`` is the ``before`` of the next page."""
        given = parameters(request, "job", "status", "before", "limit")
        limit = _limit(given.get("limit", "50"))
        before = _before(given.get("before", ""))
        status = given.get("status", "")
        if status and status not in STATUSES:
            raise unknown_word(f"there is no status {status!r}", status, STATUSES)
        found = self._control.runs(job=given.get("job", ""), status=status, before=before, limit=limit)
        following = found[-1].id if len(found) == limit else None
        return answered({"runs": [encode(brief(record)) for record in found], "next": following})

    def run(self, request: Request, run: str) -> Answer:
        """GET runs/ID, while it goes on with its ``progress``; with ``fates=1`` a line of JSON for each object."""
        given = parameters(request, "fates")
        try:
            record = self._control.run(run)
        except UnknownRun:
            document = self._accepted(run)
            if document is None:
                raise _no_run(run) from None
        else:
            if flag(given.get("fates", "")):
                return streamed(self._fates(run))
            document = encode(record)
        if document["report"] is None:
            progress = self._control.progress(run)
            document["progress"] = encode(progress) if progress else None
        return answered(document)

    def _fates(self, run: str) -> Iterator[dict[str, Any]]:
        for fate, key in self._control.fates(run):
            yield {"fate": fate.value, "key": key}

    def _accepted(self, run: str) -> dict[str, Any] | None:
        """A run that has been accepted, before its record is where runs are looked up."""
        job = next((job for job in self._control.state().jobs if job.run == run), None)
        if job is None:
            return None
        return {
            "id": run,
            "job": job.name,
            "source": job.source,
            "target": job.target,
            "status": RUNNING,
            "report": None,
        }

    def trigger(self, request: Request, name: str) -> Answer:
        """POST jobs/NAME/run: 202, or 409 with the run that is at it. ``max_delete`` releases the guard for it.

        With ``create_target`` it makes the target's bucket. With a ``plan``, the job must still be what was planned, or
        409.
        """
        sent = fields(request, "max_delete", "create_target", "plan")
        max_delete, plan, create = _max_delete(sent), str(sent.get("plan", "")), sent.get("create_target") is True
        # A file that is wrong is told of in the status, and what held before it goes on.
        self._control.renew()
        try:
            run = self._control.trigger(name, max_delete=max_delete, create_target=create, plan=plan)
        except UnknownJob:
            raise no_job(self._control.state(), name) from None
        except Busy as busy:
            why = f"run {busy.run} is under way or waits for its turn"
            refused = Refused(409, f"the job {name} is at it", why, "wait for its end, or cancel it first")
            return refusal(refused, run=busy.run)
        except Outdated:
            why = "its configuration says something else since then, or the plan is kept no longer"
            raise Refused(409, f"{name} is not any more what was planned", why, "plan it anew") from None
        except Stopping:
            raise stopping() from None
        return answered({"run": run, "job": name}, 202, Location=f"/api/v1/runs/{run}")

    def cancel(self, request: Request, run: str) -> Answer:
        """POST runs/ID/cancel: 202; the run's end is an event and a record."""
        nothing(request)
        try:
            self._control.cancel(run)
        except UnknownRun:
            raise self._not_cancelled(run) from None
        return answered({"run": run, "cancelled": True}, 202, Location=f"/api/v1/runs/{run}")

    def _not_cancelled(self, run: str) -> Refused:
        try:
            record = self._control.run(run)
        except UnknownRun:
            return _no_run(run)
        if record.report is None:
            return Refused(409, f"the run {run} is not ours", _where(record), "stop it where it runs")
        return Refused(409, f"the run {run} has ended", f"its verdict is {record.status}", "nothing is left to be done")

    def pause(self, request: Request, name: str = "") -> Answer:
        """POST pause, jobs/NAME/pause."""
        return self._paused(request, name, self._control.pause)

    def resume(self, request: Request, name: str = "") -> Answer:
        """POST resume, jobs/NAME/resume."""
        return self._paused(request, name, self._control.resume)

    def _paused(self, request: Request, name: str, change: Callable[[str], None]) -> Answer:
        nothing(request)
        try:
            change(name)
        except UnknownJob:
            raise no_job(self._control.state(), name) from None
        state = self._control.state()
        if not name:
            return answered({"paused": state.paused})
        return answered(job_document(job_of(state, name), state.now))

    def events(self, request: Request) -> Answer:
        """GET events: the live stream."""
        given = parameters(request, "job", "all")
        state = self._control.state()
        if given.get("job"):
            job_of(state, given["job"])
        if self._control.ended:
            raise stopping()
        last = request.headers.get("last-event-id", "").strip()
        stream = Stream(
            self._control,
            job=given.get("job", ""),
            every_copy=flag(given.get("all", "")),
            after=int(last) if last.isascii() and last.isdigit() and len(last) < 20 else None,
            stopped=self._stopped,
        )
        return Answer(200, type=TYPE, stream=lambda: iter(stream))


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= MOST):
        raise Refused(400, f"limit {text!r} is no number of runs", f"it goes from 1 to {MOST}", "write limit=50")
    return int(text)


def _before(text: str) -> str:
    if text and not _ID.fullmatch(text):
        what = f"before {text[:60]!r} is no id of a run"
        raise Refused(400, what, "it looks like 20261121T020000-9f86d081", "write the page's next, as it stands there")
    return text


def _max_delete(sent: dict[str, Any]) -> int | None:
    """How many objects somebody lets one run remove: a number that was read, never a share and never anything."""
    if "max_delete" not in sent:
        return None
    value = sent["max_delete"]
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_OBJECTS:
        return value
    shown = json.dumps(value)
    what = f"max_delete {shown if len(shown) <= 60 else shown[:60] + '...'} is no number of objects"
    why = "for one run it is a whole number, 0 or more"
    raise Refused(400, what, why, 'write {"max_delete": 20}, with the number of removals that the plan has counted')


def _no_run(run: str) -> Refused:
    return Refused(
        404, f"there is no run {run!r}", "it never was, or it has been forgotten", "GET /api/v1/runs lists the others"
    )


def _where(record: Record) -> str:
    return f"it is process {record.pid} on {record.host}" if record.pid else "another process runs it"
