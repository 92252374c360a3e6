"""Plans and verifications that a server makes for this dashboard: begun, followed to their end, shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcmirror.model.event import Phase, PhaseStarted, Planned, RunFinished
from mcmirror.model.problem import Category, Problem
from mcmirror.model.report import RunReport, Status
from mcmirror.tui.client import Away, Client, Missing, part
from mcmirror.tui.source import Refusal, shared

if TYPE_CHECKING:
    from mcmirror.model.groups import Groups
    from mcmirror.model.inspection import Inspection
    from mcmirror.tui.fold import Fold


class RemoteInspections:
    """Those that were asked for here; what others ask of the server is not heard.

    Their events are shown as they come. The end is looked up, so that it is seen whatever became of the line.
    """

    def __init__(self, client: Client, fold: Fold) -> None:
        self._client, self._fold = client, fold

    def begin(self, job: str, verb: str) -> str:
        """Have one made, or share one that is being made. Raises Away, Refusal."""
        key = str(self._client.ask("POST", f"/jobs/{part(job)}/{verb}")["inspection"])
        self._fold.expect(key, job, verb)
        return key

    def cancel(self, key: str, verb: str) -> None:
        """Want it no more. Raises Away, Refusal."""
        if not self._client.ask("POST", f"/inspections/{part(key)}/cancel")["cancelled"]:
            raise shared(verb)

    def groups(self, key: str) -> Groups:
        """What a plan comes to. Raises Away, Refusal."""
        found = self._get(key).groups
        if found is None:
            raise Refusal("there is no plan to show", "it has not come to its end", "l looks anew")
        return found

    def follow(self, key: str, job: str, verb: str) -> None:
        """Look whether one has ended whose end was not heard. Raises Away, Refusal."""
        try:
            found = self._get(key)
        except Missing:
            self._lose(key, job)
            return
        seen = self._fold.look(key)
        unheard = seen is None or seen.track.phase is None
        if found.report is None:
            if unheard and found.progress is not None:
                # It began before its events were expected.
                self._fold.join(key, verb, found.progress)
            return
        for phase in found.report.phases if unheard else ():
            self._fold.hear(key, PhaseStarted(job, Phase(phase)))
        if found.plan is not None and (seen is None or seen.track.plan is None):
            self._fold.hear(key, Planned(job, found.plan))
        self._fold.hear(key, RunFinished(job, found.report))

    def _get(self, key: str) -> Inspection:
        from mcmirror.codec.documents import decode
        from mcmirror.model.inspection import Inspection

        try:
            return decode(Inspection, self._client.ask("GET", f"/inspections/{part(key)}"))
        except ValueError:
            raise Away("what answers is no mcmirror serve, or one of another version") from None

    def _lose(self, key: str, job: str) -> None:
        """The server was begun anew, or has made many others since."""
        seen = self._fold.look(key)
        source, target = (seen.track.source, seen.track.target) if seen else ("", "")
        what, why = "the server does not know of this any more", "it was begun anew, or has made many others since"
        lost = Problem(Category.UNKNOWN, what, why, "Ask for it again.")
        report = RunReport(job, source, target, Status.INTERRUPTED, verified=False, problems=(lost,))
        self._fold.hear(key, RunFinished(job, report))
