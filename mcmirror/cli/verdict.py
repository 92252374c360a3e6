"""The one line that says how a run ended, and the one that says what comes next."""

import shlex
from dataclasses import dataclass

from mcmirror.model.plan import Plan
from mcmirror.model.problem import Category
from mcmirror.model.report import ABSENT, OTHER_METADATA, Remaining, RunReport, Status, Tally
from mcmirror.model.wording import because, harmless, objects, shown_count

RUN = "run"
PLAN = "plan"
VERIFY = "verify"
MIRROR = "mcmirror mirror"
_NOTHING_DONE = "nothing of what was planned was done"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A mark, a word in a colour, and a sentence that is understood without either."""

    mark: str
    colour: str
    word: str
    sentence: str


def verdict(report: RunReport, plan: Plan | None, verb: str) -> Verdict:  # noqa: C901, PLR0911  a case a status
    """How it ended, said no better than it is."""
    match report.status:
        case Status.SUCCEEDED:
            return _success(report, plan, verb)
        case Status.PARTIAL | Status.FAILED if verb == VERIFY and report.verified:
            return Verdict("✗", "red", "not a true copy", _differences(report))
        case Status.PARTIAL | Status.FAILED if _only_kept(report):
            return Verdict("✗", "red", report.status.value, f"{_kept(report)}, and strict makes this a failure")
        case Status.FAILED if report.verified:
            return Verdict("✗", "red", "failed", f"{because(_NOTHING_DONE, report.why)}{_so_far(report)}")
        case Status.PARTIAL:
            count = objects(report.tally.remaining.objects)
            return Verdict("✗", "red", "partial", because(f"{count} not as planned on the target", report.why))
        case Status.FAILED:
            return Verdict("✗", "red", "failed", f"{harmless(report.why) or 'no verdict was reached'}{_so_far(report)}")
        case Status.REFUSED:
            return Verdict("✗", "red", "refused", because("nothing was written and nothing was removed", report.why))
        case Status.CANCELLED:
            by = {2: "by Ctrl-C", 15: "by SIGTERM"}.get(report.signal, "on request")
            return Verdict("✗", "yellow", "cancelled", f"stopped {by}{_so_far(report)}")
        case Status.SKIPPED:
            return Verdict("•", "yellow", "skipped", "another run is at work on this target; nothing was done")
        case Status.INTERRUPTED:
            return Verdict("✗", "red", "interrupted", "mcmirror itself was killed in mid-run; no verdict was reached")


def _success(report: RunReport, plan: Plan | None, verb: str) -> Verdict:
    tally = report.tally
    if verb == PLAN or report.dry_run:
        return _planned(report, plan, verb)
    if not report.verified:
        return Verdict("•", "yellow", "not verified", "mc reports no error; nothing was compared (assurance is off)")
    if not _in_scope(tally):
        return _nothing_in_scope(tally)
    if verb == VERIFY:
        doubt = f"; the content of {objects(tally.unproven.objects)} is not proven" if tally.unproven.objects else ""
        text = "the target holds every object of the source" + doubt + _vanished(report)
        return Verdict("✓", "green", "verified", text)
    if tally.kept.objects:
        parts = ["every object to copy is on the target" if tally.planned.objects else "nothing to copy"]
        parts += ["what was removed is gone from the target"] if tally.removed.objects else []
        text = f"{'; '.join(parts)}{_vanished(report)}; {_kept(report)} (strict makes this a failure)"
        return Verdict("✓", "green", "done", text)
    if tally.planned.objects:
        text = "every object to copy was seen on the target, equal"
    elif tally.removed.objects:
        text = "nothing to copy; what was removed is gone from the target"
    else:
        text = "nothing to do, the target was up to date"
    return Verdict("✓", "green", "verified", text + _vanished(report))


def _in_scope(tally: Tally) -> int:
    """Objects that the run had anything to say about: at the source and not excluded, or to be removed."""
    counts = (tally.planned, tally.equal, tally.kept, tally.to_remove, tally.read)
    return sum(count.objects for count in counts)


def _nothing_in_scope(tally: Tally) -> Verdict:
    excluded = tally.excluded.objects
    if not excluded:
        return Verdict("✓", "green", "verified", "the source is empty, nothing to do")
    return Verdict("✓", "green", "done", _all_excluded(excluded))


def _all_excluded(excluded: int) -> str:
    return f"nothing in scope: {'the only object is' if excluded == 1 else f'all {excluded:,} objects are'} excluded"


def _kept(report: RunReport) -> str:
    kept = report.tally.kept.objects
    return f"{objects(kept)} {'differs and was' if kept == 1 else 'differ and were'} left, overwrite is off"


def _only_kept(report: RunReport) -> bool:
    """Whether all that is wrong is what ``strict`` counts as not done."""
    return bool(report.verified and report.tally.kept.objects and not report.tally.remaining.objects)


def _planned(report: RunReport, plan: Plan | None, verb: str) -> Verdict:
    tally = report.tally
    word = "plan" if verb == PLAN else "dry run"
    parts = []
    if tally.planned.objects:
        parts.append(f"{shown_count(tally.planned)} to copy")
    if tally.to_remove.objects:
        parts.append(f"{objects(tally.to_remove.objects)} to remove")
    if plan is None and not parts:
        return Verdict("•", "yellow", word, "mc was asked; it names no objects in a dry run")
    if parts:
        sentence = " and ".join(parts) + "; nothing was changed"
    elif tally.kept.objects:
        sentence = f"nothing to copy; {_kept(report)}"
    else:
        alone = tally.excluded.objects and not _in_scope(tally)
        sentence = _all_excluded(tally.excluded.objects) if alone else "nothing to do"
    return Verdict("•" if parts else "✓", "cyan" if parts else "green", word, sentence)


def _vanished(report: RunReport) -> str:
    """What the good word leaves out."""
    count = report.tally.vanished.objects
    return f"; {objects(count)} vanished from the source meanwhile" if count else ""


def _differences(report: RunReport) -> str:
    return f"{objects(report.tally.remaining.objects)} of the source missing on the target or different"


def _so_far(report: RunReport) -> str:
    done, planned = report.tally.done.objects, report.tally.planned.objects
    if not planned or report.dry_run:
        return ""
    if report.verified:
        return f"; {done:,} of {objects(planned)} had arrived"
    return f"; of {objects(planned)} {f'{done:,} had arrived for certain' if done else 'none is known to have arrived'}"


def next_step(report: RunReport, verb: str, again: str) -> str:  # noqa: C901, PLR0911  a case a status
    """What a person does now; ``again`` is the command that carries the job out. Empty when nothing is to be done."""
    tally = report.tally
    match report.status:
        case Status.PARTIAL | Status.FAILED if report.verified and (step := _by_hand(report)):
            return step
        case Status.PARTIAL | Status.FAILED if verb == VERIFY and report.verified:
            return _bringing(report, again)
        case Status.PARTIAL | Status.FAILED if _only_kept(report):
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
    """What the command that mirrors would do for a copy that is not true."""
    stuck = _stuck(report)
    reasons = {one.reason for one in report.remaining if one not in stuck}
    repairing = " --metadata" if OTHER_METADATA in reasons else ""
    limits = ", what differs only with overwrite" if reasons - {ABSENT, OTHER_METADATA} else ""
    return f"{again}{repairing} brings the target up to date{limits}{_beside(report)}"


def _stuck(report: RunReport) -> frozenset[Remaining]:
    """What no run can bring to the target."""
    keys = {one.object for one in report.problems if one.category is Category.KEY_NOT_STORABLE}
    return frozenset(one for one in report.remaining if one.key in keys)


def _by_hand(report: RunReport) -> str:
    """What a person has to do first, when nothing remains that a run could do; else empty."""
    stuck = _stuck(report)
    if not stuck or any(one not in stuck for one in report.remaining):
        return ""
    what = "it" if len(stuck) == 1 else "them"
    return f"rename {what} at the source, or exclude {what}: no run can bring such a key to the target"


def _beside(report: RunReport) -> str:
    """What a run leaves behind that takes up the rest."""
    stuck = len(_stuck(report))
    if not stuck:
        return ""
    return f"; {objects(stuck)} with a key that cannot be stored {'stays' if stuck == 1 else 'stay'} behind"


def _replacing(report: RunReport, again: str) -> str:
    """How what was left because overwrite is off is replaced: by the command that was given, or beside the job."""
    if again.startswith(MIRROR):
        return "--overwrite replaces the objects that differ"
    always = "overwrite = true in mcmirror.toml"
    if report.tally.excluded.objects:
        # The job leaves objects out, and a command made of its two places would not.
        return f"{always} replaces the objects that differ"
    once = f"{MIRROR} {shlex.join([report.source, report.target])} --overwrite"
    return f"{once} replaces the objects that differ, {always} from now on"
