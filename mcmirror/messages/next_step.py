"""The sentence that says what a person does after a run."""

import shlex

from mcmirror.messages.verdict import PLAN, VERIFY, only_kept
from mcmirror.model.problem import Category
from mcmirror.model.report import ABSENT, OTHER_METADATA, Remaining, RunReport, Status
from mcmirror.model.wording import objects

MIRROR = "mcmirror mirror"


def next_step(report: RunReport, verb: str, again: str) -> str:  # noqa: C901, PLR0911  a case a status
    """Return the next step, empty for none; ``again`` is the command that carries the job out."""
    tally = report.tally
    match report.status:
        case Status.PARTIAL | Status.FAILED if report.verified and (step := _by_hand(report)):
            return step
        case Status.PARTIAL | Status.FAILED if verb == VERIFY and report.verified:
            return _bringing(report, again)
        case Status.PARTIAL | Status.FAILED if only_kept(report):
            return _replacing(report, again)
        case Status.PARTIAL | Status.CANCELLED | Status.INTERRUPTED:
            mended = (
                report.status is Status.PARTIAL and report.problems and not any(p.retryable for p in report.problems)
            )
            when = "once that is mended" if mended else "once more"
            return f"{again}, {when}: it takes up what is missing and nothing else{_beside(report)}"
        case Status.SKIPPED:
            return "wait until the other run has ended, then try again"
        case Status.FAILED | Status.REFUSED:
            return ""
        case Status.SUCCEEDED:
            pass
    if verb == PLAN or report.dry_run:
        return f"{again} carries it out" if tally.planned.objects or tally.to_remove.objects else ""
    if tally.kept.objects:
        return _replacing(report, again)
    if verb == VERIFY and tally.unproven.objects:
        return "--content reads what is not proven on both sides and compares it; --content=10% a tenth of it"
    return ""


def _bringing(report: RunReport, again: str) -> str:
    """After a verification that found differences."""
    stuck = _stuck(report)
    reasons = {one.reason for one in report.remaining if one not in stuck}
    repairing = " --metadata" if OTHER_METADATA in reasons else ""
    limits = ", what differs only with overwrite" if reasons - {ABSENT, OTHER_METADATA} else ""
    return f"{again}{repairing} brings the target up to date{limits}{_beside(report)}"


def _stuck(report: RunReport) -> frozenset[Remaining]:
    """The remaining objects that no run can copy."""
    keys = {one.object for one in report.problems if one.category is Category.KEY_NOT_STORABLE}
    return frozenset(one for one in report.remaining if one.key in keys)


def _by_hand(report: RunReport) -> str:
    """The step for objects that no run can copy; empty if a run can copy any of the rest."""
    stuck = _stuck(report)
    if not stuck or any(one not in stuck for one in report.remaining):
        return ""
    what = "it" if len(stuck) == 1 else "them"
    return f"rename {what} at the source, or exclude {what}: no run can bring such a key to the target"


def _beside(report: RunReport) -> str:
    """The objects that the next run cannot copy either."""
    stuck = len(_stuck(report))
    if not stuck:
        return ""
    return f"; {objects(stuck)} with a key that cannot be stored {'stays' if stuck == 1 else 'stay'} behind"


def _replacing(report: RunReport, again: str) -> str:
    """How to replace the objects that differ and were left because overwrite is off."""
    if again.startswith(MIRROR):
        return "--overwrite replaces the objects that differ"
    always = "overwrite = true in mcmirror.toml"
    if report.tally.excluded.objects:
        # The job leaves objects out, and a command made of its two places would not.
        return f"{always} replaces the objects that differ"
    once = f"{MIRROR} {shlex.join([report.source, report.target])} --overwrite"
    return f"{once} replaces the objects that differ, {always} from now on"
