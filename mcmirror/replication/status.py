"""How each direction of a replication stands, computed from listings: the servers' counters stick."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

from mcmirror.model.problem import Trouble
from mcmirror.model.replication import Carried, Direction, Remote, Replication, Rule
from mcmirror.model.replication_status import Comparison, DirectionStatus, Gap, ReplicationMark
from mcmirror.replication.comparison import compare, written_since
from mcmirror.replication.difference import Observed, leads_to, own_rule
from mcmirror.replication.servers import BucketServers


def statuses(
    desired: Replication, observed: Observed, servers: BucketServers, now: datetime, *, full: bool = True
) -> Iterator[DirectionStatus]:
    """Each direction; with ``full`` the versions of both buckets are listed and compared."""
    for direction in desired.directions():
        yield status_of(desired, direction, observed, servers, now, full=full)


def status_of(  # noqa: PLR0913
    desired: Replication,
    direction: Direction,
    observed: Observed,
    servers: BucketServers,
    now: datetime,
    *,
    full: bool = True,
) -> DirectionStatus:
    """One direction."""
    source, target = (observed.unasked.get(str(side)) for side in (direction.source, direction.target))
    if source is not None:
        return DirectionStatus(direction, problem=source)
    rule, remote = rule_of(desired, direction, observed)
    status = DirectionStatus(direction, problem=target)
    if rule and remote:
        status = replace(
            status, rule=rule.id, enabled=rule.enabled, online=remote.online, last_online=remote.last_online
        )
    return _counted(status, rule.replicate if rule else desired.replicate, servers, now) if full else status


def rule_of(desired: Replication, direction: Direction, observed: Observed) -> tuple[Rule | None, Remote | None]:
    """The rule that replicates in this direction, ours or not, and its remote target."""
    bucket = observed.buckets[str(direction.source)]
    leading = (rule for rule in bucket.rules if leads_to(bucket.remote(rule.arn), direction, observed))
    rule = own_rule(desired, direction, observed) or next(leading, None)
    return rule, bucket.remote(rule.arn) if rule else None


def compared(direction: Direction, replicate: frozenset[Carried], servers: BucketServers) -> Comparison:
    """The versions of both buckets, listed at once; raises Trouble when one of them cannot be listed."""
    source, target = (servers.versions(str(side)) for side in (direction.source, direction.target))
    with closing(source), closing(target):
        return compare(source, target, replicate)


def _counted(
    status: DirectionStatus, replicate: frozenset[Carried], servers: BucketServers, now: datetime
) -> DirectionStatus:
    """The same with what is missing on the target; of one that is away, what was written since."""
    try:
        found = _missing(status, replicate, servers)
        if found is None:
            return status
        marks = _marks(status.direction, found, servers)
    except Trouble as trouble:
        return replace(status, problem=status.problem or trouble.problem)
    status = replace(status, comparison=found, marks=marks)
    lag = (now - _moment(found.oldest)).total_seconds() if status.behind and found.oldest else 0.0
    return replace(status, lag=max(0.0, lag))


def _missing(status: DirectionStatus, replicate: frozenset[Carried], servers: BucketServers) -> Comparison | None:
    if status.problem is None:
        return compared(status.direction, replicate, servers)
    if not status.last_online:
        return None
    with closing(servers.versions(str(status.direction.source))) as source:
        return written_since(source, status.last_online.rstrip("Z"), replicate)


def _marks(direction: Direction, found: Comparison, servers: BucketServers) -> dict[ReplicationMark, int]:
    """What the server of the source has noted on the missing versions."""
    missing = [one for one in found.named if one.gap is Gap.MISSING]
    marks = Counter(servers.marks(str(direction.source), missing)) if missing else Counter[ReplicationMark]()
    if unknown := found.missing.number - marks.total():
        marks[ReplicationMark.UNKNOWN] = marks[ReplicationMark.UNKNOWN] + unknown
    return {mark: marks[mark] for mark in ReplicationMark if marks[mark]}


def _moment(text: str) -> datetime:
    """A server's time, whose fraction has up to nine digits."""
    whole, _, fraction = text.partition(".")
    return datetime.fromisoformat(f"{whole}.{fraction[:6]:0<6}").replace(tzinfo=UTC)
