"""Who is told, for as long as a server lives."""

from mcmirror.model.record import Record
from mcmirror.model.state import NotifierState
from mcmirror.service.root import Service
from mcmirror.store.database import Database
from mcmirror.store.runs import Runs


class Telling:
    """Implements ``surroundings.Told``."""

    def __init__(self, service: Service, database: Database, runs: Runs) -> None:
        self._service, self._database, self._runs = service, database, runs

    def start(self) -> None:
        """Begin to deliver."""

    def stop(self, seconds: float) -> None:
        """Deliver what is due, for so long at most."""

    def begun(self, record: Record) -> None:
        """A run begins."""

    def finished(self, record: Record) -> None:
        """A run has ended; may be said twice of the same one."""

    def notice(self, kind: str, what: str, why: str, remedy: str, *, good: bool = False) -> None:
        """Something that is no run."""

    def replace(self, service: Service) -> None:
        """Another configuration is in use."""

    def state(self) -> tuple[NotifierState, ...]:
        """What each notifier owes."""
        return ()
