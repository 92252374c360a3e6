"""What probes and Prometheus ask, without a token: alive, ready, metrics."""

from mcmirror import __version__
from mcmirror.http.answer import Answer, Request, answered
from mcmirror.model.control import Control
from mcmirror.model.state import HEART_STOPPED, State, ailments


class Pages:
    """The pages over a server."""

    def __init__(self, control: Control, paths: tuple[str, ...]) -> None:
        """``paths`` are named on the front page."""
        self._control = control
        self._paths = paths

    def front(self, request: Request) -> Answer:
        """What there is."""
        del request
        return answered({"mcmirror": __version__, "paths": list(self._paths)})

    def alive(self, request: Request) -> Answer:
        """200 while the server does its work, whatever becomes of its jobs."""
        del request
        state = self._control.state()
        reasons = _dying(state)
        document = {"alive": not reasons, "reasons": reasons, "uptime_seconds": round(state.now - state.started, 3)}
        return answered(document, 503 if reasons else 200)

    def ready(self, request: Request) -> Answer:
        """200 while nothing is amiss, else 503; with the reasons."""
        del request
        state = self._control.state()
        stopping = ["mcmirror is being stopped"] if state.stopping else []
        reasons = [*stopping, *ailments(state)]
        document = {
            "ready": not reasons,
            "reasons": reasons,
            "warnings": list(state.warnings),
            "paused": state.paused,
        }
        return answered(document, 503 if reasons else 200)

    def metrics(self, request: Request) -> Answer:
        """What Prometheus scrapes, in the format that it asks for."""
        from mcmirror.notify.metrics import scraped

        # In pieces: of thousands of jobs there are ten million bytes.
        pieces, kind = scraped(self._control.state(), request.headers.get("accept", ""))
        return Answer(200, type=kind, stream=lambda: pieces)


def _dying(state: State) -> list[str]:
    if state.stopping:
        return ["mcmirror is being stopped"]
    silent = state.now - state.heartbeat
    return [f"the scheduler has not looked at the clock for {silent:.0f} s"] if silent > HEART_STOPPED else []
