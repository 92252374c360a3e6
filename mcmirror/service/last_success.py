"""What the state knows of jobs beyond their newest run: their last success, or since when there has been none."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcmirror.model.report import RunReport

if TYPE_CHECKING:
    from mcmirror.service.root import Service


@dataclass(frozen=True, slots=True)
class Proven:
    """Seconds since the epoch; 0 for what is not known."""

    succeeded: float = 0.0
    """When the last run ended that succeeded with this source and target."""
    since: float = 0.0
    """When the first run began of a job that has never succeeded."""


def proven(service: "Service", reports: Iterable[RunReport]) -> dict[str, Proven]:
    """By the name of the job; a state that cannot be read leaves everything at 0."""
    from mcmirror.store.database import Database
    from mcmirror.store.runs import Runs

    database = Database(service.state)
    try:
        runs = Runs(database, service.inbox)
        found = dict[str, Proven]()
        for report in reports:
            standing = runs.standing(report.job, report.source, report.target)
            succeeded = standing.succeeded if standing else 0.0
            found[report.job] = Proven(succeeded, 0.0 if succeeded else runs.unproven_since(report.job))
        return found
    finally:
        database.close()
