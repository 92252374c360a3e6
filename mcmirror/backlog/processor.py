"""Works off a backlog batch by batch: lease, run, settle; what fails is tried again, and at last given up."""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from mcmirror.engine.attempts import pause
from mcmirror.engine.key_batch import WINDOW, Outcome, Run, sync
from mcmirror.model.dirty import Dirty
from mcmirror.model.job import MaxDelete
from mcmirror.model.problem import Category, Problem
from mcmirror.store.backlog import MOST_ATTEMPTS, Backlog
from mcmirror.store.database import Unusable

LEASE = 60.0
"""Seconds that a batch belongs to its owner; while it lives it keeps it longer."""
RENEW = 15.0
"""Seconds between two renewals."""
FIRST_RETRY = 60.0
"""Seconds before an item that failed is tried again; doubling, up to a quarter of an hour."""
MAYBE_AN_ITEM = frozenset(
    (
        Category.INTERNAL,
        Category.MC_DIED,
        Category.MEMORY,
        Category.PERMISSION,
        Category.STALLED,
        Category.UNKNOWN,
    )
)
"""Ends of a batch that one of its items may have caused: each is tried again alone."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of one batch: numbers of items."""

    items: int = 0
    done: int = 0
    failed: int = 0
    dead: int = 0
    held: int = 0
    copied: int = 0
    bytes: int = 0
    removed: int = 0
    trouble: Problem | None = None
    """Why nothing could be decided; the items wait on, and the attempt does not count. Of a sum: of the last batch."""
    error: str = ""
    """Why one of the items failed."""

    def __add__(self, other: "Batch") -> "Batch":
        return Batch(
            self.items + other.items,
            self.done + other.done,
            self.failed + other.failed,
            self.dead + other.dead,
            self.held + other.held,
            self.copied + other.copied,
            self.bytes + other.bytes,
            self.removed + other.removed,
            other.trouble,
            other.error or self.error,
        )


class Processor:
    """One worker of a backlog, with leases of its own. Not thread-safe; several may work side by side."""

    def __init__(  # noqa: PLR0913
        self,
        backlog: Backlog,
        run: Run,
        max_delete: MaxDelete,
        *,
        since: float = 0.0,
        now: Callable[[], float] | None = None,
        redact: Callable[[str], str] = str,
    ) -> None:
        """``run`` runs the job for some keys; ``max_delete`` holds for all batches of an hour, or ``since`` then."""
        self._backlog, self._run, self._max_delete, self._since = backlog, run, max_delete, since
        self._now = now or backlog.now
        self._redact = redact

    def batch(self, size: int) -> Batch | None:
        """Take a batch and make it equal on both sides; None when nothing is due.

        Raises Unusable when the state cannot be used: then the leases run out, and the items are done again.
        """
        now = self._now()
        items = self._backlog.lease(now, now + LEASE, size)
        if not items:
            return None
        try:
            with self._renewed():
                removals = sum(one.gone for one in items)
                reservation = self._backlog.reserve(removals, self._max_delete, now, max(self._since, now - WINDOW))
                outcome = sync(self._run, items, reservation.limit)
                self._backlog.spend(reservation, outcome.removed)
        except BaseException:
            with suppress(Unusable):
                self._backlog.give_back(items, now)
            raise
        return self._settle(items, outcome, within=reservation.number >= removals)

    def _settle(self, items: Sequence[Dirty], outcome: Outcome, *, within: bool) -> Batch:
        """``within``: as many removals were allowed as the batch was known to need."""
        now = self._now()
        decided = {*outcome.settled, *outcome.failed, *outcome.held, *outcome.impossible, *outcome.changed}
        left = [one for one in items if one not in decided]
        failed, trouble, alone = outcome.failed, outcome.trouble, False
        if trouble is not None and trouble.category in MAYBE_AN_ITEM:
            failed = failed | dict.fromkeys(left, trouble.cause or trouble.message)
            left, alone = [], len(items) > 1
        self._backlog.give_back([*left, *outcome.changed], now)
        # What turned out to be a removal is taken again as one; it waits for somebody only when too many are known.
        late = [one for one in outcome.held if within and not one.gone]
        self._backlog.give_back(late, now, gone=True)
        held = [one for one in outcome.held if one not in late]
        done = self._backlog.settle(outcome.settled, now)
        due = {
            one: now + pause(FIRST_RETRY, one.attempts + 1, random.random())  # noqa: S311
            for one in failed
            if one.attempts + 1 < MOST_ATTEMPTS
        }
        reasons = {one: self._redact(why) for one, why in failed.items()}
        self._backlog.fail(reasons, due, alone=alone)
        self._backlog.fail({one: self._redact(why) for one, why in outcome.impossible.items()}, {})
        self._backlog.hold(held)
        return Batch(
            items=len(items),
            done=done,
            failed=len(due),
            dead=len(failed) - len(due) + len(outcome.impossible),
            held=len(held),
            copied=outcome.copied.objects,
            bytes=outcome.copied.bytes,
            removed=outcome.removed,
            trouble=trouble,
            error=next(iter((*reasons.values(), *outcome.impossible.values())), ""),
        )

    @contextmanager
    def _renewed(self) -> Iterator[None]:
        """Keep the leases while the block lasts."""
        over = threading.Event()

        def renew() -> None:
            while not over.wait(RENEW):
                with suppress(Unusable):
                    self._backlog.renew(self._now() + LEASE)

        thread = threading.Thread(target=renew, name="lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
