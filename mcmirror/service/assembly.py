"""A server with its rooms: state, notifiers, and the configuration's files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mcmirror.config import watched
from mcmirror.model.event import Observer
from mcmirror.model.record import Record
from mcmirror.service.agent_watch import AgentWatch
from mcmirror.service.backlog import Backlogs
from mcmirror.service.config_watcher import ConfigWatcher
from mcmirror.service.dependencies import Dependencies, Follow, Say
from mcmirror.service.notifications import NotificationThread
from mcmirror.service.relays import Relays
from mcmirror.service.replication_watch import ENDING, ReplicationWatch
from mcmirror.service.root import Service
from mcmirror.service.server import Server
from mcmirror.store.database import Database
from mcmirror.store.dirty_keys import DirtyKeys
from mcmirror.store.paths import presence
from mcmirror.store.pauses import Pauses
from mcmirror.store.presence import Presence
from mcmirror.store.runs import Runs


@dataclass(frozen=True, slots=True)
class Rooms:
    """What begins and ends together."""

    server: Server
    say: Say
    telling: NotificationThread
    database: Database
    runs: Runs
    presence: Presence
    relays: Relays
    replications: ReplicationWatch
    agents: AgentWatch
    schedules: bool = True

    def begin(self) -> None:
        """Begin to deliver messages, and let ``status`` see who serves the schedules."""
        if self.schedules:
            other = self.presence.see()
            if other is not None:
                text = f"Another mcmirror serve of this state runs, process {other.pid}: each schedule is kept twice."
                self.say("warning", "served_twice", text, remedy="Stop one, or give each a state of its own.")
            self.presence.begin()
        self.telling.start()
        self.relays.begin()
        self.replications.begin()
        self.agents.begin()

    def stop(self, signal: int) -> None:
        """Begin nothing more, and stop what runs."""
        self.relays.stop()
        self.replications.stop()
        self.server.stop(signal)

    def end(self, seconds: float) -> None:
        """Deliver what is due, for so long at most, and let go of the state. Events have the grace to be handed on."""
        self.relays.end(self.server.service.configuration.settings.grace)
        self.replications.end(ENDING)
        self.agents.end()
        self.telling.stop(lambda: seconds)
        self.presence.end()
        self.runs.close()
        self.database.close()


def assemble(  # noqa: PLR0913  each from another hand
    service: Service,
    say: Say,
    observers: Sequence[Observer] = (),
    *,
    began: Callable[[Record], None] = lambda _: None,
    load: Callable[[Service], Service] | None = None,
    schedules: bool = True,
    relays: bool = False,
    announced: bool = True,
    follow: Follow | None = None,
) -> Rooms:
    """A server for this service. ``load`` reads its configuration again and raises ConfigError.

    Without ``schedules`` its jobs run only when they are asked for; with ``relays`` events are taken and handed on;
    unless it is ``announced``, ``status`` does not name it. ``follow`` hears what jobs in real time do, key by key.
    Raises ConfigError.
    """
    database = Database(service.state)
    runs = Runs(database, service.inbox)
    telling = NotificationThread(service, service.configuration.jobs.values(), database, runs)
    handing_on = Relays(service, database, say, run=relays)
    pauses = Pauses(database)
    waiting = Backlogs(service, database, pauses)
    looking = ReplicationWatch(service, say, telling, run=schedules and announced)
    agents = AgentWatch(service, say, telling, probes=schedules and announced)
    watch = ConfigWatcher(watched(service.configuration))

    def again(before: Service) -> Service:
        assert load is not None  # noqa: S101
        new = load(before)
        handing_on.replace(new)
        looking.replace(new)
        waiting.replace(new)
        agents.replace(new)
        watch.replace(watched(new.configuration))
        return new

    around = Dependencies(
        remembered=runs,
        told=telling,
        pauses=pauses,
        say=say,
        dirty_keys=lambda pair: DirtyKeys(database, pair),
        follow=follow,
        observers=observers,
        began=began,
        load=again if load is not None else None,
        changed=watch.changed,
        debug=service.configuration.settings.debug,
        schedules=schedules,
        relays=handing_on.states,
        backlogs=waiting.states,
        replications=looking.states,
        agents=agents.states,
    )
    server, seen = Server(service, around), Presence(presence(service.state))
    return Rooms(server, say, telling, database, runs, seen, handing_on, looking, agents, schedules and announced)
