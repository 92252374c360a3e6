"""One batch: a run that is about some keys alone, and what became of each of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from mcmirror.engine.context import Named
from mcmirror.messages.error_lookup import problem
from mcmirror.model.dirty import Dirty
from mcmirror.model.event import Event, Planned, ProblemFound, Removed, RunFinished, StillMissing
from mcmirror.model.job import MaxDelete
from mcmirror.model.plan import Count, Extraneous
from mcmirror.model.problem import Category, Problem
from mcmirror.model.report import RunReport, Status

WINDOW = 3600.0
"""Seconds within which ``max_delete`` holds for all batches together."""
OF_NO_KEY = frozenset(
    (
        Category.ADDRESS_NOT_RESOLVED,
        Category.CONNECTION_REFUSED,
        Category.CREDENTIALS,
        Category.TLS_NOT_TRUSTED,
        Category.TLS_MISMATCH,
        Category.CLOCK_SKEW,
        Category.BUCKET_NOT_FOUND,
    )
)
"""What ails a whole server: where every key fails and this is among the reasons, nothing is decided about any."""

Run = Callable[[Named, MaxDelete], Iterator[Event]]
"""Runs the job for some keys, with a limit of removals; the last event is RunFinished."""


@dataclass(slots=True)
class Outcome:
    """What became of a batch."""

    settled: list[Dirty] = field(default_factory=list)
    """Equal now, gone on both sides, left alone by the job's options, or impossible for good."""
    failed: dict[Dirty, str] = field(default_factory=dict)
    """To be tried again, each with the reason."""
    held: list[Dirty] = field(default_factory=list)
    """Removals beyond the limit."""
    copied: Count = Count()
    removed: int = 0
    trouble: Problem | None = None
    """Why nothing could be decided: of no key's making."""


def sync(run: Run, keys: Sequence[Dirty], limit: MaxDelete) -> Outcome:
    """Make the keys equal on both sides; removals beyond ``limit`` are held, and all else goes on."""
    heard = _Heard()
    outcome = Outcome()
    waiting = list(keys)
    for event in run(_named(waiting), limit):
        heard.take(event)
    if heard.refused:
        outcome.held = [one for one in waiting if one.key in heard.extraneous]
        waiting = [one for one in waiting if one.key not in heard.extraneous]
        heard = _Heard()
        for event in run(_named(waiting), limit) if waiting else ():
            heard.take(event)
    heard.judge(waiting, outcome)
    # Removals wait for the copies of their run; those of a batch have nothing to do with each other.
    kept_back = [one for one in outcome.failed if one.key in heard.extraneous]
    if kept_back and len(kept_back) < len(outcome.failed):
        again = _Heard()
        for event in run(_named(kept_back), limit):
            again.take(event)
        for one in kept_back:
            del outcome.failed[one]
        alone = Outcome()
        again.judge(kept_back, alone)
        outcome.settled += alone.settled
        outcome.failed |= alone.failed or dict.fromkeys(kept_back if alone.trouble else (), "it was not removed")
        outcome.removed += alone.removed
    return outcome


def _named(keys: Iterable[Dirty]) -> Named:
    wanted = tuple(keys)
    return Named(
        tuple(sorted(one.key for one in wanted)),
        gone=frozenset(one.key for one in wanted if one.gone),
        careful=frozenset(one.key for one in wanted if one.attempts),
    )


@dataclass(slots=True)
class _Heard:
    """The events of one run, as far as they decide about keys."""

    extraneous: set[str] = field(default_factory=set)
    missing: dict[str, str] = field(default_factory=dict)
    impossible: set[str] = field(default_factory=set)
    removed: int = 0
    report: RunReport | None = None
    planned: bool = False

    def take(self, event: Event) -> None:
        match event:
            case Planned(_, plan):
                self.planned = True
                self.extraneous = {item.target.key for item in plan.differences if isinstance(item, Extraneous)}
            case ProblemFound(_, problem) if problem.category is Category.KEY_NOT_STORABLE and problem.object:
                self.impossible.add(problem.object)
            case StillMissing(_, key, reason):
                self.missing[key] = reason
            case Removed():
                self.removed += 1
            case RunFinished(_, report):
                self.report = report
            case _:
                pass

    @property
    def refused(self) -> bool:
        """Whether the guard refused the removals."""
        if self.report is None or self.report.status is not Status.REFUSED:
            return False
        return any(one.category is Category.TOO_MANY_DELETES for one in self.report.problems)

    def judge(self, keys: Sequence[Dirty], outcome: Outcome) -> None:
        report = self.report
        if report is None:
            return
        outcome.copied, outcome.removed = report.tally.done, self.removed
        if not (self.planned and report.verified):
            first = next(iter(report.problems), None)
            outcome.trouble = first or problem(Category.UNKNOWN, f"the batch ended as {report.status}", "")
            return
        about = {one.object: one.cause or one.message for one in report.problems if one.object}
        for one in keys:
            if one.key in self.missing and one.key not in self.impossible:
                outcome.failed[one] = about.get(one.key) or self.missing[one.key]
            else:
                outcome.settled.append(one)
        ailing = next((one for one in report.problems if one.category in OF_NO_KEY), None)
        if ailing is not None and len(outcome.failed) == len(keys):
            outcome.failed.clear()
            outcome.trouble = ailing
