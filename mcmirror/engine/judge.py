"""The verdict: a pure function of what was planned, what a listing showed afterwards, and why we ended."""

from mcmirror.model.report import Status, Tally


def judge(tally: Tally, *, decided: bool, strict: bool, stopped: bool) -> Status:
    """Say what a run came to.

    ``decided``: the last listing of both sides was whole, so that ``tally`` is the truth. Under ``strict`` an object
    that was kept because overwrite is off counts as not done.
    """
    if stopped:
        return Status.CANCELLED
    if not decided:
        return Status.FAILED
    if not _undone(tally, strict=strict):
        return Status.SUCCEEDED
    anything = tally.done.objects + tally.removed.objects + tally.equal.objects
    return Status.PARTIAL if anything else Status.FAILED


def judge_copy(tally: Tally, *, decided: bool, strict: bool, stopped: bool) -> Status:
    """Say whether a copy that nobody touched is true: ``verify`` that could look has not failed."""
    status = judge(tally, decided=decided, strict=strict, stopped=stopped)
    return Status.PARTIAL if decided and status is Status.FAILED else status


def judge_plan(*, stopped: bool) -> Status:
    """Say what a plan or a dry run came to: it stands."""
    return Status.CANCELLED if stopped else Status.SUCCEEDED


def judge_unverified(*, exit_code: int, errors: int, announced: int, stopped: bool) -> Status:
    """With assurance off: mc's exit code and its error lines are all there is."""
    if stopped:
        return Status.CANCELLED
    if not exit_code and not errors:
        return Status.SUCCEEDED
    return Status.PARTIAL if announced > errors else Status.FAILED


def _undone(tally: Tally, *, strict: bool) -> int:
    return tally.remaining.objects + (tally.kept.objects if strict else 0)
