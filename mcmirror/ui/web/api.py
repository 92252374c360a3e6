"""What `/api/v1` answers: each function takes a request and what its path names."""

from collections.abc import Callable, Iterator
from typing import Any

from mcmirror.config import nearest
from mcmirror.model.record import RUNNING, Fate, Record
from mcmirror.model.report import Status
from mcmirror.model.state import JobState, State
from mcmirror.service.control import Busy, Control, Stopping, UnknownJob, UnknownRun
from mcmirror.ui.jsonl import encoded
from mcmirror.ui.web.answer import Answer, Refused, Request, answered, refusal, sent_object
from mcmirror.ui.web.documents import job_document, run_document, state_document
from mcmirror.ui.web.stream import TYPE, Stream

MOST = 500
"""Runs in one answer."""
STATUSES = (*(status.value for status in Status), RUNNING)
LINES = "application/x-ndjson; charset=utf-8"
PIECE = 32 * 1024
"""Bytes of a long answer that are written together."""


class Api:
    """The API over a server."""

    def __init__(self, control: Control, stopped: Callable[[], bool]) -> None:
        """``stopped`` says whether streams are to end though the server goes on."""
        self._control = control
        self._stopped = stopped

    def status(self, request: Request) -> Answer:
        """GET status."""
        _known(request)
        return answered(state_document(self._control.state()))

    def jobs(self, request: Request) -> Answer:
        """GET jobs."""
        _known(request)
        state = self._control.state()
        return answered({"jobs": [job_document(job, state.now) for job in state.jobs]})

    def job(self, request: Request, name: str) -> Answer:
        """GET jobs/NAME."""
        _known(request)
        state = self._control.state()
        return answered(job_document(_job(state, name), state.now))

    def runs(self, request: Request) -> Answer:
        """GET runs: the newest first; ``next`` is the ``before`` of the next page."""
        given = _known(request, "job", "status", "before", "limit")
        limit = _limit(given.get("limit", "50"))
        status = given.get("status", "")
        if status and status not in STATUSES:
            raise _unknown_word(f"there is no status {status!r}", status, STATUSES)
        found = self._control.runs(job=given.get("job", ""), status=status, before=given.get("before", ""), limit=limit)
        following = found[-1].id if len(found) == limit else None
        return answered({"runs": [run_document(record, brief=True) for record in found], "next": following})

    def run(self, request: Request, run: str) -> Answer:
        """GET runs/ID; with ``fates=1`` a line of JSON for each object, and a last one that says it is complete."""
        given = _known(request, "fates")
        try:
            record = self._control.run(run)
        except UnknownRun:
            under_way = self._under_way(run)
            if under_way is None:
                raise _no_run(run) from None
            return answered(under_way)
        if given.get("fates", "0") in {"", "0"}:
            return answered(run_document(record))
        return Answer(200, type=LINES, stream=lambda: _pieces(self._control.fates(run)))

    def _under_way(self, run: str) -> dict[str, Any] | None:
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
        """POST jobs/NAME/run: 202, or 409 with the run that is at it."""
        _nothing(request)
        try:
            run = self._control.trigger(name)
        except UnknownJob:
            raise _no_job(self._control.state(), name) from None
        except Busy as busy:
            why = f"run {busy.run} is under way or waits for its turn"
            refused = Refused(409, f"the job {name} is at it", why, "wait for its end, or cancel it first")
            return refusal(refused, run=busy.run)
        except Stopping:
            raise _stopping() from None
        return answered({"run": run, "job": name}, 202, Location=f"/api/v1/runs/{run}")

    def cancel(self, request: Request, run: str) -> Answer:
        """POST runs/ID/cancel: 202; the run's end is an event and a record."""
        _nothing(request)
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
        _nothing(request)
        try:
            change(name)
        except UnknownJob:
            raise _no_job(self._control.state(), name) from None
        state = self._control.state()
        if not name:
            return answered({"paused": state.paused})
        return answered(job_document(_job(state, name), state.now))

    def events(self, request: Request) -> Answer:
        """GET events: the live stream."""
        given = _known(request, "job", "all")
        state = self._control.state()
        if given.get("job"):
            _job(state, given["job"])
        if self._control.ended:
            raise _stopping()
        last = request.headers.get("last-event-id", "").strip()
        stream = Stream(
            self._control,
            job=given.get("job", ""),
            every_copy=given.get("all", "0") not in {"", "0"},
            after=int(last) if last.isascii() and last.isdigit() and len(last) < 20 else None,
            stopped=self._stopped,
        )
        return Answer(200, type=TYPE, stream=lambda: iter(stream))


def _pieces(fates: Iterator[tuple[Fate, str]]) -> Iterator[bytes]:
    """Lines, many at once; a listing that breaks off lacks its last line."""
    lines, size, number = list[bytes](), 0, 0
    for fate, key in fates:
        line = encoded({"fate": fate.value, "key": key}) + b"\n"
        lines.append(line)
        number, size = number + 1, size + len(line)
        if size >= PIECE:
            yield b"".join(lines)
            lines, size = [], 0
    yield b"".join((*lines, encoded({"end": True, "objects": number}) + b"\n"))


def _known(request: Request, *names: str) -> dict[str, str]:
    """The query, when it asks for nothing else."""
    for name in request.query:
        if name not in names:
            raise _unknown_word(f"there is no parameter {name!r} here", name, names)
    return dict(request.query)


def _nothing(request: Request) -> None:
    """A request that brings nothing: what it brings would be ignored."""
    _known(request)
    for name in sent_object(request):
        raise Refused(400, f"there is no field {name!r} here", "this takes none", "send {} or no body")


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= MOST):
        raise Refused(400, f"limit {text!r} is no number of runs", f"it goes from 1 to {MOST}", "write limit=50")
    return int(text)


def _job(state: State, name: str) -> JobState:
    for job in state.jobs:
        if job.name == name:
            return job
    raise _no_job(state, name)


def _no_job(state: State, name: str) -> Refused:
    return _unknown_word(f"there is no job {name!r}", name, tuple(job.name for job in state.jobs), status=404)


def _no_run(run: str) -> Refused:
    return Refused(
        404, f"there is no run {run!r}", "it never was, or it has been forgotten", "GET /api/v1/runs lists the others"
    )


def _where(record: Record) -> str:
    return f"it is process {record.pid} on {record.host}" if record.pid else "another process runs it"


def _stopping() -> Refused:
    return Refused(
        503, "mcmirror takes no more work", "it is being stopped", "try again when it is back", Retry_After="10"
    )


def _unknown_word(what: str, word: str, names: tuple[str, ...], status: int = 400) -> Refused:
    guess = nearest(word, names)
    there = f"there are: {', '.join(names[:20])}{', ...' if len(names) > 20 else ''}" if names else "there is none"
    return Refused(
        status, what, there, f"did you mean {guess}?" if guess else "use one of these" if names else "leave it out"
    )
