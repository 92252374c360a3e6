"""What asks and changes the servers of a replication, and what they have, as one value."""

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from mcmirror.model.bucket_events import EventFilter, EventRule
from mcmirror.model.problem import Problem, Trouble
from mcmirror.model.replication import BucketState, Remote, Replication, Resync, Server
from mcmirror.model.replication_status import Found, ReplicationMark, Version
from mcmirror.model.replication_steps import Made
from mcmirror.replication.difference import Observed


class BucketServers(Protocol):
    """Buckets are named ``alias/bucket``. Every method raises Trouble."""

    def bucket(self, place: str) -> BucketState:
        """Everything about a bucket, also that it is missing."""

    def remotes(self, place: str) -> tuple[Remote, ...]:
        """The remote targets of a bucket that has rules."""

    def create_bucket(self, place: str, region: str, *, locked: bool) -> None:
        """Make a bucket that is not there."""

    def remove_bucket(self, place: str) -> bool:
        """Remove a bucket; False when there is something in it, which stays."""

    def enable_versioning(self, place: str) -> None:
        """Keep every version from now on."""

    def suspend_versioning(self, place: str) -> None:
        """Keep no new versions."""

    def add_rule(self, place: str, remote: str, desired: Replication, server: Server) -> None:
        """Make a rule and its remote target, which ``server`` holds."""

    def update_rule(self, place: str, remote: str, rule: str, desired: Replication) -> None:
        """Make rule and remote target as desired."""

    def remove_rule(self, place: str, rule: str) -> None:
        """Remove one rule and its remote target."""

    def events(self, place: str) -> tuple[EventRule, ...]:
        """Which events a bucket sends to which destination."""

    def add_events(self, place: str, wanted: EventFilter) -> None:
        """Have events sent."""

    def remove_events(self, place: str, unwanted: EventFilter) -> None:
        """Have events sent no more."""

    def versions(self, place: str) -> Generator[Version, None, None]:
        """Every version and delete marker, by key, the latest of each key first."""

    def marks(self, place: str, found: Sequence[Found]) -> Iterator[ReplicationMark]:
        """What the server has noted on versions; fewer than were asked for."""

    def start_resync(self, place: str, arn: str) -> str:
        """Start to replicate everything again; the ID of the resync."""

    def resync(self, place: str, arn: str) -> Resync | None:
        """The last resync of a remote target."""


def look(desired: Replication, servers: BucketServers, place: str) -> BucketState:
    """One bucket, with its events where the replication asks for any."""
    state = servers.bucket(place)
    return replace(state, events=servers.events(place)) if desired.events and state.exists else state


def observe(
    desired: Replication,
    servers: BucketServers,
    aliases: Mapping[str, Server],
    made: Collection[Made] = (),
    *,
    lenient: bool = False,
) -> Observed:
    """Look at both buckets; raises Trouble when one of them, or with ``lenient`` both, cannot be looked at."""
    buckets, unasked = dict[str, BucketState](), dict[str, Problem]()
    for place in desired.places:
        try:
            buckets[place] = look(desired, servers, place)
        except Trouble as trouble:
            if not lenient or unasked:
                raise
            unasked[place] = trouble.problem
    return Observed(buckets, aliases, tuple(made), unasked)
