"""Events as lines of JSON on stdout."""

from collections.abc import Callable
from datetime import UTC, datetime

from mcmirror.cli.stdout import Stdout
from mcmirror.codec.events import as_json, difference_document, event_document
from mcmirror.model.event import CopyStarted, Event, Planned


class JsonLines:
    """An observer that writes each event; with ``differences`` also every line of a plan."""

    def __init__(
        self, out: Stdout, *, differences: bool = False, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._out = out
        self._differences = differences
        self._now = now

    def __call__(self, event: Event) -> None:
        """Write the event."""
        time = self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        # Thousands of these may come in a second; Moved follows twice a second and takes them along.
        with self._out.lines(flush=not isinstance(event, CopyStarted)) as write:
            write(as_json(event_document(event, time)))
            if self._differences and isinstance(event, Planned):
                for difference in event.plan.differences:
                    if not write(as_json(difference_document(event.job, difference))):
                        break
