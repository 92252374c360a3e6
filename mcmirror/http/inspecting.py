"""What `/api/v1` answers about plans and verifications: each function takes a request and what its path names."""

from collections.abc import Iterator
from typing import Any

from mcmirror.codec.documents import encode, inspection_document
from mcmirror.codec.events import difference_document
from mcmirror.http.answer import Answer, Refused, Request, answered
from mcmirror.http.asking import flag, no_job, nothing, parameters, stopping
from mcmirror.http.lines import streamed
from mcmirror.model.control import Control, Stopping, UnknownInspection, UnknownJob
from mcmirror.model.inspection import Inspection
from mcmirror.model.job import Verb
from mcmirror.model.plan import Plan


class Inspecting:
    """That part of the API, over a server."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def plan(self, request: Request, name: str) -> Answer:
        """POST jobs/NAME/plan: 202 with the id to ask for; of one that is under way already, that one's."""
        return self._begun(request, name, Verb.PLAN)

    def verify(self, request: Request, name: str) -> Answer:
        """POST jobs/NAME/verify."""
        return self._begun(request, name, Verb.VERIFY)

    def _begun(self, request: Request, name: str, verb: Verb) -> Answer:
        nothing(request)
        self._control.renew()
        try:
            found = self._control.inspections.begin(name, verb)
        except UnknownJob:
            raise no_job(self._control.state(), name) from None
        except Stopping:
            raise stopping() from None
        document = {"inspection": found, "job": name, "verb": verb.value}
        return answered(document, 202, Location=f"/api/v1/inspections/{found}")

    def all(self, request: Request) -> Answer:
        """GET inspections: those that are known, the newest first."""
        parameters(request)
        found = self._control.inspections.all()
        return answered({"inspections": [inspection_document(one) for one in found]})

    def one(self, request: Request, inspection: str) -> Answer:
        """GET inspections/ID; with ``differences=1`` a line of JSON for each object."""
        given = parameters(request, "differences")
        found = self._found(inspection)
        if not flag(given.get("differences", "")):
            return answered(encode(found))
        if found.plan is None:
            raise _no_plan(found)
        return streamed(_differences(found.job, found.plan))

    def cancel(self, request: Request, inspection: str) -> Answer:
        """POST inspections/ID/cancel: 202; it goes on while somebody else who has asked for it wants it."""
        nothing(request)
        try:
            cancelled = self._control.inspections.cancel(inspection)
        except UnknownInspection:
            found = self._found(inspection)
            what, verdict = f"the {_noun(found)} {inspection} has ended", found.report and found.report.status
            raise Refused(409, what, f"its verdict is {verdict}", "nothing is left to be done") from None
        document = {"inspection": inspection, "cancelled": cancelled}
        return answered(document, 202, Location=f"/api/v1/inspections/{inspection}")

    def _found(self, inspection: str) -> Inspection:
        try:
            return self._control.inspections.get(inspection)
        except UnknownInspection:
            what = f"there is no plan or verification {inspection!r}"
            why = "it never was, or it is kept no longer: some minutes, and only the newest"
            raise Refused(404, what, why, "POST /api/v1/jobs/NAME/plan makes a new one") from None


def _noun(inspection: Inspection) -> str:
    return "plan" if inspection.verb == Verb.PLAN else "verification"


def _no_plan(found: Inspection) -> Refused:
    what = f"the {_noun(found)} {found.id} has no differences to show"
    if found.report is None:
        return Refused(409, what, "it has not ended yet", f"ask again when GET /api/v1/inspections/{found.id} says so")
    why = f"both sides were not listed whole; its verdict is {found.report.status}"
    return Refused(409, what, why, f"GET /api/v1/inspections/{found.id} has the problems")


def _differences(job: str, plan: Plan) -> Iterator[dict[str, Any]]:
    return (difference_document(job, difference) for difference in plan.differences)
