"""The sentence that says how a run ended. Every output renders it."""

from dataclasses import dataclass
from enum import StrEnum

from mcmirror.model.event import Phase
from mcmirror.model.report import RunReport, Status, Tally
from mcmirror.model.streak import FAILURES
from mcmirror.model.wording import because, harmless, objects, ordinal, shown_count

RUN = "run"
PLAN = "plan"
VERIFY = "verify"


class Tone(StrEnum):
    """How good the news is; each output has its own marks and colours for it."""

    GOOD = "good"
    PENDING = "pending"
    """A plan with something to do."""
    WARNING = "warning"
    BAD = "bad"
    NONE = "none"
    """No news."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A mark, a word and a sentence; the sentence can be understood without the other two."""

    mark: str
    tone: Tone
    word: str
    sentence: str

    @property
    def text(self) -> str:
        """Word and sentence."""
        return f"{self.word}: {self.sentence}"


def verdict(report: RunReport, verb: str = RUN) -> Verdict:
    """Return how the run ended."""
    if report.status is Status.SUCCEEDED:
        return _success(report, verb)
    word, sentence = _no_success(report, verb)
    times = f" ({ordinal(report.failures)} time)" if report.status in FAILURES and report.failures > 1 else ""
    mark = "•" if report.status is Status.SKIPPED else "✗"
    tone = Tone.WARNING if report.status in {Status.SKIPPED, Status.CANCELLED} else Tone.BAD
    return Verdict(mark, tone, word, sentence + times)


def headline(report: RunReport, *, recovered: bool = False) -> str:
    """The job and how its run ended, on one line; ``recovered`` says that the run before it failed."""
    again = "works again, " if recovered else ""
    return f"{harmless(report.job)} {again}{verdict(report).text}"


def _no_success(report: RunReport, verb: str) -> tuple[str, str]:  # noqa: PLR0911  a case a status
    """Word and sentence."""
    word = report.status.value
    match report.status:
        case Status.PARTIAL | Status.FAILED if verb == VERIFY and report.verified:
            missing = f"{objects(report.tally.remaining.objects)} of the source missing on the target or different"
            return "not a true copy", missing
        case Status.PARTIAL | Status.FAILED if only_kept(report):
            return word, f"{_kept(report)}, and strict makes this a failure"
        case Status.FAILED if report.verified:
            return word, because("nothing of what was planned was done", report.why)
        case Status.PARTIAL:
            count = objects(report.tally.remaining.objects)
            return word, because(f"{count} not as planned on the target", report.why)
        case Status.REFUSED:
            return word, because("nothing was written and nothing was removed", report.why)
        case Status.CANCELLED:
            by = {2: "by Ctrl-C", 15: "by SIGTERM"}.get(report.signal, "on request")
            return word, f"stopped {by}{_arrived(report)}"
        case Status.SKIPPED:
            return word, "another run is at work on this target"
        case Status.INTERRUPTED:
            return word, "mcmirror was killed in mid-run"
        case _:
            return word, harmless(report.why.strip()) or "no verdict was reached"


def _success(report: RunReport, verb: str) -> Verdict:  # noqa: PLR0911  a case a return
    tally = report.tally
    if verb == PLAN or report.dry_run:
        return _planned(report, verb)
    done = [f"{shown_count(tally.done)} copied"] if tally.done.objects else []
    done += [f"{objects(tally.removed.objects)} removed"] if tally.removed.objects else []
    if not report.verified:
        told = ", ".join(done) or "mc reports no error"
        return Verdict("•", Tone.WARNING, "not verified", f"{told}; nothing was compared (assurance is off)")
    if not _in_scope(tally):
        if tally.excluded.objects:
            return Verdict("✓", Tone.GOOD, "done", _all_excluded(tally.excluded.objects))
        return Verdict("✓", Tone.GOOD, "verified", "the source is empty, nothing to do")
    vanished = tally.vanished.objects
    less = f"; {objects(vanished)} vanished from the source meanwhile" if vanished else ""
    if verb == VERIFY:
        doubt = f"; the content of {objects(tally.unproven.objects)} is not proven" if tally.unproven.objects else ""
        return Verdict("✓", Tone.GOOD, "verified", f"the target holds every object of the source{doubt}{less}")
    if tally.kept.objects:
        text = f"{', '.join(done) or 'nothing to copy'}{less}; {_kept(report)} (strict makes this a failure)"
        return Verdict("✓", Tone.GOOD, "done", text)
    return Verdict("✓", Tone.GOOD, "verified", f"{', '.join(done) or 'nothing to do, the target was up to date'}{less}")


def _planned(report: RunReport, verb: str) -> Verdict:
    tally = report.tally
    word = "plan" if verb == PLAN else "dry run"
    parts = [f"{shown_count(tally.planned)} to copy"] if tally.planned.objects else []
    parts += [f"{objects(tally.to_remove.objects)} to remove"] if tally.to_remove.objects else []
    if parts:
        return Verdict("•", Tone.PENDING, word, " and ".join(parts) + "; nothing was changed")
    if not report.verified and Phase.PLAN not in report.phases:
        return Verdict("•", Tone.WARNING, word, "mc was asked; it names no objects in a dry run")
    if tally.kept.objects:
        return Verdict("✓", Tone.GOOD, word, f"nothing to copy; {_kept(report)}")
    alone = tally.excluded.objects and not _in_scope(tally)
    return Verdict("✓", Tone.GOOD, word, _all_excluded(tally.excluded.objects) if alone else "nothing to do")


def only_kept(report: RunReport) -> bool:
    """Whether the run failed only because ``strict`` counts objects that differ and were left."""
    return bool(report.verified and report.tally.kept.objects and not report.tally.remaining.objects)


def _in_scope(tally: Tally) -> int:
    """Number of objects that are at the source and not excluded, or are to be removed."""
    counts = (tally.planned, tally.equal, tally.kept, tally.to_remove, tally.read)
    return sum(count.objects for count in counts)


def _all_excluded(excluded: int) -> str:
    return f"nothing in scope: {'the only object is' if excluded == 1 else f'all {excluded:,} objects are'} excluded"


def _kept(report: RunReport) -> str:
    kept = report.tally.kept.objects
    return f"{objects(kept)} {'differs and was' if kept == 1 else 'differ and were'} left, overwrite is off"


def _arrived(report: RunReport) -> str:
    done, planned = report.tally.done.objects, report.tally.planned.objects
    if not planned or report.dry_run:
        return ""
    if report.verified:
        return f"; {done:,} of {objects(planned)} had arrived"
    return f"; of {objects(planned)} {f'{done:,} had arrived for certain' if done else 'none is known to have arrived'}"
