"""Replicating everything again: starting a resync, following it, and judging it by what is on the target."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from mcmirror.messages import replication_conflicts as conflicts
from mcmirror.model.problem import Trouble
from mcmirror.model.replication import Carried, Direction, Replication, Resync
from mcmirror.model.replication_status import ResyncOutcome
from mcmirror.replication.difference import Observed
from mcmirror.replication.servers import BucketServers
from mcmirror.replication.status import rule_of, status_of

ENDED = frozenset({"Completed", "Failed", "Canceled"})
RUNNING = frozenset({"Pending", "Ongoing"})
PAUSE = 1.0
"""Seconds between two looks."""

Progress = Callable[[Direction, Resync], None]


def resyncs(
    desired: Replication, observed: Observed, servers: BucketServers, wait: Callable[[float], object], tell: Progress
) -> Iterator[ResyncOutcome]:
    """Start a resync of each direction, or take up the one that runs, and yield what it came to.

    Its own counters stick: whether everything arrived is what the listings say afterwards. Raises Trouble.
    """
    arns = {direction: _arn(desired, direction, observed) for direction in desired.directions()}
    for direction, arn in arns.items():
        followed = _follow(direction, arn, servers, wait, tell)
        status = status_of(desired, direction, observed, servers, datetime.now(UTC))
        yield ResyncOutcome(direction, followed, status)


def _arn(desired: Replication, direction: Direction, observed: Observed) -> str:
    rule, _ = rule_of(desired, direction, observed)
    if rule is None:
        raise Trouble(conflicts.no_rule(desired.name, direction))
    if Carried.EXISTING_OBJECTS not in rule.replicate:
        raise Trouble(conflicts.no_existing_objects(desired.name, direction, rule.id))
    return rule.arn


def _follow(
    direction: Direction, arn: str, servers: BucketServers, wait: Callable[[float], object], tell: Progress
) -> Resync:
    place = str(direction.source)
    before = servers.resync(place, arn)
    id_ = before.id if before and before.status in RUNNING else servers.start_resync(place, arn)
    while True:
        found = servers.resync(place, arn)
        if found is not None and found.id == id_:
            tell(direction, found)
            if found.status in ENDED:
                return found
        wait(PAUSE)
