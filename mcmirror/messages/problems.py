"""The three parts of a problem (what, why, what to do), and the grouping of many problems."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mcmirror.model.problem import Category, Problem
from mcmirror.model.report import RunReport, Status
from mcmirror.model.wording import three_parts

_KILLED = Problem(
    Category.INTERNAL,
    "mcmirror was killed while it ran this job",
    "kill -9, too little memory, a power cut, or a container that was removed",
    "Nothing has to be cleaned up: the next run copies what is missing. If it happens again, look for the system's"
    " out-of-memory killer, and let whatever stops mcmirror wait longer than [settings] grace.",
)


@dataclass(frozen=True, slots=True)
class Told:
    """The first problem of a category, and the number of further ones."""

    category: Category
    what: str
    why: str
    remedy: str
    more: int = 0

    @property
    def counted(self) -> str:
        """What happened, with the number of further problems."""
        return f"{self.what} (and {self.more:,} more like it)" if self.more else self.what


def by_category(problems: Iterable[Problem]) -> Iterator[Told]:
    """One problem a category, in the order of their first appearance."""
    alike: dict[Category, list[Problem]] = {}
    for problem in problems:
        alike.setdefault(problem.category, []).append(problem)
    for category, (first, *rest) in alike.items():
        yield Told(category, *three_parts(first), len(rest))


def of_run(report: RunReport) -> Iterator[Told]:
    """The problems of a run by category; a killed run could not report its own."""
    killed = report.status is Status.INTERRUPTED and not report.problems
    return by_category((_KILLED,) if killed else report.problems)
