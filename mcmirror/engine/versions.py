"""Whether the source keeps versions, which are not mirrored."""

from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

from mcmirror.engine.context import Context
from mcmirror.model.cost import Requests
from mcmirror.model.event import Event, Listed, Noted
from mcmirror.model.job import Verb
from mcmirror.model.plan import Plan
from mcmirror.model.problem import Trouble


class Versions:
    """Asks, beside what the run does, whether the source keeps versions: they are not mirrored, and that is said once.

    Use as a context manager; it waits for the answer at its end.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._wanted = not context.job.source.is_local and context.named is None
        self._wanted &= context.verb is Verb.VERIFY or not context.planning_only
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="versions")
        self._kept: Future[bool] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def beside(self, steps: Generator[Event, None, Plan]) -> Generator[Event, None, Plan]:
        """Pass the events of planning on, and ask once both listings have started: neither waits for the question."""
        while True:
            try:
                event = next(steps)
            except StopIteration as end:
                self._ask()
                return end.value  # type: ignore[no-any-return]
            if isinstance(event, Listed):
                self._ask()
            yield event

    def note(self) -> Generator[Event, None, Requests]:
        """Say it if it is so."""
        if self._kept is None or self._context.stop.requested:
            return Requests()
        source = self._context.job.source
        if self._kept.result():
            text = "keeps versions: the newest of each object is mirrored, no older version and no delete marker"
            yield Noted(self._context.job.name, f"{source.alias}/{source.bucket} {text}")
        return Requests(source_get=1)

    def _ask(self) -> None:
        if self._wanted and self._kept is None:
            self._kept = self._pool.submit(self._are_kept)

    def _are_kept(self) -> bool:
        try:
            return self._context.mover.attributes(self._context.job.source).keeps_versions()
        except Trouble:
            return False
