"""What a run is to do, besides the job."""

from dataclasses import dataclass, field

from mcmirror.engine.context import Named
from mcmirror.model.job import Job, Verb
from mcmirror.model.lock import Manners
from mcmirror.model.stop import Stop


@dataclass(frozen=True, slots=True)
class Order:
    """What a run is to do."""

    verb: Verb = Verb.RUN
    content: float | None = None
    """Percent of the objects that verify reads."""
    metadata: float | None = None
    """Percent of the objects whose metadata is compared, and repaired by a run."""
    stop: Stop = field(default_factory=Stop)
    debug: bool = False
    manners: Manners = field(default_factory=Manners)
    named: Named | None = None
    """The only keys that the run is about; None: all of the place."""

    shared: bool = False
    """It is about some keys, and others may write to the target meanwhile: to copy a key twice does no harm, and each
    removal is confirmed. A target folder is locked all the same: what mc leaves there half written has no owner."""

    def writes(self, job: Job) -> bool:
        """Whether anything may change on the target."""
        return self.verb is Verb.RUN and not job.options.dry_run
