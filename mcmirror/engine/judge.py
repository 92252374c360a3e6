"""The verdict: a pure function of what was planned, what a listing showed afterwards, and why we ended."""

from mcmirror.model.report import Status, Tally


def judge(tally: Tally, *, decided: bool, strict: bool, stopped: bool, dry_run: bool = False) -> Status:
    """Say what a run came to.

    ``decided``: the last listing of both sides was whole, so that ``tally`` is the truth. Under ``strict`` an object
    that was kept because overwrite is off counts as not done.
    """
    if stopped:
        return Status.CANCELLED
    if not decided:
        return Status.FAILED
    if dry_run:
        return Status.SUCCEEDED
    undone = tally.remaining.objects + (tally.kept.objects if strict else 0)
    if not undone:
        return Status.SUCCEEDED
    anything = tally.done.objects + tally.removed.objects + tally.equal.objects
    return Status.PARTIAL if anything else Status.FAILED


def judge_unverified(*, exit_code: int, errors: int, announced: int, stopped: bool) -> Status:
    """With assurance off: mc's exit code and its error lines are all there is."""
    if stopped:
        return Status.CANCELLED
    if not exit_code and not errors:
        return Status.SUCCEEDED
    return Status.PARTIAL if announced > errors else Status.FAILED
