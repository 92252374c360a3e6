"""Servers in memory, which fail where a test says: the other half of what real MinIO shows."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace

from mcmirror.messages.error_lookup import problem
from mcmirror.model.bucket_events import NAMES, EventFilter, EventRule
from mcmirror.model.problem import Category, Trouble
from mcmirror.model.replication import BucketState, Remote, Replication, Resync, Rule, Server
from mcmirror.model.replication_status import Found, ReplicationMark, Version
from mcmirror.model.replication_steps import Made

SERVERS = {name: Server(f"http://{name}:9000", f"key-of-{name}") for name in ("one", "other")}


@dataclass
class World:
    """Buckets by ``alias/bucket``. The call with the number ``fails`` raises, before or ``after`` its change."""

    buckets: dict[str, BucketState] = field(default_factory=dict)
    fails: int = -1
    after: bool = False
    calls: int = 0
    changes: int = 0

    def _change(self, place: str, state: BucketState | None) -> None:
        self.calls += 1
        failing = self.calls - 1 == self.fails
        if failing and not self.after:
            raise _trouble(place)
        self.changes += 1
        if state is None:
            del self.buckets[place]
        else:
            self.buckets[place] = state
        if failing:
            raise _trouble(place)

    def bucket(self, place: str) -> BucketState:
        return self.buckets.get(place, BucketState(exists=False))

    def remotes(self, place: str) -> tuple[Remote, ...]:
        return self.bucket(place).remotes

    def create_bucket(self, place: str, _: str, *, locked: bool) -> None:
        assert place not in self.buckets
        self._change(place, BucketState(versioning="Enabled" if locked else "", locked=locked))

    def remove_bucket(self, place: str) -> bool:
        self._change(place, None)
        return True

    def enable_versioning(self, place: str) -> None:
        self._change(place, replace(self.buckets[place], versioning="Enabled"))

    def suspend_versioning(self, place: str) -> None:
        assert not self.buckets[place].rules
        self._change(place, replace(self.buckets[place], versioning="Suspended"))

    def add_rule(self, place: str, remote: str, desired: Replication, server: Server) -> None:
        before = self.buckets[place]
        assert {before.versioning, self.buckets[remote].versioning} == {"Enabled"}
        assert desired.priority not in {rule.priority for rule in before.rules}
        arn = f"arn:minio:replication::{remote}"
        rule = Rule(desired.rule, enabled=True, priority=desired.priority, replicate=desired.replicate, arn=arn)
        there = Remote(arn, server.url, remote.partition("/")[2], server.access_key)
        self._change(
            place, replace(before, rules=(*before.rules, rule), remotes=(*before.remotes, _as(there, desired)))
        )

    def update_rule(self, place: str, remote: str, rule: str, desired: Replication) -> None:
        before = self.buckets[place]
        (old,) = [one for one in before.rules if one.id == rule]
        new = replace(old, enabled=True, priority=desired.priority, replicate=desired.replicate)
        keys = SERVERS[remote.partition("/")[0]].access_key
        remotes = tuple(
            replace(_as(one, desired), access_key=keys) if one.arn == old.arn else one for one in before.remotes
        )
        rules = tuple(new if one is old else one for one in before.rules)
        self._change(place, replace(before, rules=rules, remotes=remotes))

    def remove_rule(self, place: str, rule: str) -> None:
        before = self.buckets[place]
        (old,) = [one for one in before.rules if one.id == rule]
        rules = tuple(one for one in before.rules if one is not old)
        remotes = tuple(one for one in before.remotes if one.arn != old.arn)
        self._change(place, replace(before, rules=rules, remotes=remotes))

    def events(self, place: str) -> tuple[EventRule, ...]:
        return self.bucket(place).events

    def add_events(self, place: str, wanted: EventFilter) -> None:
        before = self.buckets[place]
        names = tuple(name for word in wanted.words for name in NAMES[word])
        rule = EventRule(wanted.arn, names, wanted.prefix, wanted.suffix)
        self._change(place, replace(before, events=(*before.events, rule)))

    def remove_events(self, place: str, unwanted: EventFilter) -> None:
        before = self.buckets[place]
        gone = unwanted.concerned(before.events)
        self._change(place, replace(before, events=tuple(one for one in before.events if one not in gone)))

    def versions(self, place: str) -> Generator[Version, None, None]:
        raise NotImplementedError

    def marks(self, place: str, found: Sequence[Found]) -> Iterator[ReplicationMark]:
        raise NotImplementedError

    def start_resync(self, place: str, arn: str) -> str:
        raise NotImplementedError

    def resync(self, place: str, arn: str) -> Resync | None:
        raise NotImplementedError


@dataclass
class Notes:
    """A ledger in memory."""

    kept: dict[tuple[str, ...], Made] = field(default_factory=dict)

    @property
    def made(self) -> tuple[Made, ...]:
        return tuple(self.kept.values())

    def add(self, name: str, made: Made) -> None:
        self.kept.setdefault((name, *made.key), made)

    def drop(self, name: str, made: Made) -> None:
        self.kept.pop((name, *made.key), None)


def _as(remote: Remote, desired: Replication) -> Remote:
    return replace(
        remote,
        bandwidth=desired.bandwidth,
        synchronous=desired.synchronous,
        health_check=desired.health_check,
    )


def _trouble(place: str) -> Trouble:
    return Trouble(problem(Category.SERVER_ERROR, f"{place} failed", "the test says so", place))
