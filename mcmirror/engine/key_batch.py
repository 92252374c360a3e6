"""One batch: a run that is about some keys alone, and what became of each of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from mcmirror.engine.context import Named
from mcmirror.messages.error_lookup import problem
from mcmirror.model.dirty import Dirty
from mcmirror.model.event import Event, Planned, ProblemFound, Removed, RunFinished, StillMissing, Vanished
from mcmirror.model.job import MaxDelete
from mcmirror.model.plan import Count, Extraneous
from mcmirror.model.problem import Category, Problem
from mcmirror.model.report import RunReport, Status

WINDOW = 3600.0
"""Seconds within which ``max_delete`` holds for all batches together."""
OF_NO_KEY = frozenset(
    (
        Category.ADDRESS_NOT_RESOLVED,
        Category.CONNECTION_LOST,
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
    """What became of a batch; keys that are in none of its lists were not decided about."""

    settled: list[Dirty] = field(default_factory=list)
    """Equal now, gone on both sides, or left alone by the job's options."""
    impossible: dict[Dirty, str] = field(default_factory=dict)
    """Keys that can never arrive, each with the reason."""
    failed: dict[Dirty, str] = field(default_factory=dict)
    """To be tried again, each with the reason."""
    changed: list[Dirty] = field(default_factory=list)
    """They were another thing when it came to them: to be looked at again at once."""
    held: list[Dirty] = field(default_factory=list)
    """Removals beyond the limit."""
    copied: Count = Count()
    removed: int = 0
    trouble: Problem | None = None
    """Why nothing could be decided: of no key's making."""
    cancelled: bool = False
    """A stop was requested."""

    def add(self, other: "Outcome") -> None:
        """Add what another run of the same batch came to."""
        self.settled += other.settled
        self.impossible |= other.impossible
        self.failed |= other.failed
        self.changed += other.changed
        self.copied += other.copied
        self.removed += other.removed
        self.trouble = self.trouble or other.trouble
        self.cancelled |= other.cancelled


def sync(run: Run, keys: Sequence[Dirty], limit: MaxDelete) -> Outcome:
    """Make the keys equal on both sides; removals beyond ``limit`` are held, and all else goes on."""
    outcome, waiting = Outcome(), list(keys)
    heard = _heard(run, waiting, limit)
    if heard.refused:
        outcome.held = [one for one in waiting if one.key in heard.extraneous]
        waiting = [one for one in waiting if one.key not in heard.extraneous]
        heard = _heard(run, waiting, limit) if waiting else _Heard()
    heard.judge(waiting, outcome)
    # Removals wait for the copies of their run; those of a batch have nothing to do with each other.
    kept_back = [one for one in outcome.failed if one.key in heard.extraneous]
    if kept_back and len(kept_back) < len(outcome.failed):
        for one in kept_back:
            del outcome.failed[one]
        alone = Outcome()
        _heard(run, kept_back, limit).judge(kept_back, alone)
        outcome.add(alone)
    return outcome


def _heard(run: Run, keys: Sequence[Dirty], limit: MaxDelete) -> "_Heard":
    """What a run about these keys has said."""
    heard = _Heard()
    for event in run(_named(keys), limit):
        heard.take(event)
    return heard


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
    impossible: dict[str, str] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    vanished: set[str] = field(default_factory=set)
    report: RunReport | None = None
    planned: bool = False

    def take(self, event: Event) -> None:
        match event:
            case Planned(_, plan):
                self.planned = True
                self.extraneous = {item.target.key for item in plan.differences if isinstance(item, Extraneous)}
            case ProblemFound(_, problem) if problem.category is Category.KEY_NOT_STORABLE and problem.object:
                self.impossible[problem.object] = problem.cause or problem.message
            case StillMissing(_, key, reason):
                self.missing[key] = reason
            case Removed(_, key):
                self.removed.add(key)
            case Vanished(_, key):
                self.vanished.add(key)
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
        """Say of each key what became of it."""
        report = self.report
        if report is None:
            return
        outcome.copied, outcome.removed = report.tally.done, len(self.removed)
        if report.status is Status.CANCELLED:
            outcome.cancelled = True
            return
        if not (self.planned and report.verified):
            # The reason of the end speaks of no single object.
            whole = next((one for one in report.problems if not one.object), None)
            first = whole or next(iter(report.problems), None)
            outcome.trouble = first or problem(Category.UNKNOWN, f"the batch ended as {report.status}", "")
            return
        about = {one.object: one for one in report.problems if one.object}
        removing = report.tally.to_remove.objects > 0
        for one in keys:
            key = one.key
            if key in self.impossible:
                outcome.impossible[one] = self.impossible[key]
            elif key in self.missing:
                found = about.get(key)
                outcome.failed[one] = (found.cause or found.message) if found else self.missing[key]
            elif key in self.vanished or (removing and key in self.extraneous and key not in self.removed):
                outcome.changed.append(one)
            else:
                outcome.settled.append(one)
        ailing = next((one for one in report.problems if one.category in OF_NO_KEY), None)
        if ailing is not None and len(outcome.failed) == len(keys):
            outcome.failed.clear()
            outcome.trouble = ailing
