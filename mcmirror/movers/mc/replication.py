"""Versioning and replication of buckets through mc: what servers have set up, and changing it."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace

from mcmirror.messages.replication_conflicts import no_replication
from mcmirror.model.problem import Category, Trouble
from mcmirror.model.replication import ENABLED, BucketState, Carried, Remote, Replication, Resync, Rule, Server
from mcmirror.model.replication_status import Found, ReplicationMark, Version
from mcmirror.movers.mc import decode, versions
from mcmirror.movers.mc import replication_argv as argv
from mcmirror.movers.mc.answers import Refusal, answers
from mcmirror.movers.mc.session import Session

PATIENCE = 20.0
"""Seconds for one answer; MinIO itself tries to reach a remote target for 90, and mc keeps the connection busy."""
RIGHTS = (
    "Give the access key of {alias} s3:GetBucketVersioning, s3:PutBucketVersioning, s3:GetReplicationConfiguration, "
    "s3:PutReplicationConfiguration, admin:GetBucketTarget and admin:SetBucketTarget, s3:ListBucketVersions too for "
    "status and verify."
)
NO_RULES = "replication configuration not set"
NO_JSON = "invalid character"
"""What mc says of an answer that is none of MinIO's."""
NOT_IMPLEMENTED = "NotImplemented"
IN_USE = "XMinioAdminRemoteRemoveDisallowed"
"""The rule is removed, and its remote target stays for another rule."""
NO_LOCK = "does not support locking"
NOT_EMPTY = "is not empty"
ANSWERED = frozenset({"NoSuchBucket", "AccessDenied"})
"""Codes by which a server shows that it has MinIO's administration, though it does not say what was asked."""
NEVER = "0001-01-01"
_FLAGS = {
    Carried.DELETE: "DeleteReplication",
    Carried.DELETE_MARKER: "DeleteMarkerReplication",
    Carried.EXISTING_OBJECTS: "ExistingObjectReplication",
}


class McReplication:
    """Asks and changes buckets, each named ``alias/bucket``. Raises Trouble. Not thread-safe."""

    def __init__(self, session: Session, patience: float = PATIENCE) -> None:
        self.session = session
        self._patience = patience

    def bucket(self, place: str) -> BucketState:
        """Everything about a bucket; raises Trouble where its server has no replication, also of one that is missing.

        mc's ``replicate ls`` fails where there is no rule, and so does ``replicate status``.
        """
        quota = self._quota(place)
        try:
            lines = self._answers(argv.version("info", place), place)
        except Refusal as refused:
            if refused.problem.category is Category.BUCKET_NOT_FOUND:
                return BucketState(exists=False)
            raise
        versioning = str((lines[0].get("versioning") or {}).get("status") or "") if lines else ""
        rules = self._rules(place)
        return BucketState(
            versioning=versioning,
            locked=self._locked(place),
            quota=quota,
            rules=rules,
            remotes=self.remotes(place) if rules else (),
        )

    def remotes(self, place: str) -> tuple[Remote, ...]:
        """The remote targets of a bucket with rules; whether they are there is what its server saw last."""
        lines = self._answers(argv.status(place), place)
        return tuple(_remote(one) for line in lines for one in line.get("remoteTargets") or ())

    def create_bucket(self, place: str, region: str, *, locked: bool) -> None:
        """Make a bucket that is not there."""
        self._answers(argv.make_bucket(place, region, locked=locked), place)

    def remove_bucket(self, place: str) -> bool:
        """Remove a bucket; False when there is something in it, which stays."""
        try:
            self._answers(argv.remove_bucket(place), place)
        except Refusal as refused:
            if NOT_EMPTY in refused.said:
                return False
            raise
        return True

    def enable_versioning(self, place: str) -> None:
        """Keep every version from now on."""
        self._answers(argv.version("enable", place), place)

    def suspend_versioning(self, place: str) -> None:
        """Keep no new versions; those that are there stay."""
        self._answers(argv.version("suspend", place), place)

    def add_rule(self, place: str, remote: str, desired: Replication, server: Server) -> None:
        """Make a rule and its remote target."""
        added = argv.add_rule(
            place,
            remote,
            desired.rule,
            priority=desired.priority,
            replicate=desired.replicate,
            bandwidth=desired.bandwidth,
            synchronous=desired.synchronous,
            health_check=desired.health_check,
            region=server.region,
            path=server.path,
        )
        self._answers(added, place)
        if Carried.METADATA not in desired.replicate:
            self._update_rule(place, desired.rule, desired)

    def update_rule(self, place: str, remote: str, rule: str, desired: Replication) -> None:
        """Make rule and remote target as desired, the keys too."""
        self._update_rule(place, rule, desired)
        changed = argv.update_remote(
            place,
            remote,
            rule,
            bandwidth=desired.bandwidth,
            synchronous=desired.synchronous,
            health_check=desired.health_check,
        )
        self._answers(changed, place)

    def _update_rule(self, place: str, rule: str, desired: Replication) -> None:
        changed = argv.update_rule(place, rule, priority=desired.priority, replicate=desired.replicate)
        self._answers(changed, place)

    def remove_rule(self, place: str, rule: str) -> None:
        """Remove one rule, and its remote target unless another rule uses it.

        MinIO keeps no configuration without a rule: with the last one all is removed.
        """
        alone = [one.id for one in self._rules(place)] == [rule]
        try:
            self._answers(argv.remove_remotes(place) if alone else argv.remove_rule(place, rule), place)
        except Refusal as refused:
            if refused.code != IN_USE:
                raise

    def versions(self, place: str) -> Generator[Version, None, None]:
        """Every version and delete marker of a bucket."""
        return versions.versions(self.session, place)

    def marks(self, place: str, found: Sequence[Found]) -> Iterator[ReplicationMark]:
        """What the server has noted on versions."""
        return versions.marks(self.session, place, found)

    def start_resync(self, place: str, arn: str) -> str:
        """Start to replicate everything again that a rule covers; the ID of the resync."""
        lines = self._answers(argv.start_resync(place, arn), place)
        return next((resync.id for line in lines for resync in _resyncs(line) if resync.arn == arn), "")

    def resync(self, place: str, arn: str) -> Resync | None:
        """The last resync of a remote target."""
        lines = self._answers(argv.resync_status(place, arn), place)
        return next((resync for line in lines for resync in _resyncs(line) if resync.arn == arn), None)

    def _rules(self, place: str) -> tuple[Rule, ...]:
        try:
            lines = self._answers(argv.list_rules(place), place)
        except Refusal as refused:
            if NO_RULES in refused.said:
                return ()
            raise Trouble(no_replication(place, refused.said)) if refused.code == NOT_IMPLEMENTED else refused from None
        return tuple(_rule(line["rule"]) for line in lines if "rule" in line)

    def _locked(self, place: str) -> bool:
        """Whether the bucket has object lock; mc says the same of one without and of one that it may not ask."""
        try:
            lines = self._answers(argv.lock_info(place), place)
        except Refusal as refused:
            if NO_LOCK in refused.said:
                return False
            raise
        return any(line.get("enabled") == ENABLED for line in lines)

    def _quota(self, place: str) -> int:
        """The quota of a bucket; the question is also the one by which MinIO is known where there is no bucket."""
        try:
            lines = self._answers(argv.quota_info(place), place)
        except Refusal as refused:
            if refused.code in ANSWERED:
                return 0
            transport = not refused.code and NO_JSON not in refused.said
            if transport or refused.problem.category is Category.CREDENTIALS:
                raise
            raise Trouble(no_replication(place, refused.said)) from None
        return int(lines[0].get("quota") or 0) if lines else 0

    def _answers(self, command: Sequence[str], place: str) -> list[decode.Fields]:
        try:
            return answers(self.session, command, place, patience=self._patience)
        except Refusal as refused:
            if refused.problem.category is not Category.PERMISSION:
                raise
            found = replace(refused.problem, remedy=RIGHTS.format(alias=place.partition("/")[0]))
            raise Refusal(found, refused.said, refused.code) from None


