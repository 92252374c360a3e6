"""A screen with a list of jobs: which one is selected, and the keys that run, try and pause it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mcmirror.tui.bucket import offer
from mcmirror.tui.list_room import ListRoom

if TYPE_CHECKING:
    from mcmirror.model.state import JobState
    from mcmirror.tui.source import View


class JobRoom(ListRoom):
    """The lines of its list are known by the names of jobs."""

    OPENS: ClassVar[bool] = True
    """Whether a run that is begun here is shown at once."""

    def selected(self, view: View | None = None) -> JobState | None:
        """The job under the cursor."""
        state = (view or self.dashboard.source.view()).state
        current = self.rows.current
        return next((job for job in state.jobs if job.name == current), None) if state else None

    def action_run(self) -> None:
        """Run it now."""
        if job := self.selected():
            self.dashboard.run_job(job.name, open_it=self.OPENS)

    def action_plan(self) -> None:
        """What would a run do."""
        if job := self.selected():
            self.dashboard.open_plan(job.name)

    def action_verify(self) -> None:
        """Is the copy true."""
        job = self.selected()
        if job is None:
            return
        name, source = job.name, self.dashboard.source

        def begun(key: str) -> None:
            self.dashboard.pursue(key)
            self.dashboard.open_run(name, "verify")

        self.dashboard.ask(lambda: source.verify(name), begun)

    def action_bucket(self) -> None:
        """Make the bucket that the last run lacked, and run."""
        if job := self.selected():
            offer(self.dashboard, job.name, job.last.report if job.last else None)

    def action_pause(self) -> None:
        """Pause it, or let it go on."""
        job = self.selected()
        if job is None:
            return
        name, source = job.name, self.dashboard.source
        if job.paused:
            self.dashboard.ask(lambda: source.resume(name), lambda _: self.dashboard.tell(f"{name} goes on"))
        else:
            self.dashboard.ask(
                lambda: source.pause(name), lambda _: self.dashboard.tell(f"{name} does not begin by itself any more")
            )
