"""A target bucket that is missing: it is offered to make it, and to run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcmirror.model.problem import Category
from mcmirror.model.wording import harmless

if TYPE_CHECKING:
    from mcmirror.model.report import RunReport
    from mcmirror.tui.app import Dashboard

HINT = "b makes the bucket and runs the job."


def missing(report: RunReport | None) -> str:
    """The target's bucket, ``alias/bucket``, when that is what a run, a plan or a verification lacked."""
    if report is None or report.target.startswith("/"):
        return ""
    bucket = "/".join(report.target.split("/")[:2])
    lacks = any(
        one.category is Category.BUCKET_NOT_FOUND and f"{one.object}/".startswith(f"{bucket}/")
        for one in report.problems
    )
    return bucket if lacks else ""


def offer(dashboard: Dashboard, job: str, report: RunReport | None) -> None:
    """Ask whether to make it and run; nothing is asked when none is missing."""
    from mcmirror.tui.dialogs import Question

    bucket, source = missing(report), dashboard.source
    if not bucket:
        dashboard.tell("No bucket of a target is missing here.")
        return

    def answered(yes: bool | None) -> None:
        if yes:
            dashboard.ask(lambda: source.trigger(job, create_target=True), begun)

    def begun(key: str) -> None:
        dashboard.pursue(key)
        dashboard.open_run(job)

    text = f"It is not there. Then {harmless(job)} runs. What the job may do otherwise stays as it is."
    dashboard.push_screen(Question(f"Make the bucket {harmless(bucket)}?", text, "Make it and run"), answered)
