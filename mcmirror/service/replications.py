"""Replications of the configuration, with their servers, their keys and what was made for them."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mcmirror.messages import replication_conflicts as conflicts
from mcmirror.messages.error_lookup import problem
from mcmirror.model.address import same_server
from mcmirror.model.bucket_events import EventFilter, EventRule
from mcmirror.model.location import Alias, Location
from mcmirror.model.lock import Manners
from mcmirror.model.problem import Category, Trouble
from mcmirror.model.replication import HEALTH_CHECK, Direction, Remote, Replication, Rule, Server
from mcmirror.model.replication_status import Comparison, DirectionStatus, ResyncOutcome
from mcmirror.model.replication_steps import Application, Made, ReplicationPlan
from mcmirror.model.stop import Stop
from mcmirror.movers.mc.bucket_events import BucketEvents
from mcmirror.movers.mc.replication import McReplication
from mcmirror.replication.apply import Tell, adopt, apply, remove
from mcmirror.replication.difference import Observed, plan_of
from mcmirror.replication.resync import Progress, resyncs
from mcmirror.replication.servers import BucketServers, observe
from mcmirror.replication.status import compared, rule_of, statuses
from mcmirror.service.bucket_events import add_events, remove_events
from mcmirror.store.database import Database
from mcmirror.store.replication_ledger import ReplicationLedger

if TYPE_CHECKING:
    from mcmirror.service.root import Service


class Servers(McReplication):
    """Buckets, their replication and their events, through mc."""

    def events(self, place: str) -> tuple[EventRule, ...]:
        """Ask by ``mc event ls``."""
        return BucketEvents(self.session, place).rules()

    def add_events(self, place: str, wanted: EventFilter) -> None:
        """Have them sent, by ``mc event add``."""
        add_events(BucketEvents(self.session, place), place, wanted)

    def remove_events(self, place: str, unwanted: EventFilter) -> None:
        """Have them sent no more, by ``mc event remove``."""
        remove_events(BucketEvents(self.session, place), place, unwanted)


@dataclass(frozen=True, slots=True)
class OpenReplication:
    """One replication while its servers are asked. Not thread-safe."""

    desired: Replication
    servers: BucketServers
    aliases: Mapping[str, Server]
    ledger: ReplicationLedger

    def observed(self, *, lenient: bool = False) -> Observed:
        """What both servers have now, and what was made there.

        Raises Trouble when one of them, or with ``lenient`` both, cannot be asked, and when the state cannot be.
        """
        return self._look(self.ledger.made(self.desired.name), lenient=lenient)

    def _look(self, made: tuple[Made, ...] = (), *, lenient: bool = False) -> Observed:
        return observe(self.desired, self.servers, self.aliases, made, lenient=lenient)

    def plan(self) -> ReplicationPlan:
        """What is left to do."""
        return plan_of(self.desired, self.observed())

    def apply(self, tell: Tell) -> Application:
        """Do it."""
        return apply(self.desired, self.observed(), self.servers, self.ledger, tell)

    def remove(self, tell: Tell) -> Application:
        """Take away what was made, also where only one of the servers can be asked."""
        return remove(self.desired, self.observed(lenient=True), self.servers, self.ledger, tell)

    def statuses(self, *, full: bool = True) -> list[DirectionStatus]:
        """How each direction stands now; raises Trouble when neither server can be asked. Needs no state."""
        return list(statuses(self.desired, self._look(lenient=True), self.servers, datetime.now(UTC), full=full))

    def verify(self) -> tuple[Direction, Comparison]:
        """Compare every version and delete marker of both buckets. Needs no state."""
        observed, direction = self._look(), next(self.desired.directions())
        rule, _ = rule_of(self.desired, direction, observed)
        return direction, compared(direction, rule.replicate if rule else self.desired.replicate, self.servers)

    def resyncs(self, tell: Progress) -> Iterator[ResyncOutcome]:
        """Replicate everything again, in each direction. Needs no state."""
        return resyncs(self.desired, self._look(), self.servers, time.sleep, tell)

    def adopt(self) -> list[Made]:
        """Take what is there for made by us."""
        return adopt(self.desired, self.observed(), self.ledger)


@contextmanager
def changing(service: "Service", name: str) -> Iterator[OpenReplication]:
    """The same, while no other process changes one of its buckets; raises Held while one does."""
    desired = service.replication(name)
    aliases = service.aliases((desired.source.alias, desired.target.alias))
    buckets = {f"replication {aliases[one.alias].url}/{one.bucket}" for one in (desired.source, desired.target)}
    with ExitStack() as stack:
        for bucket in sorted(buckets):
            stack.enter_context(service.turns.mine(bucket, Manners(), Stop(), lambda: None))
        yield stack.enter_context(opened(service, name))


@contextmanager
def opened(service: "Service", name: str, stop: Stop | None = None) -> Iterator[OpenReplication]:
    """The replication of this name; raises ConfigError when it is not configured, Trouble when keys do not suit."""
    desired = service.replication(name)
    aliases = service.aliases((desired.source.alias, desired.target.alias))
    for direction in desired.directions():
        _check_keys(aliases[direction.target.alias])
    database = Database(service.state)
    try:
        with service.session(tuple(aliases.values()), stop=stop) as session:
            known = {alias.name: _server(alias) for alias in aliases.values()}
            yield OpenReplication(desired, Servers(session), known, ReplicationLedger(database))
    finally:
        database.close()


def _server(alias: Alias) -> Server:
    return Server(alias.url, alias.access_key.value, alias.region, alias.path)


def _check_keys(alias: Alias) -> None:
    """A server keeps the keys of a remote target for months: temporary ones, and none, do not suit."""
    if alias.access_key and not alias.session_token:
        return
    what = "temporary keys" if alias.session_token else "no keys"
    cause = "the server of the source keeps these keys and uses them for as long as the rule exists"
    remedy = f"Make a user with lasting keys on that server, and give them to alias {alias.name}."
    message = f"alias {alias.name} has {what}, with which nothing can be replicated to it"
    raise Trouble(problem(Category.CREDENTIALS, message, cause, alias.name, remedy=remedy))


def described(service: "Service", source: Location, target: Location | None) -> dict[str, Any]:
    """The values of a [replication.NAME] that asks for what a rule of ``source`` does.

    Raises Trouble when there is no rule, or none to ``target``, or several to choose from.
    """
    names = service.alias_names()
    with service.session(tuple(service.aliases([source.alias]).values())) as session:
        state = McReplication(session).bucket(str(source))
    urls = {name: alias.url for name in names if (alias := service.alias(name)) is not None}
    found = dict[str, tuple[Rule, Remote]]()
    for rule in state.rules:
        remote = state.remote(rule.arn)
        name = next((name for name, url in urls.items() if remote and same_server(url, remote.url)), None)
        if remote and name and (target is None or f"{name}/{remote.bucket}" == str(target)):
            found[f"{name}/{remote.bucket}"] = (rule, remote)
    if len(found) != 1:
        leads = ", ".join(f"{remote.url}/{remote.bucket}" for remote in state.remotes)
        raise Trouble(conflicts.nothing_to_import(source, tuple(found), leads))
    ((place, (rule, remote)),) = found.items()
    values: dict[str, Any] = {"source": str(source), "target": place}
    if _leads_back(service, Location.parse(place), source):
        values["both_ways"] = True
    values |= {"replicate": sorted(one.value for one in rule.replicate), "priority": rule.priority}
    if remote.bandwidth:
        values["bandwidth"] = str(remote.bandwidth)
    if remote.synchronous:
        values["synchronous"] = True
    if remote.health_check != HEALTH_CHECK:
        values["health_check"] = f"{remote.health_check}s"
    return values


def _leads_back(service: "Service", target: Location, source: Location) -> bool:
    aliases = service.aliases((source.alias, target.alias))
    with service.session(tuple(aliases.values())) as session:
        state = McReplication(session).bucket(str(target))
    url = aliases[source.alias].url
    return any(same_server(remote.url, url) and remote.bucket == source.bucket for remote in state.remotes)