def _rule(fields: decode.Fields) -> Rule:
    criteria = (fields.get("SourceSelectionCriteria") or {}).get("ReplicaModifications") or {}
    carried = {one for one, name in _FLAGS.items() if (fields.get(name) or {}).get("Status") == ENABLED}
    if criteria.get("Status") == ENABLED:
        carried.add(Carried.METADATA)
    filters = fields.get("Filter") or {}
    both, tag = filters.get("And") or {}, filters.get("Tag") or {}
    return Rule(
        id=str(fields.get("ID", "")),
        enabled=fields.get("Status") == ENABLED,
        priority=int(fields.get("Priority") or 0),
        replicate=frozenset(carried),
        arn=str((fields.get("Destination") or {}).get("Bucket", "")),
        filtered=bool(filters.get("Prefix") or both.get("Prefix") or both.get("Tags") or tag.get("Key")),
    )


def _remote(fields: decode.Fields) -> Remote:
    last = str(fields.get("lastOnline") or "")
    seen = "" if last.startswith(NEVER) else last
    online = bool(fields.get("isOnline"))
    endpoint = f"{'https' if fields.get('secure') else 'http'}://{fields.get('endpoint', '')}"
    return Remote(
        arn=str(fields.get("arn", "")),
        url=endpoint,
        bucket=str(fields.get("targetbucket", "")),
        access_key=str((fields.get("credentials") or {}).get("accessKey", "")),
        bandwidth=int(fields.get("bandwidthlimit") or 0),
        synchronous=bool(fields.get("replicationSync")),
        health_check=int(fields.get("healthCheckDuration") or 0) // 1_000_000_000,
        online=online if online or seen else None,
        last_online=seen,
    )


def _resyncs(fields: decode.Fields) -> list[Resync]:
    targets = (fields.get("resyncInfo") or {}).get("target") or ()
    return [
        Resync(
            id=str(one.get("resetid", "")),
            arn=str(one.get("arn", "")),
            status=str(one.get("resyncStatus", "")),
            replicated=int(one.get("replicationCount") or 0),
            failed=int(one.get("failedReplicationCount") or 0),
        )
        for one in targets
    ]
