"""What asks and changes the servers of a replication, and what they have, as one value."""

from collections.abc import Collection, Mapping
from typing import Protocol

from mcmirror.model.replication import BucketState, Remote, Replication, Resync, Server
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

    def start_resync(self, place: str, arn: str) -> str:
        """Start to replicate everything again; the ID of the resync."""

    def resync(self, place: str, arn: str) -> Resync | None:
        """The last resync of a remote target."""


def observe(
    desired: Replication, servers: BucketServers, aliases: Mapping[str, Server], made: Collection[Made] = ()
) -> Observed:
    """Look at both buckets; raises Trouble when either cannot be looked at."""
    places = dict.fromkeys((str(desired.source), str(desired.target)))
    return Observed({place: servers.bucket(place) for place in places}, aliases, tuple(made))
