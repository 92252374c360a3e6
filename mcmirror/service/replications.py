"""Replications of the configuration, with their servers, their keys and what was made for them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcmirror.messages.error_lookup import problem
from mcmirror.model.location import Alias
from mcmirror.model.problem import Category, Trouble
from mcmirror.model.replication import Replication, Server
from mcmirror.model.replication_steps import Application, ReplicationPlan
from mcmirror.movers.mc.replication import McReplication
from mcmirror.replication.apply import Tell, apply
from mcmirror.replication.difference import Observed, plan_of
from mcmirror.replication.servers import BucketServers, observe
from mcmirror.store.database import Database
from mcmirror.store.replication_ledger import ReplicationLedger

if TYPE_CHECKING:
    from mcmirror.model.stop import Stop
    from mcmirror.service.root import Service


@dataclass(frozen=True, slots=True)
class OpenReplication:
    """One replication while its servers are asked. Not thread-safe."""

    desired: Replication
    servers: BucketServers
    aliases: Mapping[str, Server]
    ledger: ReplicationLedger

    def observed(self) -> Observed:
        """What both servers have now; raises Trouble when one of them cannot be asked."""
        return observe(self.desired, self.servers, self.aliases, self.ledger.made(self.desired.name))

    def plan(self) -> ReplicationPlan:
        """What is left to do."""
        return plan_of(self.desired, self.observed())

    def apply(self, tell: Tell) -> Application:
        """Do it."""
        return apply(self.desired, self.observed(), self.servers, self.ledger, tell)


@contextmanager
def opened(service: "Service", name: str, stop: "Stop | None" = None) -> Iterator[OpenReplication]:
    """The replication of this name; raises ConfigError when it is not configured, Trouble when keys do not suit."""
    desired = service.replication(name)
    aliases = service.aliases((desired.source.alias, desired.target.alias))
    for direction in desired.directions():
        _check_keys(aliases[direction.target.alias])
    database = Database(service.state)
    try:
        with service.session(tuple(aliases.values()), stop=stop) as session:
            known = {alias.name: _server(alias) for alias in aliases.values()}
            yield OpenReplication(desired, McReplication(session), known, ReplicationLedger(database))
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
