"""What a job in real time hears and does, key by key, as lines of the log."""

from collections.abc import Sequence

from mcmirror.model.change import Change
from mcmirror.model.event import CopyStarted, Event, ProblemFound, Removed, StillMissing
from mcmirror.model.problem import Category
from mcmirror.model.wording import printable, shown_bytes
from mcmirror.notify.log import Log


class Changes:
    """Follows the batches of a server's jobs."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def heard(self, job: str, changes: Sequence[Change]) -> None:
        """Hear of keys that may have changed."""
        for one in changes:
            text = f"{printable(one.key)} {'was removed' if one.gone else 'changed'} at the source"
            self._log.say("info", "changed", text, job=job, key=one.key, gone=one.gone)

    def event(self, event: Event) -> None:
        """Hear what a batch says."""
        match event:
            case CopyStarted(job, key, size):
                self._log.say("info", "copying", f"{printable(key)} is copied ({shown_bytes(size)})", job=job, key=key)
            case Removed(job, key):
                self._log.say("info", "removed", f"{printable(key)} is removed", job=job, key=key)
            case StillMissing(job, key, reason):
                text = f"{printable(key)} is not on the target as it should be"
                self._log.say("warning", "still_missing", text, job=job, key=key, why=reason)
            case ProblemFound(_, problem) if problem.category is Category.TOO_MANY_DELETES:
                pass  # the limit is what is left of an hour's: the follower says that removals are held
            case ProblemFound(job, problem):
                self._log.say("warning", "problem", problem.message, job=job, why=problem.cause, remedy=problem.remedy)
            case _:
                pass
